"""What to recommend to a contact after an order, for many messages at once (docs/recommendations.md).

The table `recommendations` says what goes with each article. Here it is put together for one order and person: what
goes with the articles of the order, and with what the contact bought earlier in the year; never what it bought lately
or ever returned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Literal, get_args

from pp_pipeline.warehouse import Connection

Reason = Literal["refill", "accessory", "bought_again", "bought_together", "category", "best_seller"]
"""Why an article is recommended, the strongest reason first; `bought_again` alone is not of the article bought but of
the person: bought before, not lately, and one that contacts come back for within 30 days."""

AT_MOST = 4
NOT_AGAIN_DAYS = 90
_YEAR_DAYS = 365
_FALLBACK_PLACES = 50
_TABLE = "wanted_recommendations"
_COLUMNS = ("merchant", "order_number", "contact_key")


@dataclass(frozen=True, order=True)
class Wanted:
    """For whom, and after which order, something is to be recommended. The order need not be known."""

    merchant: str
    order_number: str
    contact_key: str


@dataclass(frozen=True)
class Recommendation:
    """An article to recommend, with what `products` says of it; what that does not say is None.

    Attributes:
        why: the strongest reason for it.
        score: of `bought_together` the sum over the articles that it goes with, in millionths; else orders that
            it sold in. Says nothing across reasons.
    """

    sku: str
    why: Reason
    score: int
    name: str
    category: str | None
    url: str | None
    image: str | None
    price_cents: int | None


def recommend(
    connection: Connection,
    wanted: Sequence[Wanted],
    today: date,
    at_most: int = AT_MOST,
    not_again_days: int = NOT_AGAIN_DAYS,
) -> dict[Wanted, tuple[Recommendation, ...]]:
    """What to recommend in each of the messages, the best first: one query however many there are.

    For commercial messages alone: a transactional message may carry no recommendations (DESIGN 5).

    Refills and accessories of the order's articles come first; then what the contact bought earlier in the year and
    contacts come back for; then what is bought with the articles and with those earlier ones; then what sells best in
    their categories, then the merchant's best sellers. Left out are the order's articles and their other sizes, what
    the contact bought in the last `not_again_days` days up to `today`, what it ever returned, and articles without a
    name: nothing could be shown of them. Orders count as they are known today. Equal questions get equal answers.

    Args:
        connection: a warehouse in which the model `recommendations` and what it reads are built.
        wanted: whom to recommend to; the same one twice is one.
        at_most: so many articles for each, fewer where nothing else is left.

    Returns: an entry for each of `wanted`, empty for a merchant that sold nothing in the year.
    """
    import pandas

    found: dict[Wanted, list[Recommendation]] = {each: [] for each in wanted}
    connection.execute(f"drop table if exists {_TABLE}")
    connection.execute(f"create temporary table {_TABLE} ({', '.join(f'{column} text' for column in _COLUMNS)})")
    rows = [(each.merchant, each.order_number, each.contact_key) for each in found]
    connection.insert(_TABLE, pandas.DataFrame(rows, columns=list(_COLUMNS)))
    if connection.dialect == "postgres":
        connection.execute(f"analyze {_TABLE}")
    days = (today, today, today - timedelta(days=not_again_days), today - timedelta(days=_YEAR_DAYS), today)
    rows = connection.rows(_query(connection.dialect), (*days, at_most))
    for merchant, number, contact_key, sku, reason, score, *known in rows:
        recommended = Recommendation(sku, get_args(Reason)[reason - 1], int(score), *known)
        found[Wanted(merchant, number, contact_key)].append(recommended)
    connection.execute(f"drop table {_TABLE}")
    return {each: tuple(recommendations) for each, recommendations in found.items()}


@cache
def _query(dialect: str) -> str:
    """The query, with the parameters today (twice), the day after which nothing is recommended again, the day after
    which purchases speak for others, today, and the number of articles."""
    bytewise = ' collate "C"' if dialect == "postgres" else ""
    reasons = " ".join(f"when '{reason}' then {place}" for place, reason in enumerate(get_args(Reason), start=1))
    again, together, best_seller = (
        get_args(Reason).index(reason) + 1 for reason in ("bought_again", "bought_together", "best_seller")
    )
    return f"""
    with contacts as (select distinct merchant, contact_key from {_TABLE}),

    contact_orders as (
        select distinct versions.order_id
        from order_versions as versions
        inner join contacts
            on versions.merchant = contacts.merchant and versions.contact_key = contacts.contact_key
        union
        select distinct versions.order_id
        from order_versions as versions
        inner join {_TABLE} as wanted
            on versions.merchant = wanted.merchant and versions.order_number = wanted.order_number
    ),

    versions as (
        select *, row_number() over (partition by order_id order by known_on desc) as place
        from order_versions
        where order_id in (select order_id from contact_orders) and known_on <= ?
    ),

    bought as (
        select
            versions.merchant, versions.contact_key, versions.order_number, versions.ordered_on, lines.sku,
            versions.is_eligible,
            versions.status = 'canceled' or lines.status = 'canceled' as is_canceled,
            versions.status = 'returned' or lines.status = 'returned' or exists (
                select 1 from return_rows as returns
                where
                    returns.merchant = versions.merchant and returns.order_number = versions.order_number
                    and returns.file_date <= ?
                    and (returns.sku is null or returns.sku = lines.sku)
                    and (returns.line is null or returns.line = lines.line)
            ) as came_back
        from versions
        inner join order_lines as lines on versions.version_id = lines.version_id
        where versions.place = 1 and lines.sku is not null
    ),

    own as (
        select distinct wanted.merchant, wanted.order_number, wanted.contact_key, bought.sku
        from {_TABLE} as wanted
        inner join bought on wanted.merchant = bought.merchant and wanted.order_number = bought.order_number
    ),

    own_groups as (
        select distinct own.merchant, own.order_number, own.contact_key, sales.replenish_group
        from own
        inner join product_sales as sales on own.merchant = sales.merchant and own.sku = sales.sku
        where sales.replenish_group is not null
    ),

    not_again as (
        select distinct merchant, contact_key, sku
        from bought
        where contact_key is not null and (came_back or (ordered_on > ? and not is_canceled))
    ),

    earlier as (
        select distinct wanted.merchant, wanted.order_number, wanted.contact_key, bought.sku
        from {_TABLE} as wanted
        inner join bought on wanted.merchant = bought.merchant and wanted.contact_key = bought.contact_key
        where
            bought.ordered_on > ? and bought.ordered_on <= ?
            and bought.is_eligible and not bought.is_canceled and not bought.came_back
    ),

    sources as (
        select merchant, order_number, contact_key, sku, true as is_own from own
        union all
        select merchant, order_number, contact_key, sku, false from (
            select * from earlier
            except
            select * from own
        ) as earlier_alone
    ),

    candidates as (
        select
            sources.merchant, sources.order_number, sources.contact_key, told.recommended_sku as sku, told.score,
            case told.why {reasons} end as reason
        from sources
        inner join recommendations as told on sources.merchant = told.merchant and sources.sku = told.sku
        where sources.is_own or told.why = 'bought_together'
        union all
        select earlier.merchant, earlier.order_number, earlier.contact_key, pairs.sku, pairs.score, {again}
        from earlier
        inner join product_pairs as pairs
            on earlier.merchant = pairs.merchant and earlier.sku = pairs.sku and pairs.other_sku = pairs.sku
        union all
        select wanted.merchant, wanted.order_number, wanted.contact_key, sales.sku, sales.order_count, {best_seller}
        from {_TABLE} as wanted
        inner join product_sales as sales on wanted.merchant = sales.merchant
        where sales.merchant_place <= {_FALLBACK_PLACES}
    ),

    best_reasons as (
        select *, min(reason) over (partition by merchant, order_number, contact_key, sku) as best_reason
        from candidates
    ),

    merged as (
        select
            merchant, order_number, contact_key, sku, reason,
            case when reason = {together} then sum(score) else max(score) end as score
        from best_reasons
        where reason = best_reason
        group by merchant, order_number, contact_key, sku, reason
    ),

    allowed as (
        select merged.*, sales.name, sales.category, sales.url, sales.image, sales.price_cents
        from merged
        inner join product_sales as sales on merged.merchant = sales.merchant and merged.sku = sales.sku
        left join own
            on merged.merchant = own.merchant and merged.order_number = own.order_number
            and merged.contact_key = own.contact_key and merged.sku = own.sku
        left join own_groups
            on merged.merchant = own_groups.merchant and merged.order_number = own_groups.order_number
            and merged.contact_key = own_groups.contact_key and sales.replenish_group = own_groups.replenish_group
            and merged.reason > 1
        left join not_again
            on merged.merchant = not_again.merchant and merged.contact_key = not_again.contact_key
            and merged.sku = not_again.sku
        where
            sales.name is not null
            and own.sku is null and own_groups.replenish_group is null and not_again.sku is null
    ),

    placed as (
        select *, row_number() over (
            partition by merchant, order_number, contact_key order by reason, score desc, sku{bytewise}
        ) as place
        from allowed
    )

    select merchant, order_number, contact_key, sku, reason, score, name, category, url, image, price_cents
    from placed
    where place <= ?
    order by merchant, order_number, contact_key, place
    """
