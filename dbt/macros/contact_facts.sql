{#  What is known of contacts on given days: the columns of the Post Purchase list (DESIGN 3), whatever the day.

    `asked` names a CTE with (contact_id, as_of); the macro writes CTEs that follow it:
    contact_purchases  one row per asked contact, day and purchase in force then, with its rank
    contact_list       one row per asked contact and day with at least one purchase
    Only the versions of orders that ever had an asked contact are read. #}
{% macro contact_facts(asked) %}
asked_orders as (
    select distinct order_id
    from {{ ref('order_versions') }}
    where
        known_on <= {{ last_day() }}
        and contact_id in (select contact_id from {{ asked }})
),

asked_versions as (
    select
        *,
        lead(known_on) over (partition by order_id order by known_on) as until_on
    from {{ ref('order_versions') }}
    where
        known_on <= {{ last_day() }}
        and order_id in (select order_id from asked_orders)
),

contact_purchases as (
    select
        asked.as_of,
        versions.*,
        row_number() over (
            partition by asked.contact_id, asked.as_of
            order by versions.ordered_at, {{ bytewise('versions.order_number') }}
        ) as purchase_rank
    from {{ asked }} as asked
    inner join asked_versions as versions
        on
            asked.contact_id = versions.contact_id
            and asked.as_of >= versions.known_on
            and asked.as_of >= versions.ordered_on
            and (versions.until_on is null or asked.as_of < versions.until_on)
    where versions.is_purchase
),

{{ contact_list('contact_purchases') }}
{% endmacro %}

{# The list's columns from purchases in force on their `as_of` (one row per merchant, contact and day). #}
{% macro contact_list(purchases) %}
contact_sums as (
    select
        purchases.merchant,
        purchases.contact_id,
        purchases.as_of,
        min(purchases.contact_key) as contact_key,
        min(purchases.email) as email,
        min(purchases.ordered_on) as first_order_on,
        max(purchases.ordered_on) as last_order_on,
        count(*) as order_count,
        -- money sums cover the merchant's currency only, returned money taken off
        coalesce(sum(case when purchases.currency = merchants.currency
            then coalesce(purchases.total_cents, 0) - purchases.refunded_cents end), 0) as spend,
        sum(case when purchases.currency = merchants.currency then 1 else 0 end) as spend_orders
    from {{ purchases }} as purchases
    left join {{ source('landing', 'merchants') }} as merchants
        on purchases.merchant = merchants.merchant
    group by purchases.merchant, purchases.contact_id, purchases.as_of
),

last_clicks as (
    select
        contact_sums.contact_id,
        contact_sums.as_of,
        max(clicks.occurred_on) as last_click_on
    from contact_sums
    inner join {{ source('landing', 'feedback_rows') }} as clicks
        on
            contact_sums.merchant = clicks.merchant
            and contact_sums.contact_key = clicks.contact_key
            and contact_sums.as_of >= clicks.file_date
            and contact_sums.as_of >= clicks.occurred_on
    where clicks.event = 'clicked'
    group by contact_sums.contact_id, contact_sums.as_of
),

contact_list as (
    select
        contact_sums.merchant,
        contact_sums.contact_id,
        contact_sums.contact_key,
        contact_sums.as_of,
        contact_sums.email,
        contact_sums.first_order_on,
        contact_sums.last_order_on,
        last_clicks.last_click_on,
        cast(order_count as bigint) as order_count,
        cast(spend as bigint) as total_spend_cents,
        cast(case when spend_orders = 0 then 0
            else {{ floor_divide('cast(spend as bigint)', 'cast(spend_orders as bigint)') }}
        end as bigint) as average_order_cents,
        {%- set as_of = 'contact_sums.as_of' %}
        cast({{ days_between(as_of, 'first_order_on') }} as integer) as days_since_first_order,
        cast({{ days_between(as_of, 'last_order_on') }} as integer) as days_since_last_order,
        cast({{ days_between(as_of, 'last_click_on') }} as integer) as days_since_last_click,
        {{ lifecycle_stage(
            'cast(order_count as bigint)', days_between(as_of, 'last_order_on'), days_between(as_of, 'last_click_on')
        ) | indent(8) }} as lifecycle_stage
    from contact_sums
    left join last_clicks
        on contact_sums.contact_id = last_clicks.contact_id and contact_sums.as_of = last_clicks.as_of
)
{% endmacro %}

{# The columns of contact_list that people and programs read: all but the id that it is joined by. #}
{% macro list_columns() -%}
merchant, contact_key, as_of, email, first_order_on, last_order_on, last_click_on, order_count, total_spend_cents,
    average_order_cents, days_since_first_order, days_since_last_order, days_since_last_click, lifecycle_stage
{%- endmacro %}

{#  The stages of DESIGN 3. "Within N days" means an age under N; "older than N days" an age over N.
    A click is one that the feedback files dated up to the day tell of. #}
{% macro lifecycle_stage(order_count, age_days, click_age_days) -%}
case
    when {{ order_count }} = 1 and {{ age_days }} <= {{ var('recent_new_max_age_days') }} then 'recent_new'
    when {{ order_count }} >= {{ var('loyal_min_orders') }}
        and {{ age_days }} < {{ var('engaged_within_days') }} then 'loyal'
    when {{ order_count }} >= {{ var('loyal_min_orders') }} then 'lapsed_loyal'
    when {{ age_days }} > {{ var('engaged_within_days') }}
        and coalesce({{ click_age_days }}, {{ var('engaged_within_days') }}) >= {{ var('engaged_within_days') }}
        then 'lapsed_non_engaged'
    else 'in_between'
end
{%- endmacro %}

{# Changes when the thresholds of the list do: books that depend on them are built again. #}
{% macro list_hash() %}
    {{ return(' list 2 ' ~ tojson([
        var('recent_new_max_age_days'), var('loyal_min_orders'), var('engaged_within_days')
    ])) }}
{% endmacro %}
