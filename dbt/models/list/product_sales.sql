{#- How the articles sold in the 365 days up to the newest built day, and their places among the best sellers. -#}
{{ config(materialized='table') }}

with sums as (
    select
        merchant,
        sku,
        sum(case when came_back then 0 else 1 end) as order_count,
        sum(case when came_back then 1 else 0 end) as returned_count
    from {{ ref('recent_purchases') }}
    group by merchant, sku
),

articles as (
    select
        products.merchant,
        products.sku,
        products.refill_of,
        products.accessory_of,
        cast(coalesce(sums.order_count, 0) as bigint) as order_count,
        cast(coalesce(sums.returned_count, 0) as bigint) as returned_count,
        -- blank texts are none
        nullif(products.category, '') as category,
        nullif(products.replenish_group, '') as replenish_group,
        coalesce(sums.returned_count <= sums.order_count, true) as is_recommendable,
        coalesce(sums.returned_count <= sums.order_count, false) as is_seller
    from {{ ref('products') }} as products
    left join sums
        on
            products.merchant = sums.merchant
            and products.sku = sums.sku
),

placed as (
    select
        *,
        row_number() over (
            partition by merchant, is_seller order by order_count desc, {{ bytewise('sku') }}
        ) as merchant_place,
        row_number() over (
            partition by merchant, category, is_seller order by order_count desc, {{ bytewise('sku') }}
        ) as category_place
    from articles
)

select
    merchant,
    sku,
    category,
    replenish_group,
    refill_of,
    accessory_of,
    order_count,
    returned_count,
    is_recommendable,
    -- articles that are no sellers have no place
    case when is_seller then merchant_place end as merchant_place,
    case when is_seller and category is not null then category_place end as category_place
from placed
