{#  What ends a run before its natural end (DESIGN 4, "Each day", 1): a word of exit_when, the goal, another contact.

    CTE `ending_spells`: the days on which each of them is so, with the word that `pp why` tells. CTE `endings`: the
    first such day, per run of `runs`, a CTE with run_id, conversation, merchant,
    contact_key, order_number, begun_on, goal and horizon. `exit_when` counts from the day of entry (such an event does
    not act), the rest from the day after. Reads the CTEs of run_orders.sql. #}
{% macro run_endings(runs) %}
{%- set covers -%}
known_on <= {{ add_days('runs.begun_on', 'runs.horizon') }}
        and (versions.until_on is null or versions.until_on > runs.begun_on)
{%- endset %}
ending_spells as (
    select
        runs.run_id, exits.word, runs.begun_on as earliest_on, versions.known_on as from_on, versions.until_on
    from {{ runs }} as runs
    inner join {{ source('landing', 'conversation_exits') }} as exits on runs.conversation = exits.conversation
    inner join own_versions as versions
        on runs.merchant = versions.merchant and runs.order_number = versions.order_number
    where
        versions.{{ covers }}
        and case exits.word
            {%- for word, is_true in exits().items() %}
            when '{{ word }}' then {{ is_true }}
            {%- endfor %}
            else false
        end
    union all
    select runs.run_id, 'another_contact', {{ add_days('runs.begun_on', 1) }}, versions.known_on, versions.until_on
    from {{ runs }} as runs
    inner join own_versions as versions
        on runs.merchant = versions.merchant and runs.order_number = versions.order_number
    where
        versions.{{ covers }}
        and versions.contact_key is distinct from runs.contact_key
    union all
    select
        runs.run_id,
        case when runs.delay = 0 then 'purchased_again' else 'goal' end,
        {{ add_days('runs.begun_on', 'runs.delay') }},
        purchases.from_on,
        purchases.until_on
    from endable_by_purchase as runs
    inner join purchases_since as purchases on runs.run_id = purchases.run_id
    union all
    select runs.run_id, exits.word, runs.begun_on, greatest(told.file_date, told.occurred_on), cast(null as date)
    from {{ runs }} as runs
    inner join {{ source('landing', 'conversation_exits') }} as exits on runs.conversation = exits.conversation
    inner join {{ source('landing', 'feedback_rows') }} as told
        on runs.merchant = told.merchant and runs.contact_key = told.contact_key
    where
        exits.word = 'unsubscribed'
        and told.event = 'unsubscribed'
        and (told.channel is null or told.channel = exits.value)
    union all
    select
        runs.run_id,
        'segment ' || exits.value,
        runs.begun_on,
        members.snapshot_on,
        {{ add_days('members.snapshot_on', 1) }}
    from {{ runs }} as runs
    inner join {{ source('landing', 'conversation_exits') }} as exits on runs.conversation = exits.conversation
    inner join {{ ref('segment_snapshots') }} as members
        on
            exits.value = members.segment
            and runs.merchant = members.merchant
            and runs.contact_key = members.contact_key
    where
        exits.word = 'segment'
        and members.snapshot_on between runs.begun_on and {{ last_day() }}
),

endings as (
    select run_id, min(greatest(earliest_on, from_on)) as ends_on
    from ending_spells
    where until_on is null or until_on > greatest(earliest_on, from_on)
    group by run_id
)
{% endmacro %}
