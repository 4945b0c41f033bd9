"""Suppressions in the ledger: who is not to be written to, on which channel, about what (DESIGN 5 and 6).

A fact (contact, channel, kind, reason) is one row, however often it is said. It is in force when it was said after
it was last lifted. So it does not matter how often files come: an old file that is
sent once more suppresses nobody anew who was let go since, and lets nobody go who was suppressed since. A
complaint is never lifted, nor is the tombstone of somebody who is forgotten.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Literal

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from pp_pipeline.forgetting.words import FORGOTTEN
from pp_pipeline.ledger.schema import suppressions
from pp_pipeline.ledger.store import Ledger

COMPLAINED = "complained"
UNSUBSCRIBED = "unsubscribed"
Source = Literal["file", "feedback", "command"]


@dataclass(frozen=True)
class Suppress:
    """Somebody is not to be written to. `channel` and `kind` '' mean every one; `at` is when that was said."""

    contact_key: str
    channel: str
    kind: str
    reason: str
    at: datetime
    source: Source


@dataclass(frozen=True)
class Lift:
    """Somebody may be written to again, as far as what was said up to `at` goes.

    It reaches what lies within its scope: '' is every channel or kind, a channel that channel only. A suppression on
    every channel is not lifted for one. With a `reason` only what was said for that reason is lifted.
    """

    contact_key: str
    channel: str
    kind: str
    at: datetime
    reason: str = ""


Change = Suppress | Lift


@dataclass(frozen=True)
class Suppression:
    """A fact in force, `since` when it was first said."""

    contact_key: str
    channel: str
    kind: str
    reason: str
    source: str
    since: datetime


def in_force() -> ColumnElement[bool]:
    """The condition under which a row of `suppressions` counts."""
    stated_at = func.coalesce(suppressions.c.stated_at, suppressions.c.created_at)
    return or_(suppressions.c.lifted_at.is_(None), suppressions.c.lifted_at < stated_at)


def apply_changes(connection: Connection, changes: Iterable[Change]) -> None:
    """Write down what was said, in the caller's transaction. The same changes twice lead to the same; a
    lift reaches only what stands already."""
    for is_lift, some in groupby(changes, key=lambda change: isinstance(change, Lift)):
        if is_lift:
            _lift(connection, [change for change in some if isinstance(change, Lift)])
        else:
            _suppress(connection, [change for change in some if isinstance(change, Suppress)])


def suppressions_in_force(ledger: Ledger, contact_key: str = "") -> list[Suppression]:
    """All facts in force, or those of a contact, oldest first."""
    table = suppressions.c
    query = select(table.contact_key, table.channel, table.kind, table.reason, table.source, table.created_at)
    query = query.where(in_force()).order_by(table.id)
    if contact_key:
        query = query.where(table.contact_key == contact_key)
    with ledger.reading() as connection:
        return [Suppression(*row) for row in connection.execute(query)]


def lift_by_command(ledger: Ledger, contact_key: str, channel: str, kind: str, now: datetime) -> list[Suppression]:
    """Lift what is in force for a contact in that scope, whenever it was said; what stays in force for it."""
    with ledger.writing() as connection:
        at = moment_after(connection, contact_key, now)
        apply_changes(connection, [Lift(contact_key, channel, kind, at)])
    return suppressions_in_force(ledger, contact_key)


def moment_after(connection: Connection, contact_key: str, now: datetime) -> datetime:
    """When something is said that has to count now: `now`, or just after what the ledger knows of the contact, as a
    clock elsewhere may be ahead of ours."""
    table = suppressions.c
    row = connection.execute(
        select(func.max(func.coalesce(table.stated_at, table.created_at)), func.max(table.lifted_at)).where(
            table.contact_key == contact_key
        )
    ).one()
    known = [moment + timedelta(microseconds=1) for moment in row if moment is not None]
    return max(now, *known) if known else now


def last_lift(connection: Connection, contact_key: str) -> datetime | None:
    """When something of a contact was last lifted."""
    return connection.scalar(
        select(func.max(suppressions.c.lifted_at)).where(suppressions.c.contact_key == contact_key)
    )


def _suppress(connection: Connection, changes: Sequence[Suppress]) -> None:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(suppressions)
    newest = func.coalesce(suppressions.c.stated_at, suppressions.c.created_at)
    statement = statement.on_conflict_do_update(
        index_elements=["contact_key", "channel", "kind", "reason"],
        set_={"stated_at": statement.excluded.stated_at},
        where=statement.excluded.stated_at > newest,
    )
    rows = [
        {
            "contact_key": change.contact_key,
            "channel": change.channel,
            "kind": change.kind,
            "reason": change.reason,
            "source": change.source,
            "created_at": change.at,
            "stated_at": change.at,
        }
        for change in changes
    ]
    connection.execute(statement, rows)


def _lift(connection: Connection, changes: Sequence[Lift]) -> None:
    by_scope = sorted(changes, key=_scope)
    for (channel, kind, reason), some in groupby(by_scope, key=_scope):
        scope = [suppressions.c.channel == channel] if channel else []
        scope += [suppressions.c.kind == kind] if kind else []
        scope += [suppressions.c.reason == reason] if reason else []
        statement = (
            update(suppressions)
            .where(
                and_(suppressions.c.contact_key == bindparam("lifted_key"), *scope),
                suppressions.c.reason != COMPLAINED,
                suppressions.c.reason != FORGOTTEN,
                or_(
                    suppressions.c.lifted_at.is_(None),
                    suppressions.c.lifted_at < bindparam("new_lifted_at", type_=suppressions.c.lifted_at.type),
                ),
            )
            .values(lifted_at=bindparam("new_lifted_at", type_=suppressions.c.lifted_at.type))
        )
        connection.execute(
            statement, [{"lifted_key": change.contact_key, "new_lifted_at": change.at} for change in some]
        )


def _scope(change: Lift) -> tuple[str, str, str]:
    return change.channel, change.kind, change.reason
