{#- All runs, of whichever level their conversation is. -#}
{{ config(materialized='view') }}

{% for level in [1, 2, 3] %}
select
    run_id,
    conversation,
    program,
    run_key,
    merchant,
    contact_key,
    email,
    event_id,
    event_name,
    order_number,
    sku,
    begun_on
from {{ ref('conversation_runs_' ~ level) }}
{{ "union all" if not loop.last }}
{% endfor %}
