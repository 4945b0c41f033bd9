"""Guards: what is looked at once more when a delivery is about to go (DESIGN 5), on the newest facts.

One table, `GUARDS`, in the order in which they are asked: those that skip, then those that defer. Each has a word that
the ledger keeps as the reason, and says for which kinds of deliveries it holds. They are asked in the transaction that
claims, in the order of priority, due date and key, so that of two messages that are one too many the more important
one goes.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.shares import is_held_out
from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.ledger_facts import GONE_OUT, LedgerFacts
from pp_pipeline.sending.outlets import Outcome
from pp_pipeline.sending.planned import PlannedEvent, PlannedMessage, PlannedSnapshot

DeliveryKind = Literal["commercial", "transactional"]
COMMERCIAL: frozenset[DeliveryKind] = frozenset({"commercial"})
MESSAGES: frozenset[DeliveryKind] = frozenset({"commercial", "transactional"})


@dataclass(frozen=True)
class Case:
    """A message that is about to go, and all that is known when it is.

    Attributes:
        moment: the guards' clock: now, or noon of its day in a rehearsal.
    """

    item: PlannedMessage
    conversation: Conversation
    merchant: Merchant
    ledger: LedgerFacts
    moment: datetime


@dataclass(frozen=True)
class Guard:
    """One guard: for which kinds it holds, and what it asks of a message: the outcome that it must have, or None."""

    name: str
    kinds: frozenset[DeliveryKind]
    about: str
    judge: Callable[[Case], Outcome | None]


def judge_message(case: Case) -> Outcome | None:
    """Why a message must not go now; None when it may."""
    for guard in GUARDS:
        if case.conversation.kind in guard.kinds and (outcome := guard.judge(case)):
            return outcome
    return None


def judge_event(event: PlannedEvent, ledger: LedgerFacts) -> Outcome | None:
    """Why a relay must not hear of an event; None when it may."""
    if ledger.is_suppressed(event.contact_key, event.relay):
        return skip("suppressed")
    return None


def without_suppressed(snapshot: PlannedSnapshot, ledger: LedgerFacts) -> PlannedSnapshot:
    """The snapshot without the contacts that a relay must not hear of."""
    members = (each for each in snapshot.members if not ledger.is_suppressed(each[0], snapshot.relay))
    return replace(snapshot, members=tuple(members))


def skip(reason: str) -> Outcome:
    """Never."""
    return Outcome("skipped", reason)


def _suppressed(case: Case) -> Outcome | None:
    item = case.item
    is_suppressed = case.ledger.is_suppressed(item.contact_key, item.channel, case.conversation.kind)
    return skip("suppressed") if is_suppressed else None


def _order_of_another_contact(case: Case) -> Outcome | None:
    item = case.item
    return skip("order_of_another_contact") if item.contact_key_now not in (None, item.contact_key) else None


def _order_in_quarantine(case: Case) -> Outcome | None:
    return skip("order_in_quarantine") if case.item.is_quarantined else None


def _exit_when(case: Case) -> Outcome | None:
    ends = [word for word in case.conversation.exit_when if word in case.item.exits_now]
    return skip(f"exit_when: {ends[0]}") if ends else None


def _hold_out(case: Case) -> Outcome | None:
    conversation = case.conversation
    is_held = is_held_out(case.item.contact_key, conversation.conversation, conversation.hold_out)
    return skip("hold_out") if is_held else None


def _sent_before(case: Case) -> Outcome | None:
    """Whether this step already went to this run key: a correction can change what a run is about, and its id.

    Never again for an order, or where a contact enters once; else not within `not_within_days`.
    """
    item, conversation = case.item, case.conversation
    step = (item.conversation, item.run_key, item.step, item.occurrence, item.pass_number)
    gone = [known for known in case.ledger.steps.get(step, ()) if known.state in GONE_OUT and known.key != item.key]
    if gone and (conversation.scope == "order" or conversation.entries == "once"):
        return skip("sent_under_another_id")
    days = conversation.not_within_days
    is_near = any(known.due_on is not None and abs((item.due_on - known.due_on).days) < days for known in gone)
    return skip("sent_under_another_id") if is_near else None


def _earlier_pass(case: Case) -> Outcome | None:
    """Pass k goes after pass k-1, and only if that was sent; one that is still under way is waited for."""
    item = case.item
    if item.pass_number <= 1:
        return None
    step = (item.conversation, item.run_key, item.step, item.occurrence, item.pass_number - 1)
    states = {known.state for known in case.ledger.steps.get(step, ())}
    if "sent" in states:
        return None
    if states & {"claimed", "failed", "deferred"}:
        return Outcome("deferred", "earlier_pass_open")
    return skip("earlier_pass_not_sent")


GUARDS: tuple[Guard, ...] = (
    Guard("suppressed", MESSAGES, "the contact is on the suppression list for the channel and kind", _suppressed),
    Guard("order_of_another_contact", MESSAGES, "the order is another contact's now", _order_of_another_contact),
    Guard("order_in_quarantine", MESSAGES, "a row of the order was refused after its version", _order_in_quarantine),
    Guard("exit_when", MESSAGES, "a word of the conversation's `exit_when` is true now", _exit_when),
    Guard("hold_out", COMMERCIAL, "the contact is in the conversation's hold-out share", _hold_out),
    Guard("sent_under_another_id", MESSAGES, "the same step of the same run went under another id", _sent_before),
    Guard("earlier_pass_not_sent", MESSAGES, "the pass before it was not sent", _earlier_pass),
)
