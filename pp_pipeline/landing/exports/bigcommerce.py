"""BigCommerce's order export (Orders > Export, default template): one row per order, its lines in one cell.

`Product Details` holds items divided by `|`, each `Product ID: 24, Product Qty: 2, Product SKU: CUP, ...`.
Names may hold commas and colons, so an item is taken apart at the keys, not at the commas.
"""

import re
from collections.abc import Iterator

from pp_pipeline.landing.cells import CellCache
from pp_pipeline.landing.exports.export import Block, Export
from pp_pipeline.landing.exports.shaping import (
    LINE_COLUMNS,
    ORDER_COLUMNS,
    Picker,
    TheirColumns,
    known,
    plain_words,
    sku_or_id,
    to_cents,
    unpack_rows,
)

# The statuses of its admin. `Partially Refunded` says nothing of the shipment: the ship date does.
_STATUSES = {
    "pending": "pending",
    "awaiting payment": "pending",
    "awaiting fulfillment": "processing",
    "awaiting shipment": "processing",
    "awaiting pickup": "processing",
    "partially shipped": "processing",
    "shipped": "shipped",
    "completed": "completed",
    "cancelled": "canceled",
    "declined": "canceled",
    "refunded": "returned",
    "disputed": "hold",
    "manual verification required": "hold",
}
_TAKES = {
    "order_number": ("order id",),
    "ordered_at": ("order date",),
    "ship_date": ("date shipped",),
    "currency": ("order currency code",),
}
_ITEM = ("sku", "product_name", "quantity", "unit_price", "product_id", "product_variation")
_ADDED = ("email", "status", "order_total", "refunded_amount", *_ITEM)
_NO_ITEM = ("",) * len(_ITEM)
_NEXT_ITEM = re.compile(r"\|(?=\s*Product ID:)")
_KEY = re.compile(r"(?:^|,)\s*Product (ID|Qty|SKU|Name|Weight|Variation Details|Unit Price|Total Price):")


def _items(cell: str) -> list[tuple[str, ...]]:
    """The cells of each item; an item without the keys that make a line has a blank SKU."""
    return [_item(text) for text in _NEXT_ITEM.split(cell)]


def _item(text: str) -> tuple[str, ...]:
    pieces = _KEY.split(text)
    values: dict[str, str] = {}
    for key, value in zip(pieces[1::2], pieces[2::2], strict=True):
        values.setdefault(key.lower(), value.strip())
    if "sku" not in values or "qty" not in values:
        return _NO_ITEM
    product_id = values.get("id", "")
    return (
        sku_or_id(values["sku"], product_id),
        values.get("name", ""),
        values["qty"],
        values.get("unit price", ""),
        product_id,
        values.get("variation details", ""),
    )


def _status(word: str, ship_date: str) -> str:
    plain = plain_words(word)
    if plain == "partially refunded":
        return "shipped" if ship_date.strip() else "processing"
    return _STATUSES.get(plain, word)


def _rows(header: list[str], blocks: Iterator[Block]) -> Iterator[Block]:
    columns = TheirColumns(header)
    details = columns.place("product details")
    email, billing_email = columns.place("customer email"), columns.place("billing email")
    status, ship_date = columns.place("order status"), columns.place("date shipped")
    total, refunded = columns.place("order total (inc tax)"), columns.place("refund amount")
    spent = {details, email, total, refunded}
    picker = Picker("bigcommerce", columns, ORDER_COLUMNS + LINE_COLUMNS, _TAKES, _ADDED, spent)
    statuses, amounts = CellCache(lambda words: _status(*words)), to_cents()

    def of_order(order: list[str]) -> tuple[str, ...]:
        return (
            # An order of a guest has its address at the billing address alone.
            known(order[email], order[billing_email]),
            statuses[order[status], order[ship_date]],
            amounts[order[total]],
            amounts[order[refunded]],
        )

    return unpack_rows(picker, blocks, of_order, lambda order: _items(order[details]))


BIGCOMMERCE = Export(
    name="bigcommerce",
    kind="orders",
    description="BigCommerce's order export (Orders > Export, default template), one row per order.",
    files="bigcommerce_orders_{date}.{ext}",
    needs=("Order ID", "Order Date", "Order Status", "Date Shipped", "Customer Email", "Product Details"),
    rows=_rows,
    # As the store is set up; many write 18/05/2026.
    defaults={"dates": "day_first"},
)
