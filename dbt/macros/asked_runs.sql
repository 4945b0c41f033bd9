{#  What conversations made of the events of some contacts: `pp why` asks it of the CTE `asked` (merchant,
    contact_key); nothing is built of it.

    CTE `asked_runs` has every event that a conversation takes with the run that it began or would have begun, whoever
    was inside; `begun_runs` those that did begin. Reads as `run_candidates` does, of all levels at once. #}
{% macro asked_runs() %}
asked_events as (
    select
        events.event_id,
        events.event_name,
        events.merchant,
        events.contact_key,
        events.order_number,
        events.sku,
        events.occurred_on
    from {{ ref('all_events') }} as events
    inner join asked on events.merchant = asked.merchant and events.contact_key = asked.contact_key
),

asked_runs as (
    select
        programs.conversation,
        programs.program,
        programs.thread_place,
        programs.rank,
        programs.goal,
        programs.horizon,
        events.event_id,
        events.event_name,
        events.merchant,
        events.contact_key,
        events.order_number,
        events.sku,
        events.occurred_on as begun_on,
        {{ run_id('programs.program', 'events.event_id', 'events.occurred_on') }} as run_id
    from asked_events as events
    inner join {{ source('landing', 'conversation_programs') }} as programs on events.event_name = programs.event_name
    where programs.weekday is null or programs.weekday = {{ weekday('events.occurred_on') }}
),

begun_runs as (
    select asked_runs.*, runs.run_key
    from asked_runs
    inner join {{ ref('conversation_runs') }} as runs
        on asked_runs.contact_key = runs.contact_key and asked_runs.run_id = runs.run_id
)
{% endmacro %}

{#  The questions that the splits and passes of these runs asked, day by day, and what came out. #}
{% macro answers_of_asked_runs() %}
{{ asked_runs() }},

asked_wishes as (
    select distinct
        runs.run_id,
        {{ add_days('runs.begun_on', 'checks.judged_days') }} as judged_on,
        checks.condition,
        wishes.clause,
        wishes.atom,
        wishes.wanted
    from begun_runs as runs
    inner join {{ source('landing', 'conversation_checks') }} as checks on runs.program = checks.program
    inner join {{ source('landing', 'conversation_wishes') }} as wishes on checks.condition = wishes.condition
),

{{ run_orders('begun_runs') }},

{{ true_atoms('begun_runs', level=3) }}

select distinct
    asked_wishes.run_id,
    asked_wishes.judged_on,
    atoms.kind,
    atoms.subject,
    atoms.value,
    atoms.number,
    atoms.from_visit,
    atoms.to_visit,
    atoms.to_pass,
    true_atoms.atom is not null as is_true
from asked_wishes
inner join {{ source('landing', 'conversation_atoms') }} as atoms on asked_wishes.atom = atoms.atom
left join true_atoms
    on
        asked_wishes.run_id = true_atoms.run_id
        and asked_wishes.judged_on = true_atoms.judged_on
        and asked_wishes.atom = true_atoms.atom
{% endmacro %}
