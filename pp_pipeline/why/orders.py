"""Gathering the stories of some orders of one merchant: a few queries for all of them together."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row

from pp_pipeline.campaigns.parameters import Campaign
from pp_pipeline.campaigns.queues import newest_built_day
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.landing.quarantine import words_of_kind
from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.plan import BatchId, delivery_key
from pp_pipeline.warehouse import Connection
from pp_pipeline.why.deliveries import DeliveryTeller, Planned
from pp_pipeline.why.history import EventRow, History, MessageRow, MovementRow, QuarantineRow, VersionRow
from pp_pipeline.why.messages import EventTeller
from pp_pipeline.why.queues import QueueTeller
from pp_pipeline.why.rules import Rules
from pp_pipeline.why.story import OrderStory, Outgoing, QuarantinedRow, Source, Version
from pp_pipeline.why.words import version_words

Versions = Mapping[str, Sequence[VersionRow]]


@dataclass(frozen=True)
class OrdersTeller:
    """Tells the stories of orders out of an open warehouse and the ledger."""

    merchant: Merchant
    conversations: Sequence[Conversation]
    rules: Rules
    connection: Connection
    history: History
    deliveries: DeliveryTeller
    today: date

    def tell(self, order_numbers: Collection[str], known: Sequence[Row[Any]]) -> list[OrderStory]:
        """The stories of orders, by the time they were ordered.

        Args:
            known: the ledger's deliveries about them.
        """
        own = self.history.versions(order_numbers)
        contact_keys = {version.contact_key for versions in own.values() for version in versions if version.contact_key}
        orders = self.history.versions({*self.history.orders_of(contact_keys), *own})
        quarantined = _by_order(self.history.quarantined(order_numbers))
        events = self.history.events(order_numbers)
        messages = self.history.messages(contact_keys | {event.contact_key for event in events})
        runs = self.history.runs(contact_keys | {event.contact_key for event in events})
        teller = EventTeller(self.merchant, self.conversations, messages, runs, orders)
        events_of = _by_order(events)
        queues = [
            self._queue(campaign, order_numbers, orders)
            for campaign in self.rules.campaigns
            if campaign.merchant == self.merchant.merchant
        ]
        outgoing = self._outgoing(order_numbers, events, messages, teller, known)
        stories = []
        for number in order_numbers:
            movements = {queue.campaign.name: queue.movements(rows.get(number, ())) for queue, rows in queues}
            stories.append(
                OrderStory(
                    order_number=number,
                    versions=_versions(own.get(number, ())),
                    quarantined=[_quarantined(row) for row in quarantined.get(number, ())],
                    movements=[one for queue, _ in queues for one in movements[queue.campaign.name]],
                    events=[teller.event(event) for event in events_of.get(number, ())],
                    no_messages=[one for event in events_of.get(number, ()) for one in teller.no_messages(event)],
                    outgoing=outgoing.get(number, []),
                    queues=[
                        queue.standing(number, movements[queue.campaign.name]) for queue, _ in queues if number in own
                    ],
                )
            )
        return sorted(stories, key=_age)

    def _queue(
        self, campaign: Campaign, order_numbers: Collection[str], orders: Versions
    ) -> tuple[QueueTeller, Mapping[str, Sequence[MovementRow]]]:
        """What tells of a queue, and the movements of the orders in it, by order."""
        rows = _by_order(self.history.movements(campaign.queue, order_numbers))
        never = [number for number in order_numbers if number not in rows and number in orders]
        filtered = {
            (campaign.merchant, row.contact_key or "", row.movement_on)
            for moved in rows.values()
            for row in moved
            if row.reason == "filtered"
        }
        has_audience = campaign.audience is not None and filtered
        teller = QueueTeller(
            campaign=campaign,
            built_through=newest_built_day(self.connection, campaign.queue),
            orders=orders,
            stretches=self.rules.stretches(self.connection, campaign, never),
            audience=self.rules.audience_facts(self.connection, campaign, filtered) if has_audience else {},
        )
        return teller, rows

    def _outgoing(
        self,
        order_numbers: Collection[str],
        events: Iterable[EventRow],
        messages: Iterable[MessageRow],
        teller: EventTeller,
        known: Sequence[Row[Any]],
    ) -> dict[str, list[Outgoing]]:
        """What is planned or was delivered about the orders, by order."""
        merchant = self.merchant.merchant
        planned = []
        for event in events:
            for relay in teller.relays(event.event_name):
                batch = BatchId(event.occurred_on, "events", relay, merchant)
                key = delivery_key(batch, event.event_id)
                name = f"{event.event_name} to {relay}"
                planned.append(Planned(batch, key, "event", name, event.event_id, event.order_number))
        for message in messages:
            if message.order_number in order_numbers:
                batch = BatchId(message.due_on, "messages", message.conversation, merchant)
                key, name = message.message_id, f"message {message.conversation}/{message.step} by {message.channel}"
                planned.append(Planned(batch, key, "message", name, message.event_id, message.order_number))
        order_of = {row.key: row.order_number for row in known} | {one.key: one.order_number for one in planned}
        found: dict[str, list[Outgoing]] = {}
        for one in self.deliveries.outgoing(planned, known, self.today):
            found.setdefault(order_of[one.key] or "", []).append(one)
        return found


def _by_order(rows: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.order_number, []).append(row)
    return found


def _versions(rows: Sequence[VersionRow]) -> list[Version]:
    return [
        Version(
            on=row.known_on,
            text=version_words(row, rows[place - 1] if place else None),
            source=row.source,
            status=row.status,
            ordered_at=row.ordered_at,
            ordered_on=row.ordered_on,
            ship_date=row.ship_date,
            total_cents=row.total_cents,
            currency=row.currency,
            email=row.email,
            contact_key=row.contact_key,
            is_eligible=row.is_eligible,
        )
        for place, row in enumerate(rows)
    ]


def _quarantined(row: QuarantineRow) -> QuarantinedRow:
    return QuarantinedRow(
        on=row.file_date,
        text=f"a row was not taken: {row.column_name} holds {words_of_kind(row.value_kind)}, rule {row.rule}",
        source=Source(row.order_file, row.order_file_line),
        column=row.column_name,
        rule=row.rule,
        value_kind=row.value_kind,
    )


def _age(story: OrderStory) -> tuple[bool, Any, bytes]:
    newest = story.newest
    return newest is not None, newest.ordered_at if newest else None, story.order_number.encode()
