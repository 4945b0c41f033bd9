"""What guards are asked about, and what one is (DESIGN 5)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, get_args

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.guards.recipients import EVERYBODY, Recipients
from pp_pipeline.sending.ledger_facts import LedgerFacts
from pp_pipeline.sending.outlets.outlet import Outcome
from pp_pipeline.sending.planned import PlannedMessage

DeliveryKind = Literal["commercial", "transactional", "event", "snapshot"]
COMMERCIAL: frozenset[DeliveryKind] = frozenset({"commercial"})
MESSAGES: frozenset[DeliveryKind] = frozenset({"commercial", "transactional"})
MESSAGES_AND_EVENTS: frozenset[DeliveryKind] = frozenset({"commercial", "transactional", "event"})
MESSAGES_AND_SNAPSHOTS: frozenset[DeliveryKind] = frozenset({"commercial", "transactional", "snapshot"})
EVERY_ONE: frozenset[DeliveryKind] = frozenset(get_args(DeliveryKind))


@dataclass(frozen=True)
class Case:
    """A message that is about to go, and all that is known when it is.

    Attributes:
        moment: the guards' clock: now, or noon of its day in a rehearsal.
        has_offer: it holds a discount.
        recipients: who may be written to at all.
    """

    item: PlannedMessage
    conversation: Conversation
    merchant: Merchant
    ledger: LedgerFacts
    moment: datetime
    has_offer: bool = False
    recipients: Recipients = EVERYBODY

    @property
    def today(self) -> date:
        """The merchant's day."""
        return self.moment.astimezone(self.merchant.zone_info).date()

    @property
    def country(self) -> str:
        """The contact's country, or the merchant's; '' where neither is known."""
        return self.item.contact.country or self.merchant.country

    def defer(self, reason: str, until: datetime) -> Outcome:
        """Not before a moment."""
        return Outcome("deferred", reason, retry_after=until - self.moment)


@dataclass(frozen=True)
class RelayCase:
    """One contact whom a relay is about to hear of, by an event or as a member of a segment."""

    contact_key: str
    email: str | None
    relay: str
    ledger: LedgerFacts
    recipients: Recipients = EVERYBODY
    is_quarantined: bool = False
    lacks_consent: bool = False


@dataclass(frozen=True)
class Guard:
    """One guard.

    Attributes:
        name: the word that the ledger keeps as the reason.
        does: what it does to what it holds.
        kinds: of what it holds; other kinds pass.
        judge: the outcome that a message must have, or None.
        bars: whether a relay must not hear of a contact; of guards that hold for events or snapshots.
    """

    name: str
    does: Literal["skips", "skips or defers", "defers"]
    kinds: frozenset[DeliveryKind]
    about: str
    judge: Callable[[Case], Outcome | None]
    bars: Callable[[RelayCase], bool] | None = None

    def acts_on(self, kind: DeliveryKind) -> str:
        """What it does to a kind of delivery, in a word or two."""
        if kind not in self.kinds:
            return "passes"
        return "leaves out" if kind == "snapshot" else self.does


def skip(reason: str) -> Outcome:
    """Never."""
    return Outcome("skipped", reason)
