"""Worked examples of the queue rules: what the files say, the campaign, and the book written out.

A row of a book reads "day order movement, basis, due": `4 A entered ship_date 3 due 10`, all days in
January 2026 unless the month is written. `for ben@example.com` follows where the contact is not Ann.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from pp_pipeline_tests.cases import Case, sorted_book
from pp_pipeline_tests.facts_oracle import OrderFile, Row
from pp_pipeline_tests.queue_oracle import Movement

ANN = "ann@example.com"
BEN = "ben@example.com"
LONG_SINCE = "2025-11-01"


class Example(NamedTuple):
    """One row of a table of examples.

    `says` holds the rows of each file: by day of January, or by day and ending of the file's name.
    """

    name: str
    says: Mapping[int | tuple[int, str], list[Row]]
    campaign: dict[str, Any]
    book: tuple[str, ...]
    zone: str = "UTC"

    def case(self) -> Case:
        files: list[OrderFile] = []
        for key, rows in self.says.items():
            day, ending = key if isinstance(key, tuple) else (key, "")
            files.append(OrderFile(f"orders_{january(day)}{ending}.csv", january(day), tuple(rows)))
        return Case(
            merchant="main",
            files=tuple(files),
            campaign={"event": "case_event", "wait_days": 7, "active_from": LONG_SINCE, **self.campaign},
            days=(january(1), january(31)),
            zone=self.zone,
        )


def row(
    order_number: str,
    on: int,
    status: str = "processing",
    *,
    shipped: int | None = None,
    email: str = ANN,
    at: str = "T12:00:00",
    total: str = "20.00",
    sku: str = "SKU-1",
) -> Row:
    """A row of the plain feed: an order of that day of January, shipped on that day if on any."""
    return {
        "order_number": order_number,
        "email": email,
        "ordered_at": f"{january(on)}{at}",
        "ship_date": "" if shipped is None else january(shipped).isoformat(),
        "status": status,
        "order_total": total,
        "currency": "USD",
        "sku": sku,
        "product_name": "A table",
        "category": "Tables",
        "quantity": "1",
        "unit_price": total,
    }


def january(day: int) -> date:
    """That day of January 2026; 0 and below lie before it."""
    return date.fromordinal(date(2025, 12, 31).toordinal() + day)


def shown(book: list[Movement]) -> tuple[str, ...]:
    """The book as the examples write it."""
    return tuple(_shown_movement(movement) for movement in sorted_book(book))


def _shown_movement(movement: Movement) -> str:
    words = [_shown_day(movement.movement_on), movement.order_number, movement.movement]
    words += [movement.reason] if movement.reason else []
    words += [movement.basis_source, _shown_day(movement.basis_date), "due", _shown_day(movement.due_on)]
    words += [] if movement.email == ANN else ["for", movement.email]
    return " ".join(words)


def _shown_day(day: date) -> str:
    return str(day.day) if (day.year, day.month) == (2026, 1) else day.isoformat()
