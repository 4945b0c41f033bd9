"""Why a row differs: what the plan that lacks it says of its order or its run, or what about it is another one."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from pp_pipeline.comparing.differences import Difference
from pp_pipeline.comparing.plan_rows import Plan, PlanRow
from pp_pipeline.portions import portions
from pp_pipeline.sending.plan import marks

_LOOKUP_SIZE = 1_000


class Reason(NamedTuple):
    """Why a row differs: `words` are the same for many rows and can be counted by, `day` belongs to the one."""

    words: str
    day: date | None = None
    before_day: str = " "

    @property
    def text(self) -> str:
        """As a person reads it."""
        return f"{self.words}{self.before_day}{self.day}" if self.day else self.words


def reasons(differences: Sequence[Difference], before: Plan, after: Plan, last: date) -> list[Reason]:
    """The reason of each difference, in their order; the plans' books are read up to the end of the last day."""
    found: dict[int, Reason] = {}
    for plan, change, side in ((before, "new", "before"), (after, "gone", "now")):
        lacking = [(place, one.row) for place, one in enumerate(differences) if one.change == change]
        says = _Lookup(plan, last).of([row for _, row in lacking])
        found |= {
            place: reason._replace(words=f"{side}: {reason.words}") if reason.words else reason
            for (place, _), reason in zip(lacking, says, strict=True)
        }
    return [found[place] if place in found else _of_both(one) for place, one in enumerate(differences)]


def _of_both(difference: Difference) -> Reason:
    before, after = difference.before, difference.after
    assert before and after
    words = []
    if days := (after.day - before.day).days:
        words.append(f"{abs(days)} {'day' if abs(days) == 1 else 'days'} {'later' if days > 0 else 'earlier'}")
    if before.contact_key != after.contact_key:
        words.append("another contact")
    if before.text != after.text:
        words.append(f"{before.text} -> {after.text}")
    if before.event_id != after.event_id:
        words.append("from another event")
    elif before.order_number != after.order_number:
        words.append("another order")
    return Reason(", ".join(words))


@dataclass(frozen=True)
class _Lookup:
    """What a plan says of rows that it lacks."""

    plan: Plan
    last: date

    def of(self, rows: Sequence[PlanRow]) -> list[Reason]:
        campaigns: dict[str, list[PlanRow]] = defaultdict(list)
        for row in rows:
            if row.kind in ("campaign", "waiting"):
                campaigns[row.name].append(row)
        standings = {name: self._standings(name, wanted) for name, wanted in campaigns.items()}
        messages = [row for row in rows if row.kind == "conversation"]
        runs = self._runs(messages)
        fired = self._fired(messages)
        found = []
        for row in rows:
            if row.kind in ("campaign", "waiting"):
                found.append(standings[row.name].get(row.order_number or "", Reason("never entered")))
            elif row.kind == "conversation":
                found.append(self._of_message(row, runs, fired))
            else:
                found.append(Reason(""))
        return found

    def _of_message(self, row: PlanRow, runs: Mapping[tuple[str, str], date], fired: set[str]) -> Reason:
        if row.name not in self.plan.conversations:
            return Reason("no such conversation")
        if row.event_id not in fired:
            return Reason("its event has not fired")
        begun_on = runs.get((row.name, row.event_id))
        if begun_on is None:
            return Reason("its event begins no run")
        return Reason("its run does not come to it", begun_on, ", begun ")

    def _standings(self, campaign: str, rows: Sequence[PlanRow]) -> dict[str, Reason]:
        """By order number, the last that a campaign's book says of it; who never entered is not there."""
        if campaign not in self.plan.campaigns:
            return {row.order_number or "": Reason("no such campaign") for row in rows}
        sql = f"""select order_number, movement, reason, movement_on, due_on from queue_{campaign}
            where movement_on <= ? and order_number in ({{marks}})
            order by movement_on, case movement when 'left' then 1 else 0 end"""
        found = {}
        for order, movement, reason, movement_on, due_on in self._ask(
            sql, [row.order_number for row in rows], self.last
        ):
            if movement != "left":
                found[order] = Reason("waits", due_on, ", due ")
            else:
                found[order] = Reason("released" if reason == "released" else f"left as {reason}", movement_on)
        return found

    def _runs(self, rows: Sequence[PlanRow]) -> dict[tuple[str, str], date]:
        sql = "select conversation, event_id, begun_on from conversation_runs where event_id in ({marks})"
        return {(name, event): begun_on for name, event, begun_on in self._ask(sql, [row.event_id for row in rows])}

    def _fired(self, rows: Sequence[PlanRow]) -> set[str]:
        if not self.plan.connection.table_exists("all_events"):
            return set()
        sql = "select event_id from all_events where event_id in ({marks})"
        return {event for (event,) in self._ask(sql, [row.event_id for row in rows])}

    def _ask(self, sql: str, values: Iterable[str | None], *params: object) -> Iterator[tuple[Any, ...]]:
        """The rows of a query with `{marks}` for some of the values at a time."""
        asked = sorted({value for value in values if value is not None})
        for part in portions(asked, _LOOKUP_SIZE):
            yield from self.plan.connection.rows(sql.format(marks=marks(part)), (*params, *part))
