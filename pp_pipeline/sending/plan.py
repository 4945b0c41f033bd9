"""What is to be delivered, as the warehouse states it (DESIGN 5): the plan, cut into batches.

Three kinds of delivery, each with the key that keeps it to once:

| kind | from | key |
| --- | --- | --- |
| messages | `planned_messages` | message_id |
| events | `all_events` x the relays that take the event | relay:event_id |
| snapshot | `segment_snapshots` x the relays that take the segment | relay:segment:day:merchant |

The database counts and hashes; rows travel here only for batches that changed or are being sent. The plan
never looks at the ledger: planned minus ledger is what to do.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pp_pipeline.conversations.built_form import check_form
from pp_pipeline.ledger.switches import fired_by
from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.takers import empty_snapshots, taker_rows, takers
from pp_pipeline.warehouse import Connection

BatchKind = Literal["messages", "events", "snapshot"]
NO_CAMPAIGN = "-"
"""Among the campaigns of a batch: for rows that none led to."""


@dataclass(frozen=True, order=True)
class BatchId:
    """What a batch is of: one day of one conversation, relay or `relay:segment`, for one merchant."""

    day: date
    kind: BatchKind
    name: str
    merchant: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name} of {self.merchant} for {self.day}"


@dataclass(frozen=True)
class PlannedBatch:
    """A batch as it is planned now. `hash` covers its identity and all that would be delivered.

    `row_count` counts messages, events, or the members of a snapshot; a snapshot without any is a delivery too.
    """

    id: BatchId
    row_count: int
    hash: str


@dataclass(frozen=True)
class Source:
    """Where a kind of batch comes from; `rows` has the columns name, merchant, day and those of the hash."""

    table: str
    rows: str
    key: str
    hashed: tuple[str, ...]
    parameters: tuple[str, ...] = ()


_MESSAGES = Source(
    table="planned_messages",
    rows="select conversation as name, due_on as day, planned_messages.* from planned_messages",
    key="message_id",
    hashed=(
        *("message_id", "run_key", "step", "occurrence", "pass", "channel", "template", "variant"),
        *("contact_key", "event_id", "order_number"),
    ),
)
_EVENT_COLUMNS = ("event_id", "event_name", "campaign", "contact_key", "email", "order_number", "sku")


def planned_batches(
    connection: Connection,
    first: date,
    last: date,
    merchants: Mapping[str, Merchant],
    days: Collection[date] = (),
) -> list[PlannedBatch]:
    """The batches of a range of days (or of some `days` in it): one statement for each kind."""
    found = []
    for kind, source in sources(connection, merchants).items():
        fields = " || ".join(_length_prefixed(column) for column in source.hashed)
        sql = f"""
            with plan as ({source.rows}),
            hashed as (
                select name, merchant, day, {source.key} as sort_key, md5({fields}) as row_hash
                from plan
                where {_in_days("day", days)}
            )
            select name, merchant, day, count(*), md5(string_agg(row_hash, '' order by sort_key, row_hash))
            from hashed
            group by name, merchant, day
            order by day, name, merchant
        """
        parameters = [*source.parameters, first, last, *sorted(days)]
        for name, merchant, day, count, content in connection.rows(sql, parameters):
            batch = BatchId(day, kind, name, merchant)
            found.append(PlannedBatch(batch, int(count), batch_hash(batch, int(count), content)))
        if kind == "snapshot":
            for (merchant, segment, relay), day in empty_snapshots(
                connection, takers(merchants, "segments"), first, last, days
            ):
                batch = BatchId(day, kind, f"{relay}:{segment}", merchant)
                found.append(PlannedBatch(batch, 0, batch_hash(batch, 0, "nobody")))
    return sorted(found, key=lambda planned: planned.id)


def batch_hash(batch: BatchId, row_count: int, content: str) -> str:
    """The hash that an approval names. Batches never share one: what the batch is of is part of it."""
    parts = (batch.kind, batch.name, batch.merchant, batch.day.isoformat(), str(row_count), content)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def nothing(batch: BatchId) -> PlannedBatch:
    """What a batch becomes that is no longer planned; a snapshot of nobody is planned, and not this."""
    return PlannedBatch(batch, 0, batch_hash(batch, 0, ""))


def planned_keys(
    connection: Connection, batches: Collection[BatchId], merchants: Mapping[str, Merchant]
) -> dict[BatchId, list[str]]:
    """The delivery keys of some batches, each list in order. A batch that plans nothing has an empty one."""
    keys: dict[BatchId, list[str]] = {batch: [] for batch in batches}
    for kind, source in sources(connection, merchants).items():
        wanted = {batch for batch in batches if batch.kind == kind}
        if not wanted:
            continue
        if kind == "snapshot":
            keys |= {batch: [snapshot_key(batch)] for batch in wanted}
            continue
        days = sorted({batch.day for batch in wanted})
        sql = f"""
            with plan as ({source.rows})
            select name, merchant, day, {source.key} from plan where {_in_days("day", days)}
            order by {source.key}
        """
        for name, merchant, day, key in connection.rows(sql, [*source.parameters, days[0], days[-1], *days]):
            batch = BatchId(day, kind, name, merchant)
            if batch in wanted:
                keys[batch].append(delivery_key(batch, key))
    return keys


def planned_campaigns(
    connection: Connection, batches: Collection[BatchId], merchants: Mapping[str, Merchant]
) -> dict[BatchId, frozenset[str]]:
    """The campaigns that led to the rows of some batches, `NO_CAMPAIGN` for rows that none did; nothing for snapshots.

    Of events that a conversation fires it is the conversation (ledger/switches.py, `fired_by`).
    """
    found: dict[BatchId, frozenset[str]] = {}
    for kind, source in sources(connection, merchants).items():
        wanted = {batch for batch in batches if batch.kind == kind}
        if not wanted or kind == "snapshot" or not connection.table_exists("all_events"):
            continue
        days = sorted({batch.day for batch in wanted})
        sql = f"""
            with plan as ({source.rows}),
            campaigns as (select distinct event_id, campaign, conversation from all_events)
            select distinct plan.name, plan.merchant, plan.day, campaigns.campaign, campaigns.conversation
            from plan
            left join campaigns on plan.event_id = campaigns.event_id
            where {_in_days("plan.day", days)}
        """
        for name, merchant, day, campaign, conversation in connection.rows(
            sql, [*source.parameters, days[0], days[-1], *days]
        ):
            batch = BatchId(day, kind, name, merchant)
            if batch in wanted:
                firing = fired_by(conversation) if conversation and kind == "events" else NO_CAMPAIGN
                found[batch] = found.get(batch, frozenset()) | {campaign or firing}
    return found


def delivery_key(batch: BatchId, row_id: str) -> str:
    """The ledger's key of a message or an event."""
    return f"{batch.name}:{row_id}" if batch.kind == "events" else row_id


def snapshot_key(batch: BatchId) -> str:
    """The ledger's key of a snapshot; the merchant is in it, as two may call a relay by one name."""
    return f"{batch.name}:{batch.day}:{batch.merchant}"


def sources(connection: Connection, merchants: Mapping[str, Merchant]) -> dict[BatchKind, Source]:
    """The sources that are there: before the first build there are none, and without relays no events.

    Raises:
        WarehouseError: an earlier version of this program built them.
    """
    check_form(connection)
    sources: dict[BatchKind, Source] = {}
    if connection.table_exists(_MESSAGES.table):
        sources["messages"] = _MESSAGES
    if (taken := takers(merchants, "events")) and connection.table_exists("all_events"):
        table, parameters = taker_rows(taken)
        rows = f"""
            select takers.relay as name, all_events.occurred_on as day, all_events.*
            from all_events
            inner join {table}
                on all_events.merchant = takers.merchant and all_events.event_name = takers.taken
        """
        sources["events"] = Source("all_events", rows, "event_id", _EVENT_COLUMNS, parameters)
    if (taken := takers(merchants, "segments")) and connection.table_exists("segment_snapshots"):
        table, parameters = taker_rows(taken)
        rows = f"""
            select
                takers.relay || ':' || segment_snapshots.segment as name,
                segment_snapshots.snapshot_on as day,
                segment_snapshots.merchant,
                segment_snapshots.contact_key
            from segment_snapshots
            inner join {table}
                on segment_snapshots.merchant = takers.merchant and segment_snapshots.segment = takers.taken
        """
        sources["snapshot"] = Source("segment_snapshots", rows, "contact_key", ("contact_key",), parameters)
    return sources


def _length_prefixed(column: str) -> str:
    """A field with its length before it, so that ('a', 'bc') and ('ab', 'c') differ; null differs from ''."""
    text = f"cast({column} as varchar)"
    return f"coalesce(cast(length({text}) as varchar), '-') || ':' || coalesce({text}, '')"


def _in_days(column: str, days: Collection[date]) -> str:
    return f"{column} between ? and ?" + (f" and {column} in ({marks(days)})" if days else "")


def marks(values: Iterable[object]) -> str:
    """As many `?` as there are values."""
    return ", ".join("?" for _ in values)
