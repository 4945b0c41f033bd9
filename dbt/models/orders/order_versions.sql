{#- An order as the files of one day state it (DESIGN 3, "A day's files"). -#}
{{ partitioned_by_day('known_on', indexes=[
    {'columns': ['known_on']}, {'columns': ['merchant', 'order_number']},
    {'columns': ['contact_key']}, {'columns': ['ordered_on']}, {'columns': ['ship_date']},
    {'columns': ['order_id']}, {'columns': ['contact_id']},
]) }}

with file_rows as (
    select
        *,
        -- the last file by name wins as a whole, in it the last row's order fields
        row_number() over (
            partition by file_date, merchant, order_number
            order by {{ bytewise('order_file') }} desc, order_file_line desc
        ) as recency
    from {{ source('landing', 'order_file_rows') }}
    where {{ in_days('file_date') }}
)

select
    merchant,
    order_number,
    file_date as known_on,
    contact_key,
    email,
    email_as_given,
    is_eligible,
    contact_key is not null and is_eligible and status not in {{ texts(stop_statuses()) }} as is_purchase,
    ordered_at,
    ordered_on,
    ship_date,
    cast(null as date) as delivered_on,
    status,
    total_cents,
    cast(0 as bigint) as refunded_cents,
    currency,
    attributes,
    order_fields_hash,
    order_file,
    order_file_line,
    {{ version_id('merchant', 'order_number', 'file_date') }} as version_id,
    {{ order_id('merchant', 'order_number') }} as order_id,
    {{ contact_id('merchant', 'contact_key') }} as contact_id
from file_rows
where recency = 1
