"""What the feeds of shipments, returns and payments say about an order, read the slow way: row by row, day by day."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

Row = Mapping[str, str]
FACT_KINDS = ("shipments", "returns", "payments")


class OrderFile(NamedTuple):
    """One file of a feed: its rows are the cells as the shop writes them.

    `kind` is orders (rows are order lines), order_headers and order_lines (a pair of files states an order), or one
    of the feeds that say more about orders: shipments, returns, payments.
    """

    name: str
    file_date: date
    rows: tuple[Row, ...]
    kind: str = "orders"


class Facts(NamedTuple):
    """What the feeds say about an order as of a day; None where they say nothing."""

    shipped_on: date | None
    delivered_on: date | None
    refunded_cents: int | None
    refunded_on: date | None
    paid_on: date | None


class Told(NamedTuple):
    """The file and line that speak last of an order on a day."""

    file: str
    line: int


class FactFiles:
    """The rows of the fact files in force, by order.

    Args:
        files: files of any kind, one per name.
    """

    def __init__(self, files: Iterable[OrderFile]) -> None:
        self._told: dict[str, list[tuple[OrderFile, int, Row]]] = {}
        in_order = sorted((file for file in files if file.kind in FACT_KINDS), key=_by_date_and_name)
        for file in in_order:
            for line, row in enumerate(file.rows, start=2):
                self._told.setdefault(row["order_number"], []).append((file, line, row))

    def told_on(self, day: date) -> dict[str, Told]:
        """The orders that a feed speaks of on the day, each with the last row by file name and line."""
        last: dict[str, Told] = {}
        for order_number, told in self._told.items():
            for file, line, _ in told:
                if file.file_date == day:
                    last[order_number] = Told(file.name, line)
        return last

    def as_of(self, order_number: str, day: date) -> Facts:
        """All that was told up to the day. The newest row about a thing replaces the one before as a whole."""
        shipments: dict[str, Row] = {}
        returns: dict[tuple[str, str, str], Row] = {}
        payments: list[Row] = []
        for file, _, row in self._told.get(order_number, []):
            if file.file_date > day:
                continue
            if file.kind == "shipments":
                shipments[row["shipment_number"]] = row
            elif file.kind == "returns":
                returns[row["return_number"], row["line"], row["sku"]] = row
            else:
                payments.append(row)
        refunds = [row["refunded_amount"] for row in returns.values() if row["refunded_amount"]]
        return Facts(
            shipped_on=_last_if_all(row["shipped_date"] for row in shipments.values()),
            delivered_on=_last_if_all(row["delivered_date"] for row in shipments.values()),
            refunded_cents=sum(cents(amount) for amount in refunds) if refunds else None,
            refunded_on=_first(row["refunded_date"] for row in returns.values()),
            paid_on=_first(row["paid_at"] for row in payments),
        )


def cents(amount: str) -> int:
    """Cents of an amount."""
    return int(Decimal(amount) * 100)


def date_or_none(text: str) -> date | None:
    """The date of a cell; a blank one is not known."""
    return date.fromisoformat(text) if text else None


def _by_date_and_name(file: OrderFile) -> tuple[date, bytes]:
    return file.file_date, file.name.encode()


def _last_if_all(texts: Iterable[str]) -> date | None:
    """The last date, when every one is known."""
    days = [date_or_none(text) for text in texts]
    known = [day for day in days if day is not None]
    return max(known) if known and len(known) == len(days) else None


def _first(texts: Iterable[str]) -> date | None:
    days = [date.fromisoformat(text) for text in texts if text]
    return min(days, default=None)
