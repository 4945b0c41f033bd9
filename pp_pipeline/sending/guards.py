"""Guards: what is looked at once more when a delivery is about to go (DESIGN 5), on the newest facts.

Each has a word that the ledger keeps as the reason. So far: suppression, `exit_when`, and an order that
became another contact's.
"""

from collections.abc import Mapping
from dataclasses import replace

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.sending.claims import Claim
from pp_pipeline.sending.planned import Planned, PlannedEvent, PlannedMessage, PlannedSnapshot


def skip_reason(item: Planned, conversations: Mapping[str, Conversation], claim: Claim) -> str:
    """Why this delivery must not go, for good; '' when it may."""
    match item:
        case PlannedEvent() if claim.is_suppressed(item.contact_key, item.relay):
            return "suppressed"
        case PlannedMessage() if claim.is_suppressed(item.contact_key, item.channel):
            return "suppressed"
        case PlannedMessage() if item.status_now in conversations[item.conversation].exit_when:
            return f"exit_when: {item.status_now}"
        case PlannedMessage() if item.contact_key_now not in (None, item.contact_key):
            return "order_of_another_contact"
    return ""


def without_suppressed(snapshot: PlannedSnapshot, claim: Claim) -> PlannedSnapshot:
    """The snapshot without the contacts that a relay must not hear of."""
    members = (each for each in snapshot.members if not claim.is_suppressed(each[0], snapshot.relay))
    return replace(snapshot, members=tuple(members))
