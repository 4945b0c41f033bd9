"""What the ledger knows of deliveries, as a plan is held against it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast

from sqlalchemy import Connection, Row, or_, select

from pp_pipeline.forgetting.words import FORGOTTEN
from pp_pipeline.ledger.schema import batches, deliveries, suppressions
from pp_pipeline.portions import portions
from pp_pipeline.sending.gates import DeliveryTarget, Gates
from pp_pipeline.sending.plan import BatchId, BatchKind

_LOOKUP_SIZE = 10_000
_DAYS_AT_ONCE = 500
_KINDS: dict[str, BatchKind] = {"message": "messages", "event": "events", "snapshot": "snapshot"}
_COLUMNS = tuple(
    deliveries.c[name]
    for name in (
        *("key", "target", "kind", "state", "reason", "merchant", "contact_key", "conversation", "channel", "event_id"),
        *("order_number", "due_on", "claimed_at", "batch"),
    )
)


@dataclass(frozen=True, slots=True)
class Known:
    """A delivery as it stands in the ledger.

    `batch` is what it belongs to: its day is the one whose plan wanted it when it was last claimed. `first_batch` is
    the number of the version under which it was first claimed.
    """

    key: str
    target: DeliveryTarget
    state: str
    reason: str
    batch: BatchId
    claimed_at: datetime
    contact_key: str | None
    order_number: str | None
    event_id: str | None
    first_batch: int | None


def known_deliveries(
    connection: Connection, gates: Gates, keys: Mapping[BatchId, Collection[str]]
) -> dict[tuple[DeliveryTarget, str], Known]:
    """Those of the keys that the ledger knows, for the target that each goes to."""
    of_target: dict[DeliveryTarget, list[str]] = {}
    for identity, found in keys.items():
        of_target.setdefault(gates.target(identity), []).extend(found)
    known: dict[tuple[DeliveryTarget, str], Known] = {}
    for target, asked in of_target.items():
        if connection.scalar(select(deliveries.c.id).where(deliveries.c.target == target).limit(1)) is None:
            continue
        for part in portions(asked, _LOOKUP_SIZE):
            query = select(*_COLUMNS).where(
                deliveries.c.target == target,
                deliveries.c.key.in_(part),
                deliveries.c.kind.in_(_KINDS),
                deliveries.c.due_on.is_not(None),
            )
            known |= {(target, row.key): _known(row) for row in connection.execute(query)}
    return known


def deliveries_of(connection: Connection, gates: Gates, identities: Collection[BatchId]) -> Iterator[Known]:
    """What was claimed for these batches, under whichever version, and was not skipped, by day.

    Who is forgotten is left out: no file states their orders any more, and nothing is wrong with that.
    """
    wanted = set(identities)
    days = sorted({identity.day for identity in wanted})
    forgotten = select(suppressions.c.contact_key).where(suppressions.c.reason == FORGOTTEN)
    for part in portions(days, _DAYS_AT_ONCE):
        query = (
            select(*_COLUMNS)
            .where(
                deliveries.c.due_on.in_(part),
                deliveries.c.kind.in_(_KINDS),
                deliveries.c.state != "skipped",
                or_(deliveries.c.contact_key.is_(None), deliveries.c.contact_key.not_in(forgotten)),
            )
            .order_by(deliveries.c.due_on, deliveries.c.key)
        )
        for row in connection.execute(query):
            known = _known(row)
            if known.batch in wanted and known.target == gates.target(known.batch):
                yield known


def sealing_times(connection: Connection, numbers: Collection[int | None]) -> dict[int | None, datetime]:
    """When these versions of batches were sealed, by number."""
    found: dict[int | None, datetime] = {}
    asked = sorted(number for number in numbers if number is not None)
    for part in portions(asked, _LOOKUP_SIZE):
        query = select(batches.c.id, batches.c.sealed_at).where(batches.c.id.in_(part))
        found |= {row.id: row.sealed_at for row in connection.execute(query)}
    return found


def _known(row: Row) -> Known:
    return Known(
        key=row.key,
        target=cast("DeliveryTarget", row.target),
        state=row.state,
        reason=row.reason,
        batch=_batch_of(row, row.due_on),
        claimed_at=row.claimed_at,
        contact_key=row.contact_key,
        order_number=row.order_number,
        event_id=row.event_id,
        first_batch=row.batch,
    )


def _batch_of(row: Row, day: date) -> BatchId:
    name = row.conversation if row.kind == "message" else row.channel
    if row.kind == "snapshot":
        name = row.key.removesuffix(f":{day}:{row.merchant}")
    return BatchId(day, _KINDS[row.kind], name, row.merchant)
