"""The sending job: what is sealed and free to go is claimed, rendered, delivered, settled (DESIGN 5).

Nothing is delivered twice, whoever runs this how often and beside whom: a delivery is claimed in the ledger
before it goes. The warehouse is only open while a load of batches is read.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import get_args
from zoneinfo import ZoneInfo

from pp_pipeline.contact_keys import phone_key
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.loading import load_conversations
from pp_pipeline.conversations.wordings import Wording, wordings_of
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.witness import Witness
from pp_pipeline.merchants import Merchant, load_merchants, zone_of_days
from pp_pipeline.messages.render import Renderer
from pp_pipeline.messages.uses import shows
from pp_pipeline.sending.batches import Batch, batch_states
from pp_pipeline.sending.claim import Candidate
from pp_pipeline.sending.claims import Claimer
from pp_pipeline.sending.contents import Content, read_contents
from pp_pipeline.sending.gates import DeliveryTarget
from pp_pipeline.sending.guards.recipients import check_recipients, recipients_of
from pp_pipeline.sending.judging import Bench
from pp_pipeline.sending.known_secret import known_secret
from pp_pipeline.sending.lane import BatchReport, Lane
from pp_pipeline.sending.loads import Count, Progress, loads
from pp_pipeline.sending.outlets.making import make_outlets
from pp_pipeline.sending.outlets.outlet import OutletKey, Outlets
from pp_pipeline.sending.plan import BatchId
from pp_pipeline.sending.planned import Planned, PlannedMessage
from pp_pipeline.sending.proofs import Proofs
from pp_pipeline.sending.recommended import add_recommendations
from pp_pipeline.sending.releases import note_sendable
from pp_pipeline.sending.summary import SendSummary
from pp_pipeline.settings import Settings, utc_now
from pp_pipeline.warehouse import Warehouse

LEASE = timedelta(minutes=10)
CHUNK_SIZE = 100
TARGETS: tuple[DeliveryTarget, ...] = get_args(DeliveryTarget)


def send(
    settings: Settings,
    ledger: Ledger,
    warehouse: Warehouse,
    first: date,
    last: date,
    today: date,
    progress: Progress | None = None,
) -> SendSummary:
    """Send the ready batches of a range of days: in live mode by the declared roads, else to the outbox.

    Raises:
        SendRefused: the contact secret is not the one that the ledger knows.
        SettingsError: the password or secret of a declared road is not set.
        ConversationError, MerchantError: a file can't be used.
    """
    return Sender(settings, ledger, warehouse).send(first, last, today, progress)


@dataclass(frozen=True)
class Sender:
    """A sending job. Left to itself it reads merchants, their roads and conversations from the checkout."""

    settings: Settings
    ledger: Ledger
    warehouse: Warehouse
    outlets: Outlets | None = None
    lease: timedelta = LEASE
    chunk_size: int = CHUNK_SIZE
    now: Callable[[], datetime] = utc_now

    @cached_property
    def merchants(self) -> Mapping[str, Merchant]:
        """The merchants by name."""
        return load_merchants(self.settings)

    @cached_property
    def conversations(self) -> Mapping[str, Conversation]:
        """The conversations by name, checked."""
        found = load_conversations(self.settings.conversations_dir, self.merchants)
        return {each.conversation: each for each in found}

    def send(self, first: date, last: date, today: date, progress: Progress | None = None) -> SendSummary:
        """See the function `send`."""
        known_secret(self.settings, self.ledger)
        check_recipients(self.settings)
        with closing(self._outlets):  # made before anything is claimed: a password may be missing
            return self._send(first, last, today, progress)

    def _send(self, first: date, last: date, today: date, progress: Progress | None) -> SendSummary:
        lacking = Witness.of(self.settings).catch_up(self.ledger)
        lapsed_count = sum(self._claimer(target).lapse(self.now()) for target in TARGETS)
        note_sendable(self.ledger, self.settings, first, last, today)
        states = batch_states(self.ledger, self.settings, first, last, today)
        reports = [BatchReport(batch, state) for batch, state in states]
        ready = [report for report in reports if report.state.state == "ready"]
        count = Count.of(ready, progress)
        broken: dict[OutletKey, str] = {}
        for load in loads(ready, self._priority):
            with self.warehouse.connect() as connection:
                contents = read_contents(connection, [report.batch.id for report in load], self.merchants)
                add_recommendations(connection, contents, self._recommending, self.merchants, today)
            self._send_load(load, contents, broken, today, count)
            self._send_seeds(load, contents, broken, today)
        return SendSummary(reports, lapsed_count, lacking)

    def _send_load(
        self,
        load: Sequence[BatchReport],
        contents: Mapping[BatchId, Content],
        broken: dict[OutletKey, str],
        today: date,
        count: Count,
    ) -> None:
        """Send some batches together: by priority, due date and key, whatever batch they are of."""
        queue: list[Candidate] = []
        items: dict[int, list[Planned]] = {}
        for report in load:
            content = contents[report.batch.id]
            report.problem = self._why_not(report.batch, content)
            if not report.problem:
                # A key goes once, though a day rebuilt by itself may have left its row on another day too.
                items[report.batch.number] = list({item.key: item for item in content.items}.values())
                report.channel = next((item.channel for item in content.items if isinstance(item, PlannedMessage)), "")
                queue += [self._candidate(report.batch, item) for item in items[report.batch.number]]
        queue.sort(key=lambda each: (-self._priority(each.batch), each.batch.day, each.item.key))
        reports = {report.batch.number: report for report in load}
        for target in TARGETS:
            of_target = [each for each in queue if each.batch.release.target == target]
            self._lane(target, broken, today).send(of_target, reports, count.add)
        for number, found in items.items():
            report = reports[number]
            if not report.problem:
                claimer = self._claimer(report.batch.release.target)
                claimer.finish(report.batch, [item.key for item in found], self.now())

    def _send_seeds(
        self,
        load: Sequence[BatchReport],
        contents: Mapping[BatchId, Content],
        broken: Mapping[OutletKey, str],
        today: date,
    ) -> None:
        """A proof of each step of the batches that went to shoppers today, to the merchant's seed addresses, once."""
        for report in load:
            batch = report.batch
            if batch.id.kind != "messages" or not report.outcomes["sent"]:
                continue
            conversation, merchant = self.conversations[batch.id.name], self.merchants[batch.id.merchant]
            steps = {item.step for item in contents[batch.id].items if isinstance(item, PlannedMessage)}
            for step, message in conversation.messages.items():
                place = (batch.id.merchant, message.channel)
                channel = self._outlets.channels.get(place)
                if step in steps and channel and channel.target == batch.release.target and place not in broken:
                    proofs = Proofs(self.ledger, self._renderer, channel, recipients_of(self.settings, channel.target))
                    proofs.send_seeds(Wording(conversation, step, message.template), merchant, today)

    @cached_property
    def _recommending(self) -> set[tuple[str, str]]:
        """Conversation and template of the messages that show recommendations; transactional ones may not."""
        templates = self._renderer.templates
        commercial = [each for each in self.conversations.values() if each.kind == "commercial"]
        return {
            (each.conversation.conversation, each.template)
            for each in wordings_of(commercial)
            if shows(templates, each.name, each.channel, "recommended")
        }

    def _why_not(self, batch: Batch, content: Content) -> str:
        if content.hash != batch.hash:
            return "changed"
        if batch.id.merchant not in self.merchants:
            return "no_merchant_file"
        if batch.id.kind == "messages" and batch.id.name not in self.conversations:
            return "no_conversation"
        return ""

    def _candidate(self, batch: Batch, item: Planned) -> Candidate:
        if not isinstance(item, PlannedMessage):
            return Candidate(batch, item)
        conversation = self.conversations[batch.id.name]
        if item.channel == "sms" and item.contact.phone:
            item = replace(item, phone_key=phone_key(self._renderer.secret, item.merchant, item.contact.phone))
        message = conversation.messages.get(item.step)
        return Candidate(
            batch,
            item,
            message_kind=conversation.kind,
            has_offer=message is not None and message.has_offer,
            max_defer_days=self.merchants[batch.id.merchant].sending.max_defer_days,
            max_pause_days=conversation.max_pause_days,
        )

    def _priority(self, batch: Batch) -> int:
        conversation = self.conversations.get(batch.id.name) if batch.id.kind == "messages" else None
        return conversation.priority if conversation else 0

    def _claimer(self, target: DeliveryTarget) -> Claimer:
        return Claimer(self.ledger, target, self.lease, Witness.of(self.settings))

    def _lane(self, target: DeliveryTarget, broken: dict[OutletKey, str], today: date) -> Lane:
        return Lane(
            claimer=self._claimer(target),
            judge=Bench(self.conversations, self.merchants, target, recipients_of(self.settings, target)).judge,
            outlets=self._outlets,
            renderer=self._renderer,
            chunk_size=self.chunk_size,
            today=today,
            now=self.now,
            moment=self._moment,
            broken=broken,
        )

    def _moment(self) -> datetime:
        """The clock that guards go by: now, or noon of its day in a rehearsal that acts as of another day."""
        if self.settings.today is None:
            return self.now()
        noon = datetime.combine(self.settings.today, time(12), ZoneInfo(zone_of_days(self.merchants)))
        return noon.astimezone(UTC)  # what lies so many hours after it is counted in hours, not by the clock

    @cached_property
    def _outlets(self) -> Outlets:
        return self.outlets or make_outlets(self.settings, self.merchants)

    @cached_property
    def _renderer(self) -> Renderer:
        secret = known_secret(self.settings, self.ledger)
        return Renderer(self.settings.conversations_dir, self.conversations, self.merchants, secret)
