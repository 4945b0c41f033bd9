"""Adopting: taking what is planned as sent, without sending it (first switch-on, moving from another tool).

The plan of a range of days is read page by page, in the order of its keys; what the ledger does not know is written as
`sent`, a page in a transaction, so that a million rows need neither the memory nor the lock of one. A second run finds
nothing to do.

A row that stands is left as it is. But while the ledger is known to be an old one (put back, not accepted yet), what it
holds as failed or deferred may have gone since: that is taken as sent, too, and what it holds as claimed is `unknown`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import Any, get_args
from uuid import uuid4

from sqlalchemy import Connection, select, update

from pp_pipeline.ledger.inspecting import OPEN
from pp_pipeline.ledger.schema import deliveries
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.witness import Witness
from pp_pipeline.merchants import Merchant
from pp_pipeline.portions import portions
from pp_pipeline.sending.adoptable import Wanted, pages
from pp_pipeline.sending.batches import Batch, newest_batches
from pp_pipeline.sending.claim import write_claim
from pp_pipeline.sending.gates import DeliveryTarget, Gates
from pp_pipeline.sending.plan import BatchId, planned_batches
from pp_pipeline.sending.planned import Planned, ledger_columns
from pp_pipeline.sending.releases import finish
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Warehouse

PAGE_ROWS = 50_000
_LOOKUP_SIZE = 10_000
TARGETS: tuple[DeliveryTarget, ...] = get_args(DeliveryTarget)
_FINAL = ("sent", "skipped", "unknown")

Progress = Callable[[int, int], None]
"""Called with the rows looked at and the rows in all."""


@dataclass
class Adopted:
    """What was adopted, or would be."""

    rows: Counter[BatchId] = field(default_factory=Counter)
    """New rows by batch."""
    reopened: int = 0
    """Rows that an old ledger holds as failed, deferred or claimed, of which it can't know whether they went since."""
    known: int = 0
    """Rows that the ledger knows already, in whatever state, and that stay as they are."""
    finished: int = 0
    """Batches of which nothing is left to do now."""

    @property
    def count(self) -> int:
        """New and reopened rows in all."""
        return sum(self.rows.values()) + self.reopened


@dataclass(frozen=True)
class Adopter:
    """Adopts for one installation.

    Attributes:
        target: what it counts for; None: what each batch goes to now.
        kinds: the kind of message of each conversation.
    """

    settings: Settings
    ledger: Ledger
    warehouse: Warehouse
    merchants: Mapping[str, Merchant]
    kinds: Mapping[str, str]
    target: DeliveryTarget | None = None
    page_rows: int = PAGE_ROWS

    def adopt(
        self, wanted: Wanted, by: str, now: datetime, dry_run: bool = False, progress: Progress | None = None
    ) -> Adopted:
        """Write what is planned and not known as `sent`; with `dry_run` only count it.

        Raises:
            LedgerError: the witness can't be read, so that nobody knows whether the ledger is an old one.
        """
        adopted, open_batches, done = Adopted(), set[BatchId](), 0
        gates = Gates(self.settings, self.ledger)
        is_old = bool(gates.lacking)
        with self.warehouse.connect() as connection:
            planned = {
                batch.id: batch
                for batch in planned_batches(connection, wanted.first, wanted.last, self.merchants)
                if wanted.takes(batch.id)
            }
            total = sum(1 if each.id.kind == "snapshot" else each.row_count for each in planned.values())
            sealed = {
                batch.id: batch for batch in newest_batches(self.ledger, gates, wanted.first, wanted.last)
                if wanted.takes(batch.id)
            }  # fmt: skip
            for page in pages(connection, wanted, self.merchants, self.page_rows):
                for target in TARGETS:
                    of_target = [one for one in page if self._target(gates, one[0]) == target]
                    if not of_target:
                        continue
                    states = self._states(of_target, target)
                    new = [one for one in of_target if one[1].key not in states]
                    again = {key for key, state in states.items() if is_old and state in OPEN}
                    open_batches |= {
                        batch for batch, item in of_target
                        if item.key not in again and states.get(item.key, "sent") not in _FINAL
                    }  # fmt: skip
                    adopted.rows.update(batch for batch, _ in new)
                    adopted.reopened += len(again)
                    adopted.known += len(states) - len(again)
                    if (new or again) and not dry_run:
                        self._write(new, sorted(again), target, sealed, by, now)
                done += len(page)
                if progress:
                    progress(min(done, total), total)
        if not dry_run:
            whole = {each.id for each in planned.values() if each.id in sealed and sealed[each.id].hash == each.hash}
            adopted.finished = self._finish([sealed[identity] for identity in whole - open_batches], now)
            Witness.of(self.settings).catch_up(self.ledger)
        return adopted

    def _target(self, gates: Gates, batch: BatchId) -> DeliveryTarget:
        return self.target or gates.target(batch)

    def _finish(self, done: Sequence[Batch], now: datetime) -> int:
        """Mark batches as finished of which the ledger now knows every row; how many were not before."""
        count = 0
        with self.ledger.writing() as writing:
            for target in TARGETS:
                numbers = [
                    batch.number
                    for batch in done
                    if batch.release.target == target
                    and batch.release.finished_at is None
                    and self.target in (None, target)
                ]
                finish(writing, numbers, target, now)
                count += len(numbers)
        return count

    def _states(self, page: Sequence[tuple[BatchId, Planned]], target: DeliveryTarget) -> dict[str, str]:
        """The states of what the ledger knows of a page, by key."""
        states: dict[str, str] = {}
        with self.ledger.reading() as reading:
            for keys in portions([item.key for _, item in page], _LOOKUP_SIZE):
                query = select(deliveries.c.key, deliveries.c.state)
                query = query.where(deliveries.c.target == target, deliveries.c.key.in_(keys))
                states |= {row.key: row.state for row in reading.execute(query)}
        return states

    def _write(
        self,
        new: Sequence[tuple[BatchId, Planned]],
        again: Sequence[str],
        target: DeliveryTarget,
        sealed: Mapping[BatchId, Batch],
        by: str,
        now: datetime,
    ) -> None:
        token = uuid4().hex
        settled = {"state": "sent", "reason": f"adopted: {by}", "claim": token, "settled_at": now}
        inserted = settled | {"claimed_at": now, "lease_until": now, "target": target, "has_offer": False}
        rows = []
        for identity, item in new:
            batch = sealed.get(identity)
            row: dict[str, Any] = {"key": item.key, "first_tried_on": identity.day, **inserted, **ledger_columns(item)}
            row["batch"] = batch.number if batch else None
            row["message_kind"] = self.kinds.get(identity.name) if identity.kind == "messages" else None
            # Whoever did send it did so on its day, by what caps and spacing go by.
            row["acted_at"] = min(now, datetime.combine(identity.day, time(12), UTC))
            rows.append(row)
        with self.ledger.writing() as writing:
            self.ledger.insert_new(writing, deliveries, rows)
            _take_as_gone(writing, again, target, settled)
            write_claim(writing, token, target, len(rows) + len(again), now)


def _take_as_gone(connection: Connection, keys: Sequence[str], target: DeliveryTarget, settled: dict[str, Any]) -> None:
    """Settle what an old ledger holds as open. What it holds as claimed keeps its claim: a sender that is still at it
    knows better, as after a lease that ran out."""
    for part in portions(keys, _LOOKUP_SIZE):
        rows = update(deliveries).where(deliveries.c.target == target, deliveries.c.key.in_(part))
        claimed = {"state": "unknown", "reason": "lease_expired", "settled_at": settled["settled_at"]}
        connection.execute(rows.where(deliveries.c.state == "claimed").values(**claimed))
        tried = rows.where(deliveries.c.state.in_(("failed", "deferred")))
        connection.execute(tried.values(**settled, deferred_until=None))
