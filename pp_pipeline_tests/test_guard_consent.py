"""Consent by channel, kind and country (DESIGN 5), and the facts that it is judged by."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.contact_facts import read_contacts
from pp_pipeline.sending.guards.case import Case
from pp_pipeline.sending.guards.consent import no_consent
from pp_pipeline.sending.ledger_facts import LedgerFacts
from pp_pipeline.sending.planned import Consent, ContactFacts, Order, PlannedMessage
from pp_pipeline_tests.guard_worlds import CONTACT, add_contact, add_refused_row, new_version
from pp_pipeline_tests.postgres_server import PostgresDatabase
from pp_pipeline_tests.sending_world import DAY, World, key_of
from pp_pipeline_tests.test_merchants import GOOD

TODAY = date(2026, 7, 10)
PAST, TOMORROW = TODAY - timedelta(days=400), TODAY + timedelta(days=1)
ORDER = Order("A1", TODAY - timedelta(days=10), None, "shipped", 100, "EUR", {}, ())
CANADA = {"email": {"basis": "explicit", "countries": {"CA": {"basis": "implied", "days": 30}, "FR": "implied"}}}


def case(  # what a message of some contact is judged by
    consent: Consent | None,
    channel: str = "email",
    kind: Any = "commercial",
    policy: Any = None,
    country: str = "",
    order: Order | None = ORDER,
    last_purchase_on: date | None = None,
) -> Case:
    contact = ContactFacts(
        country=country, consents={(channel, kind): consent} if consent else {}, last_purchase_on=last_purchase_on
    )
    item = PlannedMessage(
        "m1", "vienna", "c1", "ann@example.com", "c1", "hello", "greet", 1, 1, channel, "hello", "e1", "A1", TODAY,
        order, contact=contact,
    )  # fmt: skip
    steps = [{"trigger": ["x"]}, {"id": "greet", "message": {"channel": "email", "template": "hello"}}]
    threads = [{"thread": "one", "steps": steps}]
    conversation = Conversation.model_validate({"conversation": "hello", "kind": kind, "threads": threads})
    sending = {"consent": policy} if policy else {}
    merchant = Merchant.model_validate(GOOD | {"merchant": "vienna", "country": "AT", "sending": sending})
    return Case(item, conversation, merchant, LedgerFacts(), datetime(2026, 7, 10, 12, tzinfo=UTC))


def said(basis: str, since: date | None = PAST, has_evidence: bool = True) -> Consent:
    return Consent(basis, since, has_evidence)


@pytest.mark.parametrize(
    ("message", "goes"),
    [
        # Soft opt-in, the default: whoever bought, and whoever ever said yes in some way.
        ({"consent": None}, True),
        ({"consent": None, "order": None}, False),
        ({"consent": None, "order": None, "last_purchase_on": PAST}, True),
        ({"consent": said("implied"), "order": None}, True),
        ({"consent": said("explicit", since=None), "order": None}, True),
        ({"consent": said("none")}, False),
        ({"consent": said("none", since=TOMORROW)}, False),
        ({"consent": said("explicit", since=TOMORROW), "order": None}, False),
        # Explicit: nothing else, by the country's rule or everybody's.
        ({"consent": said("explicit"), "policy": {"email": "explicit"}}, True),
        ({"consent": said("explicit", since=None, has_evidence=False), "policy": {"email": "explicit"}}, True),
        ({"consent": said("explicit", since=TODAY), "policy": {"email": "explicit"}}, True),
        ({"consent": said("explicit", since=TOMORROW), "policy": {"email": "explicit"}}, False),
        ({"consent": said("soft_opt_in"), "policy": {"email": "explicit"}}, False),
        ({"consent": None, "policy": {"email": "explicit"}}, False),
        ({"consent": None, "policy": {"email": {"countries": {"DE": "explicit"}}}, "country": "DE"}, False),
        ({"consent": None, "policy": {"email": {"countries": {"DE": "explicit"}}}, "country": "IT"}, True),
        ({"consent": None, "policy": {"email": {"countries": {"AT": "explicit"}}}}, False),  # the merchant's country
        ({"consent": None, "policy": {"email": {"countries": {"AT": "explicit"}}}, "country": "DE"}, True),
        # Implied: so long after a purchase, or since somebody said more.
        ({"consent": None, "policy": CANADA, "country": "CA"}, True),
        ({"consent": said("implied"), "policy": CANADA, "country": "CA", "order": None}, False),
        ({"consent": said("soft_opt_in"), "policy": CANADA, "country": "CA", "order": None}, True),
        ({"consent": said("none"), "policy": CANADA, "country": "CA"}, False),
        ({"consent": None, "policy": CANADA, "country": "CA", "order": None,
          "last_purchase_on": TODAY - timedelta(days=29)}, True),
        ({"consent": None, "policy": CANADA, "country": "CA", "order": None,
          "last_purchase_on": TODAY - timedelta(days=30)}, False),
        ({"consent": None, "policy": CANADA, "country": "FR", "order": None, "last_purchase_on": PAST}, True),
        ({"consent": None, "policy": CANADA, "country": "FR", "order": None}, False),
        # Transactional e-mail: unless somebody said no to that.
        ({"consent": None, "kind": "transactional", "policy": {"email": "explicit"}, "order": None}, True),
        ({"consent": said("none"), "kind": "transactional"}, False),
        # SMS: explicit, with evidence and a date that has come, for that kind of message.
        *[
            (message | {"channel": "sms", "kind": kind}, goes)
            for kind in ("commercial", "transactional")
            for message, goes in [
                ({"consent": said("explicit")}, True),
                ({"consent": said("explicit", since=TODAY)}, True),
                ({"consent": said("explicit", since=TOMORROW)}, False),
                ({"consent": said("explicit", since=None)}, False),
                ({"consent": said("explicit", has_evidence=False)}, False),
                ({"consent": said("soft_opt_in")}, False),
                ({"consent": None}, False),
            ]
        ],
    ],
)  # fmt: skip
def test_consent(message: dict[str, Any], goes: bool) -> None:
    outcome = no_consent(case(**message))
    assert (outcome is None) is goes
    assert goes or (outcome and (outcome.state, outcome.reason) == ("skipped", "no_consent"))


def test_consent_for_one_kind_is_none_for_the_other() -> None:
    asked = case(said("explicit"), channel="sms", kind="transactional")
    commercial = asked.conversation.model_copy(update={"kind": "commercial"})
    assert no_consent(asked) is None
    assert no_consent(Case(asked.item, commercial, asked.merchant, asked.ledger, asked.moment)) is not None


@pytest.fixture(params=["duckdb", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """An installation whose warehouse is on each of the two databases."""
    if request.param == "duckdb":
        return World.make(tmp_path)
    database: PostgresDatabase = request.getfixturevalue("postgres_database")
    return World.make(tmp_path, target="postgres", warehouse_url=database.url)


def facts(world: World) -> dict[tuple[str, str], ContactFacts]:
    with world.warehouse.connect() as connection:
        return read_contacts(connection, [DAY])


def test_without_a_contacts_feed_only_purchases_are_known(world: World) -> None:
    world.plan(DAY, 2)
    bought = ContactFacts(last_purchase_on=DAY - timedelta(days=3))
    assert facts(world) == {("main", "c000000"): bought, ("main", "c000001"): bought}


def test_the_newest_row_counts_as_a_whole(world: World) -> None:
    world.plan(DAY, 1)
    first, second = DAY - timedelta(days=9), DAY + timedelta(days=9)
    add_contact(world, first, zone="Asia/Tokyo", email_commercial_consent="none", sms_commercial_consent="explicit")
    add_contact(world, second, country="DE", feed_file="a.csv", row_in_file=9)
    add_contact(world, second, country="CH", feed_file="b.csv", row_in_file=1)
    add_contact(
        world, second, country="AT", feed_file="b.csv", row_in_file=2, sms_transactional_consent="explicit",
        sms_transactional_consent_on=first, sms_transactional_consent_evidence="form 3",
        email_commercial_consent="none",
    )  # fmt: skip
    add_contact(world, second, contact_key="c9", country="FR")
    add_contact(world, second + timedelta(days=1), merchant="other", country="IT")
    consents = {("email", "commercial"): Consent("none", None, False)}
    consents |= {("sms", "transactional"): Consent("explicit", first, True)}
    known = facts(world)[("main", CONTACT)]
    assert (known.zone, known.country, known.consents) == ("", "AT", consents)
    assert list(facts(world)) == [("main", CONTACT)]


def test_a_purchase_counts_by_its_newest_version(world: World) -> None:
    world.plan(DAY, 2)
    world.execute("update order_versions set ordered_on = ? where order_number = 'A1'", (DAY,))
    world.execute("update order_versions set contact_key = 'c000000'")
    assert facts(world)[("main", CONTACT)].last_purchase_on == DAY
    world.execute("update order_versions set is_purchase = false where order_number = 'A1'")
    assert facts(world)[("main", CONTACT)].last_purchase_on == DAY - timedelta(days=3)


def test_what_contacts_and_refused_rows_say_reaches_the_guards(world: World) -> None:
    world.plan(DAY, 3)
    world.plan_events(DAY, 2, start=1)
    add_contact(world, email_commercial_consent="none")
    add_refused_row(world, DAY, order_number="A2")
    world.run()
    assert world.deliveries() == [
        (key_of(0), "skipped", "no_consent"),
        (key_of(1), "sent", ""),
        (key_of(2), "skipped", "order_in_quarantine"),
        ("outbox_relay:recent_buyers000001", "sent", ""),
        ("outbox_relay:recent_buyers000002", "skipped", "order_in_quarantine"),
    ]


def test_a_canceled_order_is_no_purchase_of_the_contact(tmp_path: Path) -> None:
    world = World.make(tmp_path)
    world.plan(DAY, 1)
    new_version(world, is_purchase=False, status="canceled")
    assert facts(world).get(("main", CONTACT), ContactFacts()).last_purchase_on is None
