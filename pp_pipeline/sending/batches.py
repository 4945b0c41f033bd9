"""Batches: what may go, what waits for approval, and approving (DESIGN 5, "Batches").

A batch is what one day's plan wants delivered for one conversation, relay or snapshot. `sealing.py` writes
its versions; only the newest can be sent. It goes by itself if it is neither old nor large:

- *old*: its day lies more than `MAX_BATCH_AGE_DAYS` before the day on which this version could first have
  been sent, that is, with every gate open but approval;
- *large*: its rows that were not in the ledger when it was sealed are `FLOOR_ROWS` or more, and more than
  `MAX_GROWTH` times the median of the batches of the 28 days before. With fewer than `FEWEST_PAST_BATCHES` of
  those only the floor counts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Literal, cast

from sqlalchemy import Connection, Row, select, update

from pp_pipeline.ledger.schema import batches
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.sending.day_gate import DayGate
from pp_pipeline.sending.plan import BatchId, BatchKind
from pp_pipeline.settings import Settings, utc_now

MAX_BATCH_AGE_DAYS = 2
MAX_GROWTH = 3
FLOOR_ROWS = 500
FEWEST_PAST_BATCHES = 7
MEDIAN_DAYS = 28
KILL_SWITCH = "kill_switch"
INCOMPLETE_DAY = "incomplete_day"
_SHORTEST_PREFIX = 4

DeliveryTarget = Literal["rehearsal", "live"]


class ApprovalError(ValueError):
    """Nothing was approved; the text says why, and what could be."""


@dataclass(frozen=True)
class Batch:
    """A sealed version of a batch. The counts are those of the moment of sealing."""

    number: int
    id: BatchId
    version: int
    hash: str
    row_count: int
    new_count: int
    sent_count: int
    unplanned_count: int
    sealed_at: datetime
    first_sendable_on: date | None
    approved_at: datetime | None
    approved_by: str | None
    finished_for: str | None

    @property
    def day(self) -> date:
        """The day whose plan this is."""
        return self.id.day

    def __str__(self) -> str:
        return f"{self.id}, version {self.version} ({self.hash[:12]})"


@dataclass(frozen=True)
class BatchState:
    """`sent`: nothing is left to do. `ready`: goes at the next sending. `waiting`: needs approval, as it is
    `old` or `large`. `blocked`: by the `kill_switch`, its day has not come (`early`), or lacks a file
    (`incomplete_day`)."""

    state: Literal["sent", "ready", "waiting", "blocked"]
    reason: str = ""


def current_target(_settings: Settings) -> DeliveryTarget:
    """What deliveries count for. Outbox deliveries are rehearsal, whatever else is configured (DESIGN 5)."""
    return "rehearsal"


def newest_batches(ledger: Ledger, first: date, last: date) -> list[Batch]:
    """The newest version of each batch of a range of days, by day, kind, name and merchant."""
    with ledger.reading() as connection:
        return read_newest(connection, first, last)


def read_newest(connection: Connection, first: date, last: date) -> list[Batch]:
    """`newest_batches` within a transaction."""
    rows = connection.execute(select(batches).where(batches.c.day.between(first, last)).order_by(batches.c.version))
    return sorted({batch.id: batch for batch in map(_batch, rows)}.values(), key=lambda batch: batch.id)


def batch_states(
    ledger: Ledger, settings: Settings, first: date, last: date, today: date
) -> list[tuple[Batch, BatchState]]:
    """The newest version of each batch of a range of days, and how it stands on `today`."""
    everything = newest_batches(ledger, first - timedelta(days=MEDIAN_DAYS), last)
    killed = settings.kill_switch or ledger.switch_is_on(KILL_SWITCH)
    gate = DayGate(settings, ledger)
    sizes: dict[tuple[BatchKind, str, str], list[tuple[date, int]]] = {}
    states = []
    for batch in everything:  # by day: what lies before it is known when its turn comes
        past = sizes.setdefault((batch.id.kind, batch.id.name, batch.id.merchant), [])
        if batch.day >= first:
            earliest = batch.day - timedelta(days=MEDIAN_DAYS)
            past_rows = [rows for day, rows in past if day >= earliest]
            is_closed = gate.is_closed_to(batch.id)
            states.append((batch, batch_state(batch, past_rows, current_target(settings), killed, today, is_closed)))
        if batch.row_count:
            past.append((batch.day, batch.row_count))
    return states


def batch_state(
    batch: Batch,
    past_row_counts: Sequence[int],
    target: DeliveryTarget,
    is_killed: bool,
    today: date,
    is_incomplete: bool = False,
) -> BatchState:
    """How one batch stands; `past_row_counts` are those of its batches of the 28 days before."""
    if batch.finished_for == target:
        return BatchState("sent")
    if is_killed:
        return BatchState("blocked", KILL_SWITCH)
    if batch.day > today:
        return BatchState("blocked", "early")
    if is_incomplete:
        return BatchState("blocked", INCOMPLETE_DAY)
    if batch.approved_at is None:
        if ((batch.first_sendable_on or today) - batch.day).days > MAX_BATCH_AGE_DAYS:
            return BatchState("waiting", "old")
        if is_large(batch.new_count, past_row_counts):
            return BatchState("waiting", "large")
    return BatchState("ready")


def is_large(new_count: int, past_row_counts: Sequence[int]) -> bool:
    """Whether a batch is so much larger than its forerunners that a person should look at it."""
    if new_count < FLOOR_ROWS:
        return False
    if len(past_row_counts) < FEWEST_PAST_BATCHES:
        return True
    return new_count > MAX_GROWTH * median(past_row_counts)


def note_sendable(ledger: Ledger, settings: Settings, first: date, last: date, today: date) -> None:
    """Write down for the newest versions that today every gate but approval is open, if it is.

    Age is judged on the first such day: a batch that was in time stays so, however late the sender comes.
    """
    if settings.kill_switch:
        return
    with ledger.reading() as connection:
        if ledger.switch_is_on(KILL_SWITCH, connection):
            return
        unnoted = [
            batch for batch in read_newest(connection, first, min(last, today)) if batch.first_sendable_on is None
        ]
    gate = DayGate(settings, ledger)
    numbers = [batch.number for batch in unnoted if not gate.is_closed_to(batch.id)]
    if numbers:
        with ledger.writing() as connection:
            for part in _parts(numbers):
                connection.execute(
                    update(batches)
                    .where(batches.c.id.in_(part), batches.c.first_sendable_on.is_(None))
                    .values(first_sendable_on=today)
                )


def approve(ledger: Ledger, hash_prefix: str, approved_by: str, now: datetime | None = None) -> Batch:
    """Approve the batch whose hash begins so. Approving twice changes nothing.

    Raises:
        ApprovalError: no batch, more than one, or not the newest version of its batch.
    """
    prefix = hash_prefix.strip().lower()
    if len(prefix) < _SHORTEST_PREFIX or not set(prefix) <= set("0123456789abcdef"):
        raise ApprovalError(f"'{hash_prefix}' is no batch hash; give at least its first {_SHORTEST_PREFIX} characters")
    with ledger.writing() as connection:
        rows = connection.execute(select(batches).where(batches.c.hash.startswith(prefix)).order_by(batches.c.version))
        found = {batch.id: batch for batch in map(_batch, rows)}
        if not found:
            raise ApprovalError(f"no batch has a hash that begins with '{prefix}'")
        if len(found) > 1:
            raise ApprovalError(f"{len(found)} batches have a hash that begins with '{prefix}'; give more of it")
        batch = next(iter(found.values()))
        newest = _newest_version(connection, batch.id)
        if newest.number != batch.number:
            raise ApprovalError(
                f"{batch} is no longer what is planned: approve version {newest.version}, "
                f"{newest.hash[:12]}, with {newest.row_count} rows, {newest.new_count} of them new"
            )
        connection.execute(
            update(batches)
            .where(batches.c.id == batch.number, batches.c.approved_at.is_(None))
            .values(approved_at=now or utc_now(), approved_by=approved_by)
        )
        return _newest_version(connection, batch.id)


def is_newest(connection: Connection, batch: Batch) -> bool:
    """Whether no newer version was sealed meanwhile."""
    return _newest_version(connection, batch.id).number == batch.number


def _newest_version(connection: Connection, identity: BatchId) -> Batch:
    query = (
        select(batches)
        .where(
            batches.c.kind == identity.kind,
            batches.c.name == identity.name,
            batches.c.merchant == identity.merchant,
            batches.c.day == identity.day,
        )
        .order_by(batches.c.version.desc())
        .limit(1)
    )
    return _batch(connection.execute(query).one())


def _batch(row: Row) -> Batch:
    identity = BatchId(row.day, cast("BatchKind", row.kind), row.name, row.merchant)
    return Batch(
        row.id,
        identity,
        row.version,
        row.hash,
        row.row_count,
        row.new_count,
        row.sent_count,
        row.unplanned_count,
        row.sealed_at,
        row.first_sendable_on,
        row.approved_at,
        row.approved_by,
        row.finished_for,
    )


def _parts(numbers: Sequence[int], size: int = 1_000) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]
