"""Sealing: writing down what a day wants delivered, before any of it goes (DESIGN 5, "Batches").

Each batch is hashed; only where the hash differs from that of the newest version is a new version
written, with its difference from the ledger: rows that are new, rows already sent, rows sent for this day
that are no longer planned. A range of days is one pass, and a day on which nothing changed reads no rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from pp_pipeline.ledger.schema import batches, deliveries
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.batches import Batch, current_target, newest_batches, note_sendable, read_newest
from pp_pipeline.sending.plan import (
    BatchId,
    BatchKind,
    PlannedBatch,
    batch_hash,
    planned_batches,
    planned_keys,
    still_planned,
)
from pp_pipeline.settings import Settings, utc_now
from pp_pipeline.warehouse import Warehouse

_LOOKUP_SIZE = 10_000


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
    target = current_target(settings)
    with warehouse.connect() as connection:
        planned = {batch.id: batch for batch in planned_batches(connection, first, last, merchants)}
        before = {batch.id: batch for batch in newest_batches(ledger, first, last)}
        for identity, batch in before.items():
            if identity not in planned and batch.row_count:
                planned[identity] = PlannedBatch(identity, 0, batch_hash(identity, 0, ""))
        changed = {
            identity: batch
            for identity, batch in planned.items()
            if identity not in before or before[identity].hash != batch.hash
        }
        filled = [identity for identity, batch in changed.items() if batch.row_count]
        keys = planned_keys(connection, filled, merchants)
        with ledger.reading() as reading:
            known = _known_states(reading, target, [key for found in keys.values() for key in found])
            sent = _sent_keys(reading, target, [identity for identity in changed if identity in before])
        gone = _gone_keys(sent, keys)
        for kind in ("messages", "events"):
            of_kind = {key for identity, found in gone.items() if identity.kind == kind for key in found}
            moved = still_planned(connection, of_kind, kind)
            gone = {identity: found - moved for identity, found in gone.items()}
        rows = [
            _row(changed[identity], keys.get(identity, []), known, len(gone.get(identity, ())), target)
            for identity in sorted(changed)
        ]
        # Still under the warehouse's lock: of two that seal at once, the later one saw the later plan.
        _write(ledger, rows, first, last)
    note_sendable(ledger, settings, first, last, today)
    newest = newest_batches(ledger, first, last)
    return SealSummary(newest, [batch for batch in newest if batch.id in changed])


def _known_states(connection: Connection, target: str, keys: list[str]) -> dict[str, str]:
    """The ledger's state of those keys that it knows."""
    if connection.scalar(select(deliveries.c.id).where(deliveries.c.target == target).limit(1)) is None:
        return {}
    known: dict[str, str] = {}
    for start in range(0, len(keys), _LOOKUP_SIZE):
        part = keys[start : start + _LOOKUP_SIZE]
        query = select(deliveries.c.key, deliveries.c.state).where(
            deliveries.c.target == target, deliveries.c.key.in_(part)
        )
        known |= {row.key: row.state for row in connection.execute(query)}
    return known


def _sent_keys(connection: Connection, target: str, changed: list[BatchId]) -> dict[BatchId, set[str]]:
    """What was sent under any version of these batches."""
    if not changed:
        return {}
    days = [identity.day for identity in changed]
    query = (
        select(batches.c.day, batches.c.kind, batches.c.name, batches.c.merchant, deliveries.c.key)
        .join(batches, deliveries.c.batch == batches.c.id)
        .where(
            deliveries.c.target == target,
            deliveries.c.state == "sent",
            batches.c.day.between(min(days), max(days)),
        )
    )
    sent: dict[BatchId, set[str]] = {identity: set() for identity in changed}
    for day, kind, name, merchant, key in connection.execute(query):
        identity = BatchId(day, kind, name, merchant)
        if identity in sent:
            sent[identity].add(key)
    return sent


def _gone_keys(sent: Mapping[BatchId, set[str]], planned: Mapping[BatchId, list[str]]) -> dict[BatchId, set[str]]:
    return {identity: keys - set(planned.get(identity, ())) for identity, keys in sent.items()}


def _row(
    batch: PlannedBatch, keys: list[str], known: Mapping[str, str], unplanned_count: int, target: str
) -> dict[str, Any]:
    """A version's columns, its number aside. A snapshot is one delivery of many rows."""
    weight = batch.row_count if batch.id.kind == "snapshot" else 1
    new_count = sum(weight for key in keys if key not in known)
    is_done = all(known.get(key) in ("sent", "skipped", "unknown") for key in keys)
    now = utc_now()
    return {
        "kind": batch.id.kind,
        "name": batch.id.name,
        "merchant": batch.id.merchant,
        "day": batch.id.day,
        "hash": batch.hash,
        "row_count": batch.row_count,
        "new_count": new_count,
        "sent_count": sum(weight for key in keys if known.get(key) == "sent"),
        "unplanned_count": unplanned_count,
        "sealed_at": now,
        "finished_at": now if is_done else None,
        "finished_for": target if is_done else None,
    }


def _write(ledger: Ledger, rows: list[dict[str, Any]], first: date, last: date) -> None:
    """Write the versions, numbered after those that stand by then; the same seal is not written twice."""
    if not rows:
        return
    with ledger.writing() as connection:
        newest = {batch.id: batch for batch in read_newest(connection, first, last)}
        numbered = []
        for row in rows:
            kind: BatchKind = row["kind"]
            before = newest.get(BatchId(row["day"], kind, row["name"], row["merchant"]))
            if before is None or before.hash != row["hash"]:
                numbered.append(row | {"version": before.version + 1 if before else 1})
        ledger.insert_new(connection, batches, numbered)
