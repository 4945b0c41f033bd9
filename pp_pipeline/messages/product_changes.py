"""When the products feed last said something new of articles: texts about them may have grown old since."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date

from pp_pipeline.sending.plan import marks
from pp_pipeline.warehouse import Connection

_FACTS = (
    "name", "category", "url", "image", "supply_days", "replenish_group", "refill_of", "accessory_of", "how_to_url",
    "care_url", "attributes",
)  # fmt: skip
"""What a text may speak of. Not the price: it changes often, and no text should name it."""


@dataclass(frozen=True)
class ProductChanges:
    """The file dates of the newest changes, by SKU and by category, at any merchant; a new article is a change."""

    by_sku: dict[str, date] = field(default_factory=dict)
    by_category: dict[str, date] = field(default_factory=dict)


def read_product_changes(connection: Connection, skus: Collection[str], categories: Collection[str]) -> ProductChanges:
    """The newest changes of some articles, and of any article of some categories.

    A feed that states every article anew each day changes nothing by that.
    """
    if not (skus or categories) or not connection.table_exists("product_rows"):
        return ProductChanges()
    bytewise = 'feed_file collate "C"' if connection.dialect == "postgres" else "feed_file"
    facts = ", ".join(f"coalesce(cast({name} as text), '')" for name in _FACTS)
    # of categories all rows of an article, also those in which it stood elsewhere
    wanted = f"""
        sku in ({marks(skus) or "null"})
        or sku in (select sku from product_rows where category in ({marks(categories) or "null"}))
    """
    sql = f"""
        with stated as (
            select
                merchant, sku, category, file_date,
                concat_ws(chr(31), {facts}) as facts,
                row_number() over (
                    partition by merchant, sku, file_date order by {bytewise} desc, feed_line desc
                ) as recency
            from product_rows
            where {wanted}
        ),
        followed as (
            select *, lag(facts) over (partition by merchant, sku order by file_date) as facts_before
            from stated
            where recency = 1
        )
        select sku, category, max(file_date)
        from followed
        where facts_before is null or facts <> facts_before
        group by sku, category
    """
    changes = ProductChanges()
    for sku, category, changed_on in connection.rows(sql, [*skus, *categories]):
        for found, name, wanted in ((changes.by_sku, sku, skus), (changes.by_category, category, categories)):
            if name in wanted:
                found[name] = max(changed_on, found.get(name, changed_on))
    return changes
