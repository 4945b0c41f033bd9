"""The kinds of feeds that hold orders and their lines."""

from dataclasses import replace

from pp_pipeline.landing.feed_columns import MERCHANT, ORDER_NUMBER, FeedKind, column

_ORDER_FIELDS = (
    MERCHANT,
    ORDER_NUMBER,
    column(
        "email",
        "order_contact",
        "The shopper's address. Blank or invalid: the order is kept, without a contact, and counted as such.",
        may_be_absent=False,
        stored=("contact_key", "email", "email_as_given", "is_eligible"),
    ),
    column(
        "ordered_at",
        "instant",
        "When it was ordered: ISO 8601, or as the feed declares. Without an offset it is the feed's time; a date is "
        "midnight.",
        may_be_blank=False,
        may_be_absent=False,
        stored=("ordered_at", "ordered_on"),
    ),
)
_ORDER_AMOUNTS = (
    column("order_total", "money", "Total of the order; blank is not known.", may_be_absent=False,
            stored=("total_cents",)),
    column("currency", "currency", "Three letters such as USD; blank is the merchant's currency.",
            may_be_absent=False),
    column("refunded_amount", "refund", "Given back of the whole order so far.", stored=("refunded_cents",)),
    column("delivered_date", "day", "When it was delivered; blank is not known.", stored=("delivered_on",)),
    column("paid_at", "instant", "When it was paid; blank is not known.", stored=("paid_at", "paid_on")),
)  # fmt: skip
_STATUS_WORDS = (
    "One of not_set, misc, pre_order, back_order, pending, hold, processing, shipped, completed, returned, canceled, "
    "unknown, closed, in any common spelling, or Listrak's number 0 to 11, or a word that the feed maps"
)
_LINES = (
    column("sku", "identifier", "The article: one line of at most 100 characters.", rule="is_a_sku",
            may_be_blank=False, may_be_absent=False),
    column("product_name", "text", "Name of the article.", may_be_absent=False),
    column("category", "text", "Category of the article.", may_be_absent=False),
    column("quantity", "quantity", "Pieces: a whole number; blank is 1.", may_be_absent=False),
    column("unit_price", "money", "Price of one piece; blank is not known.", may_be_absent=False,
            stored=("unit_price_cents",)),
    column("line_status", "line_status", "Status of the line; blank is the order's."),
    column("line_ship_date", "day", "When the line was shipped; blank is the order's."),
    column("returned_quantity", "integer", "Pieces of the line that came back."),
)  # fmt: skip

ORDERS = FeedKind(
    "orders",
    "order_file_rows",
    "Orders, one row per order line, the order's fields repeated.",
    (
        *_ORDER_FIELDS,
        column("ship_date", "day", "When it was shipped, or blank: not known.", may_be_absent=False),
        column("status", "status", f"{_STATUS_WORDS}; blank is not_set.", may_be_absent=False),
        *_ORDER_AMOUNTS,
        *_LINES,
    ),
)
ORDER_HEADERS = FeedKind(
    "order_headers",
    "order_file_rows",
    "Orders without their lines, which stand in a file of order_lines of the same day.",
    (
        *_ORDER_FIELDS,
        column("ship_date", "day", "When it was shipped; blank or absent: when the last of its lines was."),
        column("status", "line_status", f"{_STATUS_WORDS}; blank or absent: it follows from the lines."),
        *_ORDER_AMOUNTS,
    ),
)
ORDER_LINES = FeedKind(
    "order_lines",
    "order_line_file_rows",
    "The lines of orders whose other fields stand in a file of order_headers of the same day.",
    (
        MERCHANT,
        ORDER_NUMBER,
        *(one if one.name == "sku" else replace(one, may_be_absent=True) for one in _LINES),
    ),
)
