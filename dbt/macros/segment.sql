{#  A segment: the contacts on the Post Purchase list of whom `condition` is true, one snapshot a day.
    See conditions.sql for what a condition may say. #}
{% macro segment(condition) %}
{{ partitioned_by_day('snapshot_on', meta={
    'segment': {'condition': condition},
    'config_hash': local_md5(condition ~ list_hash()),
    'reads_history_of': ['order_versions', 'order_lines'],
}) }}
{%- do ref_segments(condition) -%}

with days as (
    select day as as_of from {{ source('landing', 'landed_days') }}
    where {{ in_days('day') }}
),

{{ everyone_as_of('days') }},

everyone as (
    select merchant, contact_key, as_of from contact_list
),

{{ contact_helpers('everyone', condition) }},

facts as (
    select contact_list.*
        {%- for helper in condition_helpers(condition) %}, contact_helpers.helper_{{ loop.index }}{% endfor %}
    from contact_list
    inner join contact_helpers
        on
            contact_list.merchant = contact_helpers.merchant
            and contact_list.contact_key = contact_helpers.contact_key
            and contact_list.as_of = contact_helpers.as_of
)

select
    {{ text(model.name | replace('segment_', '', 1)) }} as segment,
    merchant,
    contact_key,
    as_of as snapshot_on
from facts
where {{ condition_sql(condition) }}
{% endmacro %}

{# CTEs contact_purchases and contact_list for every contact on each day of `days` (as_of). #}
{% macro everyone_as_of(days) %}
all_versions as (
    select
        versions.*,
        lead(versions.known_on) over (
            partition by versions.merchant, versions.order_number order by versions.known_on
        ) as until_on
    from {{ ref('order_versions') }} as versions
),

contact_purchases as (
    select days.as_of, versions.*
    from all_versions as versions
    inner join {{ days }} as days
        on
            days.as_of >= versions.known_on
            and days.as_of >= versions.ordered_on
            and (versions.until_on is null or days.as_of < versions.until_on)
    where versions.is_purchase
),

{{ contact_list('contact_purchases') }}
{% endmacro %}
