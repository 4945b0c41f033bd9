"""Guards: what is looked at once more when a delivery is about to go (DESIGN 5), on the newest facts.

One table, `GUARDS`, in the order in which they are asked: those that skip, then those that defer. Each has a word that
the ledger keeps as the reason, and says for which kinds of deliveries it holds. They are asked in the transaction that
claims, in the order of priority, due date and key, so that of two messages that are one too many the more important
one goes. `pp guards` prints the table, and docs/guards.md holds it.
"""

from dataclasses import replace

from pp_pipeline.sending.guards import run_guards, timing
from pp_pipeline.sending.guards.case import (
    COMMERCIAL,
    EVERY_ONE,
    MESSAGES,
    MESSAGES_AND_EVENTS,
    MESSAGES_AND_SNAPSHOTS,
    Case,
    DeliveryKind,
    Guard,
    RelayCase,
    skip,
)
from pp_pipeline.sending.guards.consent import no_consent
from pp_pipeline.sending.guards.recipients import EVERYBODY, Recipients
from pp_pipeline.sending.guards.sunset import sunset
from pp_pipeline.sending.ledger_facts import LedgerFacts
from pp_pipeline.sending.outlets.outlet import Outcome
from pp_pipeline.sending.planned import PlannedEvent, PlannedSnapshot

__all__ = ["GUARDS", "Case", "DeliveryKind", "Guard", "judge_event", "judge_message", "without_barred"]


def judge_message(case: Case) -> Outcome | None:
    """Why a message must not go now; None when it may."""
    for guard in GUARDS:
        if case.conversation.kind in guard.kinds and (outcome := guard.judge(case)):
            return outcome
    return None


def judge_event(event: PlannedEvent, ledger: LedgerFacts, recipients: Recipients = EVERYBODY) -> Outcome | None:
    """Why a relay must not hear of an event; None when it may."""
    case = RelayCase(event.contact_key, event.email, event.relay, ledger, recipients, event.is_quarantined)
    guard = _barring("event", case)
    return skip(guard.name) if guard else None


def without_barred(
    snapshot: PlannedSnapshot, ledger: LedgerFacts, recipients: Recipients = EVERYBODY
) -> PlannedSnapshot:
    """The snapshot without the contacts that a relay must not hear of."""

    def is_barred(contact_key: str, email: str | None) -> bool:
        lacks_consent = snapshot.consenting is not None and (
            contact_key not in snapshot.consenting or ledger.is_suppressed(contact_key, "email", "commercial")
        )
        case = RelayCase(contact_key, email, snapshot.relay, ledger, recipients, lacks_consent=lacks_consent)
        return _barring("snapshot", case) is not None

    return replace(snapshot, members=tuple(member for member in snapshot.members if not is_barred(*member)))


def _barring(kind: DeliveryKind, case: RelayCase) -> Guard | None:
    return next((guard for guard in GUARDS if kind in guard.kinds and guard.bars and guard.bars(case)), None)


GUARDS: tuple[Guard, ...] = (
    Guard("suppressed", "skips", EVERY_ONE,
          "the contact, or the number of an SMS, is on the suppression list for the channel and kind",
          run_guards.suppressed, lambda case: case.ledger.is_suppressed(case.contact_key, case.relay)),
    Guard("no_phone", "skips", MESSAGES, "it is an SMS, and the contact has no phone number", run_guards.no_phone),
    Guard("not_on_allow_list", "skips", EVERY_ONE, "outside production: the address or number is not on the list",
          run_guards.not_on_allow_list, lambda case: not case.recipients.include(case.email)),
    Guard("no_consent", "skips", MESSAGES_AND_SNAPSHOTS,
          "there is no consent for the channel and kind; of snapshots: the relay demands it",
          no_consent, lambda case: case.lacks_consent),
    Guard("order_of_another_contact", "skips", MESSAGES, "the order is another contact's now",
          run_guards.order_of_another_contact),
    Guard("order_in_quarantine", "skips", MESSAGES_AND_EVENTS, "a row of the order was refused after its version",
          run_guards.order_in_quarantine, lambda case: case.is_quarantined),
    Guard("exit_when", "skips", MESSAGES, "a word of the conversation's `exit_when` is true now", run_guards.exit_when),
    Guard("pause_when", "defers", MESSAGES, "a word of the conversation's `pause_when` is true now",
          run_guards.pause_when),
    Guard("hold_out", "skips", COMMERCIAL, "the contact is in the conversation's hold-out share", run_guards.hold_out),
    Guard("sunset", "skips", COMMERCIAL, "the contact has shown no interest for longer than the merchant's `sunset`",
          sunset),
    Guard("sent_under_another_id", "skips", MESSAGES, "the same step of the same run went under another id",
          run_guards.sent_before),
    Guard("earlier_pass_not_sent", "skips or defers", MESSAGES,
          "the pass before it was not sent; deferred while that is under way (`earlier_pass_open`), and until feedback "
          "came in since (`no_feedback`)",
          run_guards.earlier_pass),
    Guard("not_before", "defers", MESSAGES, "its time of day has not come by the contact's clock", timing.not_before),
    Guard("blackout", "defers", COMMERCIAL, "the merchant's day is in a blackout", timing.blackout),
    Guard("quiet_hours", "defers", MESSAGES, "it is quiet by the contact's clock", timing.quiet_hours),
    Guard("outside_window", "defers", COMMERCIAL, "it is outside the merchant's `window` by the contact's clock",
          timing.outside_window),
    Guard("frequency_cap", "defers", COMMERCIAL, "the contact had its messages on the channel", timing.frequency_cap),
    Guard("spacing", "defers", COMMERCIAL, "the contact's last message on another channel is too near",
          timing.spacing),
    Guard("discount_cap", "defers", COMMERCIAL, "the contact had its offers, and this is one more",
          timing.discount_cap),
    Guard("daily_ceiling", "defers", COMMERCIAL, "the merchant's messages of the day on the channel are used up",
          timing.daily_ceiling),
)  # fmt: skip
