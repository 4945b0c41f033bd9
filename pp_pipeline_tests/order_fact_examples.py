"""Worked examples of orders out of several feeds: what is said, and the versions written out. All days in January 2026.

A header reads "status ship-day", a line "status ship-day pieces that came back" (of two), `-` where nothing is said.
A version of a pair reads "status ship-day, shipped/returned/canceled of all lines"; one of `FACTS` begins with its day
and ends with the kind of feed that makes it.
"""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from pp_pipeline_tests.cases import Case
from pp_pipeline_tests.facts_oracle import OrderFile, Row
from pp_pipeline_tests.orders_oracle import OrderFields
from pp_pipeline_tests.worked_examples import january, row

_LINE_COLUMNS = ("sku", "product_name", "category", "quantity", "unit_price")


class PairExample(NamedTuple):
    """A header of the 5th (status, ship day) and its lines, and the version that they make."""

    header: str
    lines: tuple[str, ...]
    version: str


PAIRS = (
    PairExample("-", (), "not_set -, 0/0/0 of 0"),
    PairExample("-", ("- -",), "not_set -, 0/0/0 of 1"),
    PairExample("-", ("shipped 4", "- -"), "not_set -, 1/0/0 of 2"),
    PairExample("-", ("shipped 4", "shipped 6"), "shipped 6, 2/0/0 of 2"),
    PairExample("-", ("shipped 4", "shipped -"), "shipped -, 2/0/0 of 2"),
    PairExample("-", ("completed 4", "completed 3"), "completed 4, 2/0/0 of 2"),
    PairExample("-", ("completed 4", "shipped 3"), "shipped 4, 2/0/0 of 2"),
    PairExample("-", ("completed 4", "returned 3"), "completed 4, 1/1/0 of 2"),
    PairExample("-", ("shipped 4", "canceled -"), "shipped 4, 1/0/1 of 2"),
    PairExample("-", ("shipped 4", "canceled 6"), "shipped 4, 1/0/1 of 2"),
    PairExample("-", ("canceled 4", "canceled -"), "canceled -, 0/0/2 of 2"),
    PairExample("-", ("returned -", "canceled -"), "returned -, 0/1/1 of 2"),
    PairExample("-", ("shipped 4 2", "shipped 5 2"), "returned 5, 0/2/0 of 2"),
    PairExample("-", ("shipped 4 1", "shipped 5 2"), "shipped 5, 1/1/0 of 2"),
    PairExample("-", ("processing -", "back_order -", "shipped 4"), "back_order -, 1/0/0 of 3"),
    PairExample("-", ("closed -", "shipped 4"), "closed -, 1/0/0 of 2"),
    PairExample("-", ("unknown -", "misc -", "pre_order -"), "misc -, 0/0/0 of 3"),
    PairExample("- 3", ("shipped 4", "shipped 6"), "shipped 3, 2/0/0 of 2"),
    PairExample("processing", ("shipped 4", "- -"), "processing -, 1/0/0 of 2"),
    PairExample("shipped", ("- -", "canceled -", "back_order -"), "shipped -, 1/0/1 of 3"),
    PairExample("shipped 3", (), "shipped 3, 0/0/0 of 0"),
)


class FactExample(NamedTuple):
    """Order A of the plain feed on some days, and what other feeds tell of it: kind, day, cells."""

    name: str
    says: Mapping[int, Row]
    told: tuple[tuple[str, int, Row], ...]
    versions: tuple[str, ...]


def _cell(day: int) -> str:
    return january(day).isoformat() if day else ""


def _shipment(day: int, number: str = "1", shipped: int = 0, delivered: int = 0) -> tuple[str, int, Row]:
    cells = {"shipment_number": number, "shipped_date": _cell(shipped), "delivered_date": _cell(delivered)}
    return "shipments", day, cells


def _return(day: int, number: str, line: str, amount: str, on: int = 0) -> tuple[str, int, Row]:
    told = {"return_number": number, "line": line, "sku": "SKU-1"}
    return "returns", day, {**told, "refunded_amount": amount, "refunded_date": _cell(on)}


FACTS = (
    FactExample(
        "a delivery makes a version of the order as it stands",
        {5: row("A", 5, "shipped", shipped=5)},
        (_shipment(8, shipped=6, delivered=8),),
        ("5 shipped 5, orders", "8 shipped 5 delivered 8, shipments"),
    ),
    FactExample(
        "without a ship date of its own it has the last one of all shipments",
        {5: row("A", 5)},
        (_shipment(6, "1", shipped=6), _shipment(7, "2"), _shipment(8, "2", shipped=8, delivered=8)),
        (
            "5 processing -, orders",
            "6 processing 6, shipments",
            "7 processing -, shipments",
            "8 processing 8, shipments",
        ),
    ),
    FactExample(
        "what is told before the order counts once it is stated",
        {7: row("A", 5)},
        (_shipment(4, delivered=4), ("payments", 6, {"paid_at": _cell(6)}), ("payments", 6, {"paid_at": _cell(5)})),
        ("7 processing - delivered 4 paid 5, orders",),
    ),
    FactExample(
        "a newer statement keeps what the feeds said",
        {5: row("A", 5), 9: row("A", 5, "completed", shipped=6)},
        (_shipment(8, delivered=8),),
        ("5 processing -, orders", "8 processing - delivered 8, shipments", "9 completed 6 delivered 8, orders"),
    ),
    FactExample(
        "a newer row about a shipment takes the delivery back",
        {5: row("A", 5)},
        (_shipment(6, delivered=6), _shipment(7)),
        ("5 processing -, orders", "6 processing - delivered 6, shipments", "7 processing -, shipments"),
    ),
    FactExample(
        "refunds add up over returns and lines, a newer row about one replaces it",
        {5: row("A", 5)},
        (_return(6, "R1", "1", "5.00", 6), _return(7, "R1", "2", "2.50"), _return(8, "R1", "1", "6.00", 7)),
        (
            *("5 processing -, orders", "6 processing - refunded 500 on 6, returns"),
            *("7 processing - refunded 750 on 6, returns", "8 processing - refunded 850 on 7, returns"),
        ),
    ),
    FactExample(
        "the order file's own columns count until the feed knows",
        {5: {**row("A", 5), "delivered_date": _cell(4), "refunded_amount": "3.00", "paid_at": _cell(3)}},
        (
            _shipment(6),
            _shipment(7, delivered=7),
            _return(8, "R1", "1", "1.00"),
            ("payments", 9, {"paid_at": _cell(4)}),
        ),
        (
            *("5 processing - delivered 4 refunded 300 paid 3, orders",),
            *("6 processing - delivered 4 refunded 300 paid 3, shipments",),
            *("7 processing - delivered 7 refunded 300 paid 3, shipments",),
            *("8 processing - delivered 7 refunded 100 paid 3, returns",),
            *("9 processing - delivered 7 refunded 100 paid 4, payments",),
        ),
    ),
)


def case_of_pairs() -> Case:
    """All pairs in one pair of files; the order number is the example's place."""
    headers, lines = [], []
    for place, example in enumerate(PAIRS):
        stated = {**row(str(place), 5), "quantity": "2"}
        status, shipped, *_ = [*example.header.split(), "-"]
        header = {name: cell for name, cell in stated.items() if name not in (*_LINE_COLUMNS, "status")}
        said = {} if status == "-" else {"status": status}
        headers.append({**header, **said, "ship_date": _said_day(shipped)})
        for line in example.lines:
            line_status, line_shipped, came_back, *_ = [*line.split(), "-"]
            cells = {name: stated[name] for name in ("order_number", *_LINE_COLUMNS)}
            words = {"line_status": line_status.replace("-", ""), "line_ship_date": _said_day(line_shipped)}
            lines.append({**cells, **words, "returned_quantity": came_back.replace("-", "")})
    files = (
        OrderFile(f"order_headers_{january(5)}.csv", january(5), tuple(headers), "order_headers"),
        OrderFile(f"order_lines_{january(5)}.csv", january(5), tuple(lines), "order_lines"),
    )
    return Case("pairs", files, {}, (january(5), january(5)))


def case_of_facts() -> Case:
    """All other examples; the order number is the example's place."""
    rows_of: dict[tuple[str, int], list[Row]] = {}
    for place, example in enumerate(FACTS):
        own = {"order_number": str(place)}
        for day, cells in example.says.items():
            rows_of.setdefault(("orders", day), []).append({**cells, **own})
        for kind, day, cells in example.told:
            rows_of.setdefault((kind, day), []).append({**cells, **own})
    files = [
        OrderFile(f"{kind}_{january(day)}.csv", january(day), tuple(rows), kind)
        for (kind, day), rows in rows_of.items()
    ]
    return Case("facts", tuple(files), {}, (january(1), january(9)))


def shown(fields: "OrderFields | Shown") -> str:
    """Status and ship day, and what else is known."""
    words = [fields.status, _day(fields.ship_date)]
    words += ["delivered", _day(fields.delivered_on)] if fields.delivered_on else []
    words += ["refunded", str(fields.refunded_cents)] if fields.refunded_cents else []
    words += ["on", _day(fields.refunded_on)] if fields.refunded_on else []
    words += ["paid", _day(fields.paid_on)] if fields.paid_on else []
    return " ".join(words)


class Shown(NamedTuple):
    """The columns of order_versions that an example shows."""

    status: str
    ship_date: date | None
    delivered_on: date | None
    refunded_cents: int
    refunded_on: date | None
    paid_on: date | None


def _day(day: date | None) -> str:
    return str(day.day) if day else "-"


def _said_day(text: str) -> str:
    return "" if text == "-" else _cell(int(text))
