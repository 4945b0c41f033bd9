"""The exports of shops that are understood, by name. See docs/exports.md for what each column becomes."""

from pp_pipeline.landing.exports.bigcommerce import BIGCOMMERCE
from pp_pipeline.landing.exports.export import Export
from pp_pipeline.landing.exports.listrak import LISTRAK_ORDER_ITEMS, LISTRAK_ORDERS
from pp_pipeline.landing.exports.magento import MAGENTO_GRID, MAGENTO_LINES
from pp_pipeline.landing.exports.plain import PLAIN
from pp_pipeline.landing.exports.shopify import SHOPIFY
from pp_pipeline.landing.exports.woocommerce import WOOCOMMERCE_ITEMS, WOOCOMMERCE_WEBTOFFEE

__all__ = ["EXPORTS", "Export"]

EXPORTS: dict[str, Export] = {
    export.name: export
    for export in (
        PLAIN,
        LISTRAK_ORDERS,
        LISTRAK_ORDER_ITEMS,
        SHOPIFY,
        WOOCOMMERCE_WEBTOFFEE,
        WOOCOMMERCE_ITEMS,
        BIGCOMMERCE,
        MAGENTO_GRID,
        MAGENTO_LINES,
    )
}
