{#- How the articles sold in the 365 days up to the newest built day, their places among the best sellers, and what
    messages show of them: `products` is a view, and too slow to be asked for a few. -#}
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
        products.price_cents,
        -- blank texts are none
        nullif(trim(products.name), '') as name,
        nullif(products.category, '') as category,
        nullif(products.replenish_group, '') as replenish_group,
        nullif(products.url, '') as url,
        nullif(products.image, '') as image,
        nullif(products.how_to_url, '') as how_to_url,
        nullif(products.care_url, '') as care_url,
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
    name,
    category,
    url,
    image,
    price_cents,
    how_to_url,
    care_url,
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
