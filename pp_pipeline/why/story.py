"""What `pp why` tells, typed: a contact or an order, and everything that is known of it, day by day.

Every entry carries its day, one sentence for people, and the line of the order file that is behind it; the
other fields say the same to programs. E-mail addresses stand in it: it is for the screen of whoever
asked, never for a log.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True)
class Source:
    """A line of an order file."""

    order_file: str
    line: int

    def __str__(self) -> str:
        return f"{self.order_file}:{self.line}"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Something that happened to an order on a day."""

    on: date
    text: str
    source: Source | None = None


@dataclass(frozen=True, kw_only=True)
class Version(Entry):
    """The order as the files of a day state it; in force until the next one."""

    status: str
    ordered_at: datetime
    ordered_on: date
    ship_date: date | None
    total_cents: int | None
    currency: str
    email: str | None
    contact_key: str | None
    is_eligible: bool


@dataclass(frozen=True, kw_only=True)
class QuarantinedRow(Entry):
    """A row that names the order and was not taken."""

    column: str
    rule: str
    value_kind: str


@dataclass(frozen=True, kw_only=True)
class Movement(Entry):
    """A movement in a campaign's book."""

    campaign: str
    movement: str
    reason: str | None
    basis_date: date | None
    basis_source: str | None
    due_on: date | None
    event_id: str | None
    superseded_by: str | None = None
    superseded_by_source: Source | None = None
    audience: str | None = None
    audience_values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Event(Entry):
    """An event; `takers` are the conversations and relays that take its name today.

    `campaign` or `conversation` is what fired it; neither, where the order did.
    """

    event_id: str
    event_name: str
    campaign: str | None
    conversation: str | None
    takers: list[str]


@dataclass(frozen=True, kw_only=True)
class NoMessage(Entry):
    """A conversation takes an event, and plans no message for it."""

    event_id: str
    conversation: str


@dataclass(frozen=True, kw_only=True)
class Outgoing(Entry):
    """Something to deliver: a message, or an event for a relay; what the plan and the ledger say of it.

    `state` is the ledger's (`sent`, `skipped`, ...), or that of the batch that holds it while the ledger does
    not know it: `waiting`, `ready`, `blocked`, `not_sealed`. `name` says what it is, and by what or to whom.
    """

    kind: str
    name: str
    key: str
    event_id: str | None
    is_planned: bool
    state: str
    reason: str
    target: str
    settled_at: datetime | None = None
    batch: str | None = None
    outbox_file: str | None = None


@dataclass(frozen=True)
class QueueStanding:
    """How an order stands in a queue now: `waiting`, `left`, or `never` entered; the sentence says why."""

    campaign: str
    state: str
    text: str


@dataclass(frozen=True)
class OrderStory:
    """One order: what happened, in order of days, and how it stands in each queue of its merchant."""

    order_number: str
    versions: list[Version]
    quarantined: list[QuarantinedRow]
    movements: list[Movement]
    events: list[Event]
    no_messages: list[NoMessage]
    outgoing: list[Outgoing]
    queues: list[QueueStanding]

    @property
    def entries(self) -> list[Entry]:
        """Everything that happened, by day; within a day in the order in which it comes about, what became of
        an event right after it."""
        place_of = {event.event_id: place for place, event in enumerate(self.events)}
        ranked: list[tuple[date, int, int, Entry]] = []
        for rank, entries in enumerate([self.versions, self.quarantined, self.movements]):
            ranked += [(entry.on, rank, 0, entry) for entry in entries]
        for entry in (*self.events, *self.outgoing, *self.no_messages):
            place = place_of.get(entry.event_id or "", len(place_of))
            ranked.append((entry.on, 3, place, entry))
        return [entry for *_, entry in sorted(ranked, key=lambda one: one[:3])]

    @property
    def newest(self) -> Version | None:
        """The version in force now; None where only quarantined rows or the ledger know the order."""
        return self.versions[-1] if self.versions else None


@dataclass(frozen=True)
class Suppression:
    """Why a contact is not written to; blank channel or kind: every one.

    `of_number`: it holds for the contact's phone number, whoever has it.
    """

    channel: str
    kind: str
    reason: str
    since: datetime
    of_number: bool = False


@dataclass(frozen=True)
class ContactStory:
    """A contact: what the Post Purchase list says of it on a day. `facts` is empty when it is not on the list."""

    contact_key: str
    email: str | None
    as_of: date
    facts: dict[str, Any]
    segments: list[str]
    suppressions: list[Suppression]


@dataclass(frozen=True)
class Story:
    """The answer to `pp why`: of a contact with all its orders, or of one order (then `contact` is None).

    `notes` say what makes the answer less than certain, such as a book that is not complete.
    """

    merchant: str
    as_of: date
    contact: ContactStory | None
    orders: list[OrderStory]
    notes: list[str]
