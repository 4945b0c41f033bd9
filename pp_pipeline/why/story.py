"""What `pp why` tells, typed: a contact or an order, and everything that is known of it, day by day.

E-mail addresses stand in it: it is for the screen of whoever asked, never for a log.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from pp_pipeline.why.entries import (
    Entry,
    Event,
    Feedback,
    FileContent,
    Movement,
    NoMessage,
    Outgoing,
    Position,
    QuarantinedRow,
    SegmentChange,
    SuppressionChange,
    Version,
)


@dataclass(frozen=True)
class QueueStanding:
    """How an order stands in a queue now: `waiting`, `left`, or `never` entered; the sentence says why."""

    campaign: str
    state: str
    text: str


@dataclass(frozen=True)
class RunStanding:
    """Where a run of a conversation stands at the end of the newest built day; the sentence says until when."""

    conversation: str
    thread: str
    step: str | None
    until: date
    text: str


@dataclass(frozen=True)
class OrderStory:
    """One order: what happened, in order of days, and how it stands in each queue and conversation of its merchant."""

    order_number: str
    contents: list[FileContent]
    versions: list[Version]
    quarantined: list[QuarantinedRow]
    movements: list[Movement]
    events: list[Event]
    positions: list[Position]
    no_messages: list[NoMessage]
    outgoing: list[Outgoing]
    feedback: list[Feedback]
    queues: list[QueueStanding]
    runs: list[RunStanding]

    @property
    def entries(self) -> list[Entry]:
        """Everything that happened, by day; within a day in the order in which it comes about, what became of
        an event right after it. A file is told of when it had several contents."""
        names = [content.order_file for content in self.contents]
        corrected = [content for content in self.contents if names.count(content.order_file) > 1]
        before = [corrected, self.versions, self.quarantined, self.movements]
        after = [*self.events, *_around(self.positions, self.outgoing), *self.no_messages]
        return in_order(before, after, self.events, self.feedback)

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
    segment_changes: list[SegmentChange] = field(default_factory=list)
    suppression_changes: list[SuppressionChange] = field(default_factory=list)
    feedback: list[Feedback] = field(default_factory=list)
    """What came back about none of the orders."""
    events: list[Event] = field(default_factory=list)
    """Those of no order; so are the positions, and what went out."""
    positions: list[Position] = field(default_factory=list)
    no_messages: list[NoMessage] = field(default_factory=list)
    outgoing: list[Outgoing] = field(default_factory=list)
    runs: list[RunStanding] = field(default_factory=list)

    @property
    def entries(self) -> list[Entry]:
        """Everything that happened to the contact itself, as `OrderStory.entries`."""
        after = [*self.events, *_around(self.positions, self.outgoing), *self.no_messages]
        return in_order([self.segment_changes, self.suppression_changes], after, self.events, self.feedback)


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

    def life(self) -> list[tuple[str, Entry]]:
        """Everything in order of days, with the order number that it is about ('' for the contact itself)."""
        parts = [(order.order_number, order.entries) for order in self.orders]
        if self.contact:
            parts.insert(0, ("", self.contact.entries))
        return sorted(((number, entry) for number, entries in parts for entry in entries), key=lambda one: one[1].on)


def in_order(
    before: Sequence[Sequence[Entry]], after: Sequence[Entry], events: Sequence[Event], last: Sequence[Entry]
) -> list[Entry]:
    """Entries by day; within a day kind by kind, then what hangs on events, each behind its event, then the last."""
    place_of = {event.event_id: place for place, event in enumerate(events)}
    ranked: list[tuple[date, int, int, Entry]] = []
    for rank, entries in enumerate(before):
        ranked += [(entry.on, rank, 0, entry) for entry in entries]
    for entry in after:
        place = place_of.get(getattr(entry, "event_id", None) or "", len(place_of))
        ranked.append((entry.on, len(before), place, entry))
    ranked += [(entry.on, len(before) + 1, 0, entry) for entry in last]
    return [entry for *_, entry in sorted(ranked, key=lambda one: one[:3])]


def _around(positions: Sequence[Position], outgoing: Sequence[Outgoing]) -> list[Entry]:
    """What a run sends stands between its steps and its leaving."""
    steps = [one for one in positions if one.what != "left"]
    return [*steps, *outgoing, *(one for one in positions if one.what == "left")]
