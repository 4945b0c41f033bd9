"""Sealing: writing down what a day wants delivered, before any of it goes (DESIGN 5, "Batches").

Each batch is hashed; only where the hash differs from that of the newest version is a new version
written, with its difference from the ledger in numbers (correcting/difference.py). A range of days is one pass,
and a day on which nothing changed reads no rows.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pp_pipeline.correcting.difference import Difference, find_difference
from pp_pipeline.ledger.schema import batches
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.witness import Witness
from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.batches import Batch, newest_batches, read_newest
from pp_pipeline.sending.gates import Gates
from pp_pipeline.sending.plan import (
    BatchId,
    BatchKind,
    PlannedBatch,
    nothing,
    planned_batches,
    planned_campaigns,
    planned_keys,
)
from pp_pipeline.sending.releases import finish, note_sendable
from pp_pipeline.sending.unsealed import note_sealed
from pp_pipeline.settings import Settings, utc_now
from pp_pipeline.warehouse import Warehouse


@dataclass(frozen=True)
class SealSummary:
    """What sealing a range found: the newest versions, and which of them it wrote."""

    batches: list[Batch] = field(default_factory=list)
    sealed: list[Batch] = field(default_factory=list)


def seal_batches(
    ledger: Ledger,
    warehouse: Warehouse,
    settings: Settings,
    first: date,
    last: date,
    merchants: Mapping[str, Merchant],
    today: date,
) -> SealSummary:
    """Seal the plan of a range of days. Doing it twice writes nothing the second time.

    A batch that planned something and now plans nothing gets a version of 0 rows, so that what it planned can
    no longer be sent.
    """
    gates = Gates(settings, ledger)
    with warehouse.connect() as connection:
        planned = {batch.id: batch for batch in planned_batches(connection, first, last, merchants)}
        before = {batch.id: batch for batch in newest_batches(ledger, gates, first, last)}
        vanished = {identity: nothing(identity) for identity in before.keys() - planned.keys()}
        planned |= {gone: batch for gone, batch in vanished.items() if batch.hash != before[gone].hash}
        changed = {
            identity: batch
            for identity, batch in planned.items()
            if identity not in before or before[identity].hash != batch.hash
        }
        filled = [identity for identity in changed if identity not in vanished]
        keys = planned_keys(connection, filled, merchants)
        with ledger.reading() as reading:
            wanted = {identity: keys.get(identity, []) for identity in changed}
            difference = find_difference(ledger, reading, connection, settings, merchants, wanted, gates)
        campaigns = planned_campaigns(connection, filled, merchants)
        rows = []
        for identity in sorted(changed):
            row = _row(changed[identity], gates, campaigns.get(identity, frozenset()))
            rows.append(row | _counts(changed[identity], difference))
        # Still under the warehouse's lock: of two that seal at once, the later one saw the later plan.
        _write(ledger, gates, rows, first, last)
        note_sealed(connection, first, last)
    Witness.of(settings).catch_up(ledger)
    note_sendable(ledger, settings, first, last, today)
    newest = newest_batches(ledger, gates, first, last)
    return SealSummary(newest, [batch for batch in newest if batch.id in changed])


def _row(batch: PlannedBatch, gates: Gates, campaigns: frozenset[str]) -> dict[str, Any]:
    """A version's columns, its number and counts aside."""
    return {
        "kind": batch.id.kind,
        "name": batch.id.name,
        "merchant": batch.id.merchant,
        "day": batch.id.day,
        "hash": batch.hash,
        "row_count": batch.row_count,
        "sealed_at": utc_now(),
        "sealed_for": gates.target(batch.id),
        "campaigns": f" {' '.join(sorted(campaigns))} ",
    }


def _counts(batch: PlannedBatch, difference: Difference) -> dict[str, int]:
    """What the ledger knows of a batch. A snapshot is one delivery of many rows."""
    weight = batch.row_count if batch.id.kind == "snapshot" else 1
    counts = dict.fromkeys(("new_count", "sent_count", "moved_count", "open_count"), 0)
    for _, known, category in difference.planned_rows(batch.id):
        counts["moved_count"] += category == "moved"
        if known is None:
            counts["new_count"] += weight
        elif known.state == "sent":
            counts["sent_count"] += weight
        counts["open_count"] += known is None or known.state not in ("sent", "skipped", "unknown")
    gone = Counter(each.category for each in difference.gone.get(batch.id, ()))
    return counts | {
        "unplanned_count": gone["overtaken"] + gone["sent in error"],
        "overtaken_count": gone["overtaken"],
        "no_longer_due_count": gone["no longer due"],
    }


def _write(ledger: Ledger, gates: Gates, rows: list[dict[str, Any]], first: date, last: date) -> None:
    """Write the versions, numbered after those that stand by then; the same seal is not written twice."""
    if not rows:
        return
    with ledger.writing() as connection:
        newest = {batch.id: batch for batch in read_newest(connection, gates, first, last)}
        numbered, done = [], set()
        for row in rows:
            is_done = row.pop("open_count") == 0
            kind: BatchKind = row["kind"]
            identity = BatchId(row["day"], kind, row["name"], row["merchant"])
            before = newest.get(identity)
            if before is None or before.hash != row["hash"]:
                numbered.append(row | {"version": before.version + 1 if before else 1})
                if is_done:
                    done.add(identity)
        ledger.insert_new(connection, batches, numbered)
        for batch in read_newest(connection, gates, first, last) if done else ():
            if batch.id in done:
                finish(connection, [batch.number], gates.target(batch.id), utc_now())
