"""Order lines, read the slow way: each one's status, and what they say together where their order says nothing."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from pp_pipeline_tests.facts_oracle import Row, Told, date_or_none

# The least advanced first; the other words say that a line is on its way, came back or never goes.
STATUSES_BY_ADVANCE = (
    *("not_set", "misc", "unknown", "pre_order", "back_order", "pending", "hold", "processing", "closed"),
)
# Listrak's numbers 0 to 11; `closed` has none.
STATUSES = (
    *("not_set", "misc", "pre_order", "back_order", "pending", "hold", "processing", "shipped", "completed"),
    *("returned", "canceled", "unknown", "closed"),
)


class Line(NamedTuple):
    """An order line. `status` and `ship_date` are its own, else its order's."""

    sku: str
    category: str
    quantity: int
    returned_quantity: int | None
    status: str
    ship_date: date | None
    file: str
    file_line: int


def line_of(row: Row, told: Told, status_of_order: str, ship_date_of_order: date | None) -> Line:
    """The line of a row of cells; what it does not say itself is its order's."""
    return Line(
        sku=row["sku"],
        category=row["category"],
        quantity=_quantity(row),
        returned_quantity=int(row["returned_quantity"]) if row.get("returned_quantity") else None,
        status=_line_status(row, status_of_order),
        ship_date=date_or_none(row.get("line_ship_date", "")) or ship_date_of_order,
        file=told.file,
        file_line=told.line,
    )


def status_of_lines(rows: Sequence[Row]) -> str:
    """The status of an order that states none. Canceled lines are left out, unless all are."""
    words = {_line_status(row, "not_set") for row in rows}
    if words == {"canceled"}:
        return "canceled"
    words -= {"canceled"}
    for word in STATUSES_BY_ADVANCE:
        if word in words:
            return word
    if words == {"returned"}:
        return "returned"
    if not words:
        return "not_set"
    return "shipped" if "shipped" in words else "completed"


def ship_date_of_lines(rows: Sequence[Row]) -> date | None:
    """The last ship date, when every line that is not canceled has one."""
    kept = [row for row in rows if _line_status(row, "not_set") != "canceled"]
    days = [date_or_none(row.get("line_ship_date", "")) for row in kept]
    known = [day for day in days if day is not None]
    return max(known) if known and len(known) == len(days) else None


def status_word(text: str) -> str:
    """The word of section 3 for a word or one of Listrak's numbers; a blank one is not set."""
    status = STATUSES[int(text)] if text.isdigit() else text or "not_set"
    assert status in STATUSES
    return status


def _line_status(row: Row, status_of_order: str) -> str:
    """A line that came back as a whole is returned; else its own word, else its order's."""
    if 0 < _quantity(row) <= int(row.get("returned_quantity") or "0"):
        return "returned"
    return status_word(row["line_status"]) if row.get("line_status") else status_of_order


def _quantity(row: Row) -> int:
    return int(row["quantity"] or "1")
