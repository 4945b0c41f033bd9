"""Worked examples of the conversation rules (DESIGN 4): a conversation, what is known, and the messages written out.

A message reads "day step occurrence.pass of the order": `10 miss 1.1 A`. All days are in January 2026, all orders and
events are Ann's.
"""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any, NamedTuple

from pp_pipeline_tests.conversation_facts import Event, Facts, Feedback, Line, OrderVersion
from pp_pipeline_tests.conversation_oracle import Planned
from pp_pipeline_tests.conversation_pipeline import Case
from pp_pipeline_tests.worked_examples import january

Step = dict[str, Any]


class Example(NamedTuple):
    """One row of the table."""

    name: str
    conversation: dict[str, Any]
    facts: Facts
    messages: tuple[str, ...]

    def case(self) -> Case:
        return Case({"conversation": "talk", **self.conversation}, self.facts)


def shown(planned: Sequence[Planned], facts: Facts) -> tuple[str, ...]:
    """Messages as the examples write them."""
    orders = {event.event_id: event.order_number for event in facts.events}
    return tuple(
        f"{one.due_on.day} {one.step} {one.occurrence}.{one.pass_number} {orders[one.event_id.partition('_')[2]]}"
        for one in planned
    )


def message(name: str, **words: Any) -> Step:
    return {"id": name, "message": {"channel": "email", "template": "hello", **words}}


def wait(days: int, name: str | None = None) -> Step:
    return {"wait": {"days": days}} | ({"id": name} if name else {})


def thread(name: str, events: Sequence[str], *steps: Step, rank: int = 1) -> dict[str, Any]:
    return {"thread": name, "rank": rank, "steps": [{"trigger": list(events)}, *steps]}


def talk(*threads: dict[str, Any], **words: Any) -> dict[str, Any]:
    return {"threads": list(threads), **words}


def order(number: str, day: int, status: str = "processing", *, dated: int | None = None, **more: Any) -> OrderVersion:
    """A version known from that day of January on; the order is dated on it unless told otherwise."""
    ordered_at = datetime.combine(january(dated if dated is not None else day), time(12))
    return OrderVersion(number, january(day), more.pop("contact", "ann"), ordered_at, status, **more)


def known(*rows: OrderVersion | Event | Feedback, loyal: Sequence[int] = ()) -> Facts:
    facts = Facts(segments={("loyal", january(day), "ann") for day in loyal})
    for row in rows:
        place = {OrderVersion: facts.versions, Event: facts.events, Feedback: facts.feedback}[type(row)]
        place.append(row)
    return facts


def fired(name: str, number: str | None, day: int, sku: str | None = None) -> Event:
    """An event of an order, named by event, order and day."""
    return Event(f"{name}-{number}-{sku}-{day}", name, "ann", number, january(day), sku)


def told(event: str, day: int, about: str | None = None, known_on: int | None = None, **more: Any) -> Feedback:
    """Feedback of that day; `about` is `event id|step|occurrence|pass`."""
    file_date: date = january(known_on or day)
    return Feedback(file_date, datetime.combine(january(day), time(10)), event, "ann", about, **more)


def bought(number: str, day: int) -> tuple[OrderVersion, Event]:
    return order(number, day), fired("purchase", number, day)


_WIN_BACK = talk(
    thread("hold_and_write", [], wait(9, "hold"), message("miss", passes=2, after=5)),
    thread("entry", ["purchase"], {"go_to": "hold_and_write.hold"}, rank=2),
    goal="purchased_again",
    exit_when=["unsubscribed"],
)
_ASKED = "purchase-A-None-1|ask|1|1"
_MULTIPASS = talk(thread("ask", ["purchase"], message("ask", passes=3, after=2)))
_SPLIT = talk(
    thread(
        *("ask", ["purchase"], message("ask"), wait(3)),
        {
            "split": [
                {"when": {"clicked": "ask"}, "thread": "clickers"},
                {"when": {"opened": "ask"}, "thread": "openers"},
            ]
        },
        message("others"),
    ),
    thread("openers", [], message("to_openers")),
    thread("clickers", [], message("to_clickers")),
)
_ASKED_BEFORE = talk(
    thread(
        *("ask", ["purchase"], {"split": [{"when": {"clicked": "ask"}, "thread": "clickers"}]}, message("ask")),
        *(wait(2), {"go_to": "ask", "times": 1}),
    ),
    thread("clickers", [], message("to_clickers")),
)
_TOLD_TWICE = talk(
    thread(
        "ask", ["purchase"], wait(3), {"split": [{"when": {"preference": "rhythm", "is": "daily"}, "thread": "daily"}]}
    ),
    thread("daily", [], message("ask")),
)
_RANKS = talk(
    thread("low", ["news"], wait(6), message("low")),
    thread("middle", ["purchase"], wait(6), message("middle"), rank=2),
    thread("high", ["shipped"], wait(6), message("high"), rank=3),
)
_LOOP = talk(
    thread("round", ["purchase"], wait(2, "pause"), message("again"), {"go_to": "round.pause", "times": 2}),
)
_NESTED = talk(
    thread(
        *("round", ["purchase"], wait(1, "pause"), message("again")),
        *({"go_to": "round.pause", "times": 1}, message("outer"), {"go_to": "round.pause", "times": 1}),
    ),
)
_PER_ORDER = talk(thread("ask", ["shipped"], wait(4), message("ask")), scope="order")
_PER_LINE = talk(
    thread("ask", ["shipped"], wait(2), {"split": [{"when": {"line_status": "shipped"}, "thread": "yes"}]}),
    thread("yes", [], message("ask")),
    scope="line",
)
_ONCE = talk(
    thread("low", ["purchase"], wait(3), message("low")),
    thread("high", ["shipped"], wait(3), message("high"), rank=2),
    entries="once",
)
_MONDAYS = talk(thread("ask", ["purchase"], {"wait": {"days": 2, "weekday": "monday"}}, message("ask")))
_WHAT_IS_TRUE = talk(
    thread(
        *("ask", ["purchase"], wait(4)),
        {
            "split": [
                {"when": {"all": [{"segment": "loyal"}, {"not": {"ticket": "open"}}]}, "thread": "loyal"},
                {"when": {"any": [{"bought_category": "Chairs"}, {"order_is": "delivered"}]}, "thread": "rest"},
            ]
        },
    ),
    thread("loyal", [], message("to_loyal")),
    thread("rest", [], message("to_rest")),
)

EXAMPLES = (
    Example(
        "nine days after the purchase, and once more",
        _WIN_BACK,
        known(*bought("A", 1)),
        ("10 miss 1.1 A", "15 miss 1.2 A"),
    ),
    Example(
        "a repeat purchase restarts the wait",
        _WIN_BACK,
        known(*bought("A", 1), *bought("B", 5)),
        ("14 miss 1.1 B", "19 miss 1.2 B"),
    ),
    Example(
        "on the day the wait ends too",
        _WIN_BACK,
        known(*bought("A", 1), *bought("B", 10)),
        ("19 miss 1.1 B", "24 miss 1.2 B"),
    ),
    Example(
        "a purchase after the message takes its repeat away",
        _WIN_BACK,
        known(*bought("A", 1), *bought("B", 12)),
        ("10 miss 1.1 A", "21 miss 1.1 B"),
    ),
    Example(
        "an older order that comes late restarts nothing",
        _WIN_BACK,
        known(*bought("A", 3), order("B", 5, dated=2), fired("purchase", "B", 5)),
        ("12 miss 1.1 A", "17 miss 1.2 A"),
    ),
    Example(
        "who unsubscribed leaves and enters no more",
        _WIN_BACK,
        known(*bought("A", 1), told("unsubscribed", 5), *bought("B", 5)),
        (),
    ),
    Example(
        "nobody reacts: three passes", _MULTIPASS, known(*bought("A", 1)), ("1 ask 1.1 A", "3 ask 1.2 A", "5 ask 1.3 A")
    ),
    Example(
        "opened by a person: the rest is not sent",
        _MULTIPASS,
        known(*bought("A", 1), told("opened", 3, _ASKED)),
        ("1 ask 1.1 A",),
    ),
    Example(
        "opened by a program: all are",
        _MULTIPASS,
        known(*bought("A", 1), told("opened", 2, _ASKED, is_machine_open=True)),
        ("1 ask 1.1 A", "3 ask 1.2 A", "5 ask 1.3 A"),
    ),
    Example(
        "a reaction that is known late stops what comes after",
        _MULTIPASS,
        known(*bought("A", 1), told("clicked", 2, _ASKED, known_on=4)),
        ("1 ask 1.1 A", "3 ask 1.2 A"),
    ),
    Example(
        "another purchase is a reaction, and begins a run",
        _MULTIPASS,
        known(*bought("A", 1), *bought("B", 4)),
        ("1 ask 1.1 A", "3 ask 1.2 A", "4 ask 1.1 B", "6 ask 1.2 B", "8 ask 1.3 B"),
    ),
    Example(
        "a repeat that is opened on its day was due; the next is not",
        _MULTIPASS,
        known(*bought("A", 1), told("opened", 3, _ASKED.replace("|1|1", "|1|2"))),
        ("1 ask 1.1 A", "3 ask 1.2 A"),
    ),
    Example(
        "a click on what follows a split does not lead away from it",
        _ASKED_BEFORE,
        known(*bought("A", 1), told("clicked", 1, _ASKED)),
        ("1 ask 1.1 A", "3 to_clickers 1.1 A"),
    ),
    Example(
        "nor does one on what follows it in the next round",
        _ASKED_BEFORE,
        known(*bought("A", 1), told("clicked", 3, _ASKED.replace("|1|1", "|2|1"))),
        ("1 ask 1.1 A", "3 ask 2.1 A"),
    ),
    Example("nothing is true: the next step", _SPLIT, known(*bought("A", 1)), ("1 ask 1.1 A", "4 others 1.1 A")),
    Example(
        "the first true branch",
        _SPLIT,
        known(*bought("A", 1), told("opened", 2, _ASKED), told("clicked", 4, _ASKED)),
        ("1 ask 1.1 A", "4 to_clickers 1.1 A"),
    ),
    Example(
        "what is known a day late does not count",
        _SPLIT,
        known(*bought("A", 1), told("opened", 2, _ASKED), told("clicked", 2, _ASKED, known_on=5)),
        ("1 ask 1.1 A", "4 to_openers 1.1 A"),
    ),
    Example(
        "a higher rank pulls, a lower and an equal one do not",
        _RANKS,
        known(*bought("A", 1), fired("news", "A", 2), fired("purchase", "A", 3), fired("shipped", "A", 4)),
        ("10 high 1.1 A",),
    ),
    Example(
        "of one day's events the one of the highest rank acts",
        _RANKS,
        known(*bought("A", 1), fired("news", "A", 1), fired("shipped", "A", 1)),
        ("7 high 1.1 A",),
    ),
    Example(
        "of one rank that of the newer order",
        _RANKS,
        known(*bought("A", 1), order("B", 1, dated=2), fired("purchase", "B", 1)),
        ("7 middle 1.1 B",),
    ),
    Example(
        "an event of an older order stands in no way of one without an order",
        _RANKS,
        known(*bought("A", 5), order("B", 1), fired("shipped", "B", 6), fired("shipped", None, 6)),
        ("12 high 1.1 None",),
    ),
    Example(
        "after the end any rank enters",
        _RANKS,
        known(*bought("A", 1), fired("shipped", "A", 1), fired("news", "A", 7), fired("news", "A", 8)),
        ("7 high 1.1 A", "14 low 1.1 A"),
    ),
    Example(
        "round and round, three times",
        _LOOP,
        known(*bought("A", 1)),
        ("3 again 1.1 A", "5 again 2.1 A", "7 again 3.1 A"),
    ),
    Example(
        "a go_to is counted for the whole run",
        _NESTED,
        known(*bought("A", 1)),
        ("2 again 1.1 A", "3 again 2.1 A", "3 outer 1.1 A", "4 again 3.1 A", "4 outer 2.1 A"),
    ),
    Example(
        "each order has a run of its own",
        _PER_ORDER,
        known(order("A", 1), order("B", 1), fired("shipped", "A", 2), fired("shipped", "B", 3)),
        ("6 ask 1.1 A", "7 ask 1.1 B"),
    ),
    Example("an event without an order begins none", _PER_ORDER, known(order("A", 1), fired("shipped", None, 2)), ()),
    Example(
        "each line has a run, judged by its own state",
        _PER_LINE,
        known(
            order("A", 1, lines=(Line("SKU-1", "Tables", "shipped"), Line("SKU-2", "Chairs", "back_order"))),
            *(fired("shipped", "A", 2, "SKU-1"), fired("shipped", "A", 2, "SKU-2")),
        ),
        ("4 ask 1.1 A",),
    ),
    Example("once is once", _ONCE, known(*bought("A", 1), *bought("B", 8)), ("4 low 1.1 A",)),
    Example(
        "who is inside can still be pulled",
        _ONCE,
        known(*bought("A", 1), fired("shipped", "A", 3), fired("shipped", "A", 9)),
        ("6 high 1.1 A",),
    ),
    Example(
        "an event that exit_when ignores is no entering",
        talk(*_ONCE["threads"], entries="once", exit_when=["canceled"]),
        known(order("A", 1, "canceled"), fired("purchase", "A", 1), *bought("B", 4)),
        ("7 low 1.1 B",),
    ),
    Example(
        "exit_when beats a pull: the way is free",
        talk(*_ONCE["threads"], exit_when=["canceled"]),
        known(*bought("A", 1), order("A", 3, "canceled", dated=1), order("B", 1, dated=0), fired("purchase", "B", 3)),
        ("6 low 1.1 B",),
    ),
    Example(
        "an order that changes hands takes its run along",
        _LOOP,
        known(*bought("A", 1), order("A", 4, contact="ben", dated=1)),
        ("3 again 1.1 A",),
    ),
    Example(
        "the goal ends a run from the day after its entry",
        talk(thread("ask", ["news"], message("ask"), wait(1), message("on")), goal="purchased_again"),
        known(order("A", 1), order("B", 3), fired("news", "A", 3)),
        ("3 ask 1.1 A",),
    ),
    Example(
        "in a segment",
        talk(thread("ask", ["purchase"], wait(5), message("ask")), exit_when=[{"segment": "loyal"}]),
        known(*bought("A", 1), *bought("B", 9), loyal=[4]),
        ("14 ask 1.1 B",),
    ),
    Example(
        "waits to the next monday", _MONDAYS, known(*bought("A", 1), *bought("B", 10)), ("5 ask 1.1 A", "12 ask 1.1 B")
    ),
    Example(
        "from the first day on",
        talk(*_LOOP["threads"], live_from="2026-01-03"),
        known(*bought("A", 2), *bought("B", 9)),
        ("11 again 1.1 B", "13 again 2.1 B", "15 again 3.1 B"),
    ),
    Example("all of a condition", _WHAT_IS_TRUE, known(*bought("A", 1), loyal=[5]), ("5 to_loyal 1.1 A",)),
    Example(
        "not all of it, but any of the next",
        _WHAT_IS_TRUE,
        known(*bought("A", 1), order("A", 5, dated=1, delivered_on=january(4)), told("ticket_opened", 3), loyal=[5]),
        ("5 to_rest 1.1 A",),
    ),
    Example(
        "of two preferences of one moment the one that was told last",
        _TOLD_TWICE,
        known(
            *bought("A", 1),
            *(told("preference_set", 2, action=f"rhythm={rhythm}") for rhythm in ("weekly", "monthly", "daily")),
        ),
        ("4 ask 1.1 A",),
    ),
    Example(
        "bought since entry is another, later order",
        _WHAT_IS_TRUE,
        known(*bought("A", 1), order("B", 2, dated=1, lines=(Line("SKU-2", "Chairs"),))),
        (),
    ),
)
