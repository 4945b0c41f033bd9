{#  Events that could begin a run (DESIGN 4, "Each day", 2), before anything is said of who is inside.

    A candidate is an event and a thread that it leads to, with the run that would begin: run_id, run_key, begun_on;
    key_id stands for conversation, merchant and run key. Of run keys that have one in the range's days all candidates ever are looked at: who is inside, and whether somebody
    entered before, follows from them. Only where that makes no difference (looks_back) the days themselves are enough. #}
{% macro run_candidates(level) %}
programs as (
    select * from {{ source('landing', 'conversation_programs') }}
    where level = {{ level }}
),

events as (
    select event_id, event_name, merchant, contact_key, email, order_number, sku, occurred_on
    from {{ ref('external_events') }}
    where occurred_on <= {{ last_day() }}
    {%- for actions in actions_below(level) %}
    union all
    select event_id, event_name, merchant, contact_key, email, order_number, sku, occurred_on
    from {{ ref(actions) }}
    where event_id is not null and occurred_on <= {{ last_day() }}
    {%- endfor %}
),

asked_contacts as (
    select distinct events.merchant, events.contact_key
    from events
    inner join programs on events.event_name = programs.event_name
    where {{ in_days('events.occurred_on') }}
),

candidates_of_contacts as (
    select
        programs.conversation,
        programs.program,
        programs.thread_place,
        programs.rank,
        programs.entries,
        programs.goal,
        programs.horizon,
        events.event_id,
        events.event_name,
        events.merchant,
        events.contact_key,
        events.email,
        events.order_number,
        events.sku,
        events.occurred_on as begun_on,
        case programs.scope
            when 'contact' then events.contact_key
            when 'order' then events.contact_key || ':' || events.order_number
            else events.contact_key || ':' || events.order_number || ':' || events.sku
        end as run_key
    from events
    inner join programs on events.event_name = programs.event_name
    inner join asked_contacts
        on events.merchant = asked_contacts.merchant and events.contact_key = asked_contacts.contact_key
    where
        (programs.weekday is null or programs.weekday = {{ weekday('events.occurred_on') }})
        and (programs.live_from is null or events.occurred_on >= programs.live_from)
        and (programs.looks_back or events.occurred_on >= {{ first_day() }})
),

keyed_candidates as (
    select
        *,
        {{ compact_hash(['conversation', 'merchant', 'run_key']) }} as key_id,
        {{ run_id('program', 'event_id', 'begun_on') }} as run_id
    from candidates_of_contacts
    where run_key is not null
),

candidates as (
    select * from keyed_candidates
    where key_id in (select key_id from keyed_candidates where {{ in_days('begun_on') }})
)
{% endmacro %}
