{#  CTE `contact_answers`: the questions of `asked_atoms` about the contact itself to which the answer is yes: reviews,
    tickets, what was done on the site, segments, profile, consent, preferences. `level`: the highest of the runs. #}
{% macro contact_answers(level) %}
told_by_contacts as (
    select
        asked.run_id,
        asked.judged_on,
        asked.atom,
        asked.kind,
        asked.subject,
        asked.value,
        asked.number,
        asked.begun_on,
        asked.order_number as run_order_number,
        told.event,
        told.occurred_at,
        told.occurred_on,
        told.order_number,
        told.rating,
        told.action,
        told.ticket_number,
        told.file_date,
        told.feed_file,
        told.row_in_file
    from asked_atoms as asked
    inner join {{ source('landing', 'feedback_rows') }} as told
        on asked.merchant = told.merchant and asked.contact_key = told.contact_key
    where
        asked.judged_on >= told.file_date
        and asked.judged_on >= told.occurred_on
        and case asked.kind
            when 'reviewed' then told.event = 'review_left'
            when 'ticket' then told.event in ('ticket_opened', 'ticket_closed')
            when 'site_action' then told.event = 'site_action' and told.action = asked.value
            when 'preference' then
                told.event = 'preference_set'
                and substring(told.action, 1, length(asked.subject) + 1) = asked.subject || '='
            else false
        end
),

-- the last word of each ticket, and of each preference; a ticket closed at the moment of its opening is closed
last_words as (
    select
        *,
        row_number() over (
            partition by run_id, judged_on, atom, coalesce(ticket_number, '')
            order by occurred_at desc, event, file_date desc, {{ bytewise('feed_file') }} desc, row_in_file desc
        ) as recency
    from told_by_contacts
    where kind in ('ticket', 'preference')
),

asked_of_profiles as (
    select
        asked.run_id,
        asked.judged_on,
        asked.atom,
        asked.kind,
        asked.subject,
        asked.value,
        contacts.*,
        row_number() over (
            partition by asked.run_id, asked.judged_on, asked.atom
            order by contacts.file_date desc, {{ bytewise('contacts.feed_file') }} desc, contacts.row_in_file desc
        ) as recency
    from asked_atoms as asked
    inner join {{ source('landing', 'contact_rows') }} as contacts
        on asked.merchant = contacts.merchant and asked.contact_key = contacts.contact_key
    where asked.kind in ('profile', 'consent') and asked.judged_on >= contacts.file_date
),

{{ newest_fields(level) }},

contact_answers as (
    select run_id, judged_on, atom from told_by_contacts
    where
        kind = 'reviewed'
        and (order_number = run_order_number or (order_number is null and occurred_on >= begun_on))
        and (number is null or rating >= number)
    union all
    select run_id, judged_on, atom from told_by_contacts
    where
        kind = 'site_action'
        and case
            when number is null then occurred_on >= begun_on
            else {{ days_between('judged_on', 'occurred_on') }} < number
        end
    union all
    select run_id, judged_on, atom from last_words
    where
        recency = 1
        and case kind when 'ticket' then event = 'ticket_opened' else action = subject || '=' || value end
    union all
    select run_id, judged_on, atom from asked_of_profiles
    where
        recency = 1
        and kind = 'consent'
        and case subject
            {%- for channel in ['email', 'sms'] %}{% for kind in ['commercial', 'transactional'] %}
            when '{{ channel }}_{{ kind }}' then {{ channel }}_{{ kind }}_consent <> 'none'
            {%- endfor %}{% endfor %}
        end
    union all
    select run_id, judged_on, atom from newest_fields
    where recency = 1 and stated = value
    union all
    select asked.run_id, asked.judged_on, asked.atom
    from asked_atoms as asked
    inner join {{ ref('segment_snapshots') }} as members
        on
            asked.merchant = members.merchant
            and asked.contact_key = members.contact_key
            and asked.judged_on = members.snapshot_on
            and asked.value = members.segment
    where asked.kind = 'segment'
)
{% endmacro %}
