"""Histories of a shop: what its files say from turn to turn, when it runs, where it dies, what a person decides.

Files are changed as shops change them: new, corrected, put back as they were, late, without rows that they had, with
orders of somebody else, canceled, refused. Drawn by hypothesis, so that what fails is made small.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

from hypothesis import strategies as st

from pp_pipeline_tests.cases import PLAIN_COLUMNS
from pp_pipeline_tests.history_checkout import FIRST, MERCHANTS
from pp_pipeline_tests.history_shop import DEATHS

How = Literal["says", "cancels", "moves", "drops", "adds", "puts back", "breaks"]
PEOPLE = ("ann", "ben", "cy", "dee", "eve", "")
"""The last is nobody: an order without an address."""
_REFUSED = "order_number,email\nA,not-a-file\n"


class Said(NamedTuple):
    """A row of an order file."""

    merchant: str
    number: str
    who: str
    ordered_on: date
    status: str

    @property
    def email(self) -> str:
        """The address, as the file states it."""
        return f"{self.who}@example.com" if self.who else ""

    def row(self) -> dict[str, str]:
        """The cells."""
        own = {"merchant": self.merchant, "order_number": self.number, "email": self.email, "status": self.status}
        times = {"ordered_at": f"{self.ordered_on}T12:00:00", "currency": "USD", "order_total": "20.00"}
        line = {"sku": "S1", "product_name": "Pen", "category": "Pens", "quantity": "1", "unit_price": "20.00"}
        return {**dict.fromkeys(PLAIN_COLUMNS, ""), **own, **times, **line}


Content = tuple[Said, ...]


@dataclass(frozen=True)
class Drop:
    """What becomes of one file: of `back` days before the turn's day, under one of two names.

    Attributes:
        how: against the content in force; where there is none the file says what is `said`.
        place: which row, or which of the former contents.
        who: whose an order is then.
        said: merchant, number, person, days since the order, status.
    """

    how: How = "says"
    back: int = 0
    ending: str = ""
    place: int = 0
    who: str = "ben"
    said: tuple[tuple[str, str, str, int, str], ...] = ()


@dataclass(frozen=True)
class Turn:
    """A run, `days` after the one before: what is dropped before it, where it dies, what a person says of what waits
    then, and whether it sends."""

    days: int = 1
    drops: tuple[Drop, ...] = ()
    death: str = ""
    word: Literal["", "approve", "never"] = ""
    sends: bool = True


History = tuple[Turn, ...]


class Seen(NamedTuple):
    """A content that was seen, and when; `said` is None where it was refused."""

    said: Content | None
    at: datetime


@dataclass
class Files:
    """Every content that was ever dropped, by file."""

    seen: dict[str, list[Seen]] = field(default_factory=dict)

    def drop(self, drops: Sequence[Drop], today: date, at: datetime) -> dict[str, str]:
        """What the inbox gets on a day: the texts of the files by name."""
        dropped: dict[str, Seen] = {}
        for drop in drops:
            day = max(today - timedelta(days=drop.back), FIRST)
            name = f"orders_{day}{drop.ending}.csv"
            dropped[name] = Seen(self._changed(name, drop, day), at)
        for name, seen in dropped.items():
            self.seen.setdefault(name, []).append(seen)
        return {name: _REFUSED if seen.said is None else text_of(seen.said) for name, seen in dropped.items()}

    def in_force(self) -> dict[str, Content]:
        """The newest accepted content of each file that has one."""
        return {name: found[-1].said or () for name in self.seen if (found := self.accepted(name))}

    def accepted(self, name: str) -> list[Seen]:
        """The contents of a file that were not refused, oldest first."""
        return [seen for seen in self.seen[name] if seen.said is not None]

    def _changed(self, name: str, drop: Drop, day: date) -> Content | None:
        if drop.how == "breaks":
            return None
        new = [Said(*who, ordered_on=day - timedelta(days=lag), status=status) for *who, lag, status in drop.said]
        former = self.accepted(name) if name in self.seen else []
        now = list(former[-1].said or ()) if former else []
        if drop.how == "puts back" and former:
            return former[drop.place % len(former)].said
        if drop.how == "says" or not now:
            return tuple(new) or tuple(now) or _something(day)
        place = drop.place % len(now)
        match drop.how:
            case "cancels":
                now[place] = now[place]._replace(status="canceled")
            case "moves":
                now[place] = now[place]._replace(who=drop.who)
            case "drops" if len(now) > 1:
                del now[place]
            case "adds":
                now += new
        return tuple(now)


def text_of(content: Content) -> str:
    """The file."""
    lines = [",".join(PLAIN_COLUMNS), *(",".join(said.row()[name] for name in PLAIN_COLUMNS) for said in content)]
    return "\n".join(lines) + "\n"


def date_of(name: str) -> date:
    """The file date."""
    return date.fromisoformat(name[len("orders_") :][:10])


def _something(day: date) -> Content:
    return (Said("main", "A", "ann", day, "processing"),)


_SAID = st.tuples(
    st.sampled_from([*MERCHANTS, "main"]),
    st.sampled_from("ABCDEFGH"),
    st.sampled_from([*PEOPLE, "ann", "ben"]),
    st.sampled_from([0, 0, 0, 1, 2, 5]),
    st.sampled_from(["processing", "processing", "shipped", "canceled", "returned"]),
)
_DROPS = st.builds(
    Drop,
    how=st.sampled_from(["says", "says", "says", "adds", "cancels", "moves", "drops", "puts back", "breaks"]),
    back=st.sampled_from([0, 0, 0, 1, 1, 2, 3, 5]),
    ending=st.sampled_from(["", "", "_b"]),
    place=st.integers(0, 3),
    who=st.sampled_from(PEOPLE),
    said=st.lists(_SAID, min_size=1, max_size=8).map(tuple),
)
_TURNS = st.builds(
    Turn,
    days=st.sampled_from([1, 1, 1, 0, 2, 4]),
    drops=st.lists(_DROPS, min_size=1, max_size=6).map(tuple),
    death=st.sampled_from(["", "", "", "", *DEATHS]),
    word=st.sampled_from(["", "", "approve", "approve", "never"]),
    sends=st.sampled_from([True, True, True, False]),
)


def histories(most_turns: int = 6) -> st.SearchStrategy[History]:
    """Histories of a few turns; the last one goes to its end, and everything that waits is let go."""

    def ended(turns: list[Turn]) -> History:
        return (*turns, Turn(days=1, word="approve"))

    return st.lists(_TURNS, min_size=2, max_size=most_turns - 1).map(ended)
