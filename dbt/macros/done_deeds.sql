{#  What runs do on given days (DESIGN 4, "Each day", 3): CTE `done_deeds`, one row per message or action of a run.

    Until the day of it the run was ended by nothing and by no new run of its key, and its way led there.

    `model` holds the runs, `level` is the highest of theirs; `days_before` says how many days before the range's days
    are looked at (1 for actions, which others see on the next day). #}
{% macro done_deeds(model, level, days_before=0) %}
{%- set first = shifted(var('from_day'), -days_before) -%}
{%- set last = shifted(var('to_day'), -days_before) -%}
{{ runs_of_the_time(model, first, last) }},

due_deeds as (
    select
        runs.run_id,
        deeds.*,
        {{ add_days('runs.begun_on', 'deeds.after_days') }} as done_on
    from runs_of_the_time as runs
    inner join {{ source('landing', 'conversation_deeds') }} as deeds on runs.program = deeds.program
    where
        deeds.channel is {{ 'not ' if not days_before }}null
        and {{ add_days('runs.begun_on', 'deeds.after_days') }} between {{ day(first) }} and {{ day(last) }}
        and (
            runs.next_begun_on is null
            or runs.next_begun_on > {{ add_days('runs.begun_on', 'deeds.after_days') }}
        )
),

due_runs as (
    select * from runs_of_the_time
    where run_id in (select run_id from due_deeds where after_days > 0 or check_count > 0)
),

{{ run_orders('due_runs') }},

{{ run_endings('due_runs') }},

{{ reached_nodes('due_deeds', 'due_runs', level) }},

done_deeds as (
    select
        due_deeds.*,
        runs.run_key,
        runs.merchant,
        runs.contact_key,
        runs.email,
        runs.event_id,
        runs.order_number,
        runs.sku
    from due_deeds
    inner join runs_of_the_time as runs on due_deeds.run_id = runs.run_id
    left join endings on due_deeds.run_id = endings.run_id
    left join reached_nodes on due_deeds.run_id = reached_nodes.run_id and due_deeds.node = reached_nodes.node
    where
        (endings.ends_on is null or endings.ends_on > due_deeds.done_on)
        and (due_deeds.check_count = 0 or reached_nodes.run_id is not null)
)
{% endmacro %}

{#  CTE `runs_of_the_time`: the runs to which something can happen on the days first..last (texts), with what their
    programs say, and the begin of the next run of their key, which ends them. #}
{% macro runs_of_the_time(model, first, last) %}
programs as (
    select distinct program, goal, horizon from {{ source('landing', 'conversation_programs') }}
),

runs_of_the_time as (
    select
        runs.*,
        programs.goal,
        programs.horizon,
        lead(runs.begun_on) over (
            partition by runs.conversation, runs.merchant, runs.run_key order by runs.begun_on
        ) as next_begun_on
    from {{ model }} as runs
    inner join programs on runs.program = programs.program
    where
        runs.begun_on <= {{ day(last) }}
        and runs.begun_on >= {{ add_days(day(first), '-(select coalesce(max(horizon), 0) from programs)') }}
)
{% endmacro %}
