{#  A segment: the contacts on the Post Purchase list of whom `condition` is true, one snapshot a day.
    See conditions.sql for what a condition may say. #}
{% macro segment(condition) %}
{{ partitioned_by_day('snapshot_on', meta={
    'segment': {'condition': condition},
    'config_hash': local_md5(condition ~ list_hash()),
    'reads_history_of': ['order_versions', 'order_lines', 'order_file_rows'],
}) }}
{%- do ref_segments(condition) -%}

with days as (
    select day as as_of from {{ source('landing', 'landed_days') }}
    where {{ in_days('day') }}
),

{{ everyone_as_of('days') }},

{{ condition_facts(condition) }}

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
        lead(versions.known_on) over (partition by versions.order_id order by versions.known_on) as until_on
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
