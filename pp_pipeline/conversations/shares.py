"""Shares of contacts by a stable hash (DESIGN 4): the same contact is in or out whenever and wherever it is asked."""

import hashlib

_BUCKETS = 10_000


def share_of(contact_key: str, *names: str) -> float:
    """Where a contact falls in what the names are of, from 0 to below 1, spread evenly."""
    digest = hashlib.sha256("\n".join((*names, contact_key)).encode()).digest()
    return int.from_bytes(digest[:8], "big") % _BUCKETS / _BUCKETS


def is_held_out(contact_key: str, conversation: str, hold_out: float) -> bool:
    """Whether a contact is among those who never hear from a conversation, so that its effect can be measured."""
    return share_of(contact_key, "hold_out", conversation) < hold_out
