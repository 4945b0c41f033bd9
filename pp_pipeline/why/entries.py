"""The entries of a story: what happened to an order or a contact, each on its day.

Every entry carries its day, one sentence for people, and the line of the file that is behind it; the other fields say
the same to programs.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal


@dataclass(frozen=True)
class Source:
    """A line of a file."""

    order_file: str
    line: int

    def __str__(self) -> str:
        return f"{self.order_file}:{self.line}"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Something that happened on a day.

    `contact_key` says whose it was: an order can come to belong to another contact; None where it is nobody's.
    """

    on: date
    text: str
    source: Source | None = None
    contact_key: str | None = None


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
    """An external event, of a campaign, an order, or fired by a conversation; `takers` are the conversations and relays
    that take its name today."""

    event_id: str
    event_name: str
    campaign: str | None
    conversation: str | None
    takers: list[str]


@dataclass(frozen=True, kw_only=True)
class NoMessage(Entry):
    """A conversation takes an event, and began no run by it."""

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
    conversation: str | None = None
    step: str | None = None
    acted_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class FileContent(Entry):
    """A content of a file that states the order: a name can have had several."""

    order_file: str
    sha256: str
    outcome: Literal["in_force", "replaced", "refused"]
    reason: str
    first_seen_at: datetime
    adopted_at: datetime | None


Standing = Literal["entered", "waits", "turned", "no_pass", "fires", "left"]


@dataclass(frozen=True, kw_only=True)
class Position(Entry):
    """Something that happened to a run of a conversation. `until`: of a wait, the day on which it is over."""

    conversation: str
    event_id: str
    what: Standing
    thread: str
    step: str | None = None
    until: date | None = None
    values: dict[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SegmentChange(Entry):
    """A contact came into a segment, or left it."""

    segment: str
    is_member: bool


@dataclass(frozen=True, kw_only=True)
class Feedback(Entry):
    """What came back: an opening, a click, an unsubscription; of which message or order, if it says so."""

    event: str
    occurred_at: datetime
    message_id: str | None
    order_number: str | None


@dataclass(frozen=True, kw_only=True)
class SuppressionChange(Entry):
    """A contact was put on the suppression list, or taken off."""

    channel: str
    kind: str
    reason: str
    is_lifted: bool
