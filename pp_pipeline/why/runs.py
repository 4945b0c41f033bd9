"""Runs of conversations, one at a time: where each stood on which day, which ways it took, and what ended it.

The ways are those that compiling.py rolls out; what was true on their days comes from the engine's own macros
(`Rules.of_contacts`), so nothing here judges anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from pp_pipeline.conversations.compiling import compile_conversation
from pp_pipeline.conversations.conditions import Atom
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.programs import Check, Compiled, Deed, Program, Stay, Turn
from pp_pipeline.conversations.steps import Step, Thread

Answers = Mapping[tuple[date, Atom], bool]


class Possible(NamedTuple):
    """An event that a conversation takes, with the run that it began, or would have begun."""

    run_id: str
    conversation: str
    program: str
    thread_place: int
    rank: int
    event_id: str
    event_name: str
    contact_key: str
    order_number: str | None
    sku: str | None
    begun_on: date
    has_begun: bool

    def key(self, scope: str) -> str | None:
        """The run key, as dbt/macros/run_candidates.sql makes it; None: the event says less than the scope asks for."""
        parts = {
            "contact": [self.contact_key],
            "order": [self.contact_key, self.order_number],
            "line": [self.contact_key, self.order_number, self.sku],
        }[scope]
        return ":".join(str(part) for part in parts) if None not in parts else None


@dataclass(frozen=True)
class Leaving:
    """How a run ends. `word`: of exit_when, `goal`, `another_contact`, `pulled`, `end`."""

    on: date
    word: str
    by: "Run | None" = None
    """The run that it was pulled into."""


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        endings: the first day of each word that ends it.
        answers: what its splits and passes asked, and whether it was so.
        next: the next run of its key.
    """

    begin: Possible
    compiled: Compiled
    program: Program
    endings: Sequence[tuple[date, str]]
    answers: Answers
    next: "Run | None" = None

    @property
    def conversation(self) -> Conversation:
        """What it is a run of."""
        return self.compiled.conversation

    @property
    def thread(self) -> Thread:
        """Where it was entered."""
        return self.conversation.threads[self.begin.thread_place]

    def day(self, offset: int) -> date:
        """The day so many days after its entry."""
        return self.begin.begun_on + timedelta(days=offset)

    @cached_property
    def stop(self) -> Leaving | None:
        """What ended it by force: an exit, the goal or a pull; on one day an exit beats a pull."""
        ways = [Leaving(on, word) for on, word in self.endings]
        if self.next is not None:
            ways.append(Leaving(self.next.begin.begun_on, "pulled", self.next))
        return min(ways, key=lambda way: way.on, default=None)  # of one day the first, as they stand here

    @cached_property
    def leaving(self) -> Leaving:
        """What ended it first; on one day force beats the natural end."""
        offset = next(end.offset for end in self.program.ends if self.reaches(end.node))
        end = Leaving(self.day(offset), "end")
        return self.stop if self.stop and self.stop.on <= end.on else end

    def is_inside(self, on: date) -> bool:
        """Whether it stood somewhere when the events of a day came."""
        last = self.leaving.on if self.leaving.word in ("end", "pulled") else self.leaving.on - timedelta(days=1)
        return self.begin.begun_on < on <= last

    def reaches(self, node: int) -> bool:
        """Whether its way leads there: all checks came out as expected."""
        return not self.failed_checks(node)

    def failed_checks(self, node: int, until: date = date.max) -> list[Check]:
        """The checks up to a day that led it elsewhere, by day."""
        checks = [check for check in self.program.nodes[node] if self.day(check.offset) <= until]
        return sorted(
            (check for check in checks if self._is_true(check) != check.expected),
            key=lambda check: (check.offset, check.condition),
        )

    def reached_stays(self) -> list[Stay]:
        """The waits on its way, in their order."""
        return sorted(
            (stay for stay in self.program.stays if self.reaches(stay.node)), key=lambda stay: stay.from_offset
        )

    def reached_deeds(self) -> list[Deed]:
        """What is done on its way, in its order."""
        return sorted((deed for deed in self.program.deeds if self.reaches(deed.node)), key=lambda deed: deed.offset)

    def done_deeds(self) -> list[Deed]:
        """What it did: a pass can be due after its natural end, nothing from the day of its stop on."""
        return [deed for deed in self.reached_deeds() if self.stop is None or self.day(deed.offset) < self.stop.on]

    def reached_turns(self) -> list[Turn]:
        """The ways that it took at splits."""
        return [turn for turn in self.program.turns if self.reaches(turn.node)]

    def stay_on(self, on: date) -> Stay | None:
        """Where it stands at the end of a day."""
        if on < self.begin.begun_on or on >= self.leaving.on:
            return None
        return next(
            (stay for stay in self.reached_stays() if self.day(stay.from_offset) <= on < self.day(stay.to_offset)),
            None,
        )

    def step(self, place: tuple[int, int]) -> Step:
        """The step at a place of the file."""
        return self.conversation.threads[place[0]].steps[place[1]]

    def values(self, node: int, offset: int) -> dict[Atom, bool]:
        """What was asked on a day on the way to a node, with the answers."""
        checks = [check for check in self.program.nodes[node] if check.offset == offset]
        found: dict[Atom, bool] = {}
        for check in sorted(checks, key=lambda each: each.condition):
            found |= self.asked(check)
        return found

    def asked(self, check: Check) -> dict[Atom, bool]:
        """The questions of one check, with the answers."""
        atoms = sorted({atom for clause in self.compiled.conditions[check.condition] for atom, _ in clause}, key=str)
        return {atom: self._answer(check, atom) for atom in atoms}

    def _answer(self, check: Check, atom: Atom) -> bool:
        return self.answers.get((self.day(check.offset), atom), False)

    def _is_true(self, check: Check) -> bool:
        clauses = self.compiled.conditions[check.condition]
        return any(all(self._answer(check, atom) == wanted for atom, wanted in clause) for clause in clauses)


@dataclass(frozen=True)
class Runs:
    """All runs of some contacts, and every event that might have begun one."""

    possible: Sequence[Possible]
    begun: Sequence[Run]
    endings: Mapping[str, Sequence[tuple[date, str]]]
    """What ends each run, or would have ended it, by run_id."""

    def of_key(self, conversation: Conversation, key: str | None) -> list[Run]:
        """The runs of a key, by day."""
        name, scope = conversation.conversation, conversation.scope
        return [run for run in self._by_conversation.get(name, ()) if key is not None and run.begin.key(scope) == key]

    def of(self, conversation: str) -> list[Run]:
        """The runs of a conversation, by day."""
        return self._by_conversation.get(conversation, [])

    def possible_of(self, event_id: str, conversation: str) -> list[Possible]:
        """Where an event leads in a conversation, the highest rank first."""
        return self._possible_by_event.get((event_id, conversation), [])

    @cached_property
    def _by_conversation(self) -> dict[str, list[Run]]:
        found: dict[str, list[Run]] = {}
        for run in self.begun:
            found.setdefault(run.begin.conversation, []).append(run)
        return found

    @cached_property
    def _possible_by_event(self) -> dict[tuple[str, str], list[Possible]]:
        found: dict[tuple[str, str], list[Possible]] = {}
        for one in sorted(self.possible, key=lambda each: (-each.rank, each.thread_place)):
            found.setdefault((one.event_id, one.conversation), []).append(one)
        return found


def make_runs(
    conversations: Sequence[Conversation],
    possible: Sequence[Mapping[str, Any]],
    endings: Sequence[Mapping[str, Any]],
    answers: Sequence[Mapping[str, Any]],
) -> Runs:
    """Runs out of the rows of `Rules.of_contacts`; of conversations that are not there (any more) there are none."""
    programs = {
        program.name: (compiled, program)
        for compiled in map(compile_conversation, conversations)
        for program in compiled.programs
    }
    ends: dict[str, list[tuple[date, str]]] = {}
    for row in endings:
        ends.setdefault(str(row["run_id"]), []).append((row["ends_on"], row["word"]))
    told: dict[str, dict[tuple[date, Atom], bool]] = {}
    for row in answers:
        number = None if row["number"] is None else float(row["number"])
        atom = Atom(**{**{each.name: row[each.name] for each in fields(Atom)}, "number": number})
        told.setdefault(str(row["run_id"]), {})[row["judged_on"], atom] = row["is_true"]
    rows = [Possible(**{**row, "run_id": str(row["run_id"]), "sku": row["sku"] or None}) for row in possible]
    # where a thread stands in its file may have changed since the plan was made
    known = [one._replace(thread_place=_place_of(*programs[one.program])) for one in rows if one.program in programs]
    followers: dict[tuple[str, str | None], Run] = {}
    begun: list[Run] = []
    for one in sorted((one for one in known if one.has_begun), key=lambda each: each.begun_on, reverse=True):
        compiled, program = programs[one.program]
        key = one.conversation, one.key(compiled.conversation.scope)
        run = Run(one, compiled, program, ends.get(one.run_id, []), told.get(one.run_id, {}), followers.get(key))
        followers[key] = run
        begun.append(run)
    return Runs(known, begun[::-1], ends)


def _place_of(compiled: Compiled, program: Program) -> int:
    return [thread.thread for thread in compiled.conversation.threads].index(program.thread)
