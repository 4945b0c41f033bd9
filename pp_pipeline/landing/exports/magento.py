"""Magento 2 (Adobe Commerce): the export of its order grid, and a second file of order lines.

The grid has neither lines nor ship dates, and Magento exports no lines by itself. The columns of the second
file are the database's own names (`sales_order_item`, and `created_at` of `sales_shipment`); the docs hold a
query for it.
"""

from collections.abc import Iterator
from decimal import Decimal

from pp_pipeline.landing.cells import CellCache
from pp_pipeline.landing.exports.export import Block, Export
from pp_pipeline.landing.exports.shaping import (
    LINE_COLUMNS,
    Picker,
    TheirColumns,
    pick_rows,
    read_amount,
    to_cents,
    to_whole,
    translation,
)

# Codes and the labels that the grid shows for them.
_STATUSES = {
    "pending": "pending",
    "pending payment": "pending",
    "pending paypal": "pending",
    "payment review": "hold",
    "fraud": "hold",
    "suspected fraud": "hold",
    "holded": "hold",
    "on hold": "hold",
    "processing": "processing",
    "complete": "completed",
    # Magento closes an order when all of it was refunded.
    "closed": "returned",
    "canceled": "canceled",
}
_GRID_COLUMNS = ("order_number", "email", "ordered_at", "status", "order_total", "currency")
_GRID_TAKES = {
    "order_number": ("id",),
    "email": ("customer email",),
    "ordered_at": ("purchase date",),
}
_LINE_COLUMNS = ("order_number", *LINE_COLUMNS, "line_status", "line_ship_date", "returned_quantity")
_LINE_TAKES = {
    "order_number": ("increment_id",),
    "sku": ("sku",),
    "product_name": ("name",),
    "line_ship_date": ("shipment_created_at",),
}


def _grid_rows(header: list[str], blocks: Iterator[Block]) -> Iterator[Block]:
    columns = TheirColumns(header)
    status, total = columns.place("status"), columns.place("grand total (purchased)")
    refunded = columns.place("total refunded")
    added = ("status", "order_total", "refunded_amount")
    picker = Picker("magento_grid", columns, _GRID_COLUMNS, _GRID_TAKES, added, {total, refunded})
    statuses, amounts = translation(_STATUSES), to_cents()

    def compute(row: list[str]) -> tuple[str, ...]:
        return statuses[row[status]], amounts[row[total]], amounts[row[refunded]]

    return pick_rows(picker, blocks, compute)


def _line_rows(header: list[str], blocks: Iterator[Block]) -> Iterator[Block]:
    columns = TheirColumns(header)
    ordered, price = columns.place("qty_ordered"), columns.place("price")
    shipped, refunded = columns.place("qty_shipped"), columns.place("qty_refunded")
    canceled = columns.place("qty_canceled")
    added = ("quantity", "unit_price", "returned_quantity", "line_status")
    picker = Picker("magento_lines", columns, _LINE_COLUMNS, _LINE_TAKES, added, {ordered, price, refunded})
    quantities, amounts = to_whole(), to_cents()
    line_statuses = CellCache(lambda texts: _line_status(*texts))

    def compute(row: list[str]) -> tuple[str, ...]:
        return (
            quantities[row[ordered]],
            amounts[row[price]],
            quantities[row[refunded]],
            line_statuses[row[ordered], row[shipped], row[refunded], row[canceled]],
        )

    return pick_rows(picker, blocks, compute)


def _line_status(ordered: str, shipped: str, refunded: str, canceled: str) -> str:
    """What became of all pieces of a line; blank where the quantities don't say."""
    pieces = read_amount(ordered)
    if pieces is None or not shipped.strip():
        return ""
    left = pieces - (read_amount(canceled) or Decimal())
    if left <= 0:
        return "canceled"
    if (read_amount(refunded) or Decimal()) >= left:
        return "returned"
    return "shipped" if (read_amount(shipped) or Decimal()) >= left else "processing"


MAGENTO_GRID = Export(
    name="magento_grid",
    kind="order_headers",
    description="Magento 2's order grid, exported as CSV (Sales > Orders > Export); the lines come in another file.",
    files="magento_orders_{date}.{ext}",
    needs=("ID", "Purchase Date", "Status", "Customer Email"),
    rows=_grid_rows,
    # The grid's export writes `Jan 5, 2026 10:20:30 AM` in the time of the admin.
    defaults={"dates": "%b %d, %Y %I:%M:%S %p", "delimiter": "auto"},
)
MAGENTO_LINES = Export(
    name="magento_lines",
    kind="order_lines",
    description="Order lines and shipments out of Magento 2's database, with the names of its fields.",
    files="magento_order_lines_{date}.{ext}",
    needs=("increment_id", "sku", "qty_ordered"),
    rows=_line_rows,
    # Magento's database keeps UTC, without saying so.
    defaults={"zone": "UTC", "delimiter": "auto"},
)
