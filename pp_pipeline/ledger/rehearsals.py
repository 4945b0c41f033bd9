"""Clearing the rehearsal before going live (DESIGN 5): what was only rehearsed is forgotten, what was live never."""

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, Select, delete, func, select, update

from pp_pipeline.ledger.schema import coupons, deliveries, releases
from pp_pipeline.ledger.store import LedgerError

_OUTBOX_FOLDERS = ("messages", "events", "segments")


@dataclass(frozen=True)
class Rehearsed:
    """What stands in the ledger of the rehearsal."""

    deliveries: int
    releases: int
    coupons: int
    """Drawn for messages of which there is no live delivery."""


def count_rehearsed(connection: Connection) -> Rehearsed:
    """What clearing would take away."""
    return Rehearsed(
        _count(connection, select(func.count()).select_from(deliveries).where(deliveries.c.target == "rehearsal")),
        _count(connection, select(func.count()).select_from(releases).where(releases.c.target == "rehearsal")),
        _count(connection, select(func.count()).select_from(coupons).where(_drawn_in_rehearsal())),
    )


def clear_rehearsal(connection: Connection, now: datetime) -> Rehearsed:
    """Delete the deliveries and releases of the rehearsal; coupons drawn for it alone go back in stock.

    Batches stay, and so do claims: a ledger that lacks one was put back from a backup.

    Raises:
        LedgerError: a sending is under way, so that what it delivers would be delivered again.
    """
    under_way = select(func.count()).where(
        deliveries.c.target == "rehearsal", deliveries.c.state == "claimed", deliveries.c.lease_until >= now
    )
    if count := _count(connection, under_way):
        raise LedgerError(f"nothing was cleared: a sending is under way, with {count} deliveries in hand; wait for it")
    freed = connection.execute(
        update(coupons).where(_drawn_in_rehearsal()).values(drawn_for=None, drawn_at=None)
    ).rowcount
    cleared = connection.execute(delete(deliveries).where(deliveries.c.target == "rehearsal")).rowcount
    released = connection.execute(delete(releases).where(releases.c.target == "rehearsal")).rowcount
    return Rehearsed(cleared, released, freed)


def clear_outbox(outbox: Path) -> int:
    """Delete the outbox's files; how many there were."""
    count = 0
    for name in _OUTBOX_FOLDERS:
        folder = outbox / name
        if folder.is_dir():
            count += sum(path.is_file() for path in folder.rglob("*"))
            shutil.rmtree(folder)
    return count


def _drawn_in_rehearsal() -> ColumnElement[bool]:
    live = deliveries.alias()
    rehearsed = select(deliveries.c.id).where(
        deliveries.c.target == "rehearsal", deliveries.c.key == coupons.c.drawn_for
    )
    went = select(live.c.id).where(live.c.target == "live", live.c.key == coupons.c.drawn_for)
    return rehearsed.exists() & ~went.exists()


def _count(connection: Connection, query: Select[tuple[int]]) -> int:
    return connection.execute(query).scalar_one()
