"""What stands in place of a forgotten person, and under which names the ledger remembers them (DESIGN 6)."""

FORGOTTEN = "forgotten"
"""Reason of the tombstone in the ledger; also stands in files where the address stood. Rows of contacts, feedback and
suppressions with it as their address are dropped, order rows are orders without a contact."""

ORDER_FACT = "forgotten_order:"
"""Name of a fact: this and the key of an order of somebody forgotten. Files of lines or parcels name no address."""

REDACTED_FACT = "redacted:"
"""Name of a fact: this and the hash of a content with somebody in it. Its value: hash and size of the one without."""


def is_marked(cell: str) -> bool:
    """Whether a cell says that its address was forgotten."""
    return cell.strip() == FORGOTTEN
