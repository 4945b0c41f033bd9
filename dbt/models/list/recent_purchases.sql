{#- What contacts bought in the 365 days up to the newest built day: a row per order in force and SKU of it. Orders that
    came back stand here too, marked: what comes back is not recommended. Made anew by every run, of a year alone. -#}
{{ config(materialized='table', meta={'reads_history_of': ['order_versions', 'order_lines', 'order_file_rows']}) }}

with newest as (
    select max(day) as as_of from {{ source('landing', 'landed_days') }}
),

orders_of_the_year as (
    select distinct versions.order_id
    from {{ ref('order_versions') }} as versions
    cross join newest
    where
        versions.ordered_on > {{ add_days('newest.as_of', -365) }}
        and versions.ordered_on <= newest.as_of
),

known_versions as (
    select
        versions.*,
        newest.as_of,
        row_number() over (partition by versions.order_id order by versions.known_on desc) as recency
    from {{ ref('order_versions') }} as versions
    inner join newest on versions.known_on <= newest.as_of
    where versions.order_id in (select orders_of_the_year.order_id from orders_of_the_year)
),

returned_articles as (
    select distinct
        returns.merchant,
        returns.order_number,
        returns.sku,
        returns.line
    from {{ source('landing', 'return_rows') }} as returns
    inner join newest on returns.file_date <= newest.as_of
)

select
    versions.merchant,
    versions.order_id,
    versions.contact_id,
    versions.ordered_at,
    versions.ordered_on,
    lines.sku,
    -- of several lines with one SKU, one that stayed is a purchase
    min({{ came_back('versions', 'lines', 'returned_articles') }}) = 1 as came_back
from known_versions as versions
inner join {{ ref('order_lines') }} as lines on versions.version_id = lines.version_id
left join returned_articles
    on
        {{ same_article('versions', 'lines', 'returned_articles') | indent(8) }}
where
    versions.recency = 1
    and versions.ordered_on > {{ add_days('versions.as_of', -365) }}
    and versions.ordered_on <= versions.as_of
    and versions.contact_id is not null
    and versions.is_eligible
    and versions.status <> 'canceled'
    and lines.status <> 'canceled'
    and lines.sku is not null
group by
    versions.merchant, versions.order_id, versions.contact_id, versions.ordered_at, versions.ordered_on, lines.sku
