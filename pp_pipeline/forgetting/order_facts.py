"""Which cells of a forgotten person's row stay: the facts of the order. Everything else is blanked.

The names are those of the shop's own file, since that is what is rewritten.
"""

import re
from collections.abc import Callable, Sequence

from pp_pipeline.landing.exports.export import column_key
from pp_pipeline.landing.exports.shaping import attribute_name
from pp_pipeline.landing.exports.woocommerce import item_without_notes, refunds_without_notes
from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.kinds import KINDS_OF_FEEDS
from pp_pipeline.landing.reading import renamed
from pp_pipeline.landing.words import bare_word

# Of columns that we know: links to one's parcel, and what people write.
_PERSONAL = ("tracking_url", "label_url", "exception", "reason")

_FACTS = {
    "shopify": (
        "name|created at|fulfilled at|cancelled at|financial status|fulfillment status|total|currency|paid at"
        "|refunded amount|lineitem (name|sku|quantity|price|fulfillment status)"
    ),
    "woocommerce_webtoffee": (
        "order_number|order_date|order_total|order_currency|paid_date|status|refund_items|line_item_[0-9]{1,6}"
    ),
    "woocommerce_items": (
        "order number|order date|currency|name|item name|category|quantity|quantity \\(- refund\\)|paid date"
        "|order status|order total amount|order refund amount|item cost|sku"
    ),
    "bigcommerce": (
        "order id|order date|date shipped|order currency code|order status|order total \\(inc tax\\)|refund amount"
        "|product details"
    ),
    "listrak_orders": "ordernumber|alternateordernumber|dateentered|ordertotal|shipdate|status",
    "listrak_order_items": (
        "ordernumber|alternateordernumber|sku|quantity|status|shipdate|price|discountedprice"
    ),
    "magento_grid": "id|purchase date|status|grand total \\(purchased\\)|total refunded",
    "magento_lines": (
        "increment_id|sku|name|shipment_created_at|qty_ordered|price|qty_shipped|qty_refunded|qty_canceled"
    ),
}  # fmt: skip
_CLEANERS: dict[str, tuple[tuple[str, Callable[[str], str]], ...]] = {
    "woocommerce_webtoffee": (
        ("refund_items", refunds_without_notes),
        ("line_item_[0-9]{1,6}", item_without_notes),
    )
}


def kept_cells(feed: Feed, header: Sequence[str]) -> dict[int, Callable[[str], str]]:
    """The places of the cells that stay, each with what is left of its text.

    Args:
        feed: whose file it is.
        header: of the file as it is, before any export is unpacked.
    """
    kind = KINDS_OF_FEEDS[feed.kind]
    if kind.drops_forgotten:
        ours = {"merchant"}
    else:
        ours = {column.name for column in kind.columns if column.type != "order_contact"} - set(_PERSONAL)
    if feed.export == "plain":
        return {place: _as_it_is for place, name in enumerate(renamed(header, feed.columns)) if name in ours}
    facts, cleaners = re.compile(_FACTS[feed.export]), _CLEANERS.get(feed.export, ())
    theirs = {bare_word(name): declared for declared, name in feed.columns.items()}
    kept = {}
    for place, name in enumerate(header):
        attribute = attribute_name(name)
        if facts.fullmatch(column_key(name)) or theirs.get(bare_word(attribute), attribute) in ours:
            cleaner = next((clean for pattern, clean in cleaners if re.fullmatch(pattern, column_key(name))), _as_it_is)
            kept[place] = cleaner
    return kept


def _as_it_is(text: str) -> str:
    return text
