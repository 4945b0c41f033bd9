"""WooCommerce, which exports no orders by itself: the shapes of two plug-ins.

WebToffee's order export has one row per order and its lines in cells (`line_item_1`, `line_item_2`, ...),
each `name:Cup|product_id:24|sku:CUP|quantity:2|total:9.00|sub_total:10.00|...`. Advanced Order Export has one
row per item. Neither knows a ship date.
"""

import re
from collections.abc import Iterator
from decimal import Decimal

from pp_pipeline.landing.cells import CellCache
from pp_pipeline.landing.exports.export import Block, Export
from pp_pipeline.landing.exports.shaping import (
    LINE_COLUMNS,
    ORDER_COLUMNS,
    Picker,
    TheirColumns,
    known,
    pick_rows,
    read_amount,
    read_whole,
    sku_or,
    sku_or_id,
    to_cents,
    translation,
    unpack_rows,
    write_amount,
)

_STATUSES = {
    "pending": "pending",
    "pending payment": "pending",
    "processing": "processing",
    "on hold": "hold",
    "completed": "completed",
    "cancelled": "canceled",
    "refunded": "returned",  # set by itself when all of the order was refunded
    "failed": "canceled",  # the payment was declined: nothing was bought
    "trash": "canceled",  # the shop threw the order away; it must not go on waiting for a message
}
_STATUSES |= {f"wc {word}": ours for word, ours in _STATUSES.items()}  # as the database has them: `wc-on-hold`

_WEBTOFFEE_TAKES = {
    "order_number": ("order_number",),
    "ordered_at": ("order_date",),
    "order_total": ("order_total",),
    "currency": ("order_currency",),
    "paid_at": ("paid_date",),
}
_ITEM = ("sku", "product_name", "quantity", "unit_price", "line_status", "product_id")
_WEBTOFFEE_ADDED = ("email", "status", "refunded_amount", *_ITEM)
_NO_ITEM = ("",) * len(_ITEM)
_LINE_KEY = re.compile(r"(?:^|\|)(name|product_id|sku|quantity|total|sub_total|refunded):")
_TEXTS = ("name", "sku")
_REFUND = re.compile(r"(?:^|;)amount:([^|;]*)")

_ITEMS_TAKES = {
    "order_number": ("order number",),
    "email": ("email (billing)",),
    "ordered_at": ("order date",),
    "currency": ("currency",),
    "product_name": ("name", "item name"),
    "category": ("category",),
    "quantity": ("quantity",),
    "paid_at": ("paid date",),
}


def _webtoffee_rows(header: list[str], blocks: Iterator[Block]) -> Iterator[Block]:
    columns = TheirColumns(header)
    packed = columns.numbered(r"line_item_([0-9]{1,6})")
    email, account_email = columns.place("billing_email"), columns.place("customer_email")
    status, refunds = columns.place("status"), columns.place("refund_items")
    always, spent = ORDER_COLUMNS + LINE_COLUMNS, {*packed, email}
    picker = Picker("woocommerce_webtoffee", columns, always, _WEBTOFFEE_TAKES, _WEBTOFFEE_ADDED, spent)
    statuses, refunded = translation(_STATUSES), CellCache(_refunded)

    def of_order(order: list[str]) -> tuple[str, ...]:
        return (
            # A guest has no account; an order that the shop typed in may have no billing address.
            known(order[email], order[account_email]),
            statuses[order[status]],
            refunded[order[refunds]],
        )

    def items(order: list[str]) -> list[tuple[str, ...]]:
        return [_item(cell) for place in packed if (cell := order[place].strip())] or [_NO_ITEM]

    return unpack_rows(picker, blocks, of_order, items)


def _item(cell: str) -> tuple[str, ...]:
    """The cells of one line; the price is that of a piece before coupons, the line total divided by pieces."""
    pieces = _LINE_KEY.split(cell)
    values: dict[str, str] = {}
    for key, value in zip(pieces[1::2], pieces[2::2], strict=True):
        # Behind a number stand further keys, which plug-ins add; a name may hold a `|` itself.
        values.setdefault(key, value if key in _TEXTS else value.partition("|")[0])
    if "sku" not in values or "quantity" not in values:
        return _NO_ITEM
    total, refunded = read_amount(values.get("total", "")), read_amount(values.get("refunded", ""))
    is_returned = bool(total and refunded and refunded >= total)
    product_id = values.get("product_id", "")
    return (
        sku_or_id(values["sku"], product_id),
        values.get("name", ""),
        values["quantity"],
        _price_of_one(values.get("sub_total") or values.get("total", ""), values["quantity"]),
        "returned" if is_returned else "",
        product_id,
    )


def item_without_notes(cell: str) -> str:
    """A line's cell with the keys alone that are read here: plug-ins add others, such as what a gift card says."""
    pieces = _LINE_KEY.split(cell)
    pairs = zip(pieces[1::2], pieces[2::2], strict=True)
    return "|".join(f"{key}:{text if key in _TEXTS else text.partition('|')[0]}" for key, text in pairs)


def refunds_without_notes(cell: str) -> str:
    """A cell of refunds with its amounts alone, or nothing where it is not of that form."""
    return ";".join(f"amount:{amount}" for amount in _REFUND.findall(cell))


def _price_of_one(line_total: str, quantity: str) -> str:
    amount, pieces = read_amount(line_total), read_whole(quantity)
    return write_amount(amount / pieces) if amount is not None and pieces else line_total


def _refunded(cell: str) -> str:
    """The sum of `amount:5.00|reason:...|date:...;amount:...`; a cell that is not of that form stays."""
    if not cell.strip():
        return ""
    amounts = [read_amount(text) for text in _REFUND.findall(cell)]
    if not amounts or None in amounts:
        return cell
    return write_amount(sum((amount for amount in amounts if amount is not None), Decimal()))


def _item_rows(header: list[str], blocks: Iterator[Block]) -> Iterator[Block]:
    columns = TheirColumns(header)
    ordered, left = columns.place("quantity"), columns.place("quantity (- refund)")
    returns = ("returned_quantity", "line_status") if columns.has("quantity (- refund)") else ()
    added = ("status", "order_total", "refunded_amount", "sku", "unit_price", *returns)
    status, total = columns.place("order status"), columns.place("order total amount")
    refunded, price = columns.place("order refund amount"), columns.place("item cost")
    sku, name = columns.place("sku"), columns.place("name", "item name")
    spent = {total, refunded, price, sku}
    picker = Picker("woocommerce_items", columns, ORDER_COLUMNS + LINE_COLUMNS, _ITEMS_TAKES, added, spent)
    statuses, amounts = translation(_STATUSES), to_cents()
    returned = CellCache(lambda quantities: _returned(*quantities))

    def compute(row: list[str]) -> tuple[str, ...]:
        return (
            statuses[row[status]],
            amounts[row[total]],
            amounts[row[refunded]],
            sku_or(row[sku], row[name]),
            amounts[row[price]],
            *returned[row[ordered], row[left]],
        )

    return pick_rows(picker, blocks, compute)


def _returned(ordered: str, left: str) -> tuple[str, str]:
    """Returned pieces and the line's status. What is no number stays, for the gate to judge."""
    pieces, kept = read_whole(ordered), read_whole(left)
    if pieces is None or kept is None:
        return left, ""
    return str(pieces - kept), "returned" if pieces > 0 and kept <= 0 else ""


WOOCOMMERCE_WEBTOFFEE = Export(
    name="woocommerce_webtoffee",
    kind="orders",
    description="WooCommerce orders as WebToffee's order export writes them, one row per order.",
    files="order_export_{date}*.csv",
    needs=("order_number", "order_date", "status", "billing_email", "line_item_1"),
    rows=_webtoffee_rows,
    defaults={"delimiter": "auto"},
)
WOOCOMMERCE_ITEMS = Export(
    name="woocommerce_items",
    kind="orders",
    description="WooCommerce orders as Advanced Order Export writes them, one row per item, with refunds.",
    files="woocommerce_items_{date}*.csv",
    needs=("Order Number", "Order Status", "Order Date", "Email (Billing)", "SKU", "Quantity"),
    rows=_item_rows,
    defaults={"delimiter": "auto"},
)
