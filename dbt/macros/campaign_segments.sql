{#  Segments: stretches of days [from_on, until_on) on which an order's version, and whether another order of the
    contact supersedes it, stay the same.

    With `restart` an order is superseded while a newer order of its contact is known outside the stop statuses
    (with `first`: an older one). Such rivals are alive in spells. Spells without an end are a window's minimum
    over the contact's orders; only spells that ended need a join, and those are few: this keeps an address with
    thousands of orders from becoming quadratic. The pressure on an order is the number of spells that cover it. #}
{% macro campaign_segments(parameters) %}
{% if parameters.repeat_orders == 'each' -%}
segments as (
    select *, known_on as from_on, until_on as segment_until_on, 0 as pressure
    from judged_versions
)
{%- else -%}
{{ rival_spells(parameters) }},

-- versions come before the spells of their own order, so a version never presses itself
ranked_marks as (
    select
        order_number,
        known_on,
        min(spell_from_on) over (
            partition by contact_key
            order by
                ordered_at {{ 'desc' if parameters.repeat_orders == 'restart' }},
                {{ bytewise('order_number') }} {{ 'desc' if parameters.repeat_orders == 'restart' }},
                is_spell
            rows between unbounded preceding and current row
        ) as pressed_from_on
    from (
        select contact_key, ordered_at, order_number, known_on, 0 as is_spell, cast(null as date) as spell_from_on
        from judged_versions
        where contact_key is not null
        union all
        select contact_key, ordered_at, order_number, cast(null as date), 1, from_on
        from spells
        where until_on is null
    ) as marks
),

pressure_changes as (
    select order_number, known_on, until_on, known_on as changed_on, 0 as change
    from judged_versions
    union all
    select versions.order_number, versions.known_on, versions.until_on,
        greatest(ranked_marks.pressed_from_on, versions.known_on), 1
    from judged_versions as versions
    inner join ranked_marks
        on versions.order_number = ranked_marks.order_number and versions.known_on = ranked_marks.known_on
    where
        ranked_marks.pressed_from_on is not null
        and (versions.until_on is null or ranked_marks.pressed_from_on < versions.until_on)
    union all
    select order_number, known_on, until_on, greatest(spell_from_on, known_on), 1
    from ended_rivals
    union all
    select order_number, known_on, until_on, spell_until_on, -1
    from ended_rivals
    where until_on is null or spell_until_on < until_on
),

pressures as (
    select
        order_number,
        known_on,
        changed_on,
        coalesce(
            lead(changed_on) over (partition by order_number, known_on order by changed_on), until_on
        ) as segment_until_on,
        sum(sum(change)) over (partition by order_number, known_on order by changed_on) as pressure
    from pressure_changes
    where changed_on is not null
    group by order_number, known_on, until_on, changed_on
),

segments as (
    select versions.*, pressures.changed_on as from_on, pressures.segment_until_on, pressures.pressure
    from judged_versions as versions
    inner join pressures
        on versions.order_number = pressures.order_number and versions.known_on = pressures.known_on
)
{%- endif %}
{% endmacro %}

{# CTEs `spells` (who can supersede, from when to when) and `ended_rivals` (the ended spells, per version). #}
{% macro rival_spells(parameters) %}
{%- set newer = '>' if parameters.repeat_orders == 'restart' else '<' -%}
rival_versions as (
    select
        versions.*,
        lead(versions.known_on) over (partition by versions.order_number order by versions.known_on) as until_on,
        case when versions.contact_key is not null and versions.is_eligible
            {%- if parameters.stop_statuses %}
            and versions.status not in {{ texts(parameters.stop_statuses) }}
            {%- endif %} then 1 else 0 end as is_alive
    from {{ ref('order_versions') }} as versions
    where
        versions.merchant = {{ text(parameters.merchant) }}
        and versions.known_on <= {{ last_day() }}
        and versions.order_number in (
            select rivals.order_number
            from {{ ref('order_versions') }} as rivals
            where
                rivals.merchant = {{ text(parameters.merchant) }}
                and rivals.contact_key in (select contact_key from judged_versions)
        )
),

rival_changes as (
    select
        *,
        case
            when
                lag(is_alive) over (partition by order_number order by known_on) = is_alive
                and lag(contact_key) over (partition by order_number order by known_on) = contact_key
                and lag(ordered_at) over (partition by order_number order by known_on) = ordered_at
                then 0
            else 1
        end as begins
    from rival_versions
),

numbered_rivals as (
    select
        *,
        sum(begins) over (
            partition by order_number order by known_on rows between unbounded preceding and current row
        ) as spell
    from rival_changes
),

spells as (
    select
        order_number,
        min(contact_key) as contact_key,
        min(ordered_at) as ordered_at,
        min(known_on) as from_on,
        case when count(*) = count(until_on) then max(until_on) end as until_on
    from numbered_rivals
    where is_alive = 1
    group by order_number, spell
),

ended_rivals as (
    select
        versions.order_number,
        versions.known_on,
        versions.until_on,
        spells.from_on as spell_from_on,
        spells.until_on as spell_until_on
    from judged_versions as versions
    inner join spells
        on
            versions.contact_key = spells.contact_key
            and versions.order_number <> spells.order_number
            and spells.until_on is not null
            and spells.until_on > versions.known_on
            and (versions.until_on is null or spells.from_on < versions.until_on)
            and (
                spells.ordered_at {{ newer }} versions.ordered_at
                or (
                    spells.ordered_at = versions.ordered_at
                    and {{ bytewise('spells.order_number') }} {{ newer }} {{ bytewise('versions.order_number') }}
                )
            )
)
{% endmacro %}
