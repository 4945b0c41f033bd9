"""Guards of the contact, the order and the run of a message: what must not go, whatever the hour (DESIGN 5)."""

from datetime import date

from pp_pipeline.conversations.shares import is_held_out
from pp_pipeline.sending.guards.case import Case, skip
from pp_pipeline.sending.ledger_facts import GONE_OUT
from pp_pipeline.sending.outlets.outlet import Outcome
from pp_pipeline.sending.planned import contact_keys

PAUSE_WHEN = "pause_when"


def suppressed(case: Case) -> Outcome | None:
    """The contact, or the number of an SMS, is on the suppression list."""
    item = case.item
    kind = case.conversation.kind
    is_suppressed = any(case.ledger.is_suppressed(key, item.channel, kind) for key in contact_keys(item))
    return skip("suppressed") if is_suppressed else None


def no_phone(case: Case) -> Outcome | None:
    """Nobody knows a number that an SMS could go to."""
    return skip("no_phone") if case.item.channel == "sms" and not case.item.contact.phone else None


def order_of_another_contact(case: Case) -> Outcome | None:
    """A correction gave the order to somebody else, or to nobody."""
    item = case.item
    return skip("order_of_another_contact") if item.contact_key_now != item.contact_key else None


def order_in_quarantine(case: Case) -> Outcome | None:
    """A row of the order was refused after its newest version, or beside it."""
    return skip("order_in_quarantine") if case.item.is_quarantined else None


def exit_when(case: Case) -> Outcome | None:
    """What ends a run is true of its order now."""
    ends = [word for word in case.conversation.exit_words if word in case.item.exits_now]
    return skip(f"exit_when: {ends[0]}") if ends else None


def pause_when(case: Case) -> Outcome | None:
    """Something is going on with the contact or the order that should be settled first."""
    pauses = [word for word in case.conversation.pause_when if word in case.item.pauses_now]
    return Outcome("deferred", f"{PAUSE_WHEN}: {pauses[0]}") if pauses else None


def hold_out(case: Case) -> Outcome | None:
    """The contact is one of those by whom the effect is measured."""
    conversation = case.conversation
    is_held = is_held_out(case.item.contact_key, conversation.conversation, conversation.hold_out)
    return skip("hold_out") if is_held else None


def sent_before(case: Case) -> Outcome | None:
    """Whether this step already went to this run key: a correction can change what a run is about, and its id.

    Never again for an order, or where a contact enters once; else not within `not_within_days`.
    """
    item, conversation = case.item, case.conversation
    step = (item.conversation, item.run_key, item.step, item.occurrence, item.pass_number)
    gone = [known for known in case.ledger.steps.get(step, ()) if known.state in GONE_OUT and known.key != item.key]
    if gone and (conversation.scope != "contact" or conversation.entries == "once"):
        return skip("sent_under_another_id")
    days = conversation.not_within_days
    is_near = any(known.due_on is not None and abs((item.due_on - known.due_on).days) < days for known in gone)
    return skip("sent_under_another_id") if is_near else None


def earlier_pass(case: Case) -> Outcome | None:
    """Pass k goes after pass k-1, and only if that was sent; one under way, and feedback, is waited for."""
    item = case.item
    if item.pass_number <= 1:
        return None
    step = (item.conversation, item.run_key, item.step, item.occurrence, item.pass_number - 1)
    before = [known for known in case.ledger.steps.get(step, ()) if known.due_on and known.due_on <= item.due_on]
    # A contact's runs share a key: the own run is the one that the same event began. Under another id it went where a
    # correction changed what the run is about; then the newest one counts.
    own = [known for known in before if known.event_id == item.event_id]
    newest = max((known.due_on for known in before if known.due_on), default=None)
    states = {known.state for known in own or [known for known in before if known.due_on == newest]}
    sent_on = max((known.due_on for known in own if known.due_on), default=newest)
    if "sent" in states:
        return _no_feedback(case, sent_on)
    if states & {"claimed", "failed", "deferred"}:
        return Outcome("deferred", "earlier_pass_open")
    return skip("earlier_pass_not_sent")


def _no_feedback(case: Case, sent_on: date | None) -> Outcome | None:
    """Where nothing was heard since the pass before, nobody is known not to have reacted to it."""
    through = case.item.feedback_through
    return Outcome("deferred", "no_feedback") if through is None or (sent_on and through < sent_on) else None


def not_on_allow_list(case: Case) -> Outcome | None:
    """Outside production only addresses and numbers on the list are written to."""
    return None if case.recipients.include(case.item.recipient) else skip("not_on_allow_list")
