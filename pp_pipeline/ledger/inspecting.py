"""Looking into the ledger: what stands in it, counted and listed, with the batch and the claim of a delivery."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, func, select

from pp_pipeline.ledger.schema import batches, claims, deliveries, facts
from pp_pipeline.ledger.store import LedgerError

BACKUP_FACT = "last_backup_at"
STATES = ("claimed", "sent", "failed", "unknown", "skipped", "deferred")
# Of these the oldest is told: somebody has to look, or something is stuck.
WATCHED = ("unknown", "failed", "deferred")
# What may still go, or be in hand.
OPEN = ("failed", "deferred", "claimed")
SHORTEST_PREFIX = 4


class UnclearKey(LedgerError):
    """A key names no delivery, or more than one; the text says which and what to give."""


@dataclass(frozen=True)
class Filters:
    """Which deliveries are meant; what is empty does not narrow.

    Attributes:
        contacts: contact keys, or their beginnings.
        batch: the beginning of a batch's hash: what was first claimed under any of its versions of that hash.
        first, last: due days.
    """

    states: Sequence[str] = ()
    contacts: Sequence[str] = ()
    order: str = ""
    batch: str = ""
    first: date | None = None
    last: date | None = None
    conversation: str = ""
    target: str = ""

    def conditions(self) -> list[ColumnElement[bool]]:
        """As conditions on `deliveries`, all of which hold."""
        table = deliveries.c
        found: list[ColumnElement[bool]] = []
        if self.states:
            found.append(table.state.in_(self.states))
        if self.contacts:
            found.append(_begins_with_any(table.contact_key, self.contacts))
        if self.order:
            found.append(table.order_number == self.order)
        if self.batch:
            hashes = batches.c.hash.startswith(self.batch, autoescape=True)
            found.append(table.batch.in_(select(batches.c.id).where(hashes)))
        if self.first:
            found.append(table.due_on >= self.first)
        if self.last:
            found.append(table.due_on <= self.last)
        if self.conversation:
            found.append(table.conversation == self.conversation)
        if self.target:
            found.append(table.target == self.target)
        return found


@dataclass(frozen=True)
class Oldest:
    """The oldest delivery in a state that somebody should look at."""

    target: str
    state: str
    key: str
    due_on: date | None
    claimed_at: datetime


def count_deliveries(connection: Connection) -> list[tuple[str, str, str, str, int]]:
    """Deliveries by target, kind, state and reason, in that order, each with their number."""
    columns = (deliveries.c.target, deliveries.c.kind, deliveries.c.state, deliveries.c.reason)
    query = select(*columns, func.count()).group_by(*columns).order_by(*columns)
    return [(row[0], row[1], row[2], row[3], row[4]) for row in connection.execute(query)]


def count_unsettled(connection: Connection) -> dict[tuple[str, str], int]:
    """How many deliveries are `unknown` or `failed`, by target and state; proofs, which nobody waits for, left out."""
    columns = (deliveries.c.target, deliveries.c.state)
    query = (
        select(*columns, func.count())
        .where(deliveries.c.state.in_(("unknown", "failed")), deliveries.c.kind.not_in(("test", "seed")))
        .group_by(*columns)
        .order_by(*columns)
    )
    return {(row[0], row[1]): row[2] for row in connection.execute(query)}


def oldest_deliveries(connection: Connection) -> list[Oldest]:
    """The oldest of each target and watched state, by when it was last claimed."""
    rank = func.row_number().over(
        partition_by=(deliveries.c.target, deliveries.c.state),
        order_by=(deliveries.c.claimed_at, deliveries.c.id),
    )
    columns = (*(deliveries.c[name] for name in ("target", "state", "key", "due_on", "claimed_at")),)
    ranked = select(*columns, rank.label("rank")).where(deliveries.c.state.in_(WATCHED)).subquery()
    query = select(*[ranked.c[column.name] for column in columns]).where(ranked.c.rank == 1)
    return [Oldest(*row) for row in connection.execute(query.order_by(ranked.c.target, ranked.c.state))]


def oldest_open_day(connection: Connection) -> date | None:
    """The earliest due day of what may still go; None where there is nothing."""
    return connection.scalar(select(func.min(deliveries.c.due_on)).where(deliveries.c.state.in_(OPEN)))


def read_fact(connection: Connection, name: str) -> str | None:
    """A fact of the ledger; None where it was never written."""
    return connection.scalar(select(facts.c.value).where(facts.c.name == name))


def list_deliveries(connection: Connection, filters: Filters, limit: int | None = None) -> list[RowMapping]:
    """The deliveries meant, the newest first, with the hash of their batch (`batch_hash`)."""
    query = (
        select(deliveries, batches.c.hash.label("batch_hash"))
        .join(batches, deliveries.c.batch == batches.c.id, isouter=True)
        .where(*filters.conditions())
        .order_by(deliveries.c.id.desc())
        .limit(limit)
    )
    return list(connection.execute(query).mappings())


def count_listed(connection: Connection, filters: Filters) -> int:
    """How many deliveries are meant."""
    return connection.execute(select(func.count()).select_from(deliveries).where(*filters.conditions())).scalar_one()


def find_delivery(connection: Connection, key: str, target: str = "") -> RowMapping:
    """The one delivery whose key is this, or begins so.

    Raises:
        UnclearKey: none, or more than one.
    """
    narrowed = [deliveries.c.target == target] if target else []
    if len(key) < SHORTEST_PREFIX:
        raise UnclearKey(f"'{key}' is too short for a key; give at least its first {SHORTEST_PREFIX} characters")
    found: list[RowMapping] = []
    for condition in (deliveries.c.key == key, deliveries.c.key.startswith(key, autoescape=True)):
        query = select(deliveries).where(condition, *narrowed).order_by(deliveries.c.key, deliveries.c.target).limit(3)
        if found := list(connection.execute(query).mappings()):
            break
    if not found:
        raise UnclearKey(f"no delivery has a key that begins with '{key}'; `pp ledger list` shows keys")
    if len({row["key"] for row in found}) > 1:
        raise UnclearKey(f"several deliveries have a key that begins with '{key}'; give more of it")
    if len(found) > 1:
        raise UnclearKey(
            f"'{key}' stands in the ledger for rehearsal and live; say --target rehearsal or --target live"
        )
    return found[0]


def batch_and_claim(
    connection: Connection, delivery: RowMapping
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The batch under which a delivery was first claimed, and the claim that holds or settled it; None where the
    ledger has none (what was skipped in its claim, or comes from before claims were kept, has no claim)."""
    batch = connection.execute(select(batches).where(batches.c.id == delivery["batch"])).mappings().first()
    claim = connection.execute(select(claims).where(claims.c.token == delivery["claim"])).mappings().first()
    return (dict(batch) if batch else None, dict(claim) if claim else None)


def _begins_with_any(column: ColumnElement[Any], beginnings: Sequence[str]) -> ColumnElement[bool]:
    condition = column.startswith(beginnings[0], autoescape=True)
    for beginning in beginnings[1:]:
        condition |= column.startswith(beginning, autoescape=True)
    return condition
