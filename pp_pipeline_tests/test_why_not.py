"""Every link of the chain in which `pp why --not` looks for the reason, from the order to the delivery.

A story is written by hand: order A is known from the 1st of January on. Days are in January 2026.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, get_args

import pytest

from pp_pipeline.campaigns.parameters import Campaign
from pp_pipeline.conversations.compiling import compile_conversation
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.merchants import load_merchants
from pp_pipeline.settings import Settings, SettingsError
from pp_pipeline.why.entries import Entry, Event, Movement, NoMessage, Outgoing, Version
from pp_pipeline.why.negative import Link, answer_words, why_not
from pp_pipeline.why.runs import Runs, make_runs
from pp_pipeline.why.story import ContactStory, OrderStory, QueueStanding, Story
from pp_pipeline.why.telling import Asked
from pp_pipeline_tests.conversation_examples import message, talk, thread, wait
from pp_pipeline_tests.worked_examples import january

CAMPAIGN = Campaign.model_construct(name="lapsed", event="win_back", merchant="main")
# A purchase waits five days, then is asked (twice); who did not click hears more. Ann's shipping is another thread.
TALK = Conversation.model_validate(
    {
        "conversation": "win_back",
        **talk(
            thread(
                "main",
                ["win_back"],
                wait(5, "hold"),
                message("ask", passes=2, after=4),
                wait(2),
                {"split": [{"when": {"clicked": "ask"}, "thread": "clickers"}]},
                message("more"),
            ),
            thread("clickers", [], message("thanks")),
            thread("news", ["news"], message("news")),
        ),
    }
)


def version(day: int = 1) -> Version:
    return Version(
        on=january(day), text="processing", status="processing", ordered_at=datetime(2026, 1, 1), ordered_on=january(1),
        ship_date=None, total_cents=1000, currency="USD", email="ann@example.com", contact_key="ann", is_eligible=True,
    )  # fmt: skip


def movement(
    day: int, kind: str, reason: str | None = None, due: int | None = None, text: str = "", whose: str = "ann"
) -> Movement:
    return Movement(
        on=january(day), text=f"queue lapsed: {text or kind}", contact_key=whose, campaign="lapsed", movement=kind,
        reason=reason, basis_date=None, basis_source=None, due_on=january(due) if due else None, event_id=None,
    )  # fmt: skip


def outgoing(
    day: int, state: str, reason: str = "", acted: int | None = None, step: str = "ask", target: str = "rehearsal",
    whose: str = "ann",
) -> Outgoing:  # fmt: skip
    return Outgoing(
        on=january(day), text=f"message win_back/{step} by email: {state}, {reason}", kind="message", name="", key=step,
        event_id="e1", is_planned=True, state=state, reason=reason, target=target, conversation="win_back",
        contact_key=whose, step=step, acted_at=datetime(2026, 1, acted, 17, tzinfo=UTC) if acted else None,
    )  # fmt: skip


def ignored(day: int) -> NoMessage:
    return NoMessage(on=january(day), text="ignored: because", event_id="e2", conversation="win_back")


def event(day: int) -> Event:
    return Event(
        on=january(day), text="event", event_id="e1", event_name="win_back", campaign="lapsed", conversation=None,
        takers=[],
    )  # fmt: skip


@dataclass(frozen=True)
class Run:
    """A run that began on the 2nd; the answers are those to the questions of splits and passes, by day."""

    ended: tuple[tuple[int, str], ...] = ()
    clicked: tuple[int, ...] = ()


@dataclass(frozen=True)
class Case:
    """What is known, what is asked, and what comes out."""

    link: str
    text: str
    on: int
    name: str = "win_back/ask"
    known: Sequence[Entry] = ()
    never: str = "no ship date"
    run: Run | None = None
    of_contact: bool = False
    """Whether Ann is asked about, and not the order."""


ENTERED = movement(1, "entered", due=8)
RELEASED = [ENTERED, movement(2, "left", "released", 8), event(2)]
NOT_BUILT = "no day after 2026-01-20 was built yet, `pp run` builds them"
STANDS = "the run of 2026-01-02 (order A) stood at main.hold (wait 5 days) until 2026-01-07"
CASES = [
    Case("no_order", "no order was known by 2025-12-31", 0, "lapsed"),
    Case("another_contact", "order A: it was another contact's, on 2026-01-02, queue lapsed: left", 2, "lapsed",
         [ENTERED, movement(2, "left", "released", 8, whose="ben")], of_contact=True),
    Case("another_contact", "message win_back/ask by email: sent, ", 7,
         known=[*RELEASED, outgoing(7, "sent", acted=7, whose="ben")], run=Run(), of_contact=True),
    Case("got", "message win_back/ask by email: sent, ", 7,
         known=[*RELEASED, outgoing(7, "sent", acted=7, whose="ben")], run=Run()),
    Case("not_entered", "order A: never in the queue lapsed: no ship date", 5, "lapsed"),
    Case("not_entered", "order A: it came into the queue lapsed later, on 2026-01-09", 5, "queue_lapsed",
         [movement(9, "entered", due=16)]),
    Case("not_due", "order A: it waited in the queue lapsed, due 2026-01-08", 5, "lapsed", [ENTERED]),
    Case("held", "order A: it was due since 2026-01-08, held in the queue lapsed while its status was processing",
         9, "lapsed", [ENTERED]),
    Case("left", "order A: on 2026-01-04, queue lapsed: left, canceled", 9, "lapsed",
         [ENTERED, movement(4, "left", "canceled", 8, "left, canceled")]),
    Case("left", "order A: on 2026-01-08, queue lapsed: left, filtered: order_count = 1", 8, known=[
         ENTERED, movement(8, "left", "filtered", 8, "left, filtered: order_count = 1")]),
    Case("other_day", "order A: the queue lapsed released it on 2026-01-02", 9, "lapsed", RELEASED),
    Case("got", "order A: the queue lapsed released it on 2026-01-02", 2, "lapsed", RELEASED),
    Case("not_due", "order A: it waited in the queue lapsed, due 2026-01-08", 5, known=[ENTERED]),
    Case("no_event", "no event news (fired by orders) came by 2026-01-09", 9, known=RELEASED),
    Case("ignored", "on 2026-01-02, ignored: because", 9, known=[*RELEASED, ignored(2)]),
    Case("stands", STANDS, 5, known=RELEASED, run=Run()),
    Case("ended", "the run of 2026-01-02 (order A) left on 2026-01-04: its order is canceled (exit_when)", 7,
         known=RELEASED, run=Run(ended=((4, "canceled"),))),
    Case("ended", "the run of 2026-01-02 (order A) left on 2026-01-10: its goal is reached: the contact bought again",
         11, known=RELEASED, run=Run(ended=((10, "goal"),))),
    Case("elsewhere", "the run of 2026-01-02 (order A) entered at main, from where no way leads to news", 5,
         "win_back/news", RELEASED, run=Run()),
    Case("split", "the run of 2026-01-02 (order A) went another way on 2026-01-09, split: to clickers, as clicked ask:"
         " clicked ask = yes", 9, "win_back/more", RELEASED, run=Run(clicked=(9,))),
    Case("split", "the run of 2026-01-02 (order A) went another way on 2026-01-09, split: no branch is true, on to the "
         "next step: clicked ask = no", 9, "win_back/thanks", RELEASED, run=Run()),
    Case("reacted", "the run of 2026-01-02 (order A): no pass 2 of ask, clicked ask", 11, known=RELEASED,
         run=Run(clicked=(11,))),
    Case("other_day", "the run of 2026-01-02 (order A) came to ask on 2026-01-07", 8, known=RELEASED, run=Run()),
    Case("not_planned", "the run of 2026-01-02 (order A) reached it, and the plan lacks it: `pp run` plans anew", 7,
         known=RELEASED, run=Run()),
    Case("batch", "message win_back/ask by email: waiting, old", 7, known=[*RELEASED, outgoing(7, "waiting", "old")],
         run=Run()),
    Case("deferred", "message win_back/ask by email: deferred, quiet_hours", 7,
         known=[*RELEASED, outgoing(7, "deferred", "quiet_hours")], run=Run()),
    Case("deferred", "message win_back/ask by email: deferred, quiet_hours", 8,
         known=[*RELEASED, outgoing(7, "deferred", "quiet_hours")], run=Run()),
    Case("failed", "message win_back/ask by email: failed, refused", 7, known=[outgoing(7, "failed", "refused")]),
    Case("skipped", "message win_back/ask by email: skipped, hold_out", 7, known=[outgoing(7, "skipped", "hold_out")]),
    Case("unknown", "message win_back/ask by email: unknown, lease_expired", 7,
         known=[outgoing(7, "unknown", "lease_expired")]),
    Case("in_hand", "message win_back/ask by email: claimed, ", 7, known=[outgoing(7, "claimed")]),
    Case("got", "message win_back/ask by email: sent, ", 7, known=[outgoing(7, "sent", acted=7)], run=Run()),
    Case("other_day", "message win_back/ask by email: sent, late", 7, known=[outgoing(7, "sent", "late", acted=9)]),
    Case("got", "message win_back/ask by email: sent, late", 9, known=[outgoing(7, "sent", "late", acted=9)]),
    Case("batch", "message win_back/ask by email: waiting, old", 7,
         known=[outgoing(7, "sent", acted=7), outgoing(7, "waiting", "old", target="live")]),
    Case("not_due", f"order A: it waited in the queue lapsed, due 2026-01-25; {NOT_BUILT}", 28, "lapsed",
         [movement(1, "entered", due=25)]),
    Case("other_day", f"order A: the queue lapsed released it on 2026-01-20; {NOT_BUILT}", 28, "lapsed",
         [ENTERED, movement(20, "left", "released", 20)]),
    Case("got", "message win_back/ask by email: sent, late", 21, known=[outgoing(20, "sent", "late", acted=21)]),
    Case("got", "message win_back/more by email: sent, ", 9, "win_back", [outgoing(9, "sent", acted=9, step="more")]),
]  # fmt: skip


def asked(case: Case, folder: Path) -> Asked:
    """The story of order A."""

    def of(kind: type) -> list[Any]:
        return [one for one in case.known if isinstance(one, kind)]

    order = OrderStory(
        order_number="A", contents=[], versions=[version()], quarantined=[], movements=of(Movement), events=of(Event),
        positions=[], no_messages=of(NoMessage), outgoing=of(Outgoing), feedback=[],
        queues=[QueueStanding("lapsed", "never", case.never)], runs=[],
    )  # fmt: skip
    merchant = load_merchants(Settings(home=folder))["main"]
    ann = ContactStory("ann", "ann@example.com", january(20), {}, [], []) if case.of_contact else None
    return Asked(Story("main", january(20), ann, [order], []), runs_of(case.run), merchant, [CAMPAIGN], [TALK])


def runs_of(run: Run | None, talk: Conversation = TALK) -> Runs:
    if run is None:
        return make_runs([TALK], [], [], [])
    possible = {
        "run_id": "r", "conversation": "win_back", "program": "win_back/main", "thread_place": 0, "rank": 1,
        "event_id": "e1", "event_name": "win_back", "contact_key": "ann", "order_number": "A", "sku": None,
        "begun_on": january(2), "has_begun": True,
    }  # fmt: skip
    endings = [{"run_id": "r", "word": word, "ends_on": january(day)} for day, word in run.ended]
    asked = {atom for clauses in compile_conversation(TALK).conditions for clause in clauses for atom, _ in clause}
    atoms = [
        vars(atom) for atom in asked if (atom.kind, atom.subject) == ("clicked", "ask")
    ]  # by the split, by the pass
    answers = [
        {"run_id": "r", "judged_on": january(day), **atom, "is_true": True} for day in run.clicked for atom in atoms
    ]
    return make_runs([talk], [possible], endings, answers)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.link} {case.name} on {case.on}")
def test_the_first_reason_of_the_chain_is_told(case: Case, tmp_path: Path) -> None:
    on = date.fromordinal(january(1).toordinal() + case.on - 1)
    answer = why_not(asked(case, tmp_path), case.name, on)
    assert (answer.link, answer.text) == (case.link, case.text)
    assert answer_words(answer).startswith("Got" if case.link == "got" else "Did not get")


def test_a_thread_may_stand_elsewhere_in_its_file_since_the_plan_was_made() -> None:
    moved = TALK.model_copy(update={"threads": [*TALK.threads[1:], TALK.threads[0]]})
    begun = runs_of(Run(), moved).begun
    assert [run.thread.thread for run in begun] == ["main"]


def test_no_link_is_left_out() -> None:
    assert {case.link for case in CASES} == set(get_args(Link))


def test_the_newest_order_answers_and_the_others_stand_behind(tmp_path: Path) -> None:
    one = asked(Case("", "", 0, known=RELEASED), tmp_path)
    waiting = replace(one.story.orders[0], order_number="B", movements=[movement(4, "entered", due=11)])
    both = replace(one, story=replace(one.story, orders=[waiting, *one.story.orders]))
    answer = why_not(both, "lapsed", january(6))
    assert (answer.link, answer.text) == ("not_due", "order B: it waited in the queue lapsed, due 2026-01-11")
    assert answer.further == ["order A: the queue lapsed released it on 2026-01-02"]


def test_of_an_order_the_runs_that_it_began_answer(tmp_path: Path) -> None:
    one = asked(Case("", "", 0, known=[ENTERED], run=Run()), tmp_path)
    other = replace(one, story=replace(one.story, orders=[replace(one.story.orders[0], order_number="B")]))
    assert why_not(one, "win_back/ask", january(5)).link == "stands"
    assert why_not(other, "win_back/ask", january(5)).link == "not_due"  # it is in the queue; A's run is not its own


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "nothing",
            "there is no campaign, conversation or conversation/step 'nothing'; there are win_back, queue_lapsed",
        ),
        ("win_back/nothing", "win_back has no message 'nothing'; its messages are ask, more, thanks, news"),
    ],
)
def test_a_name_that_is_not_there_is_told(name: str, expected: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        why_not(asked(Case("", "", 0), tmp_path), name, january(5))
    assert str(error.value) == expected
