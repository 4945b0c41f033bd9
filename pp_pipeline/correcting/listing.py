"""The rows of batches with their category and their cause, for people to read (`pp batches --rows`, `pp approve`)."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection as LedgerConnection
from sqlalchemy import select

from pp_pipeline.correcting.causes import Cause, Unexplained, find_causes, stated
from pp_pipeline.correcting.difference import CATEGORIES, Category, find_difference
from pp_pipeline.correcting.known import Known
from pp_pipeline.correcting.movements import movement_words
from pp_pipeline.correcting.planned_rows import PlannedRow, planned_rows
from pp_pipeline.landing.file_ledger import all_records
from pp_pipeline.ledger.schema import batches as batch_table
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.batches import Batch
from pp_pipeline.sending.gates import Gates
from pp_pipeline.sending.plan import BatchId, planned_batches, planned_keys
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Connection

# What is as it should be is only counted where people read.
UNREMARKABLE: tuple[Category, ...] = ("sent", "skipped", "open")


@dataclass(frozen=True)
class ListedRow:
    """A delivery of a batch. `known_for`: the day for which the ledger knows it; `queue`: what became of its order
    there, where it is planned no more."""

    batch: BatchId
    category: Category
    key: str
    contact_key: str | None
    order_number: str | None
    state: str
    reason: str
    known_for: date | None
    queue: str
    cause: Cause

    @property
    def why(self) -> str:
        """The cause in one line."""
        return "; ".join(filter(None, (self.queue, str(self.cause))))

    def record(self) -> "RowRecord":
        """The row as files and programs get it."""
        return RowRecord(
            day=self.batch.day,
            kind=self.batch.kind,
            name=self.batch.name,
            merchant=self.batch.merchant,
            category=self.category,
            order_number=self.order_number,
            contact_key=self.contact_key,
            state=self.state,
            reason=self.reason,
            known_for=self.known_for,
            file=self.cause.file,
            line=self.cause.line,
            why=self.why,
            key=self.key,
        )


class RowRecord(NamedTuple):
    """A `ListedRow`, flat."""

    day: date
    kind: str
    name: str
    merchant: str
    category: Category
    order_number: str | None
    contact_key: str | None
    state: str
    reason: str
    known_for: date | None
    file: str
    line: int | None
    why: str
    key: str


@dataclass(frozen=True)
class Listing:
    """The rows of some batches, what went wrong first; `changed` are batches whose plan is no longer what was sealed:
    their rows are those of the plan."""

    rows: Sequence[ListedRow]
    changed: frozenset[BatchId]

    def counts(self) -> dict[Category, int]:
        """How many rows each category has, in the order of `CATEGORIES`."""
        found = Counter(row.category for row in self.rows)
        return {category: found[category] for category in CATEGORIES}

    def remarkable(self) -> list[ListedRow]:
        """The rows without those that are as they should be."""
        return [row for row in self.rows if row.category not in UNREMARKABLE]


def list_rows(
    ledger: Ledger,
    connection: Connection,
    settings: Settings,
    merchants: Mapping[str, Merchant],
    some: Collection[Batch],
) -> Listing:
    """The rows of some batches, each the newest version, as plan and ledger are now. A snapshot is one row."""
    if not some:
        return Listing([], frozenset())
    gates = Gates(settings, ledger)
    identities = {batch.id: batch for batch in some}
    days = sorted({identity.day for identity in identities})
    hashes = {each.id: each.hash for each in planned_batches(connection, days[0], days[-1], merchants, days)}
    keys = planned_keys(connection, [identity for identity in identities if identity in hashes], merchants)
    planned = {identity: keys.get(identity, []) for identity in identities}
    with ledger.reading() as reading:
        difference = find_difference(ledger, reading, connection, settings, merchants, planned, gates)
        gone = [each for found in difference.gone.values() for each in found]
        words = movement_words(reading, connection, [each.known for each in gone])
        sealed_before = _sealed_before(reading, identities)
    rows = {(row.batch, row.key): row for row in planned_rows(connection, identities, merchants)}
    asked: dict[tuple[BatchId, str], Unexplained] = {}
    for identity in identities:
        for key, known, category in difference.planned_rows(identity):
            since = known.claimed_at if known else sealed_before.get(identity)
            row = rows.get((identity, key))
            if category in ("new", "moved") and since and row:
                asked[identity, key] = Unexplained(
                    identity.merchant, row.order_number, row.contact_key, since, identity.day
                )
    causes = find_causes(connection, settings, merchants, all_records(ledger), asked.values())
    traced = {place: causes[one] for place, one in asked.items()}
    found = [
        _planned_row(identity, key, known, category, rows.get((identity, key)), traced.get((identity, key)))
        for identity in identities
        for key, known, category in difference.planned_rows(identity)
    ]
    found += [_gone_row(each.known, each.category, words.get(each.known.key, ""), each.cause) for each in gone]
    found.sort(key=lambda row: (-CATEGORIES.index(row.category), row.batch, row.order_number or "", row.key))
    changed = {
        identity for identity, batch in identities.items() if batch.row_count and hashes.get(identity) != batch.hash
    }
    return Listing(found, frozenset(changed))


def _planned_row(
    batch: BatchId, key: str, known: Known | None, category: Category, row: PlannedRow | None, traced: Cause | None
) -> ListedRow:
    states = stated(row.order_file, row.order_file_line) if row else Cause("")
    cause = traced if traced and (traced.file or category == "moved") else states
    return ListedRow(
        batch=batch,
        category=category,
        key=key,
        contact_key=row.contact_key if row else None,
        order_number=row.order_number if row else None,
        state=known.state if known else "",
        reason=known.reason if known else "",
        known_for=known.batch.day if known else None,
        queue="",
        cause=cause,
    )


def _gone_row(known: Known, category: Category, words: str, cause: Cause) -> ListedRow:
    return ListedRow(
        batch=known.batch,
        category=category,
        key=known.key,
        contact_key=known.contact_key,
        order_number=known.order_number,
        state=known.state,
        reason=known.reason,
        known_for=known.batch.day,
        queue=words,
        cause=cause,
    )


def _sealed_before(reading: LedgerConnection, identities: Mapping[BatchId, Batch]) -> dict[BatchId, datetime]:
    """When the version before the newest was sealed, of those that have one."""
    days = [identity.day for identity in identities]
    columns = [batch_table.c[name] for name in ("day", "kind", "name", "merchant", "version", "sealed_at")]
    query = select(*columns).where(batch_table.c.day.between(min(days), max(days)))
    found = {}
    for day, kind, name, merchant, version, sealed_at in reading.execute(query):
        identity = BatchId(day, kind, name, merchant)
        if identity in identities and version == identities[identity].version - 1:
            found[identity] = sealed_at
    return found
