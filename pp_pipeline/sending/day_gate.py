"""The gate of incomplete days (DESIGN 5): while a merchant's day lacks a file that is due, its batches wait.

Message batches of transactional conversations pass; those of relays and snapshots don't. Merchants and conversations
are read anew each time, as the sender reads them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from pp_pipeline.conversations.loading import load_conversations
from pp_pipeline.landing.completeness import Completeness, MissingFile, completeness
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import Merchant, load_merchants
from pp_pipeline.sending.plan import BatchId
from pp_pipeline.settings import Settings


@dataclass(frozen=True)
class DayGate:
    """Which batches wait for files.

    Raises:
        MerchantError, ConversationError: when asked; a file that people wrote can't be used.
    """

    settings: Settings
    ledger: Ledger

    def is_closed_to(self, batch: BatchId) -> bool:
        """Whether a batch waits, as its merchant's day lacks a file."""
        if not self._completeness.missing(batch.merchant, batch.day):
            return False
        return batch.kind != "messages" or batch.name not in self._transactional

    def missing(self, batches: Iterable[BatchId]) -> list[MissingFile]:
        """The files that the days of these batches lack, by day."""
        days = {(batch.merchant, batch.day) for batch in batches}
        return sorted(one for merchant, day in days for one in self._completeness.missing(merchant, day))

    @cached_property
    def _merchants(self) -> dict[str, Merchant]:
        return load_merchants(self.settings)

    @cached_property
    def _completeness(self) -> Completeness:
        return completeness(self._merchants, self.ledger)

    @cached_property
    def _transactional(self) -> frozenset[str]:
        """The conversations that pass; only read when a day lacks something."""
        found = load_conversations(self.settings.conversations_dir, self._merchants)
        return frozenset(each.conversation for each in found if each.kind == "transactional")
