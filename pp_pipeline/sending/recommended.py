"""Articles to recommend, put into the messages that show them (docs/recommendations.md)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TypeGuard

from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.contents import Content
from pp_pipeline.sending.plan import BatchId
from pp_pipeline.sending.planned import Planned, PlannedMessage, RecommendedProduct
from pp_pipeline.sending.recommending import Recommendation, Wanted, recommend
from pp_pipeline.warehouse import Connection


def add_recommendations(
    connection: Connection,
    contents: Mapping[BatchId, Content],
    showing: Collection[tuple[str, str]],
    merchants: Mapping[str, Merchant],
    today: date,
) -> None:
    """Fill `recommended` of the messages in some contents, all with one query.

    Args:
        contents: what batches deliver; changed in place.
        showing: conversation and template of the commercial messages that show recommendations; the others get
            none (DESIGN 5: a transactional message may carry none).
        today: what contacts bought up to this day counts.
    """

    def is_showing(item: Planned) -> TypeGuard[PlannedMessage]:
        return isinstance(item, PlannedMessage) and (item.conversation, item.template) in showing

    of_messages = [content for batch, content in contents.items() if batch.merchant in merchants]
    messages = [item for content in of_messages for item in content.items if is_showing(item)]
    products = recommended_products(connection, [_wanted(each) for each in messages], merchants, today)
    for content in of_messages:
        content.items = [
            replace(item, recommended=products.get(_wanted(item), ())) if is_showing(item) else item
            for item in content.items
        ]


def recommended_products(
    connection: Connection, wanted: Sequence[Wanted], merchants: Mapping[str, Merchant], today: date
) -> dict[Wanted, tuple[RecommendedProduct, ...]]:
    """What to recommend, as templates see it; nothing where it was not built since `product_sales` has names.

    Prices of the products feed are in the merchant's currency.
    """
    if not (wanted and connection.table_exists("recommendations") and "name" in connection.columns("product_sales")):
        return {}
    return {
        one: tuple(_product(each, merchants[one.merchant].currency) for each in found)
        for one, found in recommend(connection, wanted, today).items()
    }


def _wanted(message: PlannedMessage) -> Wanted:
    return Wanted(message.merchant, message.order_number or "", message.contact_key)


def _product(found: Recommendation, currency: str) -> RecommendedProduct:
    return RecommendedProduct(
        sku=found.sku,
        name=found.name,
        category=found.category,
        url=found.url,
        image_url=found.image,
        price_cents=found.price_cents,
        currency=currency,
        why=found.why,
    )
