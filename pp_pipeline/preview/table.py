"""What a preview is: rows of who gets what, and one row for each other contact with the reason."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from typing import Literal

State = Literal["gets", "waits", "left", "never"]
STATES: tuple[State, ...] = ("gets", "waits", "left", "never")


@dataclass(frozen=True)
class PreviewRow:
    """One thing that goes out, or one contact to whom nothing does.

    Attributes:
        state: it gets something on these days; waits; left before; or never came in.
        reason: a word to count by, such as `released`, `waiting`, `superseded`, `no_event`.
        on: the day on which it goes out, or on which it left.
        due_on: when it is due; of who waits at a step, the day on which the wait is over.
        what: the event, or step, pass, channel and template.
        order_number: the order that it is about; of the others the one that says the most of them: what waits, else
            the newest.
        text: the reason in words.
    """

    state: State
    reason: str
    merchant: str
    contact_key: str
    email: str | None
    on: date | None = None
    due_on: date | None = None
    what: str = ""
    order_number: str | None = None
    event_id: str | None = None
    text: str = ""


def in_order(rows: Iterable[PreviewRow]) -> list[PreviewRow]:
    """What goes out by day, who waits by due date, who left last first, then the rest as they came."""

    def place(row: PreviewRow) -> tuple[int, int]:
        day = row.due_on if row.state == "waits" else row.on
        number = day.toordinal() if day else 0
        return STATES.index(row.state), -number if row.state == "left" else number

    return sorted(rows, key=place)


COLUMNS = tuple(field.name for field in fields(PreviewRow))


@dataclass(frozen=True)
class Preview:
    """What a campaign or conversation would do on the days first..last.

    Attributes:
        kind: `campaign` or `conversation`.
        summary: what it is, in a sentence.
        notes: what to keep in mind when reading it.
        rows: `in_order`: what goes out, then everybody else of the list as of `last`.
    """

    kind: Literal["campaign", "conversation"]
    name: str
    first: date
    last: date
    summary: str
    notes: list[str]
    rows: list[PreviewRow]

    def counts(self) -> dict[tuple[State, str], int]:
        """How many rows by state and reason: what goes out first, then the most frequent reason."""
        found: Counter[tuple[State, str]] = Counter((row.state, row.reason) for row in self.rows)
        return dict(sorted(found.items(), key=lambda each: (STATES.index(each[0][0]), -each[1], each[0][1])))
