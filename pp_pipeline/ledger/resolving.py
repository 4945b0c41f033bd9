"""A person's word about deliveries that may have gone or not (DESIGN 5): `unknown` becomes `sent` or `failed`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, func, select, update

from pp_pipeline.ledger.schema import batches, deliveries, releases
from pp_pipeline.portions import portions

_PART = 1_000
_FINISHING_LOCK = 7_202_613


@dataclass(frozen=True)
class Resolved:
    """What a resolution changed: how many deliveries, how many finished batches it opened again, and the numbers of
    the versions of batches that want what is to be tried again."""

    count: int
    opened: int = 0
    wanted_by: frozenset[int] = frozenset()


def resolve(
    connection: Connection, unknown: Sequence[RowMapping], was_sent: bool, by: str, today: date, now: datetime
) -> Resolved:
    """Settle deliveries that are `unknown`; those that are not any more by now stay as they are.

    What was not sent is taken up again by the next sending that its batch allows, as any failure is, however long
    ago it was due: its days to be tried in begin anew, and its batch is no longer finished.
    """
    values = {"reason": f"resolved: {by}", "settled_at": now, "deferred_until": None}
    values |= {"state": "sent"} if was_sent else {"state": "failed", "first_tried_on": today}
    count = opened = 0
    wanted_by: set[int] = set()
    hold_finishing(connection)
    for part in portions(unknown, _PART):
        ids = [row["id"] for row in part]
        where = (deliveries.c.id.in_(ids), deliveries.c.state == "unknown")
        wanting = set() if was_sent else batches_of(connection, where)
        count += connection.execute(update(deliveries).where(*where).values(**values)).rowcount
        wanted_by |= {number for number, _ in wanting}
        opened += open_again(connection, wanting)
    return Resolved(count, opened, frozenset(wanted_by))


def hold_finishing(connection: Connection) -> None:
    """Keep finishing batches and opening them again to one transaction at a time: of two that don't see each other,
    one would finish a batch for which the other has just left something to do. SQLite has one writer anyway."""
    if connection.dialect.name != "sqlite":
        connection.execute(select(func.pg_advisory_xact_lock(_FINISHING_LOCK)))


def batches_of(connection: Connection, where: Sequence[ColumnElement[bool]]) -> set[tuple[int, str]]:
    """The batches that want these deliveries, with the target: the one of the first claim, and its newest version."""
    first, newest, newer = batches.alias("first_batch"), batches.alias("newest"), batches.alias("newer")
    same = [newest.c[name] == first.c[name] for name in ("kind", "name", "merchant", "day")]
    overtaken = [newer.c[name] == newest.c[name] for name in ("kind", "name", "merchant", "day")]
    wanted = (newest.c.id == first.c.id) | ~select(newer.c.id).where(
        *overtaken, newer.c.version > newest.c.version
    ).exists()
    query = (
        select(newest.c.id, deliveries.c.target)
        .select_from(deliveries)
        .join(first, first.c.id == deliveries.c.batch)
        .join(newest, same[0] & same[1] & same[2] & same[3])
        .where(*where, wanted)
        .distinct()
    )
    return set(connection.execute(query).tuples())


def open_again(connection: Connection, wanting: Collection[tuple[int, str]]) -> int:
    """Let batches (number and target) that are finished be sent once more; how many were."""
    opened = 0
    for target in sorted({target for _, target in wanting}):
        numbers = [number for number, of in wanting if of == target]
        opened += connection.execute(
            update(releases)
            .where(releases.c.batch.in_(numbers), releases.c.target == target, releases.c.finished_at.is_not(None))
            .values(finished_at=None)
        ).rowcount
    return opened
