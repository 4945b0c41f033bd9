"""Two plans side by side: every row that differs, with its reason, and counts of all (DESIGN 7)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pp_pipeline.comparing.differences import CHANGES, Change, Difference, Group, Matching
from pp_pipeline.comparing.gone_out import gone_out
from pp_pipeline.comparing.plan_rows import GOING_OUT, KINDS, Plan
from pp_pipeline.comparing.reasons import Reason, reasons
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.sending.gates import DeliveryTarget
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Warehouse

# Rows of so many days are held at a time.
_DAYS_AT_A_TIME = 7


@dataclass(frozen=True)
class Changed:
    """A difference, why it is there, and whether it left the house already: what was sent stays sent."""

    difference: Difference
    reason: Reason
    sent: DeliveryTarget | None


@dataclass(frozen=True)
class GroupCount:
    """Rows of a group in both plans, on one day or on all; after = before + new - gone + moved_here - moved_away.

    Of who waits, days are not told apart: `moved` are due on another day.
    """

    before: int = 0
    after: int = 0
    new: int = 0
    gone: int = 0
    moved_here: int = 0
    moved_away: int = 0
    changed: int = 0
    sent: int = 0

    @property
    def differs(self) -> bool:
        """Whether any row does."""
        return any((self.new, self.gone, self.moved_here, self.moved_away, self.changed))


@dataclass(frozen=True)
class Comparison:
    """What differs between two plans for the days first..last, and among those who wait at the end of the last.

    Attributes:
        totals: rows of both plans by group and day, `(before, after)`; of who waits all stand under `last`.
        changed: by kind, group and day.
    """

    first: date
    last: date
    totals: dict[Group, dict[date, tuple[int, int]]]
    changed: Sequence[Changed]

    def groups(self) -> list[Group]:
        """Every group that has rows, those that differ and those that don't, in the order in which they are told."""
        return sorted(self.totals, key=lambda group: (KINDS.index(group[0]), group[1]))

    def of_group(self, group: Group) -> GroupCount:
        """The counts of a group over all days; a row that moved counts once, as moved here."""
        own = [one for one in self.changed if one.difference.group == group]
        changes = Counter(one.difference.change for one in own)
        before, after = (sum(both[side] for both in self.totals[group].values()) for side in (0, 1))
        return GroupCount(
            before,
            after,
            new=changes["new"],
            gone=changes["gone"],
            moved_here=changes["moved"],
            changed=changes["changed"],
            sent=sum(one.sent is not None for one in own),
        )

    def days_of(self, group: Group) -> dict[date, GroupCount]:
        """The counts of a group on each of the days on which it differs; none of who waits."""
        if group[0] == "waiting":
            return {}
        found: dict[date, Counter[str]] = {}
        for one in self.changed:
            if one.difference.group != group:
                continue
            for day, word in _words_by_day(one.difference):
                if self.first <= day <= self.last:
                    count = found.setdefault(day, Counter())
                    count[word] += 1
                    count["sent"] += one.sent is not None
        return {
            day: GroupCount(*self.totals[group].get(day, (0, 0)), **counts) for day, counts in sorted(found.items())
        }

    def reasons_of(self, group: Group) -> dict[Change, Counter[str]]:
        """How many rows of a group differ for which reason, by change; without those that need none."""
        found: dict[Change, Counter[str]] = {change: Counter() for change in CHANGES}
        for one in self.changed:
            if one.difference.group == group and one.reason.words:
                found[one.difference.change][one.reason.words] += 1
        return found

    def planned_before(self) -> int:
        """The rows of campaigns, conversations and events that the plan had before: what a share is taken of."""
        return sum(
            before for (kind, _), days in self.totals.items() if kind in GOING_OUT for before, _ in days.values()
        )

    def rows_that_differ(self) -> int:
        """How many rows of campaigns, conversations and events differ; members of segments and who waits aside."""
        return sum(one.difference.row.kind in GOING_OUT for one in self.changed)


def compare_plans(before: Settings, after: Settings, ledger: Ledger, first: date, last: date) -> Comparison:
    """Compare what two homes have built.

    Args:
        before, after: homes whose books hold for the days first..last.
        ledger: of the real home, for what was sent.

    Raises:
        ConversationError: a conversation of one of the two can't be used.
    """
    with Warehouse(before).connect() as left, Warehouse(after).connect() as right:
        plans = Plan.of(before, left), Plan.of(after, right)
        rows, members, waiting = Matching(), Matching(), Matching()
        waiting.add(*(plan.waiting(last) for plan in plans))
        # From the first day on: a row may have come from, or gone to, a day before those that are asked for.
        begins = min([day for plan in plans if (day := plan.begins_on())] + [first])
        for from_day, to_day in _parts(begins, last):
            rows.add(*(plan.rows(from_day, to_day) for plan in plans))
        for from_day, to_day in _parts(first, last):
            members.add(*(plan.members(from_day, to_day) for plan in plans))
        found = [one for one in (*rows.differences(), *members.differences()) if one.touches(first, last)]
        found = sorted([*found, *waiting.differences()], key=lambda one: KINDS.index(one.row.kind))
        why = reasons(found, *plans, last)
    sent = gone_out(ledger, found)
    counts = rows.counts | members.counts
    counts |= {group: {last: _summed(days.values())} for group, days in waiting.counts.items()}
    totals = {
        group: {day: (both[0], both[1]) for day, both in days.items() if first <= day <= last}
        for group, days in counts.items()
    }
    of_change = {one.group for one in found}
    totals = {group: days for group, days in totals.items() if days or group in of_change}
    changed = [Changed(*each) for each in zip(found, why, sent, strict=True)]
    return Comparison(first, last, totals, changed)


def _summed(counts: Iterable[list[int]]) -> list[int]:
    return [sum(side) for side in zip(*counts, strict=True)]


def _words_by_day(difference: Difference) -> list[tuple[date, str]]:
    """On which days a difference counts as what."""
    if difference.before and difference.after and difference.change == "moved":
        return [(difference.before.day, "moved_away"), (difference.after.day, "moved_here")]
    return [(difference.row.day, difference.change)]


def _parts(first: date, last: date) -> list[tuple[date, date]]:
    starts = range(first.toordinal(), last.toordinal() + 1, _DAYS_AT_A_TIME)
    return [
        (date.fromordinal(start), min(date.fromordinal(start) + timedelta(days=_DAYS_AT_A_TIME - 1), last))
        for start in starts
    ]
