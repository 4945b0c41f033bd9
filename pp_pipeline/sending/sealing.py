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
from pp_pipeline.ledger.witness import Witness
from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.batches import Batch, newest_batches, read_newest
from pp_pipeline.sending.gates import DeliveryTarget, Gates
from pp_pipeline.sending.plan import (
    BatchId,
    BatchKind,
    PlannedBatch,
    nothing,
    planned_batches,
    planned_campaigns,
    planned_keys,
    still_planned,
)
from pp_pipeline.sending.releases import finish, note_sendable
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
            known = _known_states(reading, gates, keys)
            sent = _sent_keys(reading, gates, [identity for identity in changed if identity in before])
        gone = _gone_keys(sent, keys)
        for kind in ("messages", "events"):
            of_kind = {key for identity, found in gone.items() if identity.kind == kind for key in found}
            moved = still_planned(connection, of_kind, kind)
            gone = {identity: found - moved for identity, found in gone.items()}
        campaigns = planned_campaigns(connection, filled, merchants)
        rows = []
        for identity in sorted(changed):
            states = [known.get((gates.target(identity), key), "") for key in keys.get(identity, [])]
            counts = _counts(changed[identity], states) | {"unplanned_count": len(gone.get(identity, ()))}
            rows.append(_row(changed[identity], gates, campaigns.get(identity, frozenset())) | counts)
        # Still under the warehouse's lock: of two that seal at once, the later one saw the later plan.
        _write(ledger, gates, rows, first, last)
    Witness.of(settings).catch_up(ledger)
    note_sendable(ledger, settings, first, last, today)
    newest = newest_batches(ledger, gates, first, last)
    return SealSummary(newest, [batch for batch in newest if batch.id in changed])


def _known_states(
    connection: Connection, gates: Gates, keys: Mapping[BatchId, list[str]]
) -> dict[tuple[DeliveryTarget, str], str]:
    """The ledger's state of those keys that it knows, for the target that each goes to."""
    of_target: dict[DeliveryTarget, list[str]] = {}
    for identity, found in keys.items():
        of_target.setdefault(gates.target(identity), []).extend(found)
    known: dict[tuple[DeliveryTarget, str], str] = {}
    for target, asked in of_target.items():
        if connection.scalar(select(deliveries.c.id).where(deliveries.c.target == target).limit(1)) is None:
            continue
        for start in range(0, len(asked), _LOOKUP_SIZE):
            query = select(deliveries.c.key, deliveries.c.state).where(
                deliveries.c.target == target, deliveries.c.key.in_(asked[start : start + _LOOKUP_SIZE])
            )
            known |= {(target, row.key): row.state for row in connection.execute(query)}
    return known


def _sent_keys(connection: Connection, gates: Gates, changed: list[BatchId]) -> dict[BatchId, set[str]]:
    """What was sent under any version of these batches."""
    if not changed:
        return {}
    days = [identity.day for identity in changed]
    columns = (batches.c.day, batches.c.kind, batches.c.name, batches.c.merchant, deliveries.c.target, deliveries.c.key)
    query = (
        select(*columns)
        .join(batches, deliveries.c.batch == batches.c.id)
        .where(deliveries.c.state == "sent", batches.c.day.between(min(days), max(days)))
    )
    sent: dict[BatchId, set[str]] = {identity: set() for identity in changed}
    for day, kind, name, merchant, target, key in connection.execute(query):
        identity = BatchId(day, kind, name, merchant)
        if identity in sent and target == gates.target(identity):
            sent[identity].add(key)
    return sent


def _gone_keys(sent: Mapping[BatchId, set[str]], planned: Mapping[BatchId, list[str]]) -> dict[BatchId, set[str]]:
    return {identity: keys - set(planned.get(identity, ())) for identity, keys in sent.items()}


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


def _counts(batch: PlannedBatch, states: list[str]) -> dict[str, int]:
    """What the ledger knows of a batch, by the states of its deliveries. A snapshot is one delivery of many rows."""
    weight = batch.row_count if batch.id.kind == "snapshot" else 1
    return {
        "new_count": sum(weight for state in states if not state),
        "sent_count": sum(weight for state in states if state == "sent"),
        "open_count": sum(state not in ("sent", "skipped", "unknown") for state in states),
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
