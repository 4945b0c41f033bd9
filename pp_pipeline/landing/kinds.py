"""All kinds of feeds, by name."""

from pp_pipeline.landing.feed_columns import FeedKind
from pp_pipeline.landing.order_kinds import ORDER_HEADERS, ORDER_LINES, ORDERS
from pp_pipeline.landing.other_kinds import (
    CONTACTS,
    FEEDBACK,
    PAYMENTS,
    PRODUCTS,
    RETURNS,
    SHIPMENTS,
    SUPPRESSIONS,
)

KINDS_OF_FEEDS: dict[str, FeedKind] = {
    kind.kind: kind
    for kind in (
        ORDERS, ORDER_HEADERS, ORDER_LINES, CONTACTS, PRODUCTS, SHIPMENTS, RETURNS, PAYMENTS, FEEDBACK, SUPPRESSIONS,
    )
}  # fmt: skip
