"""Batches: what may go, and what waits for approval (DESIGN 5, "Batches").

A batch is what one day's plan wants delivered for one conversation, relay or snapshot. `sealing.py` writes
its versions; only the newest can be sent. It goes by itself if it is neither old nor large:

- *old*: its day lies more than `MAX_BATCH_AGE_DAYS` before the day on which this version could first have
  been sent, that is, with every gate open but approval;
- *large*: its rows that were not in the ledger when it was sealed are `FLOOR_ROWS` or more, and more than
  `MAX_GROWTH` times the median of the batches of the 28 days before. With fewer than `FEWEST_PAST_BATCHES` of
  those only the floor counts.

How far a version is on its way stands in the ledger once for each target (releases.py): what went in rehearsal is old
when it first could go live.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Literal, cast

from sqlalchemy import Connection, Row, and_, select

from pp_pipeline.ledger.schema import batches, releases
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.switches import KILL_SWITCH
from pp_pipeline.ledger.witness import RESTORED_LEDGER
from pp_pipeline.sending.gates import DeliveryTarget, Gates
from pp_pipeline.sending.plan import BatchId, BatchKind
from pp_pipeline.settings import Settings

MAX_BATCH_AGE_DAYS = 2
MAX_GROWTH = 3
FLOOR_ROWS = 500
FEWEST_PAST_BATCHES = 7
MEDIAN_DAYS = 28


@dataclass(frozen=True)
class Release:
    """How far a version of a batch is on its way to a target."""

    target: DeliveryTarget = "rehearsal"
    first_sendable_on: date | None = None
    approved_at: datetime | None = None
    approved_by: str | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True)
class Batch:
    """A sealed version of a batch. The counts are those of the moment of sealing."""

    number: int
    id: BatchId
    version: int
    hash: str
    row_count: int
    new_count: int
    """Rows not in the ledger; all of them where it was sealed for another target than it now goes to."""
    sent_count: int
    unplanned_count: int
    """Sent for this day and planned no more: overtaken or in error."""
    sealed_at: datetime
    campaigns: frozenset[str]
    """What its rows come from, as `planned_campaigns` tells it."""
    release: Release
    moved_count: int = 0
    """Rows that the ledger knows for another day, sent or not."""
    no_longer_due_count: int = 0
    """Tried for this day and not sent, planned no more."""
    overtaken_count: int = 0
    """Sent, and taken out by a file of the day that came only then."""

    @property
    def day(self) -> date:
        """The day whose plan this is."""
        return self.id.day

    @property
    def in_error_count(self) -> int:
        """Sent, planned no more, and not overtaken."""
        return self.unplanned_count - self.overtaken_count

    def __str__(self) -> str:
        return f"{self.id}, version {self.version} ({self.hash[:12]})"


@dataclass(frozen=True)
class BatchState:
    """`sent`: nothing is left to do. `ready`: goes at the next sending. `waiting`: needs approval, as it is
    `old` or `large`. `blocked`: by a gate (the `kill_switch`, a `restored_ledger`, `paused`, its day lacks a file:
    `incomplete_day`), or its day has not come (`early`)."""

    state: Literal["sent", "ready", "waiting", "blocked"]
    reason: str = ""
    usual_count: float | None = None
    """Of a `large` one: the median that it was held against; None where there were too few to have one."""


def difference_counts(some: Iterable[Batch]) -> dict[str, int]:
    """What some versions differed in from the ledger when they were sealed, in rows."""
    counts = {"new": 0, "moved": 0, "no longer due": 0, "overtaken": 0, "sent in error": 0}
    for batch in some:
        counts["new"] += batch.new_count
        counts["moved"] += batch.moved_count
        counts["no longer due"] += batch.no_longer_due_count
        counts["overtaken"] += batch.overtaken_count
        counts["sent in error"] += batch.in_error_count
    return counts


def newest_batches(ledger: Ledger, gates: Gates, first: date, last: date) -> list[Batch]:
    """The newest version of each batch of a range of days, by day, kind, name and merchant."""
    with ledger.reading() as connection:
        return read_newest(connection, gates, first, last)


def read_newest(connection: Connection, gates: Gates, first: date, last: date) -> list[Batch]:
    """`newest_batches` within a transaction."""
    query = (
        select(batches, releases)
        .join(releases, releases.c.batch == batches.c.id, isouter=True)
        .where(batches.c.day.between(first, last))
        .order_by(batches.c.version)
    )
    found: dict[BatchId, list[Row]] = {}
    for row in connection.execute(query):
        identity = BatchId(row.day, cast("BatchKind", row.kind), row.name, row.merchant)
        rows = found.setdefault(identity, [])
        if rows and rows[0].version != row.version:
            rows.clear()
        rows.append(row)
    return [_batch(identity, rows, gates.target(identity)) for identity, rows in sorted(found.items())]


def batch_states(
    ledger: Ledger, settings: Settings, first: date, last: date, today: date
) -> list[tuple[Batch, BatchState]]:
    """The newest version of each batch of a range of days, and how it stands on `today`."""
    gates = Gates(settings, ledger)
    everything = newest_batches(ledger, gates, first - timedelta(days=MEDIAN_DAYS), last)
    sizes: dict[tuple[BatchKind, str, str], list[tuple[date, int]]] = {}
    states = []
    for batch in everything:  # by day: what lies before it is known when its turn comes
        past = sizes.setdefault((batch.id.kind, batch.id.name, batch.id.merchant), [])
        if batch.day >= first:
            earliest = batch.day - timedelta(days=MEDIAN_DAYS)
            past_rows = [rows for day, rows in past if day >= earliest]
            closed = gates.closed(batch.id, batch.campaigns)
            states.append((batch, batch_state(batch, past_rows, closed, today)))
        if batch.row_count:
            past.append((batch.day, batch.row_count))
    return states


def batch_state(batch: Batch, past_row_counts: Sequence[int], closed_gate: str, today: date) -> BatchState:
    """How one batch stands; `past_row_counts` are those of its batches of the 28 days before."""
    release = batch.release
    if release.finished_at is not None:
        return BatchState("sent")
    if closed_gate in (KILL_SWITCH, RESTORED_LEDGER):
        return BatchState("blocked", closed_gate)
    if batch.day > today:
        return BatchState("blocked", "early")
    if closed_gate:
        return BatchState("blocked", closed_gate)
    if release.approved_at is None:
        if ((release.first_sendable_on or today) - batch.day).days > MAX_BATCH_AGE_DAYS:
            return BatchState("waiting", "old")
        if is_large(batch.new_count, past_row_counts):
            return BatchState("waiting", "large", usual_count(past_row_counts))
    return BatchState("ready")


def is_large(new_count: int, past_row_counts: Sequence[int]) -> bool:
    """Whether a batch is so much larger than its forerunners that a person should look at it."""
    if new_count < FLOOR_ROWS:
        return False
    usual = usual_count(past_row_counts)
    return usual is None or new_count > MAX_GROWTH * usual


def usual_count(past_row_counts: Sequence[int]) -> float | None:
    """The median of past batches, which growth is measured by; None where they are too few."""
    return median(past_row_counts) if len(past_row_counts) >= FEWEST_PAST_BATCHES else None


def newest_version(connection: Connection, gates: Gates, identity: BatchId) -> Batch:
    """The newest version of a batch, in the caller's transaction."""
    newest = (
        select(batches.c.id)
        .where(
            batches.c.kind == identity.kind,
            batches.c.name == identity.name,
            batches.c.merchant == identity.merchant,
            batches.c.day == identity.day,
        )
        .order_by(batches.c.version.desc())
        .limit(1)
    )
    query = (
        select(batches, releases)
        .join(releases, releases.c.batch == batches.c.id, isouter=True)
        .where(batches.c.id == newest.scalar_subquery())
    )
    return _batch(identity, list(connection.execute(query)), gates.target(identity))


def are_newest(connection: Connection, some: Sequence[Batch]) -> set[int]:
    """The numbers of those versions of which no newer one was sealed meanwhile."""
    newer = batches.alias()
    same = [newer.c[name] == batches.c[name] for name in ("kind", "name", "merchant", "day")]
    query = select(batches.c.id).where(
        batches.c.id.in_({batch.number for batch in some}),
        ~select(newer.c.id).where(and_(*same), newer.c.version > batches.c.version).exists(),
    )
    return set(connection.scalars(query))


def _batch(identity: BatchId, rows: Sequence[Row], target: DeliveryTarget) -> Batch:
    """A version out of its row, joined with its releases."""
    row = rows[0]
    own = next((each for each in rows if each.target == target), None)
    release = Release(target)
    if own is not None:
        release = Release(target, own.first_sendable_on, own.approved_at, own.approved_by, own.finished_at)
    is_of_target = row.sealed_for == target
    return Batch(
        number=row.id,
        id=identity,
        version=row.version,
        hash=row.hash,
        row_count=row.row_count,
        new_count=row.new_count if is_of_target else row.row_count,
        sent_count=row.sent_count if is_of_target else 0,
        unplanned_count=row.unplanned_count if is_of_target else 0,
        sealed_at=row.sealed_at,
        campaigns=frozenset(row.campaigns.split()),
        release=release,
        moved_count=row.moved_count if is_of_target else 0,
        no_longer_due_count=row.no_longer_due_count if is_of_target else 0,
        overtaken_count=row.overtaken_count if is_of_target else 0,
    )
