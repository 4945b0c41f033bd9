"""Reading what batches deliver, all at once, so that the warehouse is closed before anything is sent.

A message comes with its order as it was known on the day it was due (the plan of a day depends on files
dated up to that day only), and with what the newest version says, for the guards at the moment of sending.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time

from pp_pipeline.merchants import Merchant
from pp_pipeline.relay_roads import AudienceFileRoad
from pp_pipeline.sending.contact_facts import read_contacts, read_email_consents
from pp_pipeline.sending.orders import read_orders, read_orders_now, read_quarantined
from pp_pipeline.sending.plan import (
    BatchId,
    delivery_key,
    marks,
    planned_batches,
    snapshot_key,
)
from pp_pipeline.sending.planned import (
    ContactFacts,
    Planned,
    PlannedEvent,
    PlannedMessage,
    PlannedSnapshot,
)
from pp_pipeline.sending.run_facts import read_run_facts
from pp_pipeline.sending.takers import empty_snapshots, taker_rows, takers
from pp_pipeline.warehouse import Connection


@dataclass
class Content:
    """What one batch delivers, in order of the keys, and the hash of the plan that it was read from.

    The hash is empty when the plan changed while it was read.
    """

    hash: str = ""
    items: list[Planned] = field(default_factory=list)


def read_contents(
    connection: Connection, batches: Collection[BatchId], merchants: Mapping[str, Merchant]
) -> dict[BatchId, Content]:
    """The contents of some batches. Each kind is read with a few statements, however many batches there are.

    The plan is hashed before and after: on PostgreSQL a rebuild may commit between two statements.
    """
    contents = {batch: Content() for batch in batches}
    if not batches:
        return contents
    days = sorted({batch.day for batch in batches})
    before = _hashes(connection, days, merchants)
    for kind, read in _READERS.items():
        kind_days = sorted({batch.day for batch in batches if batch.kind == kind})
        if kind_days:
            for batch, item in read(connection, kind_days, merchants):
                if batch in contents:
                    contents[batch].items.append(item)
    after = _hashes(connection, days, merchants)
    for batch, content in contents.items():
        if before.get(batch) == after.get(batch):
            content.hash = after.get(batch, "")
    return contents


def _hashes(connection: Connection, days: list[date], merchants: Mapping[str, Merchant]) -> dict[BatchId, str]:
    return {each.id: each.hash for each in planned_batches(connection, days[0], days[-1], merchants, days)}


def _messages(
    connection: Connection, days: list[date], merchants: Mapping[str, Merchant]
) -> Iterator[tuple[BatchId, Planned]]:
    if not connection.table_exists("planned_messages"):
        return
    orders = read_orders(connection, days)
    now = read_orders_now(connection, days)
    quarantined = read_quarantined(connection, "planned_messages", "due_on", days)
    contacts = read_contacts(connection, days, any(each.sending.sunset for each in merchants.values()))
    runs = read_run_facts(connection, days)
    sql = f"""
        select
            messages.merchant, messages.due_on, messages.message_id, messages.contact_key, events.email,
            messages.run_key, messages.conversation, messages.step, messages.occurrence, messages.pass,
            messages.channel, messages.template, messages.event_id, messages.order_number, events.campaign,
            messages.not_before, messages.drawn_occurrence
        from planned_messages as messages
        left join (select distinct event_id, contact_key, email, campaign from all_events) as events
            on messages.event_id = events.event_id and messages.contact_key = events.contact_key
        where messages.due_on in ({marks(days)})
        order by messages.message_id
    """
    for merchant, due_on, key, contact_key, email, *rest in connection.rows(sql, days):
        (
            run_key,
            conversation,
            step,
            occurrence,
            number,
            channel,
            template,
            event_id,
            order_number,
            campaign,
            not_before,
            drawn_occurrence,
        ) = rest
        pauses = {"open_ticket"} if (merchant, contact_key) in runs.open_tickets else set[str]()
        pauses |= {"return_started"} if (merchant, order_number) in runs.returns_started else set()
        exits_now, contact_key_now = now.get((merchant, order_number), (frozenset[str](), contact_key))
        yield (
            BatchId(due_on, "messages", conversation, merchant),
            PlannedMessage(
                key=key,
                merchant=merchant,
                contact_key=contact_key,
                email=email,
                run_key=run_key,
                conversation=conversation,
                step=step,
                occurrence=int(occurrence),
                pass_number=int(number),
                channel=channel,
                template=template,
                event_id=event_id,
                order_number=order_number,
                due_on=due_on,
                order=orders.get((merchant, order_number, due_on)),
                campaign=campaign,
                exits_now=exits_now | runs.exits.get((conversation, event_id), frozenset()),
                not_before=time.fromisoformat(not_before) if not_before else None,
                drawn_occurrence=drawn_occurrence,
                pauses_now=frozenset(pauses),
                feedback_through=runs.feedback_through.get(merchant),
                contact_key_now=contact_key_now,
                is_quarantined=(merchant, order_number) in quarantined,
                contact=contacts.get((merchant, contact_key), ContactFacts()),
            ),
        )


def _events(
    connection: Connection, days: list[date], merchants: Mapping[str, Merchant]
) -> Iterator[tuple[BatchId, Planned]]:
    taken = takers(merchants, "events")
    if not taken or not connection.table_exists("all_events"):
        return
    table, parameters = taker_rows(taken)
    sql = f"""
        select
            takers.relay, event_id, event_name, campaign, events.merchant, contact_key, email, order_number,
            sku, occurred_on, conversation
        from all_events as events
        inner join {table} on events.merchant = takers.merchant and events.event_name = takers.taken
        where occurred_on in ({marks(days)})
        order by event_id
    """
    quarantined = read_quarantined(connection, "all_events", "occurred_on", days)
    for row in connection.rows(sql, [*parameters, *days]):
        batch = BatchId(row[9], "events", row[0], row[4])
        is_quarantined = (row[4], row[7]) in quarantined
        yield batch, PlannedEvent(delivery_key(batch, row[1]), *row, is_quarantined=is_quarantined)


def _snapshots(
    connection: Connection, days: list[date], merchants: Mapping[str, Merchant]
) -> Iterator[tuple[BatchId, Planned]]:
    taken = takers(merchants, "segments")
    if not taken or not connection.table_exists("segment_snapshots"):
        return
    table, parameters = taker_rows(taken)
    # A contact's key is made of merchant and address, so any of its orders knows the address.
    sql = f"""
        with members as (
            select takers.relay, segment, snapshots.merchant, snapshot_on, contact_key
            from segment_snapshots as snapshots
            inner join {table} on snapshots.merchant = takers.merchant and snapshots.segment = takers.taken
            where snapshot_on in ({marks(days)})
        ),
        addresses as (
            select contact_key, max(email) as email
            from order_versions
            where contact_key in (select contact_key from members)
            group by contact_key
        )
        select relay, segment, merchant, snapshot_on, members.contact_key, addresses.email
        from members
        left join addresses on members.contact_key = addresses.contact_key
        order by relay, segment, merchant, snapshot_on, members.contact_key
    """
    members: dict[tuple[str, str, str, date], list[tuple[str, str | None]]] = {}
    for relay, segment, merchant, day, contact_key, email in connection.rows(sql, [*parameters, *days]):
        members.setdefault((relay, segment, merchant, day), []).append((contact_key, email))
    for (merchant, segment, relay), day in empty_snapshots(connection, taken, days[0], days[-1], days):
        members[relay, segment, merchant, day] = []
    demanding = {
        (name, relay.relay): relay
        for name, merchant in merchants.items()
        for relay in merchant.relays
        if isinstance(relay, AudienceFileRoad)
    }
    consents = read_email_consents(connection, days) if demanding else {}
    for (relay, segment, merchant, day), found in members.items():
        batch = BatchId(day, "snapshot", f"{relay}:{segment}", merchant)
        consenting = None
        if road := demanding.get((merchant, relay)):
            recorded = [(contact_key, consents.get((merchant, contact_key))) for contact_key, _ in found]
            consenting = frozenset(
                contact_key
                for contact_key, consent in recorded
                if consent and road.is_enough(consent.basis) and (consent.since is None or consent.since <= day)
            )
        yield batch, PlannedSnapshot(snapshot_key(batch), relay, segment, merchant, day, tuple(found), consenting)


_READERS = {"messages": _messages, "events": _events, "snapshot": _snapshots}
