{#- The lines of each order version: the rows that carry the order fields that won (DESIGN 3), or, where that is a
    header row, those of the lines' file of its day. A version that another feed made has its newest statement's. -#}
{{ partitioned_by_day('known_on', indexes=[
    {'columns': ['known_on']}, {'columns': ['merchant', 'order_number']}, {'columns': ['version_id']},
], meta={'reads_history_of': ['order_file_rows']}) }}

with versions as (
    select * from {{ ref('order_versions') }}
    where {{ in_days('known_on') }}
),

stated_days as (
    select distinct stated_on from versions
),

lines as (
    select
        {{ line_columns('versions', 'file_rows') | indent(8) }},
        1 as file_recency
    from versions
    inner join {{ source('landing', 'order_file_rows') }} as file_rows
        on
            {{ stated_then('versions', 'file_rows') | indent(12) }}
            and versions.stated_file = file_rows.order_file
            and versions.order_fields_hash = file_rows.order_fields_hash
    where not versions.is_header {{ skip_by('file_rows.file_date', 'select stated_on from stated_days') }}
    union all
    select
        {{ line_columns('versions', 'line_rows') | indent(8) }},
        rank() over (
            partition by versions.version_id order by {{ bytewise('line_rows.order_file') }} desc
        ) as file_recency
    from versions
    inner join {{ source('landing', 'order_line_file_rows') }} as line_rows
        on
            {{ stated_then('versions', 'line_rows') | indent(12) }}
    where versions.is_header {{ skip_by('line_rows.file_date', 'select stated_on from stated_days') }}
)

select
    merchant,
    order_number,
    known_on,
    cast(row_number() over (partition by version_id order by order_file_line, row_in_file) as integer) as line,
    sku,
    product_name,
    category,
    quantity,
    unit_price_cents,
    {{ line_status('coalesce(line_status, order_status)') }} as status,
    coalesce(line_ship_date, order_ship_date) as ship_date,
    returned_quantity,
    attributes,
    order_file,
    order_file_line,
    version_id
from lines
where file_recency = 1
