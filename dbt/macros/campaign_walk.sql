{#  Each order walks through its stretches (DESIGN 3, steps 1 and 2 of a day): is it wanted, is it in the queue, and
    on which day does it leave for good.

    An order enters where it is wanted, its basis date lies in the window and the campaign is active; then it stays
    until it is not wanted. The first day on which a queued order is due and not held, or held past
    `max_days_late`, is the day it is gone. #}
{% macro campaign_walk(parameters) %}
reasoned as (
    select
        *,
        coalesce(own_reason, case when pressure > 0 then 'superseded' end) as not_wanted,
        greatest(from_on, {{ day(parameters.active_from) }}) as starts_on
    from stretches
),

-- when the last stretch up to this one began in which it could enter, and the last in which it was not wanted
stints as (
    select
        *,
        max(case
            when
                not_wanted is null
                and (stretch_until_on is null or stretch_until_on > {{ day(parameters.active_from) }})
                and basis_date >= {{ day(shifted(parameters.active_from, -parameters.back_populate_days)) }}
                {%- if parameters.active_to is not none %}
                and basis_date <= {{ day(parameters.active_to) }}
                {%- endif %}
                then from_on
        end) over (
            partition by order_id order by from_on rows between unbounded preceding and current row
        ) as could_enter_on,
        max(case when not_wanted is not null then from_on end) over (
            partition by order_id order by from_on rows between unbounded preceding and current row
        ) as unwanted_on
    from reasoned
),

queued as (
    select
        *,
        could_enter_on is not null and (unwanted_on is null or could_enter_on > unwanted_on) as is_queued
    from stints
),

ending as (
    select
        *,
        case
            when not is_queued then null
            {%- if parameters.hold_statuses %}
            when status in {{ texts(parameters.hold_statuses) }}
                then greatest(starts_on, {{ add_days('due_on', parameters.max_days_late + 1) }})
            {%- endif %}
            else greatest(starts_on, due_on)
        end as ends_on
    from queued
),

-- waited_version_id: the version under which it waited until this stretch began, if it did
walked as (
    select
        *,
        min(case when stretch_until_on is null or ends_on < stretch_until_on then ends_on end) over (
            partition by order_id order by from_on rows between unbounded preceding and current row
        ) as gone_on,
        lag(case when is_queued then version_id end) over (
            partition by order_id order by from_on
        ) as waited_version_id
    from ending
),

-- What happens in the range. As columns, because PostgreSQL takes a condition on a day for one that hardly any
-- row meets, and then joins row by row.
steps as (
    select
        *,
        is_queued and waited_version_id is null and (gone_on is null or starts_on <= gone_on)
        and {{ in_days('starts_on') }} as is_entering,
        is_queued and waited_version_id <> version_id and (gone_on is null or starts_on <= gone_on)
        and {{ in_days('starts_on') }} as is_restated,
        not_wanted is not null and waited_version_id is not null and (gone_on is null or from_on <= gone_on)
        and {{ in_days('from_on') }} as is_dropped,
        ends_on = gone_on and (stretch_until_on is null or ends_on < stretch_until_on)
        and {{ in_days('gone_on') }} as is_gone
    from walked
)
{% endmacro %}
