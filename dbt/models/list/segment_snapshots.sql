{#- All segments, one row per segment, day and member. The program names the segments (env_var), since dbt
    refuses ref() in a loop over its graph. -#}
{{ config(materialized='view') }}
{% set segments = env_var('PP_SEGMENTS', '').split() %}

{% for segment in segments %}
select segment, snapshot_on, contact_key, merchant from {{ ref('segment_' ~ segment) }}
{{ "union all" if not loop.last }}
{% else %}
select
    cast(null as {{ dbt.type_string() }}) as segment,
    cast(null as date) as snapshot_on,
    cast(null as {{ dbt.type_string() }}) as contact_key,
    cast(null as {{ dbt.type_string() }}) as merchant
where 1 = 0
{% endfor %}
