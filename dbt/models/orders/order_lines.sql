{#- The lines of each order version: the rows that carry the order fields that won (DESIGN 3). -#}
{{ partitioned_by_day('known_on', indexes=[
    {'columns': ['known_on']}, {'columns': ['merchant', 'order_number']}, {'columns': ['version_id']},
]) }}

with file_rows as (
    select * from {{ source('landing', 'order_file_rows') }}
    where {{ in_days('file_date') }}
),

versions as (
    select * from {{ ref('order_versions') }}
    where {{ in_days('known_on') }}
)

select
    file_rows.merchant,
    file_rows.order_number,
    file_rows.file_date as known_on,
    cast(row_number() over (
        partition by file_rows.file_date, file_rows.merchant, file_rows.order_number
        order by file_rows.order_file_line
    ) as integer) as line,
    file_rows.sku,
    file_rows.product_name,
    file_rows.category,
    file_rows.quantity,
    file_rows.unit_price_cents,
    file_rows.status,
    file_rows.ship_date,
    file_rows.attributes,
    file_rows.order_file,
    file_rows.order_file_line,
    versions.version_id
from file_rows
inner join versions
    on
        file_rows.merchant = versions.merchant
        and file_rows.order_number = versions.order_number
        and file_rows.file_date = versions.known_on
        and file_rows.order_file = versions.order_file
        and file_rows.order_fields_hash = versions.order_fields_hash
