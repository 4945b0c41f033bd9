{#  What the feeds of shipments, returns and payments say about orders. A row of them makes a version of its order on its
    day, with the fields of the newest statement up to then; facts about an order that no statement knows yet wait. #}
{% macro fact_feeds() %}{{ return(['shipment_rows', 'return_rows', 'payment_rows']) }}{% endmacro %}

{# CTE `fact_days`: per order and day of the range that a feed speaks of it, the last row by file name and line. #}
{% macro fact_days() %}
fact_rows as (
    {%- for feed in fact_feeds() %}
    select merchant, order_number, file_date, feed_file, feed_line
    from {{ source('landing', feed) }}
    where {{ in_days('file_date') }}
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

ranked_facts as (
    select
        *,
        row_number() over (
            partition by merchant, order_number, file_date order by {{ bytewise('feed_file') }} desc, feed_line desc
        ) = 1 as is_newest
    from fact_rows
),

fact_days as (
    select merchant, order_number, file_date as known_on, feed_file, feed_line
    from ranked_facts
    where is_newest
)
{% endmacro %}

{#  CTE `versions`: the statements of the range's days, and on the days on which only another feed speaks of an order,
    its newest statement carried on, with the file and line of that feed. #}
{% macro carried_versions() %}
carried as (
    select
        *,
        lead(stated_on) over (partition by merchant, order_number order by stated_on) as stated_until_on
    from statements
    where
        exists (
            select 1 from fact_days
            where fact_days.merchant = statements.merchant and fact_days.order_number = statements.order_number
        )
),

versions as (
    select
        *,
        cast(null as date) as stated_until_on,
        stated_on as known_on,
        stated_file as order_file,
        stated_line as order_file_line
    from statements
    where is_in_range
    union all
    select carried.*, fact_days.known_on, fact_days.feed_file, fact_days.feed_line
    from carried
    inner join fact_days
        on
            carried.merchant = fact_days.merchant
            and carried.order_number = fact_days.order_number
            and carried.stated_on < fact_days.known_on
            and (carried.stated_until_on is null or carried.stated_until_on > fact_days.known_on)
)
{% endmacro %}

{#  CTEs `shipping`, `refunds` and `payments`: what the feeds up to its day say about each version, all of them dated up
    to it. A row about the same shipment, or return, SKU and line, replaces the one before as a whole. #}
{% macro order_facts() %}
{{ newest_facts('shipment', ["coalesce(shipment_number, '')"]) }},

shipping as (
    select
        versions.merchant,
        versions.order_number,
        versions.known_on,
        -- an order is shipped, or delivered, when all its known shipments are
        case when count(*) = count(facts.shipped_on) then max(facts.shipped_on) end as shipped_on,
        case when count(*) = count(facts.delivered_on) then max(facts.delivered_on) end as delivered_on
    from versions
    inner join shipment_facts as facts on {{ known_then('versions', 'facts') | indent(8) }}
    group by versions.merchant, versions.order_number, versions.known_on
),

{{ newest_facts('return', ["coalesce(return_number, '')", 'line', "coalesce(sku, '')"]) }},

refunds as (
    select
        versions.merchant,
        versions.order_number,
        versions.known_on,
        cast(sum(facts.refunded_cents) as bigint) as refunded_cents,
        min(facts.refunded_on) as refunded_on
    from versions
    inner join return_facts as facts on {{ known_then('versions', 'facts') | indent(8) }}
    group by versions.merchant, versions.order_number, versions.known_on
),

payments as (
    select
        versions.merchant,
        versions.order_number,
        versions.known_on,
        min(facts.paid_on) as paid_on
    from versions
    inner join {{ source('landing', 'payment_rows') }} as facts
        on
            versions.merchant = facts.merchant
            and versions.order_number = facts.order_number
            and versions.known_on >= facts.file_date
    where facts.file_date <= {{ last_day() }}
    group by versions.merchant, versions.order_number, versions.known_on
)
{% endmacro %}

{# CTE `<kind>_facts`: the newest row of each day about the same thing (`keys`, within an order), and until when it counts. #}
{% macro newest_facts(kind, keys) %}
{%- set keys = (['merchant', 'order_number'] + keys) | join(', ') -%}
ranked_{{ kind }}s as (
    select
        *,
        row_number() over (
            partition by {{ keys }}, file_date order by {{ bytewise('feed_file') }} desc, feed_line desc
        ) = 1 as is_newest
    from {{ source('landing', kind ~ '_rows') }} as told
    where
        file_date <= {{ last_day() }}
        and exists (
            select 1 from versions
            where versions.merchant = told.merchant and versions.order_number = told.order_number
        )
),

{{ kind }}_facts as (
    select
        *,
        lead(file_date) over (partition by {{ keys }} order by file_date) as until_on
    from ranked_{{ kind }}s
    where is_newest
)
{% endmacro %}

{# The join of a version and the facts that count on its day. #}
{% macro known_then(versions, facts) %}
    {{ versions }}.merchant = {{ facts }}.merchant
    and {{ versions }}.order_number = {{ facts }}.order_number
    and {{ versions }}.known_on >= {{ facts }}.file_date
    and ({{ facts }}.until_on is null or {{ versions }}.known_on < {{ facts }}.until_on)
{%- endmacro %}

{# The join of two tables with a row per version. #}
{% macro same_version(one, other) -%}
{{ one }}.merchant = {{ other }}.merchant
and {{ one }}.order_number = {{ other }}.order_number
and {{ one }}.known_on = {{ other }}.known_on
{%- endmacro %}
