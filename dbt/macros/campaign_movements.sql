{#  The movements of from_day..to_day, read off the walk; the audience is judged as of the day of release. Order
    numbers, addresses and files are fetched last, for the versions that moved: `version_id` is the one that
    makes the movement, `waiting_version_id` the one under which the order waited. #}
{% macro campaign_movements(parameters) %}
{%- set audience = parameters.audience -%}
leaving as (
    select
        *,
        {{ days_between('gone_on', 'due_on') }} > {{ parameters.max_days_late }} as is_late
    from steps
    where is_gone
),

{% if audience -%}
{{ campaign_audience(audience) }},
{%- else -%}
audience as (
    select order_id from leaving
),
{%- endif %}

movements as (
    select
        order_id, known_on, version_id, version_id as waiting_version_id, starts_on as movement_on,
        'entered' as movement, cast(null as {{ dbt.type_string() }}) as reason
    from steps
    where is_entering
    union all
    select
        steps.order_id, steps.known_on, steps.version_id, steps.version_id, steps.starts_on,
        'moved', null
    from steps
    inner join judged_versions as former on steps.waited_version_id = former.version_id
    where steps.is_restated and (steps.due_on <> former.due_on or steps.contact_id <> former.contact_id)
    union all
    select
        order_id, known_on, version_id, waited_version_id, from_on,
        'left', not_wanted
    from steps
    where is_dropped
    union all
    select
        leaving.order_id, leaving.known_on, leaving.version_id, leaving.version_id, leaving.gone_on,
        'left',
        case
            when leaving.is_late then 'expired'
            when audience.order_id is null then 'filtered'
            else 'released'
        end
    from leaving
    left join audience on leaving.order_id = audience.order_id
),

dated_movements as (
    select
        movements.*,
        waiting.known_on as waiting_known_on,
        waiting.basis_date,
        waiting.basis_source,
        waiting.due_on
    from movements
    inner join judged_versions as waiting on movements.waiting_version_id = waiting.version_id
),

stated_versions as (
    select version_id, order_number, contact_key, email, order_file, order_file_line
    from {{ ref('order_versions') }}
    where
        {{ of_merchant(parameters) }}
        and order_id in (select order_id from dated_movements)
        {{ skip_by('known_on', 'select known_on from dated_movements union select waiting_known_on from dated_movements') }}
)

select
    {{ text(campaign_name()) }} as campaign,
    {{ text(parameters.merchant) }} as merchant,
    waiting.contact_key,
    waiting.email,
    waiting.order_number,
    cast(null as {{ dbt.type_string() }}) as sku,
    movements.movement_on,
    movements.movement,
    movements.reason,
    movements.basis_date,
    movements.basis_source,
    movements.due_on,
    case
        when movements.reason = 'released' then {{ event_id(
            merchant=text(parameters.merchant), kind="'release'", name=text(campaign_name()),
            order_number='waiting.order_number') }}
    end as event_id,
    {{ text(campaign_hash(parameters)) }} as config_hash,
    stated.order_file,
    stated.order_file_line
from dated_movements as movements
inner join stated_versions as waiting on movements.waiting_version_id = waiting.version_id
inner join stated_versions as stated on movements.version_id = stated.version_id
{% endmacro %}

{#  CTE `audience`: the orders among `leaving` for which the condition is true on the day they are gone.
    Only what the condition speaks of is joined: the order itself, its rank among the contact's purchases. #}
{% macro campaign_audience(condition) %}
asked as (
    select distinct contact_id, gone_on as as_of
    from leaving
    where not is_late
),

{{ contact_facts('asked') }},

{{ condition_facts(condition) }},

this_order as (
    select
        leaving.order_id as leaving_order,
        leaving.contact_id as leaving_contact,
        leaving.gone_on as leaving_on
        {%- if 'order.' in condition %},
        versions.total_cents,
        versions.refunded_cents,
        versions.currency,
        versions.status,
        versions.ordered_on,
        versions.ship_date,
        versions.delivered_on,
        versions.paid_on,
        versions.refunded_on,
        versions.line_count,
        versions.shipped_lines,
        versions.returned_lines,
        versions.canceled_lines,
        versions.attributes
        {%- endif %}
        {%- if 'order.rank' in condition %},
        ranked.purchase_rank as rank
        {%- endif %}
    from leaving
    {%- if 'order.' in condition %}
    inner join asked_versions as versions on leaving.version_id = versions.version_id
    {%- endif %}
    {%- if 'order.rank' in condition %}
    left join contact_purchases as ranked
        on leaving.version_id = ranked.version_id and leaving.gone_on = ranked.as_of
    {%- endif %}
    where not leaving.is_late
),

audience as (
    select this_order.leaving_order as order_id
    from this_order
    left join facts
        on this_order.leaving_contact = facts.contact_id and this_order.leaving_on = facts.as_of
    where {{ condition_sql(condition) }}
)
{% endmacro %}

{# Never depends on the day (DESIGN 3, "External events"). Arguments are SQL expressions; sku is null for orders. #}
{% macro event_id(merchant, kind, name, order_number, sku='null') -%}
{{ stable_hash([merchant, kind, name, order_number, 'cast(' ~ sku ~ ' as ' ~ dbt.type_string() ~ ')']) }}
{%- endmacro %}
