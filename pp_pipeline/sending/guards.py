"""Guards: what is looked at once more when a delivery is about to go (DESIGN 5), on the newest facts.

Each has a word that the ledger keeps as the reason. So far: suppression, `exit_when`, a step that already went
under another id, and an order that became another contact's.
"""

from collections.abc import Mapping
from dataclasses import replace

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.sending.claims import Claim
from pp_pipeline.sending.planned import Planned, PlannedEvent, PlannedMessage, PlannedSnapshot

NOT_WITHIN_DAYS = 7


def skip_reason(item: Planned, conversations: Mapping[str, Conversation], claim: Claim) -> str:
    """Why this delivery must not go, for good; '' when it may."""
    match item:
        case PlannedEvent() if claim.is_suppressed(item.contact_key, item.relay):
            return "suppressed"
        case PlannedMessage() if claim.is_suppressed(item.contact_key, item.channel):
            return "suppressed"
        case PlannedMessage() if exits := [
            word for word in conversations[item.conversation].exit_when if word in item.exits_now
        ]:
            return f"exit_when: {exits[0]}"
        case PlannedMessage() if _went_before(item, conversations[item.conversation], claim):
            return "sent_under_another_id"
        case PlannedMessage() if item.contact_key_now not in (None, item.contact_key):
            return "order_of_another_contact"
    return ""


def _went_before(item: PlannedMessage, conversation: Conversation, claim: Claim) -> bool:
    """Whether this step already went to this run key: a correction can change what a run is about, and its id.

    Never again for an order, or where a contact enters once; else not within NOT_WITHIN_DAYS (DESIGN 5).
    """
    step = (item.conversation, item.run_key, item.step, item.occurrence, item.pass_number)
    due_days = claim.sent_before.get(step, ())
    if conversation.scope == "order" or conversation.entries == "once":
        return bool(due_days)
    return any(abs((item.due_on - due_on).days) < NOT_WITHIN_DAYS for due_on in due_days)


def without_suppressed(snapshot: PlannedSnapshot, claim: Claim) -> PlannedSnapshot:
    """The snapshot without the contacts that a relay must not hear of."""
    members = (each for each in snapshot.members if not claim.is_suppressed(each[0], snapshot.relay))
    return replace(snapshot, members=tuple(members))
