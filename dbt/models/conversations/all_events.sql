{#- Every event, whoever fires it: a campaign or an order (external_events), or an action of a conversation. Relays
    take them from here. -#}
{{ config(materialized='view') }}

select
    event_id,
    event_name,
    campaign,
    cast(null as {{ dbt.type_string() }}) as conversation,
    merchant,
    contact_key,
    email,
    order_number,
    sku,
    occurred_on
from {{ ref('external_events') }}
{% for level in [1, 2, 3] %}
union all
select
    event_id,
    event_name,
    cast(null as {{ dbt.type_string() }}),
    conversation,
    merchant,
    contact_key,
    email,
    order_number,
    sku,
    occurred_on
from {{ ref('conversation_actions_' ~ level) }}
where event_id is not null
{% endfor %}
