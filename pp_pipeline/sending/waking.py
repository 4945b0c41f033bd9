"""When batches of which all that is left was deferred are to be sent again. Read from the ledger only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, select

from pp_pipeline.ledger.schema import batches, deliveries
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.portions import portions
from pp_pipeline.sending.batches import Batch

_OPEN = ("claimed", "failed", "deferred")
_LOOKUP_SIZE = 100


@dataclass(frozen=True)
class Rest:
    """What is deferred of a batch.

    Attributes:
        until: of several times the newest that has come, else the next. What a later file took out of the plan keeps
            its time for good, and must not hide those after it.
        is_all: whether nothing else is left of the batch: each of its rows was tried.
    """

    until: datetime
    is_all: bool


def rests(ledger: Ledger, some: Sequence[Batch], now: datetime) -> dict[int, Rest]:
    """What is deferred until some time, by batch number; batches of which nothing is are missing."""
    found: dict[int, Rest] = {}
    with ledger.reading() as connection:
        for portion in portions(some, _LOOKUP_SIZE):
            part = {batch.number: batch for batch in portion}
            versions = batches.alias()  # an older one may have claimed what is open
            identity = [versions.c[name] == batches.c[name] for name in ("kind", "name", "merchant", "day")]
            of_its_target = [
                and_(batches.c.id == number, deliveries.c.target == batch.release.target)
                for number, batch in part.items()
            ]
            is_open, until = deliveries.c.state.in_(_OPEN), deliveries.c.deferred_until
            query = (
                select(
                    batches.c.id,
                    func.count().filter(deliveries.c.batch == batches.c.id).label("tried"),
                    func.count().filter(is_open, until.is_(None)).label("awake"),
                    func.coalesce(func.max(until).filter(is_open, until <= now), func.min(until).filter(is_open)),
                )
                .join(versions, and_(*identity))
                .join(deliveries, deliveries.c.batch == versions.c.id)
                .where(or_(*of_its_target))
                .group_by(batches.c.id)
            )
            for number, tried, awake, until_when in connection.execute(query):
                batch = part[number]
                # The rows that no version had tried when it was sealed; a snapshot is one delivery.
                fresh = batch.new_count if batch.id.kind != "snapshot" else 0
                if until_when is not None:
                    found[number] = Rest(until_when, not awake and tried >= fresh)
    return found
