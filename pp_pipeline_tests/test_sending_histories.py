"""Random histories: plans that change, outlets that fail, gates that close, day after day.

Whatever happened, each message that was ever planned is one of sent, skipped, failed, deferred and unknown, those with
their reason, or has no row and waits with its batch; what is sent went once. When all is well again, nothing is left.
"""

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from pp_pipeline.ledger.switches import set_switch
from pp_pipeline.sending.gates import DeliveryTarget
from pp_pipeline.sending.outlets.outlet import EmailDraft, Outcome, OutletBroken, Outlets
from pp_pipeline_tests.killing import clock
from pp_pipeline_tests.sending_world import DAY, World, key_of
from pp_pipeline_tests.test_sending import pause

ANSWERS: tuple[Outcome | Exception, ...] = (
    Outcome("sent"),
    Outcome("failed", "busy: 451"),
    Outcome("failed", "busy: 429", retry_after=timedelta(hours=30)),
    Outcome("deferred", "not now"),
    Outcome("skipped", "rejected: 550"),
    Outcome("unknown", "time_out"),
    OutletBroken("not_authorised"),
    OSError("it fell over"),
)
_WAITS = {("waiting", "old"), ("blocked", "paused"), ("blocked", "kill_switch")}
NUMBERS = st.integers(0, 11)


@dataclass(frozen=True)
class Turn:
    """What happens on one day: what is planned anew or no more, which gate is closed, what the outlet answers."""

    added: frozenset[int] = field(default_factory=frozenset)
    dropped: frozenset[int] = field(default_factory=frozenset)
    gate: str = ""
    answers: tuple[Outcome | Exception, ...] = ()
    is_sealed: bool = True
    sendings: int = 1


TURNS = st.builds(
    Turn,
    added=st.frozensets(NUMBERS, max_size=8),
    dropped=st.frozensets(NUMBERS, max_size=3),
    gate=st.sampled_from(["", "", "", "kill_switch", "paused"]),
    answers=st.lists(st.sampled_from(ANSWERS), max_size=12).map(tuple),
    is_sealed=st.sampled_from([True, True, True, False]),
    sendings=st.integers(1, 2),
)


@dataclass
class Judge:
    """A channel that answers as it is told, then `sent`, and remembers what it accepted."""

    answers: list[Outcome | Exception]
    accepted: Counter[str]
    target: DeliveryTarget = "rehearsal"

    def deliver(self, drafts: Iterable[EmailDraft]) -> Iterator[Outcome]:
        for draft in drafts:
            answer = self.answers.pop(0) if self.answers else Outcome("sent")
            if isinstance(answer, Exception):
                raise answer
            # who says nothing in time may have taken the message
            self.accepted[draft.message_id] += answer.state in ("sent", "unknown")
            yield answer


@settings(max_examples=10)
@given(turns=st.lists(TURNS, min_size=1, max_size=6), chunk_size=st.sampled_from([1, 3, 100]))
def test_every_message_ever_planned_is_in_one_state_with_its_reason(turns: list[Turn], chunk_size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World.make(Path(folder))
        accepted: Counter[str] = Counter()
        planned: set[int] = set()
        sealed: set[str] = set()
        ever: set[str] = set()
        today = DAY
        for place, turn in enumerate(turns):
            today = DAY + timedelta(days=place)
            new = turn.added - planned
            for number in new:
                world.plan(DAY, 1, start=number)
            planned |= new
            for number in turn.dropped & planned:
                world.execute("delete from planned_messages where order_number = ?", [f"A{number}"])
                planned.discard(number)
            if turn.is_sealed:
                world.seal(today=today)
                sealed = {key_of(number) for number in planned}
                ever |= sealed
            with world.ledger as ledger:
                set_switch(ledger, "kill_switch", turn.gate == "kill_switch")
            pause(world, "conversation", "hello", turn.gate == "paused")
            before, so_far = world.deliveries(), Counter(accepted)
            for sending in range(turn.sendings):
                channel = Judge(list(turn.answers) if sending == 0 else [], accepted)
                moment = clock(place * 24 + sending)
                outlets = Outlets({("main", "email"): channel}, {})
                world.send(today=today, outlets=outlets, chunk_size=chunk_size, now=moment)
            if turn.gate:
                assert (world.deliveries(), accepted) == (before, so_far), "a closed gate writes nothing"

        states = {key: (state, reason) for key, state, reason in world.deliveries()}
        assert states.keys() <= ever
        assert {state for state, _ in states.values()} <= {"sent", "skipped", "failed", "deferred", "unknown"}
        assert all(bool(reason) == (state != "sent") for state, reason in states.values())
        assert set(accepted.values()) <= {0, 1}, "nobody twice"
        gone = {key for key, count in accepted.items() if count}
        sent = {key for key, (state, _) in states.items() if state == "sent"}
        assert sent <= gone <= sent | {key for key, (state, _) in states.items() if state == "unknown"}
        if not sealed:
            return
        state, reason = world.state(today=today)
        is_open = bool(sealed - states.keys()) or any(states[key][0] in ("failed", "deferred") for key in sealed)
        assert state != "sent" or not is_open, "what is left to do is not called done"
        assert state in ("sent", "ready") or (state, reason) in _WAITS

        with world.ledger as ledger:
            set_switch(ledger, "kill_switch", False)
        pause(world, "conversation", "hello", False)
        world.seal(today=today)
        world.approve()  # what is old by now
        world.send(today=today, outlets=Outlets({("main", "email"): Judge([], accepted)}, {}), now=clock(1_000))
        states = {key: state for key, state, _ in world.deliveries()}
        assert {states[key_of(number)] for number in planned} <= {"sent", "skipped", "unknown"}
        assert set(accepted.values()) <= {0, 1}, "nobody twice"
        assert world.state(today=today) == ("sent", "")
