{#  CTE `newest_fields`: what is stated of the profile fields that `asked_of_profiles` and `asked_atoms` ask for, by the
    contacts feed and by conversations; `recency` 1 is the word that counts. #}
{% macro newest_fields(level) %}
{{ set_by_conversations(level) }},

-- the newest row of the contacts feed and what conversations set; of one day what was set is newer
stated_fields as (
    select
        run_id,
        judged_on,
        atom,
        value,
        file_date as stated_on,
        0 as is_set,
        cast(null as {{ dbt.type_string() }}) as conversation,
        cast(null as {{ dbt.type_string() }}) as run_event_id,
        cast(null as integer) as place,
        case subject
            {%- for field in ['country', 'zone', 'locale', 'notification_preference'] %}
            when '{{ field }}' then {{ field }}
            {%- endfor %}
            when 'loyalty_member' then case when loyalty_member then 'true' when not loyalty_member then 'false' end
            else nullif({{ json_field('attributes', 'subject') }}, '')
        end as stated
    from asked_of_profiles
    where recency = 1 and kind = 'profile'
    union all
    select
        asked.run_id,
        asked.judged_on,
        asked.atom,
        asked.value,
        {{ add_days('fields.occurred_on', -1) }},
        1,
        fields.conversation,
        fields.run_event_id,
        fields.place,
        fields.value
    from asked_atoms as asked
    inner join set_by_conversations as fields
        on
            asked.merchant = fields.merchant
            and asked.contact_key = fields.contact_key
            and asked.subject = fields.field
            and asked.judged_on >= fields.occurred_on
    where asked.kind = 'profile'
),

newest_fields as (
    select
        *,
        row_number() over (
            partition by run_id, judged_on, atom
            order by
                stated_on desc,
                is_set desc,
                {{ bytewise('conversation') }} desc,
                {{ bytewise('run_event_id') }} desc,
                place desc
        ) as recency
    from stated_fields
    where stated is not null
)
{% endmacro %}

{# CTE `set_by_conversations`: the profile fields that conversations of lower levels set; of the lowest there are none. #}
{% macro set_by_conversations(level) %}
set_by_conversations as (
    {%- for actions in actions_below(level) %}
    select merchant, contact_key, field, value, conversation, run_event_id, place, occurred_on
    from {{ ref(actions) }}
    where field is not null
    {{ "union all" if not loop.last }}
    {%- else %}
    {%- set text = dbt.type_string() %}
    select
        cast(null as {{ text }}) as merchant,
        cast(null as {{ text }}) as contact_key,
        cast(null as {{ text }}) as field,
        cast(null as {{ text }}) as value,
        cast(null as {{ text }}) as conversation,
        cast(null as {{ text }}) as run_event_id,
        cast(null as integer) as place,
        cast(null as date) as occurred_on
    where 1 = 0
    {%- endfor %}
)
{% endmacro %}
