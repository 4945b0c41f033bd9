"""What conditions ask of a run on a day, and the answers: the part of the conversation oracle that reads DESIGN 4,
"Conditions"."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import md5
from typing import NamedTuple

from pp_pipeline.conversations.conditions import Condition
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline_tests.conversation_facts import Event, Facts, OrderVersion

SHIPPED_STATUSES = ("shipped", "completed")
STOP_STATUSES = ("canceled", "returned")


class Pass(NamedTuple):
    """A repeat that is still to come."""

    due_on: date
    step: str
    occurrence: int
    pass_number: int
    not_before: str


@dataclass
class Run:
    """One stay. It stands at a step of a thread; `until` is the day on which its wait is over."""

    key: str
    event: Event
    begun_on: date
    thread: int
    step: int = 0
    until: date | None = None
    not_before: str = ""  # as the waits that ended on this day say
    times_gone: dict[tuple[int, int], int] = field(default_factory=dict)
    times_reached: dict[str, int] = field(default_factory=dict)
    passes: list[Pass] = field(default_factory=list)
    has_ended: bool = False


@dataclass
class ConversationAnswers:
    """The answers to a conversation's conditions, from what is known of one merchant's contacts."""

    conversation: Conversation
    facts: Facts

    # "Conditions are judged on the day the split is reached, from what is known by then."

    def is_true(self, condition: Condition, run: Run, day: date) -> bool:
        if condition.all is not None:
            return all(self.is_true(part, run, day) for part in condition.all)
        if condition.any is not None:
            return any(self.is_true(part, run, day) for part in condition.any)
        if condition.not_ is not None:
            return not self.is_true(condition.not_, run, day)
        return self.answer(condition, run, day)

    def answer(self, condition: Condition, run: Run, day: date) -> bool:
        contact = run.event.contact
        order = self.facts.in_force(run.event.order_number, day)
        if condition.opened is not None:
            return self.reacted_to_message(run, "opened", day, condition.opened)
        if condition.clicked is not None:
            return self.reacted_to_message(run, "clicked", day, condition.clicked, link=condition.link)
        if condition.replied is not None:
            return self.reacted_to_message(run, "sms_reply", day, condition.replied)
        if condition.reviewed:
            return self.reviewed(run, condition.min_rating, day)
        if condition.bought:
            return any(True for _ in self.bought(run, day))
        if condition.bought_sku is not None:
            return any(condition.bought_sku in [line.sku for line in one.lines] for one in self.bought(run, day))
        if condition.bought_category is not None:
            wanted = condition.bought_category
            return any(wanted in [line.category for line in one.lines] for one in self.bought(run, day))
        if condition.order_is is not None:
            return self.order_is(condition.order_is, order, day)
        if condition.order_status is not None:
            return order is not None and order.status == condition.order_status
        if condition.line_status is not None:
            lines = order.lines if order is not None else ()
            return any(line.sku == run.event.sku and line.status == condition.line_status for line in lines)
        if condition.ticket is not None:
            return self.facts.has_open_ticket(contact, day)
        if condition.site_action is not None:
            since = run.begun_on
            if condition.within_days is not None:
                since = day - timedelta(days=condition.within_days - 1)
            known = self.facts.known_feedback("site_action", day, contact)
            return any(one.action == condition.site_action and one.occurred_at.date() >= since for one in known)
        if condition.segment is not None:
            return (condition.segment, day, contact) in self.facts.segments
        row = self.facts.contact_row(contact, day)
        if condition.profile is not None:
            return self.facts.profile(contact, condition.profile, day) == condition.is_
        if condition.consent is not None:
            field = f"{condition.consent}_{self.conversation.kind}_consent"
            return row is not None and getattr(row, field) in ("explicit", "soft_opt_in", "implied")
        assert condition.preference is not None
        return self.facts.preference(contact, condition.preference, day) == condition.is_

    def reacted_to_message(
        self,
        run: Run,
        event: str,
        day: date,
        step: str,
        occurrences: Iterable[int] = (),
        passes: Iterable[int] = (),
        link: str | None = None,
    ) -> bool:
        """To any pass and occurrence of the message in this run so far, unless they are given."""
        own = {
            message_id(self.conversation.conversation, run.event.event_id, step, number, pass_number)
            for number in occurrences or range(1, run.times_reached.get(step, 0) + 1)
            for pass_number in passes or range(1, self.conversation.messages[step].passes + 1)
        }
        return any(
            one.message_id in own and not one.is_machine_open and link in (None, one.link)
            for one in self.facts.known_feedback(event, day)
        )

    def reviewed(self, run: Run, min_rating: float | None, day: date) -> bool:
        """Of the run's order; a review that names none counts from the day of entry."""
        for one in self.facts.known_feedback("review_left", day, run.event.contact):
            is_since = one.order_number is None and one.occurred_at.date() >= run.begun_on
            is_own = one.order_number is not None and one.order_number == run.event.order_number
            is_high = min_rating is None or (one.rating is not None and one.rating >= min_rating)
            if (is_since or is_own) and is_high:
                return True
        return False

    def purchased_again(self, run: Run, day: date) -> bool:
        return any(True for _ in self.bought(run, day))

    def bought(self, run: Run, day: date) -> Iterable[OrderVersion]:
        """Other orders, first known on or after the day of entry, dated on a later day than the run's own."""
        own = self.facts.in_force(run.event.order_number, day)
        for other in self.facts.purchases(run.event.contact, day):
            if other.order_number == run.event.order_number:
                continue
            is_later = own is None or other.ordered_on > own.ordered_on
            if self.facts.first_known(other.order_number) >= run.begun_on and is_later:
                yield other

    @staticmethod
    def order_is(word: str, order: OrderVersion | None, day: date) -> bool:
        """False in a run without an order."""
        if order is None:
            return False
        in_parts = order.shipped_lines > 0 and (
            order.shipped_lines + order.returned_lines + order.canceled_lines < len(order.lines)
        )
        has_left = (order.ship_date is not None and order.ship_date <= day) or order.status in SHIPPED_STATUSES
        return {
            "canceled": order.status == "canceled",
            "returned": order.status == "returned",
            "partly_returned": order.returned_lines > 0,
            "refunded": order.refunded_cents > 0,
            "shipped": has_left and order.status not in STOP_STATUSES and not in_parts,
            "delivered": order.delivered_on is not None and order.delivered_on <= day,
        }[word]


def message_id(conversation: str, event_id: str, step: str, occurrence: int, pass_number: int) -> str:
    """As test_conversations_events.py holds it to."""
    return hashed(conversation, event_id, step, str(occurrence), str(pass_number))


def hashed(*fields: str) -> str:
    """A hash of fields, each with its length before it."""
    return md5("".join(f"{len(one)}:{one}" for one in fields).encode(), usedforsecurity=False).hexdigest()
