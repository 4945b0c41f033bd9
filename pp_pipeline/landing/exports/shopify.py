"""Shopify's order export (Orders > Export), with 75 columns as of 2021 or 79 since.

One row per line item. Only the first row of an order carries the order's cells; the others repeat its `Name`
and mostly leave the rest blank.
"""

from collections.abc import Iterator
from operator import itemgetter

from pp_pipeline.landing.cells import CellCache
from pp_pipeline.landing.exports.export import Block, Export, column_key
from pp_pipeline.landing.exports.shaping import (
    LINE_COLUMNS,
    ORDER_COLUMNS,
    Picker,
    TheirColumns,
    plain_words,
    sku_or,
    translation,
)

_TAKES = {
    "order_number": ("name",),
    "email": ("email",),
    "ordered_at": ("created at",),
    "ship_date": ("fulfilled at",),
    "order_total": ("total",),
    "currency": ("currency",),
    "product_name": ("lineitem name",),
    "quantity": ("lineitem quantity",),
    "unit_price": ("lineitem price",),
    "paid_at": ("paid at",),
    "refunded_amount": ("refunded amount",),
    "source": ("source",),
    "tags": ("tags",),
}
_ADDED = ("status", "sku", "line_status")
_ORDER_STATUS_FROM = ("cancelled at", "financial status", "fulfillment status")
# Remembered of every order, in case its name comes back later in the file: about a kilobyte each.
_REMEMBERED = (
    "email",
    "created at",
    "fulfilled at",
    "total",
    "currency",
    "paid at",
    "refunded amount",
    "source",
    "tags",
)
_ZIPS = ("billing zip", "shipping zip")

_PAYMENTS = {
    "": "processing",
    "authorized": "processing",
    "paid": "processing",
    "partially paid": "processing",
    "partially refunded": "processing",
    "pending": "pending",
    "expired": "pending",
    "refunded": "returned",
    "voided": "canceled",
}
_FULFILLMENTS = {
    "": "",
    "unfulfilled": "",
    "partial": "",
    "partially fulfilled": "",
    "scheduled": "",
    "in progress": "",
    "on hold": "hold",
    "fulfilled": "shipped",
    # All of it was put back into stock, and the order canceled.
    "restocked": "canceled",
}
_LINES = {
    "": "",
    "pending": "processing",
    "unfulfilled": "processing",
    "partial": "processing",
    "fulfilled": "shipped",
    "restocked": "canceled",
}


class _Orders:
    """Gathers the rows of one order after another and fills in what only its first row says."""

    def __init__(self, columns: TheirColumns) -> None:
        name = columns.place("name")
        is_of_line = [
            column_key(theirs).startswith("lineitem") or column_key(theirs) == "vendor" for theirs in columns.header
        ]
        self._of_line = [place for place, of_line in enumerate(is_of_line) if of_line]
        self._of_order = [place for place, of_line in enumerate(is_of_line) if not of_line and place != name]
        remembered = (columns.place(theirs) for theirs in (*_REMEMBERED, *_ORDER_STATUS_FROM))
        self._remembered = [place for place in remembered if place != columns.blank]
        self._seen: dict[str, tuple[str, ...]] = {}

    def filled(self, name: str, rows: list[list[str]]) -> list[list[str]]:
        """The rows that follow each other under one name. Blank cells take the order's first that isn't."""
        if not name:
            return rows
        former = self._seen.get(name)
        if len(rows) > 1 or former is not None:
            rows = self._fill(rows, former)
        self._seen[name] = tuple([rows[0][place] for place in self._remembered])
        return rows

    def _fill(self, rows: list[list[str]], former: tuple[str, ...] | None) -> list[list[str]]:
        firsts = list(rows[0])
        if former is not None:
            for place, cell in zip(self._remembered, former, strict=True):
                firsts[place] = cell
        known = [[place for place in self._of_order if row[place]] for row in rows]
        for row, places in zip(rows, known, strict=True):
            for place in places:
                firsts[place] = firsts[place] or row[place]
        filled = []
        for row, places in zip(rows, known, strict=True):
            whole = firsts.copy()
            for place in self._of_line:
                whole[place] = row[place]
            for place in places:
                whole[place] = row[place]
            filled.append(whole)
        return filled


class _Shaper:
    """Rows of ours out of rows of theirs that were filled."""

    def __init__(self, columns: TheirColumns) -> None:
        self._zips = [columns.place(name) for name in _ZIPS if columns.has(name)]
        self._status_from = itemgetter(*(columns.place(name) for name in _ORDER_STATUS_FROM))
        self._sku, self._product_name = columns.place("lineitem sku"), columns.place("lineitem name")
        self._line_status = columns.place("lineitem fulfillment status")
        self._picker = Picker("shopify", columns, ORDER_COLUMNS + LINE_COLUMNS, _TAKES, _ADDED, {self._sku})
        self.header = self._picker.header
        self._canceled_or: CellCache = CellCache(lambda words: _status(*words))
        self._line_statuses = translation(_LINES)

    def shape(self, row: list[str]) -> list[str]:
        cells = [*row, ""]
        for place in self._zips:
            # Excel reads a zip code behind an apostrophe as text; the apostrophe is no part of it.
            if cells[place].startswith("'"):
                cells[place] = cells[place][1:]
        canceled_at, payment, fulfillment = self._status_from(cells)
        cells += (
            self._canceled_or[not canceled_at or canceled_at.isspace(), payment, fulfillment],
            sku_or(cells[self._sku], cells[self._product_name]),
            self._line_statuses[cells[self._line_status]],
        )
        return list(self._picker.pick(cells))


def _status(is_open: bool, payment: str, fulfillment: str) -> str:
    """Ours for an order; a word of theirs that is not known comes out as it is."""
    paid = _PAYMENTS.get(plain_words(payment))
    fulfilled = _FULFILLMENTS.get(plain_words(fulfillment))
    if not is_open or "canceled" in (paid, fulfilled):
        return "canceled"
    if paid is None:
        return payment
    if fulfilled is None:
        return fulfillment
    return "returned" if paid == "returned" else fulfilled or paid


def _rows(header: list[str], blocks: Iterator[Block]) -> Iterator[Block]:
    columns = TheirColumns(header)
    orders, shaper = _Orders(columns), _Shaper(columns)
    name_place = columns.place("name")
    yield [shaper.header], [1]
    name = ""
    rows: list[list[str]] = []
    lines: list[int] = []
    for block_rows, block_lines in blocks:
        ours: list[list[str]] = []
        our_lines: list[int] = []
        for row, line in zip(block_rows, block_lines, strict=True):
            its_name = row[name_place] if name_place < columns.blank else ""
            if its_name != name and rows:
                ours += map(shaper.shape, orders.filled(name, rows))
                our_lines += lines
                rows, lines = [], []
            name = its_name
            rows.append(row)
            lines.append(line)
        if ours:
            yield ours, our_lines
    if rows:
        yield list(map(shaper.shape, orders.filled(name, rows))), lines


SHOPIFY = Export(
    name="shopify",
    kind="orders",
    description="Shopify's order export (Orders > Export in its admin), one row per line item.",
    files="orders_export_{date}.{ext}",
    needs=(
        "Name",
        "Email",
        "Created at",
        "Financial Status",
        "Fulfillment Status",
        "Fulfilled at",
        "Cancelled at",
        "Lineitem quantity",
        "Lineitem name",
        "Lineitem sku",
    ),
    rows=_rows,
    # Its times, such as `2026-01-05 10:20:30 -0500`, are read as ISO 8601.
    defaults={"dates": "iso"},
)
