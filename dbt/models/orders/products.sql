{#- Every article that a product file or an order knows, as of the newest built day. A view, as the Post Purchase list
    is: no daily run rewrites the whole catalogue. -#}
{{ config(materialized='view', meta={'reads_history_of': ['order_lines', 'order_file_rows']}) }}

with newest as (
    select max(day) as as_of from {{ source('landing', 'landed_days') }}
),

product_rows as (
    select
        stated.*,
        -- a row replaces the product's former one as a whole; of one day's the last by file name and line counts
        row_number() over (
            partition by stated.merchant, stated.sku
            order by stated.file_date desc, {{ bytewise('stated.feed_file') }} desc, stated.feed_line desc
        ) as recency
    from {{ source('landing', 'product_rows') }} as stated
    inner join newest on stated.file_date <= newest.as_of
),

-- articles that orders know and no product file does: the newest line says what is known of them
ordered as (
    select
        lines.merchant,
        lines.sku,
        lines.product_name,
        lines.category,
        lines.known_on,
        row_number() over (
            partition by lines.merchant, lines.sku
            order by lines.known_on desc, {{ bytewise('lines.order_number') }} desc, lines.line desc
        ) as recency
    from {{ ref('order_lines') }} as lines
    inner join newest on lines.known_on <= newest.as_of
    left join product_rows
        on
            lines.merchant = product_rows.merchant
            and lines.sku = product_rows.sku
            and product_rows.recency = 1
    where
        lines.sku is not null
        and product_rows.sku is null
)

select
    merchant,
    sku,
    name,
    category,
    url,
    image,
    price_cents,
    supply_days,
    replenish_group,
    refill_of,
    accessory_of,
    how_to_url,
    care_url,
    attributes,
    file_date as known_on,
    false as is_placeholder
from product_rows
where recency = 1
union all
select
    merchant,
    sku,
    product_name as name,
    category,
    cast(null as {{ dbt.type_string() }}) as url,
    cast(null as {{ dbt.type_string() }}) as image,
    cast(null as bigint) as price_cents,
    cast(null as bigint) as supply_days,
    cast(null as {{ dbt.type_string() }}) as replenish_group,
    cast(null as {{ dbt.type_string() }}) as refill_of,
    cast(null as {{ dbt.type_string() }}) as accessory_of,
    cast(null as {{ dbt.type_string() }}) as how_to_url,
    cast(null as {{ dbt.type_string() }}) as care_url,
    '{}' as attributes,
    known_on,
    true as is_placeholder
from ordered
where recency = 1
