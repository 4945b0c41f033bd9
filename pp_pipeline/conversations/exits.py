"""What ends a run: the words of `exit_when` (DESIGN 4).

Those of orders are states of the order that a run is about; dbt/macros/exits.sql states the same for the plan, and a
test holds the two together.
"""

from typing import Literal

OrderExit = Literal["canceled", "returned", "partly_returned", "refunded"]
ExitWord = Literal["canceled", "returned", "partly_returned", "refunded", "purchased_again", "unsubscribed"]


def exits_of(status: str, returned_lines: int, refunded_cents: int) -> frozenset[str]:
    """The words that are true of an order.

    Args:
        status: of its version in force.
        returned_lines: how many of its lines came back.
        refunded_cents: what was given back, in cents.
    """
    states = {
        "canceled": status == "canceled",
        "returned": status == "returned",
        "partly_returned": returned_lines > 0,
        "refunded": refunded_cents > 0,
    }
    return frozenset(word for word, is_true in states.items() if is_true)
