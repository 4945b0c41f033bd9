"""Guards: what is looked at once more when a delivery is about to go (DESIGN 5), on the newest facts.

Each has a word that the ledger keeps as the reason. So far: suppression, `exit_when`, and an order that
became another contact's.
"""

from collections.abc import Mapping

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.sending.planned import Planned, PlannedMessage


def skip_reason(item: Planned, conversations: Mapping[str, Conversation], is_suppressed: bool) -> str:
    """Why this delivery must not go, for good; '' when it may."""
    if is_suppressed:
        return "suppressed"
    if not isinstance(item, PlannedMessage):
        return ""
    if item.status_now in conversations[item.conversation].exit_when:
        return f"exit_when: {item.status_now}"
    if item.contact_key_now not in (None, item.contact_key):
        return "order_of_another_contact"
    return ""
