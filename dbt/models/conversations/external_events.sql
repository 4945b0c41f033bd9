{#- The named signals of the days: what the queues release, and what happens to orders (DESIGN 3). The program
    names the campaigns (env_var), since dbt refuses ref() in a loop over its graph. -#}
{{ partitioned_by_day('occurred_on', indexes=[{'columns': ['occurred_on']}, {'columns': ['contact_key']}],
    meta={
        'reads_history_of': ['order_versions'],
        'config_hash': 'max_event_age_days ' ~ var('max_event_age_days'),
    }) }}
{% set campaigns = env_var('PP_CAMPAIGNS', '').split() %}

with {{ order_events() }}

select
    {{ event_id(merchant='merchant', kind="'order'", name='event_name', order_number='order_number') }} as event_id,
    event_name,
    cast(null as {{ dbt.type_string() }}) as campaign,
    merchant,
    contact_key,
    email,
    order_number,
    cast(null as {{ dbt.type_string() }}) as sku,
    occurred_on
from order_events
where
    {{ in_days('occurred_on') }}
    and {{ days_between('occurred_on', 'fact_on') }} <= {{ var('max_event_age_days') }}
{% for campaign in campaigns %}
union all
select
    event_id,
    {{ text(campaign_event('queue_' ~ campaign)) }},
    campaign,
    merchant,
    contact_key,
    email,
    order_number,
    sku,
    movement_on
from {{ ref('queue_' ~ campaign) }}
where reason = 'released' and {{ in_days('movement_on') }}
{% endfor %}
