{#  A campaign's queue book (DESIGN 3): one row per movement, partitioned by the day of the movement.

    The rules are stated day by day; here they stand in closed form, with windows and joins alone:
    1. candidates     orders that something can happen to in from_day..to_day (campaign_candidates)
    2. versions       all their versions up to to_day, with basis date and own reason (campaign_versions)
    3. stretches      days on which nothing changes, cut by supersession (campaign_stretches)
    4. walked         wanted, queued, due, and the day an order leaves for good (campaign_walk)
    5. movements      read off the walk; the audience is judged on the day of release (campaign_movements)
    Parameters are checked when the program loads (pp_pipeline/campaigns), so here they are right. #}
{% macro campaign() %}
    {%- set parameters = campaign_parameters(kwargs) -%}
    {{ partitioned_by_day('movement_on', meta={
        'campaign': parameters,
        'config_hash': campaign_hash(parameters),
        'reads_history_of': ['order_versions', 'order_lines', 'order_file_rows'],
    }) }}
    {#- The list comes before the campaigns on the way (DESIGN 8), though its columns are computed as of the day. -#}
    {%- do ref('post_purchase_list') -%}{%- do ref('order_versions') -%}{%- do ref('order_lines') -%}
    {%- do ref_segments(parameters.audience) -%}
    {%- if execute %}
with {{ campaign_candidates(parameters) }},

{{ campaign_versions(parameters) }},

{{ campaign_stretches(parameters) }},

{{ campaign_walk(parameters) }},

{{ campaign_movements(parameters) }}
    {%- endif -%}
{% endmacro %}

{# The parameters with their defaults, and what follows from wait_days = 0. The one place defaults stand. #}
{% macro campaign_parameters(given) %}
    {%- set parameters = {
        'merchant': 'main',
        'date_basis': 'order_date',
        'ship_trigger': 'ship_date_only',
        'transit_days': none,
        'active_to': none,
        'back_populate_days': 0,
        'repeat_orders': 'each',
        'max_days_late': 10,
        'stop_statuses': stop_statuses(),
        'hold_statuses': [],
        'audience': none,
    } -%}
    {%- do parameters.update(given) -%}
    {%- if parameters.get('wait_days') == 0 -%}
        {%- do parameters.update({'max_days_late': 10}) -%}
        {%- if parameters.back_populate_days is number and parameters.back_populate_days < 10 -%}
            {%- do parameters.update({'back_populate_days': 10}) -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(parameters) }}
{% endmacro %}

{# The campaign's name: of queue_win_back, win_back. #}
{% macro campaign_name() %}{{ return(model.name | replace('queue_', '', 1)) }}{% endmacro %}

{# What a book is built from: the parameters and the version of these rules. A change rebuilds the book. #}
{% macro campaign_hash(parameters) %}
    {{ return(local_md5(tojson(parameters, sort_keys=true) ~ (list_hash() if parameters.audience else '') ~ ' rules 1')) }}
{% endmacro %}

{# The event that a queue fires, from the campaign's own file. #}
{% macro campaign_event(queue) %}
    {%- if execute -%}
        {%- for node in graph.nodes.values() if node.name == queue -%}
            {{ return(node.config.meta.campaign.event) }}
        {%- endfor -%}
    {%- endif -%}
    {{ return('') }}
{% endmacro %}
