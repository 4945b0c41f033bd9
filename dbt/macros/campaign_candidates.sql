{#  Which orders can move in from_day..to_day: those with a new version, those that fall due, and, where other
    orders count (restart, first), those that other orders let go or push out (campaign_rivals).
    A superset is enough: what follows computes each candidate's whole story and keeps the range.

    Days are literals, so a database can skip what lies outside them; orders are never cut by age. #}
{% macro campaign_candidates(parameters) %}
{% if parameters.repeat_orders != 'each' -%}
{{ shifted_contacts(parameters) }},

{% endif -%}
candidates as (
    select order_id
    from {{ ref('order_versions') }}
    where
        {{ of_merchant(parameters) }}
        and (
            {{ in_days('known_on') }}
            {{- or_basis_date(parameters, bounds_of_due(parameters)) | indent(12) }}
        )
    {%- if parameters.repeat_orders != 'each' %}
    union
    select order_id
    from {{ ref('order_versions') }}
    where
        {{ of_merchant(parameters) }}
        and contact_id in (select contact_id from released_contacts)
    union
    select order_id
    from {{ ref('order_versions') }}
    where
        {{ of_merchant(parameters) }}
        and contact_id in (select contact_id from pressed_contacts)
        and (
            1 = 0
            {{- or_basis_date(parameters, [(first_waiting_basis(parameters), none)]) | indent(12) }}
        )
    {%- endif %}
)
{% endmacro %}

{# The versions that may be read at all: the merchant's, known by the end of the range. #}
{% macro of_merchant(parameters) -%}
merchant = {{ text(parameters.merchant) }} and known_on <= {{ last_day() }}
{%- endmacro %}

{#  Between which basis dates an order moves in the range without being touched: it is due, it was held for too
    long, or it has waited for the campaign to begin. #}
{% macro bounds_of_due(parameters) %}
    {%- set first, last = var('from_day'), var('to_day') -%}
    {%- set expiry = parameters.wait_days + parameters.max_days_late + 1 -%}
    {%- set bounds = [(shifted(first, -parameters.wait_days), shifted(last, -parameters.wait_days))] -%}
    {%- if parameters.hold_statuses -%}
        {%- do bounds.append((shifted(first, -expiry), shifted(last, -expiry))) -%}
    {%- endif -%}
    {%- if first <= parameters.active_from | string <= last -%}
        {%- do bounds.append((shifted(parameters.active_from, -parameters.back_populate_days), none)) -%}
    {%- endif -%}
    {{ return(bounds) }}
{% endmacro %}

{# The earliest basis date with which an order can still wait when the range begins. #}
{% macro first_waiting_basis(parameters) %}
    {%- set longest = parameters.wait_days + (parameters.max_days_late + 1 if parameters.hold_statuses else 0) -%}
    {{ return(shifted(var('from_day'), -longest)) }}
{% endmacro %}

{# `or` conditions on one version: its basis date may lie within one of the bounds (first day, last day or none). #}
{% macro or_basis_date(parameters, bounds) -%}
    {%- set shipped = ' and status in ' ~ texts(shipped_statuses()) -%}
    {%- if parameters.date_basis == 'order_date' -%}
        {%- set bases = [('ordered_on', 0, '')] -%}
    {%- elif parameters.date_basis == 'ship_date' and parameters.ship_trigger == 'ship_date_only' -%}
        {%- set bases = [('ship_date', 0, '')] -%}
    {%- elif parameters.date_basis == 'ship_date' -%}
        {%- set bases = [('ship_date', 0, ''), ('known_on', 0, shipped)] -%}
    {%- else -%}
        {%- set bases = [('delivered_on', 0, '')] -%}
        {%- if parameters.transit_days is not none -%}
            {%- do bases.append(('ship_date', parameters.transit_days, '')) -%}
        {%- endif -%}
    {%- endif -%}
    {%- for first, last in bounds -%}
        {%- for column, transit, also in bases %}
or ({{ column }} >= {{ day(shifted(first, -transit)) }}
    {{- " and " ~ column ~ " <= " ~ day(shifted(last, -transit)) if last is not none }}{{ also }})
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}
