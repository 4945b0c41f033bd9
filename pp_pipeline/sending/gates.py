"""Gates: what must be open before anything of a batch is claimed (DESIGN 5). A closed one writes no delivery.

The kill switch, a ledger that was restored from a backup (ledger/witness.py), a paused conversation or campaign, and
days that lack files: message batches of transactional conversations pass the last one, those of relays and snapshots
don't. Merchants and conversations are read anew each time, as the sender reads them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.loading import load_conversations
from pp_pipeline.landing.completeness import Completeness, MissingFile, completeness
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.switches import KILL_SWITCH, Pauses, read_pauses, switch_is_on
from pp_pipeline.ledger.witness import RESTORED_LEDGER, Witness
from pp_pipeline.merchants import Merchant, load_merchants
from pp_pipeline.sending.plan import BatchId
from pp_pipeline.settings import Settings

INCOMPLETE_DAY = "incomplete_day"
PAUSED = "paused"

DeliveryTarget = Literal["rehearsal", "live"]


@dataclass(frozen=True)
class Gates:
    """The gates as they stand when each is first asked for.

    Raises:
        MerchantError, ConversationError: when asked; a file that people wrote can't be used.
    """

    settings: Settings
    ledger: Ledger

    def target(self, batch: BatchId) -> DeliveryTarget:
        """What the deliveries of a batch count for: `live` where live mode is on and its merchant declares a road for
        them. Those of the outbox are rehearsal, whatever else is configured."""
        merchant = self._merchants.get(batch.merchant) if self.settings.live else None
        if merchant is None:
            return "rehearsal"
        if batch.kind == "messages":
            leaves = merchant.leaves_the_machine("channel", self._channels.get(batch.name, "email"))
        else:
            leaves = merchant.leaves_the_machine("relay", batch.name.partition(":")[0])
        return "live" if leaves else "rehearsal"

    def closed(self, batch: BatchId, campaigns: frozenset[str]) -> str:
        """The gate that keeps a batch back, whose rows come from these campaigns; '' when all are open."""
        if self.is_killed:
            return KILL_SWITCH
        if self.lacking:
            return RESTORED_LEDGER
        if self.pauses.hold_all(batch.name if batch.kind == "messages" else "", campaigns):
            return PAUSED
        if self._lacks_a_file(batch):
            return INCOMPLETE_DAY
        return ""

    def are_wide_open(self, batch: BatchId, campaigns: frozenset[str]) -> bool:
        """Whether not even a part of the batch is kept back: from then on its age is judged."""
        return not self.closed(batch, campaigns) and not self.may_hold_some(batch, campaigns)

    def are_held_by_people(self, batch: BatchId, campaigns: frozenset[str]) -> bool:
        """Whether the kill switch or a pause keeps the batch, or rows of it, back."""
        conversation = batch.name if batch.kind == "messages" else ""
        is_paused = self.pauses.hold_all(conversation, campaigns) or self.may_hold_some(batch, campaigns)
        return self.is_killed or is_paused

    def may_hold_some(self, batch: BatchId, campaigns: frozenset[str]) -> bool:
        """Whether a pause keeps some rows back; of a batch that was sealed before it was known whose they are, any may
        be meant."""
        if not campaigns and batch.kind != "snapshot":
            return bool(self.pauses.campaigns)
        return self.pauses.hold_some(campaigns)

    def missing(self, batches: Iterable[BatchId]) -> list[MissingFile]:
        """The files that the days of these batches lack, by day."""
        days = {(batch.merchant, batch.day) for batch in batches}
        return sorted(one for merchant, day in days for one in self._completeness.missing(merchant, day))

    @cached_property
    def is_killed(self) -> bool:
        """Whether the kill switch is on, in the environment or in the ledger."""
        return self.settings.kill_switch or switch_is_on(self.ledger, KILL_SWITCH)

    @cached_property
    def lacking(self) -> list[str]:
        """What the ledger lacks of what this home has seen in it."""
        with self.ledger.reading() as connection:
            return Witness.of(self.settings).missing(connection)

    @cached_property
    def pauses(self) -> Pauses:
        """What is paused."""
        with self.ledger.reading() as connection:
            return read_pauses(connection)

    def _lacks_a_file(self, batch: BatchId) -> bool:
        if not self._completeness.missing(batch.merchant, batch.day):
            return False
        return batch.kind != "messages" or batch.name not in self._transactional

    @cached_property
    def _merchants(self) -> dict[str, Merchant]:
        return load_merchants(self.settings)

    @cached_property
    def _completeness(self) -> Completeness:
        return completeness(self._merchants, self.ledger)

    @cached_property
    def _transactional(self) -> frozenset[str]:
        """The conversations that pass; only read when a day lacks something."""
        return frozenset(each.conversation for each in self._conversations if each.kind == "transactional")

    @cached_property
    def _channels(self) -> dict[str, str]:
        """By which channel each conversation writes; only read in live mode. Of several one stands for all: where a
        merchant has a road for one of them alone, the conversation is refused."""
        return {each.conversation: each.message.channel for each in self._conversations}

    @cached_property
    def _conversations(self) -> list[Conversation]:
        return load_conversations(self.settings.conversations_dir, self._merchants)
