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
from pp_pipeline.why.entries import FileContent, Outgoing, QuarantinedRow, Source, Version
from pp_pipeline.why.feedback import feedback_entries
from pp_pipeline.why.history import EventRow, History, MessageRow, MovementRow, QuarantineRow, VersionRow
from pp_pipeline.why.ledger_entries import contents
from pp_pipeline.why.messages import EventTeller
from pp_pipeline.why.positions import RunTeller
from pp_pipeline.why.queues import QueueTeller
from pp_pipeline.why.rules import Rules
from pp_pipeline.why.runs import Runs, make_runs
from pp_pipeline.why.story import OrderStory
from pp_pipeline.why.whose import Whose
from pp_pipeline.why.words import version_words

Versions = Mapping[str, Sequence[VersionRow]]
NO_ORDER = ""
_RUN_TABLES = ("all_events", "conversation_runs", "segment_snapshots")


@dataclass(frozen=True)
class Told:
    """The stories of orders, by the time they were ordered; `own` is what is about their contact and no order, told as
    if it were one. `runs` are those of all their contacts."""

    orders: list[OrderStory]
    own: OrderStory
    runs: Runs


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

    def tell(self, order_numbers: Collection[str], known: Sequence[Row[Any]], contact_key: str | None = None) -> Told:
        """The stories of orders.

        Args:
            known: the ledger's deliveries about them.
            contact_key: the contact that is asked about, if one is.
        """
        own = self.history.versions(order_numbers)
        contact_keys = {version.contact_key for versions in own.values() for version in versions if version.contact_key}
        contact_keys |= {contact_key} if contact_key else set()
        orders = self.history.versions({*self.history.orders_of(contact_keys), *own})
        events = self.history.events(order_numbers, [contact_key] if contact_key else [])
        contact_keys |= {event.contact_key for event in events}
        messages = self.history.messages(contact_keys)
        runs = self._runs(contact_keys)
        teller = EventTeller(self.merchant, self.conversations, runs)
        queues = [
            self._queue(campaign, order_numbers, orders)
            for campaign in self.rules.campaigns
            if campaign.merchant == self.merchant.merchant
        ]
        outgoing = self._outgoing({*order_numbers, NO_ORDER}, events, messages, teller, known)
        feedback = feedback_entries(self.history.feedback(contact_keys), messages, known, order_numbers)
        known_contents = contents(self.deliveries.ledger, {row.order_file for rows in own.values() for row in rows})
        quarantined, events_of = _by_order(self.history.quarantined(order_numbers)), _by_order(events)
        runs_of = self._run_tellers(runs)

        emails = {row.contact_key: row.email for rows in orders.values() for row in rows}

        def story(number: str) -> OrderStory:
            versions, happened = own.get(number, ()), events_of.get(number, ())
            movements = {queue.campaign.name: queue.movements(rows.get(number, ())) for queue, rows in queues}
            newest = versions[-1].contact_key if versions else None
            whose = Whose(contact_key or newest, emails)
            return OrderStory(
                order_number=number,
                contents=_contents(known_contents, versions),
                versions=whose.marked(_versions(versions)),
                quarantined=[_quarantined(row) for row in quarantined.get(number, ())],
                movements=[one for queue, _ in queues for one in whose.marked(movements[queue.campaign.name])],
                events=whose.marked(teller.event(event) for event in happened),
                positions=[one for run in runs_of.get(number, ()) for one in whose.marked(run.positions())],
                no_messages=[one for event in happened for one in whose.marked(teller.no_messages(event))],
                outgoing=whose.marked(outgoing.get(number, [])),
                feedback=whose.marked(feedback.get(number, [])),
                queues=[
                    whose.standing(queue.standing(number, movements[queue.campaign.name]), newest)
                    for queue, _ in queues
                    if number in own
                ],
                runs=[
                    whose.standing(standing, run.run.begin.contact_key)
                    for run in runs_of.get(number, ())
                    if (standing := run.standing())
                ],
            )

        return Told(sorted(map(story, order_numbers), key=_age), story(NO_ORDER), runs)

    def _runs(self, contact_keys: Collection[str]) -> Runs:
        """The runs of contacts; none before conversations were built."""
        if not all(self.connection.table_exists(table) for table in _RUN_TABLES):
            return make_runs([], [], [], [])
        asked = [(self.merchant.merchant, key) for key in sorted(contact_keys)]
        possible, endings, answers = (
            self.rules.of_contacts(self.connection, name, asked) for name in ("runs", "endings", "answers")
        )
        return make_runs(self.conversations, possible, endings, answers)

    def _run_tellers(self, runs: Runs) -> dict[str, list[RunTeller]]:
        built_through = newest_built_day(self.connection, "planned_messages")
        found: dict[str, list[RunTeller]] = {}
        if built_through is None:
            return found
        for run in runs.begun:
            found.setdefault(run.begin.order_number or NO_ORDER, []).append(RunTeller(run, built_through))
        return found

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
                planned.append(
                    Planned(batch, key, "event", name, event.contact_key, event.event_id, event.order_number)
                )
        for message in messages:
            if (message.order_number or NO_ORDER) in order_numbers:
                batch = BatchId(message.due_on, "messages", message.conversation, merchant)
                key, name = message.message_id, f"message {message.conversation}/{message.step} by {message.channel}"
                about = message.contact_key, message.event_id, message.order_number, message.step
                planned.append(Planned(batch, key, "message", name, *about))
        order_of = {row.key: row.order_number for row in known} | {one.key: one.order_number for one in planned}
        found: dict[str, list[Outgoing]] = {}
        for one in self.deliveries.outgoing(planned, known, self.today):
            found.setdefault(order_of[one.key] or NO_ORDER, []).append(one)
        return found


def _by_order(rows: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.order_number or NO_ORDER, []).append(row)
    return found


def _contents(known: Mapping[str, Sequence[FileContent]], versions: Sequence[VersionRow]) -> list[FileContent]:
    names = dict.fromkeys(version.order_file for version in versions)
    return [content for name in names for content in known.get(name, ())]


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
