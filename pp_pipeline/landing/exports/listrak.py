"""Listrak's pair of order files: one of order headers, one of order items, joined on the order number.

The names are those of its file import in lower case; the API's names (`orderNumber`, `dateEntered`) are the
same but for case. Statuses stay as they are: the row reader knows Listrak's words and numbers.
"""

from collections.abc import Iterator

from pp_pipeline.landing.exports.export import Block, Export
from pp_pipeline.landing.exports.shaping import LINE_COLUMNS, Picker, TheirColumns, known, pick_rows

# `status` and `ship_date` follow from the items; a file that states them all the same is believed.
_HEADER_COLUMNS = ("order_number", "email", "ordered_at", "order_total", "currency")
_HEADER_TAKES = {
    "email": ("email",),
    "ordered_at": ("dateentered",),
    "order_total": ("ordertotal",),
    "ship_date": ("shipdate",),
    "status": ("status",),
    "source": ("source",),
}
_ITEM_COLUMNS = ("order_number", *LINE_COLUMNS, "line_status", "line_ship_date", "returned_quantity")
_ITEM_TAKES = {
    "sku": ("sku",),
    "quantity": ("quantity",),
    "line_status": ("status",),
    "line_ship_date": ("shipdate",),
}


def _order_rows(header: list[str], blocks: Iterator[Block]) -> Iterator[Block]:
    columns = TheirColumns(header)
    number, alternate = _number_places(columns)
    picker = Picker("listrak_orders", columns, _HEADER_COLUMNS, _HEADER_TAKES, ("order_number",), {number})

    def compute(row: list[str]) -> tuple[str, ...]:
        return (known(row[number], row[alternate]),)

    return pick_rows(picker, blocks, compute)


def _item_rows(header: list[str], blocks: Iterator[Block]) -> Iterator[Block]:
    columns = TheirColumns(header)
    number, alternate = _number_places(columns)
    price, discounted = columns.place("price"), columns.place("discountedprice")
    added = ("order_number", "unit_price")
    picker = Picker("listrak_order_items", columns, _ITEM_COLUMNS, _ITEM_TAKES, added, {number, price})

    def compute(row: list[str]) -> tuple[str, ...]:
        return known(row[number], row[alternate]), known(row[price], row[discounted])

    return pick_rows(picker, blocks, compute)


def _number_places(columns: TheirColumns) -> tuple[int, int]:
    """Places of the order number and of what stands in for a blank one."""
    return columns.place("ordernumber"), columns.place("alternateordernumber")


LISTRAK_ORDERS = Export(
    name="listrak_orders",
    kind="order_headers",
    description="Order headers in the shape of Listrak's order import file; the items come in another file.",
    files="Listrak_Order_Feed_{date}.{ext}",
    needs=("ordernumber", "dateentered", "email"),
    rows=_order_rows,
    defaults={"delimiter": "auto"},
)
LISTRAK_ORDER_ITEMS = Export(
    name="listrak_order_items",
    kind="order_lines",
    description="Order items in the shape of Listrak's order item import file.",
    files="Listrak_OrderItem_Feed_{date}.{ext}",
    needs=("ordernumber", "sku", "status"),
    rows=_item_rows,
    defaults={"delimiter": "auto"},
)
