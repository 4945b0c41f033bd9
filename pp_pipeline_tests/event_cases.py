"""Cases of order events and planned messages (DESIGN 3 and 4), written out: what is said, and what must come of it."""

from collections.abc import Mapping
from typing import NamedTuple

from pp_pipeline_tests.facts_oracle import OrderFile, Row
from pp_pipeline_tests.whole_way import conversation
from pp_pipeline_tests.worked_examples import january, row

RELAY = "ann@relay.example.com"
LONG_AGO = -200
Says = Mapping[int, Row | tuple[Row, ...]]
# Rows of other feeds about order A: kind of the feed, day of the file, cells.
Told = tuple[tuple[str, int, Row], ...]


class EventCase(NamedTuple):
    """What is said of order A, what other feeds tell of it, and the events that fire: `7 shipped`."""

    name: str
    says: Says
    events: tuple[str, ...]
    told: Told = ()


_CANCELED_WITHOUT_CONTACT = {4: row("A", LONG_AGO, email=""), 5: row("A", LONG_AGO, "canceled", email="")}

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
    EventCase(
        "a ship date of three days ago fires", {4: row("A", LONG_AGO), 7: row("A", LONG_AGO, shipped=4)}, ("7 shipped",)
    ),
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
        {**_CANCELED_WITHOUT_CONTACT, 8: row("A", LONG_AGO, "canceled")},
        ("8 canceled",),
    ),
    EventCase(
        "a cancellation of four days ago whose address is filled in",
        {**_CANCELED_WITHOUT_CONTACT, 9: row("A", LONG_AGO, "canceled")},
        (),
    ),
    EventCase("an order that is no shopper's fires nothing", {5: row("A", 5, email=RELAY)}, ()),
    EventCase(
        "a shopper's in the end",
        {5: row("A", 5, email=RELAY), 6: row("A", 5, "shipped", shipped=6)},
        ("6 purchase", "6 shipped"),
    ),
    EventCase(
        "another address later fires nothing again",
        {5: row("A", 5), 6: row("A", 5, email="ben@example.com")},
        ("5 purchase",),
    ),
)


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
    conversation("unless_a_line_came_back", ["purchase", "shipped"], exit_when=["partly_returned"]),
    conversation("unless_refunded", ["purchase", "shipped"], exit_when=["refunded", "canceled"]),
)

_TWO_ORDERS = {5: row("A", 5), 7: row("B", 7)}
_ONE_DAY = {5: (row("A", 5, at="T10:00:00"), row("B", 5, at="T09:00:00"))}
_ONE_MOMENT = {5: (row("a-1", 5), row("B-1", 5), row("10", 5))}
_ALL_STEPS = {5: row("A", 5), 7: row("A", 5, "shipped", shipped=7)}
_CANCELED_TODAY = {5: row("A", 5), 8: (row("A", 5, "canceled"), row("B", 4))}
_CANCELED_FIRST = {5: row("A", 5, "canceled"), 7: row("B", 7)}
_RETURNED = {5: row("A", 5), 8: row("A", 5, "returned")}
_TWO_LINES = {**row("A", 5, "shipped", shipped=7), "line_status": "shipped"}
_A_LINE_BACK = {5: row("A", 5), 7: (_TWO_LINES, {**_TWO_LINES, "sku": "SKU-2", "line_status": "returned"})}
_REFUNDED = {5: row("A", 5), 7: {**_TWO_LINES, "refunded_amount": "3.00"}}

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
    ),
    MessageCase("other words don't end it", "unless_returned", _CANCELED_FIRST, ("5 A", "7 B")),
    MessageCase("returned ends it", "unless_returned", _RETURNED, ("5 A",)),
    MessageCase("a line that came back ends it", "unless_a_line_came_back", _A_LINE_BACK, ("5 A",)),
    MessageCase("which is no return of the order", "unless_returned", _A_LINE_BACK, ("5 A",)),
    MessageCase("money that went back ends it", "unless_refunded", _REFUNDED, ("5 A",)),
    MessageCase("what was said before stays", "unless_canceled", _CANCELED_TODAY, ("5 A",)),
)


def files_of(cases: Mapping[str, Says]) -> list[OrderFile]:
    """The order files of all cases; each case's order numbers and addresses are its own.

    Rows with columns that the plain feed lacks stand in files of their own.
    """
    rows_of: dict[tuple[int, str], list[Row]] = {}
    for prefix, says in cases.items():
        for day, stated in says.items():
            for cells in stated if isinstance(stated, tuple) else (stated,):
                name, at, domain = cells["email"].partition("@")
                email = f"{name}.{prefix}@{domain}" if at else name
                own = {"order_number": f"{cells['order_number']}/{prefix}", "email": email}
                ending = "_lines" if "line_status" in cells else ""
                rows_of.setdefault((day, ending), []).append({**cells, **own})
    return [
        OrderFile(f"orders_{january(day)}{ending}.csv", january(day), tuple(rows))
        for (day, ending), rows in rows_of.items()
    ]
