{#- The profile fields that conversations set, from the day after on. -#}
{{ config(materialized='view') }}

{% for level in [1, 2, 3] %}
select
    merchant,
    contact_key,
    field,
    value,
    conversation,
    run_event_id,
    place,
    occurred_on
from {{ ref('conversation_actions_' ~ level) }}
where field is not null
{{ "union all" if not loop.last }}
{% endfor %}
