{#  Stretches of days [from_on, stretch_until_on) on which an order's version, and whether another order of
    the contact supersedes it (`pressure` over 0), stay the same.

    With `restart` an order is superseded while a newer order of its contact is known outside the stop statuses
    (with `first`: an older one): while a rival's spell presses on it. The first day of a spell without an end is a
    window's minimum over the contact's orders, and from then on the version is pressed to its end. Only for the
    days before do the spells that ended have to be joined and counted, and those are few: this keeps an address
    with thousands of orders from becoming quadratic. #}
{% macro campaign_stretches(parameters) %}
{% if parameters.repeat_orders == 'each' -%}
stretches as (
    select *, known_on as from_on, until_on as stretch_until_on, 0 as pressure
    from judged_versions
)
{%- else -%}
{{ rival_spells(parameters) }},

{{ pressed_versions(parameters) }},

{{ pressures(parameters) }},

stretches as (
    select
        versions.*,
        coalesce(pressures.changed_on, versions.known_on) as from_on,
        case
            when pressures.version_id is null then versions.free_until_on
            else pressures.stretch_until_on
        end as stretch_until_on,
        coalesce(pressures.pressure, 0) as pressure
    from pressed_versions as versions
    left join pressures on versions.version_id = pressures.version_id
    where versions.free_until_on is null or versions.free_until_on > versions.known_on
    union all
    select *, greatest(pressed_from_on, known_on), until_on, 1
    from pressed_versions
    where pressed_from_on is not null and (until_on is null or pressed_from_on < until_on)
)
{%- endif %}
{% endmacro %}

{#  CTE `pressed_versions`: each version with the day from which a spell without an end presses on it
    (pressed_from_on), the day up to which it is free of such (free_until_on), and whether there is a day between
    (is_free). Each version that is wanted for itself lies in a spell of its own order, and shares its rivals. #}
{% macro pressed_versions(parameters) %}
{%- set direction = 'desc' if parameters.repeat_orders == 'restart' else 'asc' -%}
ranked_spells as (
    select
        *,
        min(case when until_on is null then from_on end) over (
            partition by contact_id
            order by ordered_at {{ direction }}, {{ bytewise('order_number') }} {{ direction }}
            rows between unbounded preceding and 1 preceding
        ) as pressed_from_on
    from rival_spells
),

pressed_versions as (
    select
        versions.*,
        spells.pressed_from_on,
        least(versions.until_on, spells.pressed_from_on) as free_until_on,
        versions.own_reason is null
        and (spells.pressed_from_on is null or spells.pressed_from_on > versions.known_on) as is_free
    from judged_versions as versions
    left join ranked_spells as spells
        on
            versions.order_id = spells.order_id
            and versions.known_on >= spells.from_on
            and (spells.until_on is null or versions.known_on < spells.until_on)
            and versions.own_reason is null
)
{% endmacro %}

{#  CTE `pressures`: for the versions that ended spells press on while they are free of others, the stretches
    between the days on which one begins or ends, with the number of spells that cover each. #}
{% macro pressures(parameters) %}
{%- set newer = '>' if parameters.repeat_orders == 'restart' else '<' -%}
ended_rivals as (
    select
        versions.version_id,
        versions.known_on,
        versions.free_until_on,
        spells.from_on as spell_from_on,
        spells.until_on as spell_until_on
    from pressed_versions as versions
    inner join rival_spells as spells
        on
            versions.contact_id = spells.contact_id
            and versions.order_id <> spells.order_id
            and (
                spells.ordered_at {{ newer }} versions.ordered_at
                or (
                    spells.ordered_at = versions.ordered_at
                    and {{ bytewise('spells.order_number') }} {{ newer }} {{ bytewise('versions.order_number') }}
                )
            )
            and spells.until_on > versions.known_on
            and (versions.free_until_on is null or spells.from_on < versions.free_until_on)
    where versions.is_free
),

pressure_changes as (
    select version_id, free_until_on, known_on as changed_on, 0 as change
    from ended_rivals
    union all
    select version_id, free_until_on, greatest(spell_from_on, known_on), 1
    from ended_rivals
    union all
    select version_id, free_until_on, spell_until_on, -1
    from ended_rivals
    where free_until_on is null or spell_until_on < free_until_on
),

pressures as (
    select
        version_id,
        changed_on,
        coalesce(
            lead(changed_on) over (partition by version_id order by changed_on), free_until_on
        ) as stretch_until_on,
        sum(sum(change)) over (partition by version_id order by changed_on) as pressure
    from pressure_changes
    group by version_id, free_until_on, changed_on
)
{% endmacro %}
