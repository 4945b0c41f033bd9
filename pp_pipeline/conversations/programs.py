"""Conversations as rows for SQL (DESIGN 4): every way that a run can take, rolled out day by day.

A *program* is a conversation entered at one thread (on one day of the week, where a wait ends on one). Walking it,
every split forks; a *node* is a stretch between two forks. It is reached when all its *checks* come out as expected:
a condition, judged so many days after entry. On nodes stand *stays* (where a run waits) and *deeds* (the messages and
actions that are reached). So nothing has to be remembered of yesterday: SQL joins runs with these rows.
"""

from dataclasses import dataclass, field

from pp_pipeline.conversations.conditions import Clause
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.flow import Place


@dataclass(frozen=True)
class Check:
    """A condition (by its number), so many days after entry, and what must come out."""

    condition: int
    offset: int
    expected: bool


Checks = frozenset[Check]


@dataclass(frozen=True)
class Stay:
    """A wait: the run stands in a thread of this rank from the end of one day after entry to before another."""

    node: int
    place: Place
    rank: int
    from_offset: int
    to_offset: int


@dataclass(frozen=True)
class Deed:
    """A message or an action, on a day after entry.

    Attributes:
        not_before: the time of day of the waits before it.
        drawn_occurrence: of a message whose coupon an action draws: how often that was reached by then.
    """

    node: int
    step: str
    occurrence: int
    pass_number: int
    offset: int
    not_before: str | None
    drawn_occurrence: int | None = None


@dataclass(frozen=True)
class Turn:
    """A way on from a split: by the branch of that number (from 0), or by none: to the next step."""

    node: int
    place: Place
    branch: int | None
    offset: int


@dataclass(frozen=True)
class End:
    """The end of a way: at an exit, or behind the last step of a thread."""

    node: int
    place: Place
    offset: int


@dataclass
class Program:
    """All ways of the runs that enter at one thread. Its `turns` and `ends` are told by `pp why` alone.

    Attributes:
        weekday: of the day of entry (0: Monday); None where it makes no difference.
        nodes: the checks of each node, by its number.
    """

    conversation: str
    thread: str
    weekday: int | None
    nodes: list[Checks] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What the tables call it."""
        return "/".join([self.conversation, self.thread, *([] if self.weekday is None else [str(self.weekday)])])


@dataclass(frozen=True)
class Compiled:
    """A conversation's programs, and its conditions by number, each as clauses (conditions.py)."""

    conversation: Conversation
    programs: tuple[Program, ...]
    conditions: tuple[tuple[Clause, ...], ...]
