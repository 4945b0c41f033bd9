"""Releasing batches, once for each target: when a version could first go, who approved it, when it was done."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from pp_pipeline.ledger.schema import batches, releases
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.sending.batches import Batch, newest_batches, newest_version
from pp_pipeline.sending.gates import DeliveryTarget, Gates
from pp_pipeline.sending.plan import BatchId
from pp_pipeline.settings import Settings, utc_now

_SHORTEST_PREFIX = 4


class ApprovalError(ValueError):
    """Nothing was approved; the text says why, and what could be."""


def note_sendable(ledger: Ledger, settings: Settings, first: date, last: date, today: date) -> None:
    """Write down for the newest versions that today every gate but approval is open, if it is.

    Age is judged on the first such day: a batch that was in time stays so, however late the sender comes. But the kill
    switch and a pause are people's words: what they hold counts from the day on which they let it go again.
    """
    gates = Gates(settings, ledger)
    noted, held = [], []
    for batch in newest_batches(ledger, gates, first, min(last, today)):
        release = batch.release
        if release.first_sendable_on is None and gates.are_wide_open(batch.id, batch.campaigns):
            noted.append(batch)
        is_judged = release.first_sendable_on and not (release.finished_at or release.approved_at)
        if is_judged and gates.are_held_by_people(batch.id, batch.campaigns):
            held.append(batch)
    if noted or held:
        with ledger.writing() as connection:
            write_first(connection, noted, {"first_sendable_on": today})
            for batch in held:
                connection.execute(
                    update(releases)
                    .where(releases.c.batch == batch.number, releases.c.target == batch.release.target)
                    .values(first_sendable_on=None)
                )


def approve(ledger: Ledger, settings: Settings, hash_prefix: str, approved_by: str) -> Batch:
    """Approve the batch whose hash begins so, for the target that it goes to. Approving twice changes nothing.

    Raises:
        ApprovalError: no batch, more than one, or not the newest version of its batch.
    """
    prefix = hash_prefix.strip().lower()
    if len(prefix) < _SHORTEST_PREFIX or not set(prefix) <= set("0123456789abcdef"):
        raise ApprovalError(f"'{hash_prefix}' is no batch hash; give at least its first {_SHORTEST_PREFIX} characters")
    gates = Gates(settings, ledger)
    with ledger.writing() as connection:
        rows = connection.execute(select(batches).where(batches.c.hash.startswith(prefix)).order_by(batches.c.version))
        found = {BatchId(row.day, row.kind, row.name, row.merchant): row for row in rows}
        if not found:
            raise ApprovalError(f"no batch has a hash that begins with '{prefix}'")
        if len(found) > 1:
            raise ApprovalError(f"{len(found)} batches have a hash that begins with '{prefix}'; give more of it")
        ((identity, row),) = found.items()
        newest = newest_version(connection, gates, identity)
        if newest.number != row.id:
            raise ApprovalError(
                f"{identity}, version {row.version} ({row.hash[:12]}) is no longer what is planned: approve version "
                f"{newest.version}, {newest.hash[:12]}, with {newest.row_count} rows, {newest.new_count} of them new"
            )
        write_first(connection, [newest], {"approved_at": utc_now(), "approved_by": approved_by})
        return newest_version(connection, gates, identity)


def finish(connection: Connection, numbers: Iterable[int], target: DeliveryTarget, now: datetime) -> None:
    """Mark versions as finished for a target, in the caller's transaction."""
    _write_first(connection, [(number, target) for number in numbers], {"finished_at": now})


def write_first(connection: Connection, some: Sequence[Batch], values: Mapping[str, Any]) -> None:
    """Write into the releases of some versions what does not stand there yet; what stands stays."""
    _write_first(connection, [(batch.number, batch.release.target) for batch in some], values)


def _write_first(connection: Connection, keys: Sequence[tuple[int, DeliveryTarget]], values: Mapping[str, Any]) -> None:
    if not keys:
        return
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(releases)
    statement = statement.on_conflict_do_update(
        index_elements=["batch", "target"],
        set_={name: func.coalesce(releases.c[name], statement.excluded[name]) for name in values},
    )
    connection.execute(statement, [{"batch": number, "target": target, **values} for number, target in keys])
