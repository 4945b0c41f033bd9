"""The difference of a plan from the ledger, row by row (DESIGN 1, 5 and 7): what is to be done, and what went wrong.

| category | it is |
| --- | --- |
| new | planned, and the ledger does not know it |
| moved | planned for another day than the one that the ledger knows it for, sent or not |
| open | planned, tried and not settled for good: claimed, deferred, failed, unknown |
| sent, skipped | planned, and so settled |
| no longer due | tried and not sent, planned no more |
| overtaken | sent, and taken out of the plan by a file of that day whose content was first seen after the claim |
| sent in error | sent, and planned no more for any other reason |

A row belongs to the batch that plans it, or, planned no more, to the one of the day it was last claimed for.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sqlalchemy import Connection as LedgerConnection

from pp_pipeline.correcting.causes import Cause, Unexplained, find_causes
from pp_pipeline.correcting.known import Known, deliveries_of, known_deliveries, sealing_times
from pp_pipeline.correcting.planned_rows import still_planned
from pp_pipeline.landing.file_ledger import all_records
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.gates import DeliveryTarget, Gates
from pp_pipeline.sending.plan import BatchId, BatchKind
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Connection

Category = Literal["new", "moved", "open", "sent", "skipped", "no longer due", "overtaken", "sent in error"]
CATEGORIES: tuple[Category, ...] = (
    *("new", "moved", "open", "sent", "skipped", "no longer due", "overtaken", "sent in error"),
)
"""In the order in which they are shown."""

_KINDS: tuple[BatchKind, ...] = ("messages", "events", "snapshot")


@dataclass(frozen=True)
class Gone:
    """A delivery that is planned no more, and why."""

    known: Known
    category: Category
    cause: Cause


@dataclass(frozen=True)
class Difference:
    """Plan and ledger of some batches, held against each other."""

    planned: Mapping[BatchId, Collection[str]]
    known: Mapping[tuple[DeliveryTarget, str], Known]
    gone: Mapping[BatchId, Sequence[Gone]]
    gates: Gates

    def planned_rows(self, batch: BatchId) -> Iterator[tuple[str, Known | None, Category]]:
        """The rows that a batch plans: key, what the ledger knows of it, and the category."""
        target = self.gates.target(batch)
        for key in self.planned.get(batch, ()):
            known = self.known.get((target, key))
            yield key, known, category_of(batch, known)


def category_of(batch: BatchId, known: Known | None) -> Category:
    """The category of a row that a batch plans."""
    if known is None:
        return "new"
    if known.state == "skipped":
        return "skipped"
    if known.batch.day != batch.day:
        return "moved"
    return "sent" if known.state == "sent" else "open"


def find_difference(
    ledger: Ledger,
    reading: LedgerConnection,
    warehouse: Connection,
    settings: Settings,
    merchants: Mapping[str, Merchant],
    planned: Mapping[BatchId, Collection[str]],
    gates: Gates,
) -> Difference:
    """The difference of some batches, all in one pass.

    Args:
        reading: a snapshot of the ledger.
        planned: the keys of all that each of the batches plans; none for one that plans nothing any more.
    """
    known = known_deliveries(reading, gates, planned)
    kept = {key for keys in planned.values() for key in keys}
    gone = [each for each in deliveries_of(reading, gates, planned) if each.key not in kept]
    for kind in _KINDS:
        elsewhere = still_planned(warehouse, {each.key for each in gone if each.batch.kind == kind}, kind, merchants)
        gone = [each for each in gone if each.key not in elsewhere]
    if not gone:
        return Difference(planned, known, {}, gates)
    asked = {each.key: asked_of(each) for each in gone}
    records = all_records(ledger)
    causes = find_causes(warehouse, settings, merchants, records, asked.values())
    # A content may have been in when it was claimed, and the plan not built from it yet.
    untraced = [each for each in gone if not causes[asked[each.key]].file]
    sealed = sealing_times(reading, {each.first_batch for each in untraced})
    earlier = {
        each.key: replace(asked[each.key], since=sealed[each.first_batch])
        for each in untraced
        if each.first_batch in sealed
    }
    causes_before = find_causes(warehouse, settings, merchants, records, earlier.values()) if earlier else {}
    found: dict[BatchId, list[Gone]] = {}
    for each in gone:
        cause = causes[asked[each.key]]
        category = _gone_category(each, cause)
        if each.key in earlier and causes_before[earlier[each.key]].file:
            cause = causes_before[earlier[each.key]]
        found.setdefault(each.batch, []).append(Gone(each, category, cause))
    return Difference(planned, known, found, gates)


def asked_of(known: Known) -> Unexplained:
    """What changed for a delivery since it was claimed."""
    batch = known.batch
    return Unexplained(batch.merchant, known.order_number, known.contact_key, known.claimed_at, batch.day)


def _gone_category(known: Known, cause: Cause) -> Category:
    if known.state != "sent":
        return "no longer due"
    return "overtaken" if cause.file_date == known.batch.day else "sent in error"
