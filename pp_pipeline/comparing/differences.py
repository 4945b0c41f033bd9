"""What differs between two plans: rows that appear, vanish, move or change. Pure: no database, no files."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from pp_pipeline.comparing.plan_rows import Kind, PlanRow

Change = Literal["new", "gone", "moved", "changed"]
CHANGES: tuple[Change, ...] = ("new", "gone", "moved", "changed")

Group = tuple[Kind, str]
"""A campaign, conversation, event or segment: kind and name."""


@dataclass(frozen=True)
class Difference:
    """A row that is not the same in both plans; one of the two is None where it appears or vanishes."""

    before: PlanRow | None
    after: PlanRow | None

    @property
    def row(self) -> PlanRow:
        """The row as it is afterwards; as it was before where it vanished."""
        row = self.after or self.before
        assert row is not None
        return row

    @property
    def group(self) -> Group:
        """What the row belongs to."""
        return self.row.kind, self.row.name

    @property
    def change(self) -> Change:
        """`moved`: to another day; `changed`: on its day, with another contact, text or event behind it."""
        if self.before is None:
            return "new"
        if self.after is None:
            return "gone"
        return "moved" if self.before.day != self.after.day else "changed"

    def touches(self, first: date, last: date) -> bool:
        """Whether it is about one of the days first..last."""
        return any(row is not None and first <= row.day <= last for row in (self.before, self.after))


@dataclass
class Matching:
    """Takes both plans part by part and keeps only what differs, so that no plan is held as a whole.

    `counts` are the rows of each group and day that were added: before and after.
    """

    counts: dict[Group, dict[date, list[int]]] = field(default_factory=dict)
    _before: set[PlanRow] = field(default_factory=set)
    _after: set[PlanRow] = field(default_factory=set)

    def add(self, before: Iterable[PlanRow], after: Iterable[PlanRow]) -> None:
        """Add the rows of the same days of both plans."""
        rows_before, rows_after = set(before), set(after)
        for side, rows in enumerate((rows_before, rows_after)):
            for row in rows:
                self.counts.setdefault((row.kind, row.name), {}).setdefault(row.day, [0, 0])[side] += 1
        self._before |= rows_before - rows_after
        self._after |= rows_after - rows_before

    def differences(self) -> list[Difference]:
        """What differs in all that was added, by group and day."""
        return sorted(pair(self._before, self._after), key=_order)


def pair(before: Iterable[PlanRow], after: Iterable[PlanRow]) -> Iterator[Difference]:
    """Pair rows that differ: by key, then by place, of one place those of one day first and then in their order.

    Args:
        before, after: rows that are not in the other plan exactly so; no two of a plan have one key.
    """
    by_key = {(row.kind, row.name, row.key): row for row in after}
    left_before: dict[tuple[str, ...], list[PlanRow]] = defaultdict(list)
    for row in before:
        same = by_key.pop((row.kind, row.name, row.key), None)
        if same is not None:
            yield Difference(row, same)
        else:
            left_before[row.kind, row.name, row.place].append(row)
    left_after: dict[tuple[str, ...], list[PlanRow]] = defaultdict(list)
    for row in by_key.values():
        left_after[row.kind, row.name, row.place].append(row)
    for place in left_before.keys() | left_after.keys():
        yield from _pair_by_day(left_before[place], left_after[place])


def _pair_by_day(before: list[PlanRow], after: list[PlanRow]) -> Iterator[Difference]:
    """Rows of one place: it is reached more than once where several runs of a key follow each other."""
    rest = sorted(after, key=_by_day)
    alone = []
    for row in sorted(before, key=_by_day):
        same_day = next((other for other in rest if other.day == row.day), None)
        if same_day is None:
            alone.append(row)
        else:
            rest.remove(same_day)
            yield Difference(row, same_day)
    for place in range(max(len(alone), len(rest))):
        yield Difference(*(rows[place] if place < len(rows) else None for rows in (alone, rest)))


def _by_day(row: PlanRow) -> tuple[date, str]:
    return row.day, row.key


def _order(difference: Difference) -> tuple[str, str, date, str, str]:
    row = difference.row
    return row.kind, row.name, row.day, row.order_number or "", row.key
