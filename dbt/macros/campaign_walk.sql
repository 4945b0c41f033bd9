{#  Each order walks through its segments (DESIGN 3, steps 1 and 2 of a day): is it wanted, is it in the queue, and
    on which day does it leave for good.

    A stint is a run of wanted segments; within it an order enters where its basis date lies in the window and the
    campaign is active, and then stays. The first day on which a queued order is due and not held, or held past
    `max_days_late`, is the day it is gone. #}
{% macro campaign_walk(parameters) %}
reasoned as (
    select
        *,
        coalesce(own_reason, case when pressure > 0 then 'superseded' end) as not_wanted
    from segments
),

stints as (
    select
        *,
        sum(case when not_wanted is null then 0 else 1 end) over (
            partition by order_number order by from_on rows between unbounded preceding and current row
        ) as stint,
        case
            when
                not_wanted is null
                and (segment_until_on is null or segment_until_on > {{ day(parameters.active_from) }})
                and basis_date >= {{ day(shifted(parameters.active_from, -parameters.back_populate_days)) }}
                {%- if parameters.active_to is not none %}
                and basis_date <= {{ day(parameters.active_to) }}
                {%- endif %}
                then 1
            else 0
        end as may_enter
    from reasoned
),

queued as (
    select
        *,
        case
            when
                not_wanted is null
                and max(may_enter) over (
                    partition by order_number, stint
                    order by from_on rows between unbounded preceding and current row
                ) = 1
                then 1
            else 0
        end as is_queued,
        greatest(from_on, {{ day(parameters.active_from) }}) as starts_on
    from stints
),

ending as (
    select
        *,
        case
            when is_queued = 0 then null
            {%- if parameters.hold_statuses %}
            when status in {{ texts(parameters.hold_statuses) }}
                then greatest(starts_on, {{ add_days('due_on', parameters.max_days_late + 1) }})
            {%- endif %}
            else greatest(starts_on, due_on)
        end as ends_on
    from queued
),

walked as (
    select
        *,
        min(case when segment_until_on is null or ends_on < segment_until_on then ends_on end) over (
            partition by order_number
        ) as gone_on,
        lag(is_queued, 1, 0) over (partition by order_number order by from_on) as was_queued,
        lag(due_on) over (partition by order_number order by from_on) as former_due_on,
        lag(contact_key) over (partition by order_number order by from_on) as former_contact_key,
        lag(email) over (partition by order_number order by from_on) as former_email,
        lag(basis_date) over (partition by order_number order by from_on) as former_basis_date,
        lag(basis_source) over (partition by order_number order by from_on) as former_basis_source
    from ending
)
{% endmacro %}
