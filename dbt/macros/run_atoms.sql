{#  CTE `true_atoms`: of the questions that `asked_wishes` asks about runs on days, those to which the answer is yes
    (run_id, judged_on, atom). Each kind of fact is one select; what is missing is no. A row of feedback is known from
    its file's date, and not before its own. #}
{% macro true_atoms(runs, level) %}
asked_atoms as (
    select distinct
        asked_wishes.judged_on,
        atoms.*,
        runs.run_id,
        runs.conversation,
        runs.merchant,
        runs.contact_key,
        runs.order_number,
        runs.sku,
        runs.event_id,
        runs.begun_on
    from asked_wishes
    inner join {{ source('landing', 'conversation_atoms') }} as atoms on asked_wishes.atom = atoms.atom
    inner join {{ runs }} as runs on asked_wishes.run_id = runs.run_id
),

{{ message_reactions() }},

{{ contact_answers(level) }},

-- the versions of what was bought, for questions about articles
bought_versions as (
    select
        order_id,
        version_id,
        known_on,
        lead(known_on) over (partition by order_id order by known_on) as until_on
    from {{ ref('order_versions') }}
    where
        known_on <= {{ last_day() }}
        and order_id in (
            select purchases_since.order_id
            from purchases_since
            inner join asked_atoms on purchases_since.run_id = asked_atoms.run_id
            where asked_atoms.kind in ('bought_sku', 'bought_category')
        )
),

true_atoms as (
    select run_id, judged_on, atom from message_reactions
    union
    select asked.run_id, asked.judged_on, asked.atom
    from asked_atoms as asked
    inner join purchases_since as purchases
        on
            asked.run_id = purchases.run_id
            and asked.judged_on >= purchases.from_on
            and (purchases.until_on is null or asked.judged_on < purchases.until_on)
    where asked.kind = 'bought'
    union
    select asked.run_id, asked.judged_on, asked.atom
    from asked_atoms as asked
    inner join purchases_since as purchases
        on
            asked.run_id = purchases.run_id
            and asked.judged_on >= purchases.from_on
            and (purchases.until_on is null or asked.judged_on < purchases.until_on)
    inner join bought_versions as versions
        on
            purchases.order_id = versions.order_id
            and asked.judged_on >= versions.known_on
            and (versions.until_on is null or asked.judged_on < versions.until_on)
    inner join {{ ref('order_lines') }} as lines on versions.version_id = lines.version_id
    where
        (asked.kind = 'bought_sku' and lines.sku = asked.value)
        or (asked.kind = 'bought_category' and lines.category = asked.value)
    union
    select asked.run_id, asked.judged_on, asked.atom
    from asked_atoms as asked
    inner join own_versions as versions
        on
            asked.merchant = versions.merchant
            and asked.order_number = versions.order_number
            and asked.judged_on >= versions.known_on
            and (versions.until_on is null or asked.judged_on < versions.until_on)
    where
        (asked.kind = 'order_status' and versions.status = asked.value)
        or (asked.kind = 'order_is' and {{ order_is('asked.value', 'asked.judged_on') | indent(8) }})
    union
    select asked.run_id, asked.judged_on, asked.atom
    from asked_atoms as asked
    inner join own_versions as versions
        on
            asked.merchant = versions.merchant
            and asked.order_number = versions.order_number
            and asked.judged_on >= versions.known_on
            and (versions.until_on is null or asked.judged_on < versions.until_on)
    inner join {{ ref('order_lines') }} as lines
        on versions.version_id = lines.version_id and asked.sku = lines.sku
    where asked.kind = 'line_status' and lines.status = asked.value
    union
    select run_id, judged_on, atom from contact_answers
)
{% endmacro %}

{# Whether a word of the condition `order_is` holds for an order version on a day. #}
{% macro order_is(word, day) -%}
case {{ word }}
    {%- for name, is_true in exits().items() %}
    when '{{ name }}' then {{ is_true }}
    {%- endfor %}
    when 'shipped' then
        ((ship_date is not null and ship_date <= {{ day }})
            or status in {{ texts(shipped_statuses()) }})
        and status not in {{ texts(stop_statuses()) }}
        and not (shipped_lines > 0 and shipped_lines + returned_lines + canceled_lines < line_count)
    when 'delivered' then coalesce(delivered_on <= {{ day }}, false)
end
{%- endmacro %}

{#  CTE `message_reactions`: opened (by a person), clicked and replied, found by the ids that the run's messages have. #}
{% macro message_reactions() %}
message_visits as (
    select distinct conversation, step, occurrence, pass from {{ source('landing', 'conversation_deeds') }}
    where channel is not null
),

asked_messages as {{ materialized() }} (
    select
        asked.*,
        {{ message_id('asked.conversation', 'asked.event_id', 'visits.step', 'visits.occurrence', 'visits.pass') }}
        as message_id
    from asked_atoms as asked
    inner join message_visits as visits
        on
            asked.conversation = visits.conversation
            and asked.subject = visits.step
            and visits.occurrence between asked.from_visit and asked.to_visit
            and visits.pass <= asked.to_pass
    where asked.kind in ('opened', 'clicked', 'replied')
),

message_reactions as (
    select asked.run_id, asked.judged_on, asked.atom
    from asked_messages as asked
    inner join {{ source('landing', 'feedback_rows') }} as told
        on asked.message_id = told.message_id and asked.merchant = told.merchant
    where
        asked.judged_on >= told.file_date
        and asked.judged_on >= told.occurred_on
        and case asked.kind
            when 'opened' then told.event = 'opened' and not coalesce(told.is_machine_open, false)
            when 'clicked' then told.event = 'clicked' and (asked.value = '' or asked.value = told.link)
            else told.event = 'sms_reply'
        end
)
{% endmacro %}

{# The id of a message (DESIGN 4): it stands in the ledger, so it never changes. #}
{% macro message_id(conversation, event_id, step, occurrence, pass) -%}
{%- set text = dbt.type_string() -%}
{{ stable_hash([
    conversation, event_id, step, 'cast(' ~ occurrence ~ ' as ' ~ text ~ ')', 'cast(' ~ pass ~ ' as ' ~ text ~ ')',
]) }}
{%- endmacro %}
