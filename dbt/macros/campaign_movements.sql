{# The movements of from_day..to_day, read off the walk; the audience is judged as of the day of release. #}
{% macro campaign_movements(parameters) %}
{%- set audience = parameters.audience -%}
leaving as (
    select
        *,
        case when {{ days_between('gone_on', 'due_on') }} > {{ parameters.max_days_late }} then 1 else 0 end as is_late
    from walked
    where
        is_queued = 1
        and ends_on = gone_on
        and (segment_until_on is null or ends_on < segment_until_on)
        and {{ in_days('gone_on') }}
),

{% if audience -%}
{{ campaign_audience(audience) }},
{%- else -%}
audience as (
    select order_number from leaving
),
{%- endif %}

movements as (
    select
        order_number, contact_key, email, starts_on as movement_on, 'entered' as movement,
        cast(null as {{ dbt.type_string() }}) as reason,
        basis_date, basis_source, due_on, order_file, order_file_line
    from walked
    where is_queued = 1 and was_queued = 0 and (gone_on is null or starts_on <= gone_on)
    union all
    select
        order_number, contact_key, email, starts_on, 'moved', null,
        basis_date, basis_source, due_on, order_file, order_file_line
    from walked
    where
        is_queued = 1 and was_queued = 1 and (gone_on is null or starts_on <= gone_on)
        and (due_on <> former_due_on or email <> former_email)
    union all
    select
        order_number, former_contact_key, former_email, from_on, 'left', not_wanted,
        former_basis_date, former_basis_source, former_due_on, order_file, order_file_line
    from walked
    where not_wanted is not null and was_queued = 1 and (gone_on is null or from_on <= gone_on)
    union all
    select
        leaving.order_number, leaving.contact_key, leaving.email, leaving.gone_on, 'left',
        case
            when leaving.is_late = 1 then 'expired'
            when audience.order_number is null then 'filtered'
            else 'released'
        end,
        leaving.basis_date, leaving.basis_source, leaving.due_on, leaving.order_file, leaving.order_file_line
    from leaving
    left join audience on leaving.order_number = audience.order_number
)

select
    {{ text(campaign_name()) }} as campaign,
    {{ text(parameters.merchant) }} as merchant,
    contact_key,
    email,
    order_number,
    cast(null as {{ dbt.type_string() }}) as sku,
    movement_on,
    movement,
    reason,
    basis_date,
    basis_source,
    due_on,
    case
        when reason = 'released' then {{ event_id(
            merchant=text(parameters.merchant), kind="'release'", name=text(campaign_name()), order_number='order_number') }}
    end as event_id,
    {{ text(campaign_hash(parameters)) }} as config_hash,
    order_file,
    order_file_line
from movements
where {{ in_days('movement_on') }}
{% endmacro %}

{# CTE `audience`: the orders among `leaving` for which the condition is true on the day they are gone. #}
{% macro campaign_audience(condition) %}
asked as (
    select distinct merchant, contact_key, gone_on as as_of
    from leaving
    where is_late = 0
),

{{ contact_facts('asked') }},

{{ contact_helpers('asked', condition) }},

facts as (
    select contact_list.*
        {%- for helper in condition_helpers(condition) %}, contact_helpers.helper_{{ loop.index }}{% endfor %}
    from contact_list
    inner join contact_helpers
        on
            contact_list.merchant = contact_helpers.merchant
            and contact_list.contact_key = contact_helpers.contact_key
            and contact_list.as_of = contact_helpers.as_of
),

this_order as (
    select
        leaving.order_number as leaving_order, leaving.contact_key as leaving_contact, leaving.gone_on as leaving_on,
        leaving.total_cents, leaving.currency, leaving.status, leaving.ordered_on, leaving.ship_date,
        leaving.attributes, ranked.purchase_rank as rank
    from leaving
    left join contact_purchases as ranked
        on
            leaving.order_number = ranked.order_number
            and leaving.contact_key = ranked.contact_key
            and leaving.gone_on = ranked.as_of
    where leaving.is_late = 0
),

audience as (
    select this_order.leaving_order as order_number
    from this_order
    left join facts
        on this_order.leaving_contact = facts.contact_key and this_order.leaving_on = facts.as_of
    where {{ condition_sql(condition) }}
)
{% endmacro %}

{# Never depends on the day (DESIGN 3, "External events"). Arguments are SQL expressions; sku is null for orders. #}
{% macro event_id(merchant, kind, name, order_number, sku='null') -%}
{{ stable_hash([merchant, kind, name, order_number, 'cast(' ~ sku ~ ' as ' ~ dbt.type_string() ~ ')']) }}
{%- endmacro %}
