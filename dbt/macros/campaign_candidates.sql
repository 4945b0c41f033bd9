{#  Which orders can move in from_day..to_day: those with a new version, those that fall due or expire, and,
    where other orders count (restart, first), those of a contact whose orders have a new version.
    A superset is enough: what follows computes each candidate's whole story and keeps the range.

    The bounds are literals, so a database can skip what lies outside them; orders are never cut by age. #}
{% macro campaign_candidates(parameters) %}
changed_orders as (
    select distinct order_number
    from {{ ref('order_versions') }}
    where merchant = {{ text(parameters.merchant) }} and {{ in_days('known_on') }}
),

{% if parameters.repeat_orders == 'each' -%}
candidates as (
    select order_number from changed_orders
    union
    {{ orders_due(parameters) }}
)
{%- else -%}
changed_contacts as (
    select distinct contact_key
    from {{ ref('order_versions') }}
    where
        merchant = {{ text(parameters.merchant) }}
        and order_number in (select order_number from changed_orders)
),

candidates as (
    {{ orders_due(parameters) }}
    union
    select order_number
    from {{ ref('order_versions') }}
    where
        merchant = {{ text(parameters.merchant) }}
        and known_on <= {{ last_day() }}
        and contact_key in (select contact_key from changed_contacts)
    union
    select order_number from changed_orders
)
{%- endif %}
{% endmacro %}

{# Orders that fall due or expire in the range, or could enter on the campaign's first day. #}
{% macro orders_due(parameters) %}
    {%- set wait = parameters.wait_days -%}
    {%- set expiry = wait + parameters.max_days_late + 1 -%}
    {%- set shipped = 'status in ' ~ texts(shipped_statuses()) -%}
    {%- if parameters.date_basis == 'order_date' -%}
        {%- set bases = [('ordered_on', 0, '')] -%}
    {%- elif parameters.date_basis == 'ship_date' and parameters.ship_trigger == 'ship_date_only' -%}
        {%- set bases = [('ship_date', 0, '')] -%}
    {%- elif parameters.date_basis == 'ship_date' -%}
        {%- set bases = [('ship_date', 0, ''), ('known_on', 0, ' and ' ~ shipped)] -%}
    {%- else -%}
        {%- set bases = [('delivered_on', 0, ''), ('ship_date', parameters.transit_days or 0, '')] -%}
    {%- endif -%}
    {%- set first, last = var('from_day'), var('to_day') -%}
    select order_number
    from {{ ref('order_versions') }}
    where
        merchant = {{ text(parameters.merchant) }}
        and known_on <= {{ last_day() }}
        and (
            {%- for column, transit, also in bases %}
            {{ "or " if not loop.first }}({{ column }} between {{ day(shifted(first, -wait - transit)) }} and {{ day(shifted(last, -wait - transit)) }}{{ also }})
            or ({{ column }} between {{ day(shifted(first, -expiry - transit)) }} and {{ day(shifted(last, -expiry - transit)) }}{{ also }})
            {%- if first <= parameters.active_from | string <= last %}
            or ({{ column }} >= {{ day(shifted(parameters.active_from, -parameters.back_populate_days - transit)) }}{{ also }})
            {%- endif %}
            {%- endfor %}
        )
{%- endmacro %}
