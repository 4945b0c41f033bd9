"""Rolling conversations out into programs (programs.py): following every way that a run can take."""

from dataclasses import dataclass, replace

from pp_pipeline.conversations.conditions import Clause, reaction
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.flow import Place, find_step, places_of_ids
from pp_pipeline.conversations.programs import Check, Checks, Compiled, Deed, End, Program, Stay, Turn
from pp_pipeline.conversations.steps import Message, Step, split_target

MOST_PATHS = 2000
MOST_STEPS = 50_000


class TooManyPaths(ValueError):
    """A conversation has more different ways than can be rolled out."""


def compile_conversation(conversation: Conversation) -> Compiled:
    """Roll a conversation out.

    Raises:
        TooManyPaths: see `MOST_PATHS`; the text says how many.
    """
    has_weekdays = any(step.wait and step.wait.weekday for step in conversation.steps)
    conditions: dict[tuple[Clause, ...], int] = {}
    programs = []
    for weekday in range(7) if has_weekdays else (None,):
        walker = _Walker(conversation, conditions)
        programs += [walker.walk(place, weekday) for place, thread in enumerate(conversation.threads) if thread.events]
    return Compiled(conversation, tuple(programs), tuple(conditions))


@dataclass(frozen=True)
class _Run:
    """Where a walk stands. `counts`: how often each go_to led away and each message and action was reached;
    `not_before`: the time of day of the waits that ended on its day."""

    thread: int
    step: int
    node: int
    offset: int
    counts: dict[Place, int]
    not_before: str | None = None

    def at(self, place: Place, node: int | None = None) -> "_Run":
        node = self.node if node is None else node
        counts = dict(self.counts) if node != self.node else self.counts
        return _Run(*place, node, self.offset, counts, self.not_before)

    def counted(self) -> int:
        """Count the step it stands at; returns how often it was reached now."""
        place = (self.thread, self.step)
        self.counts[place] = self.counts.get(place, 0) + 1
        return self.counts[place]


class _Walker:
    def __init__(self, conversation: Conversation, conditions: dict[tuple[Clause, ...], int]) -> None:
        self.conversation = conversation
        self.conditions = conditions
        self.places = places_of_ids(conversation)
        self.messages = {name: self.places[name] for name in conversation.messages}
        self.paths = self.steps = 0

    def walk(self, thread: int, weekday: int | None) -> Program:
        """The program of runs that enter at a thread."""
        self.program = Program(
            self.conversation.conversation, self.conversation.threads[thread].thread, weekday, nodes=[frozenset()]
        )
        open_runs = [_Run(thread, 0, 0, 0, {})]
        while open_runs:
            open_runs += reversed(self._to_the_fork(open_runs.pop()))
        return self.program

    def _to_the_fork(self, run: _Run) -> list[_Run]:
        """Follow a run to its end or to the next split; returns the ways that it can take from there."""
        while True:
            self.steps += 1
            if self.steps > MOST_STEPS:
                raise TooManyPaths(f"the ways through it have more than {MOST_STEPS:,} steps together; loop less often")
            thread = self.conversation.threads[run.thread]
            step = thread.steps[run.step] if run.step < len(thread.steps) else None
            if step is None or step.exit:
                self._end(run)
                return []
            after = (run.thread, run.step + 1)
            if step.split is not None:
                return self._forks(run, step, after)
            if step.wait is not None:
                run = self._wait(run, step, thread.rank)
            elif step.message is not None or step.action is not None:
                self._do(run, step)
            elif step.go_to is not None and (step.times is None or run.counted() <= step.times):
                target = find_step(self.conversation, *split_target(step.go_to))
                assert target is not None, "flow.py found it"
                after = target
            run = run.at(after)

    def _end(self, run: _Run) -> None:
        self.program.ends.append(End(run.node, (run.thread, run.step), run.offset))
        self.paths += 1
        if self.paths > MOST_PATHS:
            raise TooManyPaths(f"has more than {MOST_PATHS:,} different paths; split less, or loop less often")

    def _wait(self, run: _Run, step: Step, rank: int) -> _Run:
        assert step.wait is not None
        until = run.offset + step.wait.ends_after(((self.program.weekday or 0) + run.offset) % 7)
        if until > run.offset:
            self.program.stays.append(Stay(run.node, (run.thread, run.step), rank, run.offset, until))
        not_before = step.wait.at
        if until == run.offset:  # the same day: what an earlier wait of it said still holds
            not_before = max(filter(None, (run.not_before, not_before)), default=None)
        return _Run(run.thread, run.step, run.node, until, run.counts, not_before)

    def _do(self, run: _Run, step: Step) -> None:
        assert step.id is not None
        draw = step.message.draws_from if step.message else None
        drawn_occurrence = run.counts[self.places[draw]] if draw else None
        deed = Deed(run.node, step.id, run.counted(), 1, run.offset, run.not_before, drawn_occurrence)
        self.program.deeds.append(deed)
        if step.message is not None:
            self._passes(run, deed, step.message)

    def _passes(self, run: _Run, first: Deed, message: Message) -> None:
        """Each pass is due to those who reacted neither by its day nor by the day of a pass before it."""
        checks = self.program.nodes[run.node]
        for number in range(2, message.passes + 1):
            offset = run.offset + (number - 1) * (message.after or 0)
            reacted = self._condition(reaction(first.step, first.occurrence, to_pass=number - 1))
            checks = checks | {Check(reacted, offset, False)}
            self.program.deeds.append(replace(first, node=self._node(checks), pass_number=number, offset=offset))

    def _forks(self, run: _Run, step: Step, after: Place) -> list[_Run]:
        ways = []
        checks = self.program.nodes[run.node]
        visits = {name: run.counts.get(place, 0) for name, place in self.messages.items()}
        for number, branch in enumerate(step.split or ()):
            clauses = branch.when.clauses(self.conversation.kind, visits)
            target = find_step(self.conversation, branch.thread)
            assert target is not None, "flow.py found it"
            if not clauses:  # it asks about a message that is not reached on this way so far
                continue
            if frozenset() in clauses:
                return [*ways, run.at(target, self._turn(run, number, checks))]
            condition = self._condition(clauses)
            true, false = (Check(condition, run.offset, expected) for expected in (True, False))
            if false not in checks:  # it was asked on this day before, and was false
                ways.append(run.at(target, self._turn(run, number, checks | {true})))
            if true in checks:
                return ways
            checks = checks | {false}
        return [*ways, run.at(after, self._turn(run, None, checks))]

    def _turn(self, run: _Run, branch: int | None, checks: Checks) -> int:
        node = self._node(checks)
        self.program.turns.append(Turn(node, (run.thread, run.step), branch, run.offset))
        return node

    def _condition(self, clauses: tuple[Clause, ...]) -> int:
        return self.conditions.setdefault(clauses, len(self.conditions))

    def _node(self, checks: Checks) -> int:
        self.program.nodes.append(checks)
        return len(self.program.nodes) - 1
