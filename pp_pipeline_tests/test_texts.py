"""Texts (SMS) on their way from the plan to the outbox: what holds them, whom they reach, what is left of them."""

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select, update

from pp_pipeline.contact_keys import contact_secret, phone_key
from pp_pipeline.conversations.loading import ConversationError
from pp_pipeline.forgetting.outbox import forget_in_outbox
from pp_pipeline.forgetting.searching import Search
from pp_pipeline.ledger.schema import deliveries
from pp_pipeline.merchants import load_merchants
from pp_pipeline.sending.contact_facts import read_contact
from pp_pipeline.sending.gates import Gates
from pp_pipeline.sending.outlets.outbox import OutboxChannel
from pp_pipeline.sending.outlets.outlet import Outlets
from pp_pipeline.sending.plan import BatchId
from pp_pipeline.sending.planned import ContactFacts
from pp_pipeline.serving.contact_words import resubscribe, unsubscribe
from pp_pipeline.serving.feedback_files import FeedbackFiles
from pp_pipeline.serving.intake import Intake
from pp_pipeline.serving.phones import phone_of
from pp_pipeline.serving.sms import SmsMessage, keys_of_phones
from pp_pipeline.why.deliveries import DeliveryTeller
from pp_pipeline.why.history import History
from pp_pipeline_tests.guard_worlds import CONTACT, NOON, add_contact, add_sent, set_policy, suppress
from pp_pipeline_tests.ledger_words import pp, records
from pp_pipeline_tests.sending_world import DAY, World, key_of
from pp_pipeline_tests.texting import CONSENT, make_texting

PHONE = "+12125550100"


def with_contacts(world: World) -> World:
    """The world's conversation writes texts, and its first two contacts can be reached by one."""
    make_texting(world, "CornerShop", "channel: sms, max_segments: 2")
    for number in range(2):
        add_contact(world, contact_key=f"c{number:06d}", phone=f"+1212555010{number}", row_in_file=number, **CONSENT)
    return world


def plan(world: World, count: int = 1) -> None:
    """Texts of the day."""
    world.plan(DAY, count)
    world.execute("update planned_messages set channel = 'sms'")


@pytest.fixture
def lite(tmp_path: Path) -> World:
    return with_contacts(World.make(tmp_path))


def texts(world: World) -> list[dict[str, Any]]:
    """The texts in the outbox."""
    return [json.loads(path.read_text()) for path in sorted(world.settings.outbox.glob("messages/*/*.sms.json"))]


def key_of_number(world: World, phone: str = PHONE) -> str:
    return phone_key(contact_secret(world.settings), "main", phone)


def endings(world: World) -> list[str]:
    """State and reason of what this test sent."""
    with world.ledger as ledger, ledger.reading() as connection:
        query = select(deliveries.c.state, deliveries.c.reason).where(deliveries.c.claim != "earlier")
        return [
            f"{state}: {reason}" if reason else state for state, reason in connection.execute(query.order_by("key"))
        ]


def test_a_text_is_a_file_and_stands_in_the_ledger_once(lite: World) -> None:
    plan(lite)
    for _ in range(2):
        lite.run()
    name = f"hello-{key_of(0)[:16]}.sms.json"
    assert texts(lite) == [
        {
            "message_id": key_of(0), "merchant": "main", "from": "CornerShop", "to": PHONE,
            "text": "Corner Shop: order A0 is waiting. Reply STOP to opt out", "segments": 1,
        }
    ]  # fmt: skip
    with lite.ledger as ledger, ledger.reading() as connection:
        row = connection.execute(select(deliveries)).one()
    assert (row.channel, row.state, row.provider_id) == ("sms", "sent", f"outbox:{name}")
    assert lite.mails() == []
    assert lite.conversations()[0].channels == ["sms"]


def test_a_limit_of_segments_is_for_texts(lite: World) -> None:
    path = lite.conversation_folder / "conversation.yml"
    path.write_text(path.read_text().replace("channel: sms", "channel: email"))
    with pytest.raises(ConversationError, match=r"conversation.yml:10: .*max_segments is for texts"):
        lite.conversations()


def test_a_text_of_too_many_pieces_is_not_sent(lite: World) -> None:
    plan(lite)
    template = lite.conversation_folder / "hello.sms.j2"
    template.write_text(template.read_text().strip() + " and more" * 30 + "\n")
    lite.run()
    assert endings(lite) == ["skipped: render_error: hello/hello: 3 segments, more than 2"]


Arrange = Callable[[World], None]


def _again(**cells: Any) -> Arrange:
    """The contact's newest row, in which some cells are others."""
    return lambda world: add_contact(world, DAY + timedelta(days=1), **({"phone": PHONE, **CONSENT} | cells))


def _policy(**policy: Any) -> Arrange:
    return lambda world: set_policy(world, policy)


def _stop(world: World) -> None:
    suppress(world, key_of_number(world))


def _both(*all_of_it: Arrange) -> Arrange:
    def arrange(world: World) -> None:
        for one in all_of_it:
            one(world)

    return arrange


def _earlier(hours: float, channel: str) -> Arrange:
    return lambda world: add_sent(world, "earlier", NOON - timedelta(hours=hours), channel=channel)


HELD: dict[str, tuple[Arrange, str]] = {
    "nothing holds it": (lambda _: None, "sent"),
    "no number": (_again(phone=None), "skipped: no_phone"),
    "consent without evidence": (_again(sms_commercial_consent_evidence=None), "skipped: no_consent"),
    "consent for other matters": (
        _again(sms_commercial_consent=None, sms_transactional_consent="explicit"), "skipped: no_consent",
    ),
    "consent to come": (_again(sms_commercial_consent_on=DAY + timedelta(days=1)), "skipped: no_consent"),
    "the contact is suppressed": (suppress, "skipped: suppressed"),
    "the number is suppressed": (_stop, "skipped: suppressed"),
    "another number is suppressed": (_both(_stop, _again(phone="+12125550177")), "sent"),
    "quiet by the contact's clock": (
        _both(_again(zone="Asia/Tokyo"), _policy(quiet_hours={"sms": {"from": "21:00", "to": "09:00"}})),
        "deferred: quiet_hours",
    ),
    "quiet hours of e-mail": (_policy(quiet_hours={"email": {"from": "00:00", "to": "23:59"}}), "sent"),
    "the cap is reached": (
        _both(_policy(caps={"sms": {"messages": 1, "days": 7}}), _earlier(30, "sms")), "deferred: frequency_cap",
    ),
    "the cap of e-mail is reached": (
        _both(_policy(caps={"email": {"messages": 1, "days": 7}}), _earlier(30, "email")), "sent",
    ),
    "too near to an e-mail": (_both(_policy(spacing_hours=24), _earlier(3, "email")), "deferred: spacing"),
    "near to another text": (_both(_policy(spacing_hours=24), _earlier(3, "sms")), "sent"),
    "the day's texts are used up": (
        _both(_policy(daily_ceiling={"sms": {"first": 1}}), _earlier(3, "sms")), "deferred: daily_ceiling",
    ),
}  # fmt: skip


@pytest.mark.parametrize("why", HELD)
def test_what_holds_a_text(lite: World, why: str) -> None:
    arrange, ending = HELD[why]
    plan(lite)
    arrange(lite)
    lite.run(now=lambda: NOON)
    assert endings(lite) == [ending]
    assert len(texts(lite)) == (ending == "sent")


@pytest.fixture(params=["sqlite", "postgres"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """Two contacts have one number; the ledger is on each of the two databases."""
    ledger = {"ledger_url": request.getfixturevalue("postgres_database").url} if request.param == "postgres" else {}
    world = with_contacts(World.make(tmp_path, **ledger))
    add_contact(world, DAY + timedelta(days=1), contact_key="c000001", phone=PHONE, **CONSENT)
    plan(world, 2)
    return world


@pytest.mark.parametrize("word", ["stop", "stop, then start"])
def test_a_stop_counts_for_all_who_share_the_number(shared: World, word: str) -> None:
    merchant = load_merchants(shared.settings)["main"]
    with shared.ledger as ledger:
        intake = Intake(ledger, FeedbackFiles(shared.settings.inbox), now=lambda: NOON)
        unsubscribe(intake, merchant, [key_of_number(shared)], "sms")
        if word != "stop":
            resubscribe(intake, merchant, [key_of_number(shared)], "sms")
    shared.run(now=lambda: NOON)
    assert endings(shared) == ["skipped: suppressed" if word == "stop" else "sent"] * 2


@pytest.mark.parametrize(
    ("allowed", "ending"),
    [
        ((PHONE,), "sent"),
        (("*@example.com", "+1212*"), "sent"),
        (("*@example.com", "person0@example.com"), "skipped: not_on_allow_list"),
        (("+1212555010",), "skipped: not_on_allow_list"),
    ],
)
def test_outside_production_a_text_reaches_numbers_on_the_list(
    lite: World, monkeypatch: pytest.MonkeyPatch, allowed: tuple[str, ...], ending: str
) -> None:
    monkeypatch.setattr(Gates, "target", lambda *_: "live")
    plan(lite)
    lite.seal()
    live = lite.with_settings(live=True, allowed_recipients=allowed)
    channel = OutboxChannel(lite.settings.outbox, "live")
    live.send(outlets=Outlets({("main", "sms"): channel}, {}))
    assert endings(lite) == [ending]


@pytest.fixture
def mailing(lite: World) -> World:
    """Besides texts, there are e-mails by a real road."""
    folder = lite.settings.conversations_dir / "letter"
    shutil.copytree(lite.conversation_folder, folder)
    path = folder / "conversation.yml"
    stated = yaml.safe_load(path.read_text()) | {"conversation": "letter"}
    stated["threads"][0]["steps"][1]["message"] = {"channel": "email", "template": "hello"}
    path.write_text(yaml.safe_dump(stated))
    merchant = lite.settings.merchants_dir / "main.yml"
    merchant.write_text(merchant.read_text() + "channels: {email: {via: smtp, host: localhost, security: none}}\n")
    return lite.with_settings(live=True, environment="production")


def test_a_conversation_goes_live_by_the_road_of_its_own_channel(mailing: World) -> None:
    with mailing.ledger as ledger:
        gates = Gates(mailing.settings, ledger)
        targets = {name: gates.target(BatchId(DAY, "messages", name, "main")) for name in ("hello", "letter")}
    assert targets == {"hello": "rehearsal", "letter": "live"}


@pytest.mark.parametrize("is_settled", [True, False], ids=["settled", "cut off before it was settled"])
def test_forgetting_takes_texts_out_of_the_outbox(lite: World, is_settled: bool) -> None:
    plan(lite, 2)
    lite.run()
    folder = next(lite.settings.outbox.glob("messages/*"))
    (folder / f".hello-{key_of(0)[:16]}.sms.json.77.part").write_text('{"to": "' + PHONE)
    with lite.ledger as ledger:
        if not is_settled:
            with ledger.writing() as connection:
                connection.execute(update(deliveries).values(provider_id=None, state="claimed"))
        merchants = load_merchants(lite.settings)
        search = Search(["person0@example.com"])
        found = forget_in_outbox(lite.settings, ledger, merchants, "main", CONTACT, search, writes=True)
    assert found.messages == 2
    assert [path.name for path in folder.iterdir()] == [f"hello-{key_of(1)[:16]}.sms.json"]


def test_proofs_of_texts_go_to_numbers(lite: World) -> None:
    set_policy(lite, {"seeds": ["desk@example.com", "+12125550199"]})
    assert records(lite, "send-test", "hello", "--to", "+1 (212) 555-0188")["state"] == "sent"
    told = pp(lite, "send-test", "hello", "--to", "staff@example.com", code=2)
    assert "--to: that is not a phone number with its country code" in told and "staff" not in told
    plan(lite)
    lite.run()
    assert sorted(text["to"] for text in texts(lite)) == [PHONE, "+12125550188", "+12125550199"]
    pp(lite, "suppressions", "--add", "+12125550188")
    assert "is suppressed" in pp(lite, "send-test", "hello", "--to", "+12125550188", code=2)


def test_a_number_is_exported_as_one(lite: World, tmp_path: Path) -> None:
    _stop(lite)
    path = tmp_path / "out.csv"
    pp(lite, "suppressions", "--export", str(path))
    assert path.read_text().splitlines()[1].startswith(f"main,,{PHONE},,,manual,")
    pp(lite, "suppressions", "--lift", PHONE)
    plan(lite)
    lite.run()
    assert endings(lite) == ["sent"]


@pytest.mark.parametrize("target", ["duckdb", "postgres"])
def test_all_who_ask_for_a_number_read_the_same_row(
    request: pytest.FixtureRequest, tmp_path: Path, target: str
) -> None:
    url = request.getfixturevalue("postgres_database").url if target == "postgres" else ""
    world = World.make(tmp_path, target=target, warehouse_url=url)
    for number, name in enumerate(["B.csv", "a.csv", "C.csv"]):  # by their bytes the second is the last
        add_contact(world, feed_file=name, feed_line=9 - number, phone=f"+1212555010{number}")
    merchant, secret = load_merchants(world.settings)["main"], contact_secret(world.settings)
    phones = [f"+1212555010{number}" for number in range(3)]
    with world.warehouse.connect() as connection:
        assert read_contact(connection, "main", CONTACT).phone == phones[1]
        assert History(connection, "main").phone(CONTACT) == phones[1]
    assert phone_of(world.settings, "main", CONTACT) == phones[1]
    keys = keys_of_phones(world.settings, secret, merchant, phones)
    assert [keys[phone][1:] for phone in phones] == [[], [CONTACT], []]


def test_no_name_number_or_text_shows() -> None:
    shown = repr([ContactFacts(first_name="Ann", phone=PHONE), SmsMessage(PHONE, "I am Ann", "SM1")])
    assert "Ann" not in shown and PHONE not in shown


def test_why_tells_of_a_number_that_is_suppressed(lite: World) -> None:
    _stop(lite)
    with lite.ledger as ledger, lite.warehouse.connect() as connection:
        history, teller = History(connection, "main"), DeliveryTeller(lite.settings, ledger, "main")
        told = {key: teller.suppressions(key, history.phone(key)) for key in (CONTACT, "c000001")}
    assert [(one.reason, one.of_number) for one in told[CONTACT]] == [("manual", True)]
    assert told["c000001"] == []
