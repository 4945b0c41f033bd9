"""What is delivered: messages with their order, external events, snapshots (DESIGN 5)."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pp_pipeline.ledger.coupons import Coupon


@dataclass(frozen=True)
class OrderLine:
    """A line of an order, as templates see it; the links are what the products feed says of the article."""

    sku: str | None
    product_name: str | None
    category: str | None
    quantity: int
    unit_price_cents: int | None
    url: str | None = None
    image_url: str | None = None
    how_to_url: str | None = None
    care_url: str | None = None


@dataclass(frozen=True)
class Order:
    """An order as it was known on a day, as templates see it. `attributes`: the feed's further columns."""

    number: str
    date: dt.date
    ship_date: dt.date | None
    status: str
    total_cents: int | None
    currency: str
    attributes: Mapping[str, Any]
    lines: tuple[OrderLine, ...]


@dataclass(frozen=True)
class Consent:
    """What a contact agreed to, for a channel and a kind of message, as the contacts feed states it."""

    basis: str
    """explicit, soft_opt_in, implied or none."""
    since: dt.date | None
    has_evidence: bool


@dataclass(frozen=True)
class RecommendedProduct:
    """An article to recommend, as templates see it; what the products feed does not say is None."""

    sku: str
    name: str | None
    category: str | None
    url: str | None
    image_url: str | None
    price_cents: int | None
    currency: str | None
    why: str
    """refill, accessory, bought_again, bought_together, category or best_seller."""


@dataclass(frozen=True)
class ContactFacts:
    """What the contacts feed says now of a contact; all empty where it never spoke of it."""

    first_name: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    """E.164."""
    locale: str = ""
    """Language, or language and country, such as en_US."""
    zone: str = ""
    country: str = ""
    consents: Mapping[tuple[str, str], Consent] = field(default_factory=dict)
    """By channel and kind of message."""
    last_purchase_on: dt.date | None = None
    engaged_on: dt.date | None = None
    """When it last opened, clicked, answered or did anything else of its own; only read where a sunset rule asks."""
    heard: Mapping[str, tuple[dt.date, dt.date]] = field(default_factory=dict)
    """By channel: the first and the last day on which its merchant heard of an opening or a click, by anybody."""


@dataclass(frozen=True)
class PlannedMessage:
    """A row of `planned_messages` with the address and the order it is about, and what is known now.

    Attributes:
        campaign: the campaign whose event led to it.
        order: as it was known on the day it was due.
        contact_key_now, is_quarantined: what the order's newest files say; quarantined is an order of
            which a row was refused after its newest version.
        exits_now: words of `exit_when` that are true of the run on the newest files.
        not_before: by the contact's clock it does not go sooner on its day.
        drawn_occurrence: where an action draws its coupon, how often the run had reached that by then.
        pauses_now: words of `pause_when` that are true on them.
        feedback_through: the date of the merchant's newest file of feedback.
        coupon: drawn when the message is claimed, where its conversation declares one.
        recommended: articles to recommend, the best first; empty where the message shows none.
        phone_key: of an SMS, the key of the number that it goes to (contact_keys.py), set when it is about to go: what
            is suppressed for a number holds for whoever has it.
    """

    key: str
    merchant: str
    contact_key: str
    email: str | None = field(repr=False)
    run_key: str
    conversation: str
    step: str
    occurrence: int
    pass_number: int
    channel: str
    template: str
    event_id: str
    order_number: str | None
    due_on: dt.date
    order: Order | None = field(repr=False)
    campaign: str | None = None
    exits_now: frozenset[str] = frozenset()
    contact_key_now: str | None = None
    is_quarantined: bool = False
    not_before: dt.time | None = None
    drawn_occurrence: int | None = None
    pauses_now: frozenset[str] = frozenset()
    feedback_through: dt.date | None = None
    contact: ContactFacts = field(default=ContactFacts(), repr=False)
    coupon: Coupon | None = None
    recommended: tuple[RecommendedProduct, ...] = field(default=(), repr=False)
    phone_key: str = ""

    @property
    def recipient(self) -> str | None:
        """Where it goes: an address, or the number of an SMS; nothing where nobody knows it."""
        return (self.contact.phone or None) if self.channel == "sms" else self.email


@dataclass(frozen=True)
class PlannedEvent:
    """An external event for one relay."""

    key: str
    relay: str
    event_id: str
    event_name: str
    campaign: str | None
    merchant: str
    contact_key: str
    email: str | None = field(repr=False)
    order_number: str | None
    sku: str | None
    occurred_on: dt.date
    conversation: str | None = None
    """The conversation whose action fired it; platforms are not told."""
    is_quarantined: bool = False

    def public_fields(self) -> dict[str, str | dt.date | None]:
        """What the platform is told, by name; the same in the outbox and in requests."""
        return {
            "event_id": self.event_id,
            "event_name": self.event_name,
            "campaign": self.campaign,
            "merchant": self.merchant,
            "contact_key": self.contact_key,
            "email": self.email,
            "order_number": self.order_number,
            "sku": self.sku,
            "occurred_on": self.occurred_on,
        }


@dataclass(frozen=True)
class PlannedSnapshot:
    """A segment's members on a day, for one relay; `members` are (contact_key, email).

    `consenting`: who of them gave the consent that the relay demands; None where it demands none.
    """

    key: str
    relay: str
    segment: str
    merchant: str
    snapshot_on: dt.date
    members: tuple[tuple[str, str | None], ...] = field(repr=False)
    consenting: frozenset[str] | None = None


Planned = PlannedMessage | PlannedEvent | PlannedSnapshot


def contact_keys(item: Planned) -> list[str]:
    """Whom a delivery is about; of an SMS its number, too."""
    if isinstance(item, PlannedSnapshot):
        return [contact_key for contact_key, _ in item.members]
    return (
        [item.contact_key, item.phone_key]
        if isinstance(item, PlannedMessage) and item.phone_key
        else [item.contact_key]
    )


def ledger_columns(item: Planned) -> dict[str, Any]:
    """What the ledger keeps of a delivery besides its key and state; every column for every kind."""
    columns: dict[str, Any] = dict.fromkeys(
        ("contact_key", "run_key", "conversation", "step", "occurrence", "pass", "event_id", "order_number")
    )
    match item:
        case PlannedMessage():
            return columns | {
                "kind": "message",
                "merchant": item.merchant,
                "contact_key": item.contact_key,
                "run_key": item.run_key,
                "conversation": item.conversation,
                "step": item.step,
                "occurrence": item.occurrence,
                "pass": item.pass_number,
                "channel": item.channel,
                "event_id": item.event_id,
                "order_number": item.order_number,
                "due_on": item.due_on,
            }
        case PlannedEvent():
            return columns | {
                "kind": "event",
                "merchant": item.merchant,
                "contact_key": item.contact_key,
                "channel": item.relay,
                "event_id": item.event_id,
                "order_number": item.order_number,
                "due_on": item.occurred_on,
            }
        case PlannedSnapshot():
            return columns | {
                "kind": "snapshot",
                "merchant": item.merchant,
                "channel": item.relay,
                "due_on": item.snapshot_on,
            }
