{#- An order as the files of one day state it (DESIGN 3, "A day's files"), with what the feeds of shipments, returns and
    payments say about it by then. A day on which only they speak of it makes a version too. -#}
{{ partitioned_by_day('known_on', indexes=[
    {'columns': ['known_on']}, {'columns': ['merchant', 'order_number']},
    {'columns': ['contact_key']}, {'columns': ['ordered_on']}, {'columns': ['ship_date']},
    {'columns': ['order_id']}, {'columns': ['contact_id']},
], meta={'reads_history_of': ['order_file_rows'], 'config_hash': 'orders 2'}) }}

with {{ fact_days() }},

{{ order_statements() }},

{{ carried_versions() }},

{{ order_facts() }}

select
    versions.merchant,
    versions.order_number,
    versions.known_on,
    versions.contact_key,
    versions.email,
    versions.email_as_given,
    versions.is_eligible,
    versions.contact_key is not null and versions.is_eligible
    and versions.status not in {{ texts(stop_statuses()) }} as is_purchase,
    versions.ordered_at,
    versions.ordered_on,
    coalesce(versions.ship_date, shipping.shipped_on) as ship_date,
    coalesce(shipping.delivered_on, versions.delivered_on) as delivered_on,
    coalesce(payments.paid_on, versions.paid_on) as paid_on,
    refunds.refunded_on,
    versions.status,
    versions.total_cents,
    coalesce(refunds.refunded_cents, versions.refunded_cents, 0) as refunded_cents,
    versions.currency,
    cast(versions.line_count as integer) as line_count,
    cast(versions.shipped_lines as integer) as shipped_lines,
    cast(versions.returned_lines as integer) as returned_lines,
    cast(versions.canceled_lines as integer) as canceled_lines,
    versions.attributes,
    versions.order_fields_hash,
    versions.order_file,
    versions.order_file_line,
    versions.stated_on,
    versions.stated_file,
    versions.is_header,
    {{ version_id('versions.merchant', 'versions.order_number', 'versions.known_on') }} as version_id,
    {{ order_id('versions.merchant', 'versions.order_number') }} as order_id,
    {{ contact_id('versions.merchant', 'versions.contact_key') }} as contact_id
from versions
left join shipping
    on
        {{ same_version('versions', 'shipping') | indent(8) }}
left join refunds
    on
        {{ same_version('versions', 'refunds') | indent(8) }}
left join payments
    on
        {{ same_version('versions', 'payments') | indent(8) }}
