{#  Where runs stand at the end of a day (the range's last): how many at each step of each conversation.
    `pp conversation` asks it; nothing is built of it. #}
{% macro standing_on_last_day() %}
with {{ waiting_places() }}

select conversation, thread_place, step_place, count(*) as waiting
from waiting_places
group by conversation, thread_place, step_place
{% endmacro %}

{#  CTE `waiting_places`: one row per run that waits at the end of the range's last day, with the place of its step and
    the day on which the wait is over. `pp preview` asks it too. #}
{% macro waiting_places() %}
{{ runs_of_the_time(ref('conversation_runs'), var('to_day'), var('to_day')) }},

possible_places as (
    select
        runs.run_id,
        stays.program,
        stays.node,
        stays.check_count,
        stays.thread_place,
        stays.step_place,
        {{ add_days('runs.begun_on', 'stays.to_days') }} as until_on
    from runs_of_the_time as runs
    inner join {{ source('landing', 'conversation_stays') }} as stays on runs.program = stays.program
    where
        runs.next_begun_on is null
        and {{ add_days('runs.begun_on', 'stays.from_days') }} <= {{ last_day() }}
        and {{ add_days('runs.begun_on', 'stays.to_days') }} > {{ last_day() }}
),

waiting_runs as (
    select * from runs_of_the_time
    where run_id in (select run_id from possible_places)
),

{{ run_orders('waiting_runs') }},

{{ run_endings('waiting_runs') }},

{{ reached_nodes('possible_places', 'waiting_runs', level=3) }},

waiting_places as (
    select
        runs.run_id,
        runs.conversation,
        runs.merchant,
        runs.contact_key,
        runs.order_number,
        runs.begun_on,
        places.thread_place,
        places.step_place,
        places.until_on
    from possible_places as places
    inner join waiting_runs as runs on places.run_id = runs.run_id
    left join endings on places.run_id = endings.run_id
    left join reached_nodes on places.run_id = reached_nodes.run_id and places.node = reached_nodes.node
    where
        (endings.ends_on is null or endings.ends_on > {{ last_day() }})
        and (places.check_count = 0 or reached_nodes.run_id is not null)
)
{% endmacro %}
