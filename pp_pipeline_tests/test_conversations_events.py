"""Order events and planned messages (DESIGN 3 and 4), as cases written out; all cases share one run.

A case says what the files state of its orders on which day of January 2026, and what must come of it.
"""

from collections.abc import Mapping
from hashlib import md5
from typing import NamedTuple

import pytest

from pp_pipeline_tests.orders_oracle import OrderFile, Row
from pp_pipeline_tests.queue_pipelines import TARGETS
from pp_pipeline_tests.whole_way import WholeWay, conversation, whole_way_on
from pp_pipeline_tests.worked_examples import january, row

FIRST, LAST = january(1), january(20)
RELAY = "ann@relay.example.com"
LONG_AGO = -200
Says = Mapping[int, Row | tuple[Row, ...]]


class EventCase(NamedTuple):
    """What is said of order A, and the events that fire: `7 shipped`."""

    name: str
    says: Says
    events: tuple[str, ...]


EVENT_CASES = (
    EventCase("a purchase fires on its day", {5: row("A", 5)}, ("5 purchase",)),
    EventCase("a purchase of three days ago fires", {5: row("A", 2)}, ("5 purchase",)),
    EventCase("a purchase of four days ago does not", {5: row("A", 1)}, ()),
    EventCase("once, however often it is restated", {5: row("A", 5), 6: row("A", 5), 8: row("A", 7)}, ("5 purchase",)),
    EventCase("too old once is too old for good", {5: row("A", 1), 6: row("A", 6)}, ()),
    EventCase("a purchase to come fires on its date", {5: row("A", 8)}, ("8 purchase",)),
    EventCase("one that is put off fires on the new date", {5: row("A", 8), 7: row("A", 10)}, ("10 purchase",)),
    EventCase("canceled before its date it is none", {5: row("A", 8), 7: row("A", 8, "canceled")}, ("7 canceled",)),
    EventCase(
        "canceled and back is one purchase",
        {5: row("A", 5), 6: row("A", 5, "canceled"), 7: row("A", 5), 8: row("A", 5, "canceled")},
        ("5 purchase", "6 canceled"),
    ),
    EventCase(
        "canceled first, a purchase later", {5: row("A", 5, "canceled"), 7: row("A", 5)}, ("5 canceled", "7 purchase")
    ),
    EventCase("a ship date of three days ago fires", {4: row("A", LONG_AGO), 7: row("A", LONG_AGO, shipped=4)},
              ("7 shipped",)),  # fmt: skip
    EventCase("a ship date of four days ago does not", {4: row("A", LONG_AGO), 7: row("A", LONG_AGO, shipped=3)}, ()),
    EventCase(
        "shipped by status is dated when it is known",
        {4: row("A", LONG_AGO), 7: row("A", LONG_AGO, "shipped")},
        ("7 shipped",),
    ),
    EventCase(
        "shipped by status from the first is dated as the order",
        {5: row("A", 3, "completed")},
        ("5 purchase", "5 shipped"),
    ),
    EventCase("so years of history fire nothing", {5: row("A", LONG_AGO, "shipped")}, ()),
    EventCase("nor when they are restated", {5: row("A", LONG_AGO, "shipped"), 6: row("A", LONG_AGO, "shipped")}, ()),
    EventCase("nor old ship dates", {5: row("A", LONG_AGO, "shipped", shipped=LONG_AGO + 3)}, ()),
    EventCase("nor old cancellations", {5: row("A", LONG_AGO, "canceled")}, ()),
    EventCase("nor old returns", {5: row("A", LONG_AGO, "returned", shipped=LONG_AGO + 3)}, ()),
    EventCase("a ship date to come fires on its date", {5: row("A", 5, shipped=9)}, ("5 purchase", "9 shipped")),
    EventCase(
        "a ship date that moves fires on the last",
        {5: row("A", 5, shipped=9), 7: row("A", 5, shipped=12)},
        ("5 purchase", "12 shipped"),
    ),
    EventCase(
        "canceled before the ship date it is not shipped",
        {5: row("A", 5, shipped=9), 7: row("A", 5, "canceled", shipped=9)},
        ("5 purchase", "7 canceled"),
    ),
    EventCase(
        "shipped once, though the date changes",
        {5: row("A", 5), 7: row("A", 5, shipped=6), 9: row("A", 5, shipped=8)},
        ("5 purchase", "7 shipped"),
    ),
    EventCase(
        "shipped, then returned",
        {5: row("A", 5), 7: row("A", 5, "shipped", shipped=7), 15: row("A", 5, "returned", shipped=7)},
        ("5 purchase", "7 shipped", "15 returned"),
    ),
    EventCase(
        "an old order is canceled today",
        {4: row("A", LONG_AGO), 9: row("A", LONG_AGO, "canceled")},
        ("9 canceled",),
    ),
    EventCase("canceled at once is dated as the order", {5: row("A", 2, "canceled")}, ("5 canceled",)),
    EventCase("canceled at once four days ago", {5: row("A", 1, "canceled")}, ()),
    EventCase("without a contact nothing fires", {5: row("A", 5, email=""), 6: row("A", 5, "shipped", email="")}, ()),
    EventCase("an address that is filled in later", {5: row("A", 5, email=""), 8: row("A", 5)}, ("8 purchase",)),
    EventCase("an address that is filled in too late", {5: row("A", 5, email=""), 9: row("A", 5)}, ()),
    EventCase(
        "an old cancellation whose address is filled in",
        {5: row("A", LONG_AGO, "canceled", email=""), 6: row("A", LONG_AGO, "canceled")},
        (),
    ),
    EventCase(
        "an old shipping by status whose address is filled in",
        {5: row("A", LONG_AGO, "shipped", email="nobody"), 6: row("A", LONG_AGO, "shipped")},
        (),
    ),
    EventCase(
        "a cancellation of three days ago whose address is filled in",
        {4: row("A", LONG_AGO, email=""), 5: row("A", LONG_AGO, "canceled", email=""), 8: row("A", LONG_AGO, "canceled")},
        ("8 canceled",),
    ),
    EventCase(
        "a cancellation of four days ago whose address is filled in",
        {4: row("A", LONG_AGO, email=""), 5: row("A", LONG_AGO, "canceled", email=""), 9: row("A", LONG_AGO, "canceled")},
        (),
    ),
    EventCase("an order that is no shopper's fires nothing", {5: row("A", 5, email=RELAY)}, ()),
    EventCase(
        "a shopper's in the end", {5: row("A", 5, email=RELAY), 6: row("A", 5, "shipped", shipped=6)},
        ("6 purchase", "6 shipped"),
    ),
    EventCase(
        "another address later fires nothing again",
        {5: row("A", 5), 6: row("A", 5, email="ben@example.com")},
        ("5 purchase",),
    ),
)  # fmt: skip


class MessageCase(NamedTuple):
    """What is said of a contact's orders, and the messages: `5 A` is one about order A, due on the 5th."""

    name: str
    conversation: str
    says: Says
    messages: tuple[str, ...]


CONVERSATIONS = (
    conversation("each_time", ["purchase", "shipped"]),
    conversation("once", ["purchase", "shipped"], entries="once"),
    conversation("per_order", ["purchase", "shipped"], scope="order"),
    conversation("per_order_once", ["purchase", "shipped"], scope="order", entries="once"),
    conversation("from_the_7th", ["purchase"], live_from="2026-01-07"),
    conversation("once_from_the_7th", ["purchase"], entries="once", live_from="2026-01-07"),
    conversation("unless_canceled", ["purchase", "canceled"], exit_when=["canceled"]),
    conversation("unless_returned", ["purchase", "canceled", "returned"], exit_when=["returned"]),
    conversation("once_unless_canceled", ["purchase", "canceled"], entries="once", exit_when=["canceled"]),
)

_TWO_ORDERS = {5: row("A", 5), 7: row("B", 7)}
_ONE_DAY = {5: (row("A", 5, at="T10:00:00"), row("B", 5, at="T09:00:00"))}
_ONE_MOMENT = {5: (row("a-1", 5), row("B-1", 5), row("10", 5))}
_ALL_STEPS = {5: row("A", 5), 7: row("A", 5, "shipped", shipped=7)}
_CANCELED_TODAY = {5: row("A", 5), 8: (row("A", 5, "canceled"), row("B", 4))}
_CANCELED_FIRST = {5: row("A", 5, "canceled"), 7: row("B", 7)}
_RETURNED = {5: row("A", 5), 8: row("A", 5, "returned")}

MESSAGE_CASES = (
    MessageCase("a contact has one run at a time, again and again", "each_time", _TWO_ORDERS, ("5 A", "7 B")),
    MessageCase("once is once", "once", _TWO_ORDERS, ("5 A",)),
    MessageCase("each order has a run", "per_order", _TWO_ORDERS, ("5 A", "7 B")),
    MessageCase("of one day's events the newer order's acts", "each_time", _ONE_DAY, ("5 A",)),
    MessageCase("the same with once", "once", _ONE_DAY, ("5 A",)),
    MessageCase("each order has its own run on one day", "per_order", _ONE_DAY, ("5 A", "5 B")),
    MessageCase("at one moment the larger number is newer", "each_time", _ONE_MOMENT, ("5 a-1",)),
    MessageCase("an order comes again on its next event", "per_order", _ALL_STEPS, ("5 A", "7 A")),
    MessageCase("but not with once", "per_order_once", _ALL_STEPS, ("5 A",)),
    MessageCase("each order once", "per_order_once", _TWO_ORDERS, ("5 A", "7 B")),
    MessageCase("two events of an order on one day act once", "per_order", {5: row("A", 5, shipped=5)}, ("5 A",)),
    MessageCase("an event before live_from is ignored", "from_the_7th", {6: row("A", 6), 7: row("B", 7)}, ("7 B",)),
    MessageCase("it is no entering", "once_from_the_7th", {6: row("A", 6), 7: row("B", 7), 8: row("C", 8)}, ("7 B",)),
    MessageCase("an event that would end at once is ignored", "unless_canceled", _CANCELED_FIRST, ("7 B",)),
    MessageCase("and is no entering", "once_unless_canceled", _CANCELED_FIRST, ("7 B",)),
    MessageCase(
        "so an older order's event acts", "unless_canceled", {5: (row("A", 4), row("B", 5, "canceled"))}, ("5 A",)
    ),  # fmt: skip
    MessageCase("other words don't end it", "unless_returned", _CANCELED_FIRST, ("5 A", "7 B")),
    MessageCase("returned ends it", "unless_returned", _RETURNED, ("5 A",)),
    MessageCase("what was said before stays", "unless_canceled", _CANCELED_TODAY, ("5 A",)),
)


def files_of(cases: Mapping[str, Says]) -> list[OrderFile]:
    """The files of all cases; each case's order numbers and addresses are its own."""
    rows_of: dict[int, list[Row]] = {}
    for prefix, says in cases.items():
        for day, stated in says.items():
            for cells in stated if isinstance(stated, tuple) else (stated,):
                name, at, domain = cells["email"].partition("@")
                email = f"{name}.{prefix}@{domain}" if at else name
                own = {"order_number": f"{cells['order_number']}/{prefix}", "email": email}
                rows_of.setdefault(day, []).append({**cells, **own})
    return [OrderFile(f"orders_{january(day)}.csv", january(day), tuple(rows)) for day, rows in rows_of.items()]


@pytest.fixture(scope="module", params=TARGETS)
def way(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> WholeWay:
    """An installation that has run all cases; an order of the third message case is `A/m2`."""
    way = whole_way_on(request.param, request, tmp_path_factory)
    way.begin_anew(CONVERSATIONS, ineligible_emails=("*@relay.example.com",))
    cases = {f"e{place}": case.says for place, case in enumerate(EVENT_CASES)}
    cases |= {f"m{place}": case.says for place, case in enumerate(MESSAGE_CASES)}
    cases["e\u0301'"] = {5: row("A", 5)}
    way.run(files_of(cases), FIRST, LAST)
    return way


@pytest.mark.parametrize("place", range(len(EVENT_CASES)), ids=lambda place: EVENT_CASES[place].name)
def test_order_events_fire_as_the_case_says(place: int, way: WholeWay) -> None:
    found = way.rows(
        "select occurred_on, event_name from external_events where order_number = ? and campaign is null",
        (f"A/e{place}",),
    )
    order = ("purchase", "shipped", "canceled", "returned")
    found.sort(key=lambda event: (event[0], order.index(event[1])))
    assert tuple(f"{day.day} {name}" for day, name in found) == EVENT_CASES[place].events


@pytest.mark.parametrize("place", range(len(MESSAGE_CASES)), ids=lambda place: MESSAGE_CASES[place].name)
def test_messages_are_planned_as_the_case_says(place: int, way: WholeWay) -> None:
    case = MESSAGE_CASES[place]
    found = way.rows(
        "select due_on, order_number from planned_messages where conversation = ? and order_number like ?"
        " order by 1, 2",
        (case.conversation, f"%/m{place}"),
    )
    assert tuple(f"{day.day} {number.partition('/')[0]}" for day, number in found) == case.messages


def test_an_event_carries_who_and_what_it_is_about(way: WholeWay) -> None:
    place = next(place for place, case in enumerate(EVENT_CASES) if case.name.startswith("another address"))
    columns = "campaign, merchant, email, order_number, sku, contact_key"
    found = way.rows(f"select {columns} from external_events where order_number = ?", (f"A/e{place}",))
    order_event = next(event for event in found if event[0] is None)
    assert order_event[1:5] == ("main", f"ann.e{place}@example.com", f"A/e{place}", None)
    keys = dict(way.rows("select email, contact_key from order_versions where order_number = ?", (f"A/e{place}",)))
    assert order_event[5] == keys[f"ann.e{place}@example.com"]


def test_a_release_fires_the_campaigns_event(way: WholeWay) -> None:
    released = "select event_id, 'recent_order', campaign, contact_key, email, order_number, movement_on"
    released += " from queue_recent_order where reason = 'released'"
    fired = "select event_id, event_name, campaign, contact_key, email, order_number, occurred_on"
    fired += " from external_events where campaign = 'recent_order'"
    assert sorted(way.rows(fired)) == sorted(way.rows(released))
    assert way.rows("select count(*) from queue_recent_order where (event_id is null) = (reason = 'released')") == [
        (0,)
    ]


def test_a_run_key_is_the_contact_or_the_contact_and_order(way: WholeWay) -> None:
    of_contacts = "conversation in ('each_time', 'once', 'from_the_7th') and run_key <> contact_key"
    of_orders = "conversation like 'per_order%' and run_key <> contact_key || ':' || order_number"
    for wrong in (of_contacts, of_orders):
        assert way.rows(f"select count(*) from planned_messages where {wrong}") == [(0,)]


def test_the_ids_are_what_they_always_were(way: WholeWay) -> None:
    """They are kept in ledgers and by relays: another hash writes to everyone again."""
    events = "select event_name, event_id from external_events where order_number = ?"
    assert dict(way.rows(f"{events} and event_name in ('purchase', 'shipped', 'each_order')", ("A/m7",))) == IDS["A/m7"]
    assert dict(way.rows(f"{events} and event_name = 'purchase'", ("A/e\u0301'",))) == IDS["A/e\u0301'"]
    messages = "select conversation, message_id from planned_messages where order_number = 'A/m7' and due_on = ?"
    assert dict(way.rows(f"{messages} and conversation = 'per_order'", (january(7),))) == IDS["messages of A/m7"]


IDS = {
    "A/m7": {
        "purchase": "c0b1da5c39f8b9999d447ffd33875cc3",
        "shipped": "7459856d39061c889efb6262cb4b0ac0",
        "each_order": "195ef0e827f388c8a2ca6a1ec443bd09",
    },
    "A/e\u0301'": {"purchase": "4fab8801db5e5a00c0d382cd84f782ff"},
    "messages of A/m7": {"per_order": "6664ccbed0190caf37f022ecf4745a19"},
}


def test_the_ids_are_md5_over_fields_with_their_lengths() -> None:
    order = IDS["A/m7"]
    assert order["purchase"] == hashed("main", "order", "purchase", "A/m7", None)
    assert order["shipped"] == hashed("main", "order", "shipped", "A/m7", None)
    assert order["each_order"] == hashed("main", "release", "each_order", "A/m7", None)
    assert IDS["A/e\u0301'"]["purchase"] == hashed("main", "order", "purchase", "A/e\u0301'", None)
    assert IDS["messages of A/m7"]["per_order"] == hashed("per_order", order["shipped"], "letter", "1", "1")


def hashed(*fields: str | None) -> str:
    """Each field with its length in characters before it; `-` stands for none."""
    written = "".join("-:" if field is None else f"{len(field)}:{field}" for field in fields)
    return md5(written.encode(), usedforsecurity=False).hexdigest()


def test_an_id_does_not_hang_on_the_day(way: WholeWay) -> None:
    """The same order, stated two days later in the file of another installation's first day."""
    expected = dict(way.rows("select event_name, event_id from external_events where order_number = 'A/m7'"))
    way.begin_anew(CONVERSATIONS)
    way.run(files_of({"m7": {7: row("A", 7, "shipped", shipped=7, email="ben@example.com")}}), january(6), january(12))
    found = dict(way.rows("select event_name, event_id from external_events where order_number = 'A/m7'"))
    assert found == {name: expected[name] for name in found}
    assert found.keys() >= {"purchase", "shipped", "each_order"}
