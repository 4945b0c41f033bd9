{#- What to recommend to those who bought an article, the 10 best, as of the newest built day: what the product file
    names as its refills and accessories, what was bought with it, then what sells best in its category, then at all. -#}
{{ config(
    materialized='table',
    indexes=[{'columns': ['merchant', 'sku']}] if target.type == 'postgres' else [],
) }}

with articles as (
    select * from {{ ref('product_sales') }}
),

bought as (
    select *
    from articles
    where order_count + returned_count > 0
),

named as (
    {%- for reason in ['refill', 'accessory'] %}
    select
        bought.merchant,
        bought.sku,
        other.sku as other_sku,
        {{ reason_place(reason) }} as reason,
        other.order_count as score
    from bought
    inner join articles as other on bought.merchant = other.merchant and bought.sku = other.{{ reason }}_of
    union all
    {%- endfor %}
    select
        merchant,
        sku,
        other_sku,
        {{ reason_place('bought_together') }} as reason,
        score
    from {{ ref('product_pairs') }}
    {%- for reason, same, place in [('category', 'and bought.category = other.category', 'category_place'),
                                    ('best_seller', '', 'merchant_place')] %}
    union all
    select
        bought.merchant,
        bought.sku,
        other.sku as other_sku,
        {{ reason_place(reason) }} as reason,
        other.order_count as score
    from bought
    inner join articles as other on bought.merchant = other.merchant {{ same }} and other.{{ place }} <= 30
    {%- endfor %}
),

best_reasons as (
    select
        named.*,
        row_number() over (
            partition by named.merchant, named.sku, named.other_sku order by named.reason
        ) as reason_turn
    from named
    inner join articles as bought_one
        on named.merchant = bought_one.merchant and named.sku = bought_one.sku
    inner join articles as other
        on named.merchant = other.merchant and named.other_sku = other.sku
    where
        named.sku <> named.other_sku
        and other.is_recommendable
        -- the other sizes of what a contact has just bought are no news; its refill is
        and (
            named.reason = {{ reason_place('refill') }}
            or coalesce(bought_one.replenish_group <> other.replenish_group, true)
        )
),

ranked as (
    select
        *,
        row_number() over (
            partition by merchant, sku order by reason, score desc, {{ bytewise('other_sku') }}
        ) as place
    from best_reasons
    where reason_turn = 1
)

select
    merchant,
    sku,
    cast(place as integer) as rank,
    other_sku as recommended_sku,
    case reason
        {%- for reason in recommendation_reasons() %}
        when {{ loop.index }} then {{ text(reason) }}
        {%- endfor %}
    end as why,
    cast(score as bigint) as score
from ranked
where place <= 10
