"""When batches of which all that is left was deferred are to be sent again. Read from the ledger only."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, func, or_, select

from pp_pipeline.ledger.schema import batches, deliveries
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.sending.batches import Batch

_OPEN = ("claimed", "failed", "deferred")
_LOOKUP_SIZE = 100


def wake_times(ledger: Ledger, some: Sequence[Batch]) -> dict[int, datetime]:
    """The earliest time for which something was deferred, by batch number: of those batches that sleep.

    A batch sleeps when each of its rows was tried, and what is not settled for good was deferred until some time.
    """
    found: dict[int, datetime] = {}
    with ledger.reading() as connection:
        for start in range(0, len(some), _LOOKUP_SIZE):
            part = {batch.number: batch for batch in some[start : start + _LOOKUP_SIZE]}
            versions = batches.alias()  # an older one may have claimed what is open
            identity = [versions.c[name] == batches.c[name] for name in ("kind", "name", "merchant", "day")]
            of_its_target = [
                and_(batches.c.id == number, deliveries.c.target == batch.release.target)
                for number, batch in part.items()
            ]
            is_open = deliveries.c.state.in_(_OPEN)
            query = (
                select(
                    batches.c.id,
                    func.count().filter(deliveries.c.batch == batches.c.id).label("tried"),
                    func.count().filter(is_open, deliveries.c.deferred_until.is_(None)).label("awake"),
                    func.min(deliveries.c.deferred_until).filter(is_open).label("wake"),
                )
                .join(versions, and_(*identity))
                .join(deliveries, deliveries.c.batch == versions.c.id)
                .where(or_(*of_its_target))
                .group_by(batches.c.id)
            )
            for number, tried, awake, wake in connection.execute(query):
                batch = part[number]
                # The rows that no version had tried when it was sealed; a snapshot is one delivery.
                fresh = batch.new_count if batch.id.kind != "snapshot" else 0
                if wake is not None and not awake and tried >= fresh:
                    found[number] = wake
    return found
