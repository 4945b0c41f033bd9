{#- The messages due on each day (DESIGN 4). Conversations of the simplest shape, trigger then message: a run enters on
    its event's day, its message is due that day, and the run ends. At most one event acts per run key and day; with
    `once` only the first that ever acted. -#}
{{ partitioned_by_day('due_on', indexes=[{'columns': ['due_on']}],
    meta={
        'reads_history_of': ['order_versions', 'external_events'],
        'config_hash': 'conversations 2',
    }) }}

with conversation_messages as (
    select * from {{ source('landing', 'conversation_messages') }}
),

events_of_days as (
    select distinct
        events.merchant,
        events.contact_key
    from {{ ref('external_events') }} as events
    inner join conversation_messages as messages on events.event_name = messages.event_name
    where {{ in_days('events.occurred_on') }}
),

candidates as (
    select
        messages.*,
        events.event_id,
        events.merchant,
        events.contact_key,
        events.order_number,
        events.occurred_on,
        case
            when messages.scope = 'order' then events.contact_key || ':' || events.order_number
            else events.contact_key
        end as run_key
    from {{ ref('external_events') }} as events
    inner join conversation_messages as messages on events.event_name = messages.event_name
    inner join events_of_days
        on events.merchant = events_of_days.merchant and events.contact_key = events_of_days.contact_key
    where
        events.occurred_on <= {{ last_day() }}
        -- `once` needs all that ever entered, the others only the days themselves
        and (messages.entries = 'once' or events.occurred_on >= {{ first_day() }})
        and (messages.live_from is null or events.occurred_on >= messages.live_from)
),

-- the order's version in force on the day of the event
judged as (
    select
        candidates.*,
        versions.ordered_at,
        versions.status,
        versions.returned_lines,
        versions.refunded_cents,
        row_number() over (
            partition by candidates.conversation, candidates.event_id order by versions.known_on desc
        ) as version_recency
    from candidates
    inner join {{ ref('order_versions') }} as versions
        on
            candidates.merchant = versions.merchant
            and candidates.order_number = versions.order_number
            and candidates.occurred_on >= versions.known_on
),

acting as (
    select
        *,
        row_number() over (
            partition by conversation, merchant, run_key, occurred_on
            order by ordered_at desc, {{ bytewise('order_number') }} desc, event_id
        ) as place_on_day,
        min(occurred_on) over (partition by conversation, merchant, run_key) as first_entered_on
    from judged
    where
        version_recency = 1
        {%- for word, is_true in exits().items() %}
        and not (exit_when like '% {{ word }} %' and {{ is_true }})
        {%- endfor %}
)

select
    {{ stable_hash(['conversation', 'event_id', 'step', "'1'", "'1'"]) }} as message_id,
    run_key,
    conversation,
    step,
    1 as occurrence,
    1 as pass,
    channel,
    template,
    '' as variant,
    merchant,
    contact_key,
    event_id,
    order_number,
    occurred_on as due_on
from acting
where
    place_on_day = 1
    and {{ in_days('occurred_on') }}
    and (entries = 'unlimited' or occurred_on = first_entered_on)
