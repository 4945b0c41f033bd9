{#  Order events (DESIGN 3): each fires once per order, on the first day its fact is known, if the fact's own date is
    at most max_event_age_days before. A fact that no column dates is dated the day it is first known, if an earlier
    version of the order lacked it, else the order date. Loading years of history therefore fires nothing.

    Every fact is a condition on one version, and `from_on`, the first day of that version on which it holds (an
    order dated or shipped in the future is no purchase, not shipped, before that day). A fact that is known before
    there is anyone to tell (no contact, or an ineligible order) keeps its date; it fires once there is someone.
    An order of which some lines are shipped while others are still to come is not shipped. #}
{% macro order_events() %}
{%- set facts = [
    {'name': 'purchase', 'holds': 'is_purchase', 'dated': 'ordered_on'},
    {'name': 'payment_received', 'holds': 'paid_on is not null', 'dated': 'paid_on'},
    {'name': 'shipped', 'dated': 'ship_date',
     'holds': "status not in " ~ texts(stop_statuses())
        ~ " and (ship_date is not null or status in " ~ texts(shipped_statuses()) ~ ")"
        ~ " and not (shipped_lines > 0 and shipped_lines + returned_lines + canceled_lines < line_count)"},
    {'name': 'delivered', 'holds': 'delivered_on is not null', 'dated': 'delivered_on'},
    {'name': 'refunded', 'holds': 'refunded_cents > 0', 'dated': 'refunded_on'},
    {'name': 'canceled', 'holds': "status = 'canceled'", 'dated': none},
    {'name': 'returned', 'holds': "status = 'returned'", 'dated': none},
] -%}
changed_orders as (
    select distinct merchant, order_number
    from {{ ref('order_versions') }}
    where
        {{ in_days('known_on') }}
        or (known_on <= {{ last_day() }} and (
            {%- for fact in facts if fact.dated %}
            {{ "or " if not loop.first }}{{ in_days(fact.dated) }}
            {%- endfor %}
        ))
),

histories as (
    select
        versions.*,
        lead(versions.known_on) over (
            partition by versions.merchant, versions.order_number order by versions.known_on
        ) as until_on,
        min(versions.known_on) over (partition by versions.merchant, versions.order_number) as first_known_on
    from {{ ref('order_versions') }} as versions
    inner join changed_orders
        on versions.merchant = changed_orders.merchant and versions.order_number = changed_orders.order_number
    where versions.known_on <= {{ last_day() }}
),

order_facts as (
    {%- for fact in facts %}
    select
        '{{ fact.name }}' as event_name, merchant, contact_key, email, order_number, known_on, first_known_on, until_on,
        case when contact_key is not null and is_eligible then 1 else 0 end as has_someone,
        ordered_on, {{ fact.dated if fact.dated else 'cast(null as date)' }} as dated_on,
        {{ 'greatest(known_on, coalesce(' ~ fact.dated ~ ', known_on))' if fact.dated else 'known_on' }} as from_on
    from histories
    where {{ fact.holds }}
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

first_facts as (
    select
        *,
        min(from_on) over (partition by event_name, merchant, order_number) as first_from_on,
        row_number() over (
            partition by event_name, merchant, order_number, has_someone order by from_on, known_on
        ) as place
    from order_facts
    where until_on is null or from_on < until_on
),

order_events as (
    select
        event_name, merchant, contact_key, email, order_number, from_on as occurred_on,
        coalesce(dated_on, case when first_from_on > first_known_on then first_from_on else ordered_on end) as fact_on
    from first_facts
    where has_someone = 1 and place = 1
)
{% endmacro %}
