"""What is known of contacts and orders, day by day, as the conversation oracle asks for it: plain lists and loops."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple


class Line(NamedTuple):
    """A line of an order version."""

    sku: str
    category: str
    status: str = "processing"


class OrderVersion(NamedTuple):
    """An order as it is known from a day on, until a newer version is known."""

    order_number: str
    known_on: date
    contact: str | None
    ordered_at: datetime
    status: str = "processing"
    ship_date: date | None = None
    delivered_on: date | None = None
    refunded_cents: int = 0
    shipped_lines: int = 0
    returned_lines: int = 0
    canceled_lines: int = 0
    lines: tuple[Line, ...] = (Line("SKU-1", "Tables"),)
    is_eligible: bool = True

    @property
    def ordered_on(self) -> date:
        return self.ordered_at.date()

    @property
    def is_purchase(self) -> bool:
        return self.contact is not None and self.is_eligible and self.status not in ("canceled", "returned")


class Event(NamedTuple):
    """An external event."""

    event_id: str
    name: str
    contact: str
    order_number: str | None
    occurred_on: date
    sku: str | None = None


class Feedback(NamedTuple):
    """A row of a feedback file, known from the file's date or its own, whichever is later."""

    file_date: date
    occurred_at: datetime
    event: str
    contact: str
    message_id: str | None = None
    channel: str | None = None
    is_machine_open: bool = False
    link: str | None = None
    rating: float | None = None
    order_number: str | None = None
    ticket_number: str | None = None
    action: str | None = None

    @property
    def known_on(self) -> date:
        return max(self.file_date, self.occurred_at.date())


class ContactRow(NamedTuple):
    """A row of a contacts file: it replaces the contact's former one."""

    file_date: date
    contact: str
    country: str | None = None
    loyalty_member: bool | None = None
    email_commercial_consent: str | None = None
    email_transactional_consent: str | None = None
    sms_commercial_consent: str | None = None
    sms_transactional_consent: str | None = None
    attributes: str = "{}"

    def stated(self, field: str) -> str | None:
        """What it says of a profile field; None where it says nothing."""
        match field:
            case "country":
                return self.country
            case "loyalty_member":
                return None if self.loyalty_member is None else str(self.loyalty_member).lower()
            case _:
                return json.loads(self.attributes).get(field) or None


class FieldSet(NamedTuple):
    """A profile field that a conversation set; of one day the last of these counts."""

    set_on: date
    conversation: str
    run_event_id: str
    place: int
    contact: str
    field: str
    value: str


@dataclass
class Facts:
    """All that the files tell of one merchant. `segments` holds (segment, day, contact), `fields` what other
    conversations set."""

    versions: list[OrderVersion] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    feedback: list[Feedback] = field(default_factory=list)
    contacts: list[ContactRow] = field(default_factory=list)
    segments: set[tuple[str, date, str]] = field(default_factory=set)
    fields: list[FieldSet] = field(default_factory=list)

    def in_force(self, order_number: str | None, day: date) -> OrderVersion | None:
        """The version of an order that is known on a day; None before the first."""
        known = [one for one in self.versions if one.order_number == order_number and one.known_on <= day]
        return max(known, key=lambda one: one.known_on, default=None)

    def first_known(self, order_number: str) -> date:
        """The day on which an order is first known."""
        return min(one.known_on for one in self.versions if one.order_number == order_number)

    def purchases(self, contact: str, day: date) -> Iterator[OrderVersion]:
        """The contact's purchases as of a day."""
        for number in sorted({one.order_number for one in self.versions}):
            version = self.in_force(number, day)
            if version and version.contact == contact and version.is_purchase and version.ordered_on <= day:
                yield version

    def known_feedback(self, event: str, day: date, contact: str | None = None) -> list[Feedback]:
        """Feedback of a kind that is known by a day, in the order of happening, at one moment of being told."""
        return sorted(
            (
                one
                for one in self.feedback
                if one.event == event and one.known_on <= day and contact in (None, one.contact)
            ),
            key=lambda one: (one.occurred_at, one.file_date),
        )

    def contact_row(self, contact: str, day: date) -> ContactRow | None:
        """The newest row of a contact."""
        known = [one for one in self.contacts if one.contact == contact and one.file_date <= day]
        return max(reversed(known), key=lambda one: one.file_date, default=None)

    def profile(self, contact: str, name: str, day: date) -> str | None:
        """A profile field: what the contact's row states, or what was set by the day before, whichever is newer."""
        row = self.contact_row(contact, day)
        stated = row.stated(name) if row else None
        known = [one for one in self.fields if (one.contact, one.field) == (contact, name) and one.set_on < day]
        last = max(known, default=None)
        if row and stated is not None and (last is None or row.file_date > last.set_on):
            return stated
        return last.value if last else None

    def has_open_ticket(self, contact: str, day: date) -> bool:
        """Whether of some ticket the last that is known is that it was opened."""
        opened = self.known_feedback("ticket_opened", day, contact)
        closed = self.known_feedback("ticket_closed", day, contact)
        for ticket in {one.ticket_number for one in opened}:
            last_opened = max(one.occurred_at for one in opened if one.ticket_number == ticket)
            if not any(one.ticket_number == ticket and one.occurred_at >= last_opened for one in closed):
                return True
        return False

    def preference(self, contact: str, name: str, day: date) -> str | None:
        """What a preference was last set to."""
        known = [
            one
            for one in self.known_feedback("preference_set", day, contact)
            if one.action and one.action.startswith(f"{name}=")
        ]
        if not known or known[-1].action is None:
            return None
        return known[-1].action.removeprefix(f"{name}=")
