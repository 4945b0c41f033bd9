{#  All versions of the candidates up to to_day: the days each is in force, its basis date and where that comes
    from, and the reason it is not wanted as far as the order alone tells (DESIGN 3, "Wanted on day T").
    Only narrow columns: names, addresses and files are fetched for the movements alone (campaign_movements). #}
{% macro campaign_versions(parameters) %}
versions as (
    select
        version_id,
        order_id,
        contact_id,
        known_on,
        is_eligible,
        status,
        ordered_on,
        ship_date,
        delivered_on,
        {%- if parameters.repeat_orders != 'each' %}
        ordered_at,
        order_number,
        {%- endif %}
        lead(known_on) over (partition by order_id order by known_on) as until_on,
        min(case when status in {{ texts(shipped_statuses()) }} then known_on end) over (
            partition by order_id order by known_on rows between unbounded preceding and current row
        ) as first_shipped_on
    from {{ ref('order_versions') }}
    where
        {{ of_merchant(parameters) }}
        and order_id in (select order_id from candidates)
),

dated_versions as (
    select
        *,
        {{ basis_date(parameters) }} as basis_date,
        {{ basis_source(parameters) }} as basis_source
    from versions
),

judged_versions as (
    select
        *,
        {{ add_days('basis_date', parameters.wait_days) }} as due_on,
        case
            {%- if parameters.stop_statuses %}
            when status in {{ texts(parameters.stop_statuses) }} then 'canceled'
            {%- endif %}
            when contact_id is null or not is_eligible or basis_date is null then 'withdrawn'
        end as own_reason
    from dated_versions
)
{% endmacro %}

{# With ship_date_or_status, an order without a ship date counts from the first day it was known as shipped. #}
{% macro basis_date(parameters) %}
    {%- if parameters.date_basis == 'order_date' -%}
ordered_on
    {%- elif parameters.date_basis == 'ship_date' and parameters.ship_trigger == 'ship_date_only' -%}
ship_date
    {%- elif parameters.date_basis == 'ship_date' -%}
case
            when ship_date is not null then ship_date
            when status in {{ texts(shipped_statuses()) }} then first_shipped_on
        end
    {%- elif parameters.transit_days is none -%}
delivered_on
    {%- else -%}
coalesce(delivered_on, {{ add_days('ship_date', parameters.transit_days) }})
    {%- endif -%}
{% endmacro %}

{% macro basis_source(parameters) %}
    {%- if parameters.date_basis == 'order_date' -%}
'order_date'
    {%- elif parameters.date_basis == 'ship_date' -%}
case when ship_date is not null then 'ship_date' else 'status_change' end
    {%- else -%}
case when delivered_on is not null then 'delivered_date' else 'transit' end
    {%- endif -%}
{% endmacro %}
