"""What of a plan can be adopted: who gets what, page by page, without the orders and addresses that sending needs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.plan import BatchId, delivery_key, snapshot_key
from pp_pipeline.sending.planned import Planned, PlannedEvent, PlannedMessage, PlannedSnapshot
from pp_pipeline.sending.takers import empty_snapshots, taker_rows, takers
from pp_pipeline.warehouse import Connection


@dataclass(frozen=True)
class Wanted:
    """What is to be adopted: the days, and one conversation or one relay ('' for all)."""

    first: date
    last: date
    conversation: str = ""
    relay: str = ""

    def takes(self, batch: BatchId) -> bool:
        """Whether a batch is meant."""
        if self.conversation:
            return batch.kind == "messages" and batch.name == self.conversation
        return not self.relay or (batch.kind != "messages" and batch.name.partition(":")[0] == self.relay)


def pages(
    connection: Connection, wanted: Wanted, merchants: Mapping[str, Merchant], page_rows: int
) -> Iterator[list[tuple[BatchId, Planned]]]:
    """What is wanted, each key once, in pages of so many rows; all snapshots are one page."""
    for read in (_messages, _events):
        after = ""
        while page := list(read(connection, wanted, merchants, after, page_rows)):
            after = page[-1][0]
            yield [(batch, item) for _, batch, item in page]
    if snapshots := list(_snapshots(connection, wanted, merchants)):
        yield snapshots


def _messages(
    connection: Connection, wanted: Wanted, _merchants: Mapping[str, Merchant], after: str, limit: int
) -> Iterator[tuple[str, BatchId, Planned]]:
    """The next messages after a key. One that stands on two days comes once, with the earlier."""
    if wanted.relay or not connection.table_exists("planned_messages"):
        return
    columns = "message_id, merchant, contact_key, run_key, conversation, step, occurrence, pass, channel, template"
    sql = f"""
        select {columns}, event_id, order_number, due_on
        from (
            select
                planned_messages.*, row_number() over (partition by message_id order by due_on, conversation) as place
            from planned_messages
            where due_on between ? and ? and message_id > ? and conversation = coalesce(?, conversation)
        ) as plan
        where place = 1
        order by message_id
        limit {limit}
    """
    for row in connection.rows(sql, (wanted.first, wanted.last, after, wanted.conversation or None)):
        key, merchant, contact_key, *run, event_id, order_number, due_on = row
        run_key, conversation, step, occurrence, number, channel, template = run
        batch = BatchId(due_on, "messages", conversation, merchant)
        item = PlannedMessage(
            key, merchant, contact_key, None, run_key, conversation, step, int(occurrence), int(number), channel,
            template, event_id, order_number, due_on, order=None,
        )  # fmt: skip
        yield key, batch, item


def _events(
    connection: Connection, wanted: Wanted, merchants: Mapping[str, Merchant], after: str, limit: int
) -> Iterator[tuple[str, BatchId, Planned]]:
    """The next events for relays after a relay and event id."""
    taken = [one for one in takers(merchants, "events") if wanted.relay in ("", one[2])]
    if wanted.conversation or not taken or not connection.table_exists("all_events"):
        return
    table, parameters = taker_rows(taken)
    sql = f"""
        select key, relay, event_id, event_name, campaign, merchant, contact_key, order_number, sku, occurred_on
        from (
            select
                takers.relay || ':' || event_id as key, takers.relay, events.*,
                row_number() over (partition by takers.relay, event_id order by occurred_on) as place
            from all_events as events
            inner join {table} on events.merchant = takers.merchant and events.event_name = takers.taken
            where occurred_on between ? and ?
        ) as plan
        where place = 1 and key > ?
        order by key
        limit {limit}
    """
    for row in connection.rows(sql, (*parameters, wanted.first, wanted.last, after)):
        key, relay, event_id, event_name, campaign, merchant, contact_key, order_number, sku, occurred_on = row
        batch = BatchId(occurred_on, "events", relay, merchant)
        item = PlannedEvent(
            delivery_key(batch, event_id), relay, event_id, event_name, campaign, merchant, contact_key, None,
            order_number, sku, occurred_on,
        )  # fmt: skip
        yield key, batch, item


def _snapshots(
    connection: Connection, wanted: Wanted, merchants: Mapping[str, Merchant]
) -> Iterator[tuple[BatchId, Planned]]:
    """The snapshots for relays: one row each, whatever its members."""
    taken = [one for one in takers(merchants, "segments") if wanted.relay in ("", one[2])]
    if wanted.conversation or not taken or not connection.table_exists("segment_snapshots"):
        return
    table, parameters = taker_rows(taken)
    sql = f"""
        select distinct takers.relay, segment, snapshots.merchant, snapshot_on
        from segment_snapshots as snapshots
        inner join {table} on snapshots.merchant = takers.merchant and snapshots.segment = takers.taken
        where snapshot_on between ? and ?
    """
    found = connection.rows(sql, (*parameters, wanted.first, wanted.last))
    empty = empty_snapshots(connection, taken, wanted.first, wanted.last)
    found += [(relay, segment, merchant, day) for (merchant, segment, relay), day in empty]
    for relay, segment, merchant, day in sorted(found):
        batch = BatchId(day, "snapshot", f"{relay}:{segment}", merchant)
        yield batch, PlannedSnapshot(snapshot_key(batch), relay, segment, merchant, day, ())
