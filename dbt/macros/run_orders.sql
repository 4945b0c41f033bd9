{#  CTEs about the orders of `runs`: `own_versions`, the versions of the order that each run is about, and
    `purchases_since`, the other purchases of the contact that count as bought since entry (DESIGN 4, "Conditions"),
    each with the days on which it does, for runs that can end by one or ask for one. #}
{% macro run_orders(runs) %}
run_order_numbers as (
    select distinct merchant, order_number from {{ runs }}
    where order_number is not null
),

own_versions as (
    select
        versions.merchant,
        versions.order_number,
        versions.order_id,
        versions.version_id,
        versions.known_on,
        versions.contact_key,
        versions.ordered_at,
        versions.ordered_on,
        versions.ship_date,
        versions.delivered_on,
        versions.status,
        versions.refunded_cents,
        versions.line_count,
        versions.shipped_lines,
        versions.returned_lines,
        versions.canceled_lines,
        lead(versions.known_on) over (partition by versions.order_id order by versions.known_on) as until_on
    from {{ ref('order_versions') }} as versions
    inner join run_order_numbers
        on versions.merchant = run_order_numbers.merchant and versions.order_number = run_order_numbers.order_number
    where versions.known_on <= {{ last_day() }}
),

endable_by_purchase as (
    select runs.*, 0 as delay
    from {{ runs }} as runs
    inner join {{ source('landing', 'conversation_exits') }} as exits on runs.conversation = exits.conversation
    where exits.word = 'purchased_again'
    union all
    select runs.*, 1 as delay
    from {{ runs }} as runs
    where runs.goal = 'purchased_again'
),

asking_for_purchases as (
    select run_id from endable_by_purchase
    union
    select runs.run_id
    from {{ runs }} as runs
    inner join {{ source('landing', 'conversation_checks') }} as checks on runs.program = checks.program
    inner join {{ source('landing', 'conversation_wishes') }} as wishes on checks.condition = wishes.condition
    inner join {{ source('landing', 'conversation_atoms') }} as atoms on wishes.atom = atoms.atom
    where atoms.kind in ('bought', 'bought_sku', 'bought_category')
),

buying_runs as (
    select * from {{ runs }}
    where run_id in (select run_id from asking_for_purchases)
),

buyers as (
    select distinct merchant, contact_key from buying_runs
),

bought_orders as (
    select distinct versions.order_id
    from {{ ref('order_versions') }} as versions
    inner join buyers on versions.merchant = buyers.merchant and versions.contact_key = buyers.contact_key
    where versions.known_on <= {{ last_day() }}
),

-- from when to when a purchase counts as one of a contact, under one date
bought_states as (
    select
        merchant,
        order_number,
        order_id,
        known_on,
        case when is_purchase then contact_key end as contact_key,
        ordered_on,
        min(known_on) over (partition by order_id) as first_known_on
    from {{ ref('order_versions') }}
    where known_on <= {{ last_day() }} and order_id in (select order_id from bought_orders)
),

{{ spells('bought_states', 'order_id', ['contact_key', 'ordered_on'], name='purchase_spells') }},

{{ spells('own_versions', 'order_id', ['ordered_on'], name='own_dates') }},

purchases_since as (
    select
        runs.run_id,
        others.order_id,
        greatest(others.known_on, others.ordered_on, own.known_on) as from_on,
        least(others.ended_on, own.ended_on) as until_on
    from buying_runs as runs
    inner join purchase_spells as others
        on runs.merchant = others.merchant and runs.contact_key = others.contact_key
    left join own_dates as own
        on runs.merchant = own.merchant and runs.order_number = own.order_number
    where
        others.first_known_on between runs.begun_on and {{ add_days('runs.begun_on', 'runs.horizon') }}
        and others.order_number is distinct from runs.order_number
        and (own.ordered_on is null or others.ordered_on > own.ordered_on)
)
{% endmacro %}

{#  CTE `name`: of the rows of `states`, one per `key` and known_on, those on which one of `columns` changed, with the
    day on which it next does (ended_on; open where it does not). #}
{% macro spells(states, key, columns, name) %}
{{ name }}_changes as (
    select
        *,
        row_number() over (partition by {{ key }} order by known_on) as version_number
        {%- for column in columns %},
        lag({{ column }}) over (partition by {{ key }} order by known_on) as former_{{ column }}
        {%- endfor %}
    from {{ states }}
),

{{ name }} as (
    select
        *,
        lead(known_on) over (partition by {{ key }} order by known_on) as ended_on
    from {{ name }}_changes
    where
        version_number = 1
        {%- for column in columns %}
        or {{ column }} is distinct from former_{{ column }}
        {%- endfor %}
)
{% endmacro %}
