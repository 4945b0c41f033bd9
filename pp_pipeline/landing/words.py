"""Status words of DESIGN 3, and how shops spell them."""

import re

# By their letters alone (so `Pre-Order` is `preorder`), with the spellings that can only mean the same.
# `refunded`, `open`, `paid` and the like are none of them: quarantined, never guessed; a feed may map them.
STATUS_WORDS = {
    "notset": "not_set",
    "misc": "misc",
    "preorder": "pre_order",
    "preordered": "pre_order",
    "backorder": "back_order",
    "backordered": "back_order",
    "pending": "pending",
    "hold": "hold",
    "onhold": "hold",
    "processing": "processing",
    "shipped": "shipped",
    "complete": "completed",
    "completed": "completed",
    "returned": "returned",
    "canceled": "canceled",
    "cancelled": "canceled",
    "unknown": "unknown",
    "closed": "closed",
}
# Listrak's numbers (its order item file), 0 to 11; it has none for `closed`.
STATUS_NUMBERS = (
    "not_set", "misc", "pre_order", "back_order", "pending", "hold", "processing", "shipped", "completed",
    "returned", "canceled", "unknown",
)  # fmt: skip
STATUSES = (*STATUS_NUMBERS, "closed")
NUMBERED = {str(number): word for number, word in enumerate(STATUS_NUMBERS)}


def bare_word(text: str) -> str:
    """How words, and names of columns, are compared: without regard to case, blanks, - and _."""
    return re.sub(r"[\s_-]", "", text).lower()
