{#  What the actions of a level's runs do, on the day from which others see it: the day after (DESIGN 4). A row is an
    event that is fired (event_id, event_name) or a profile field that is set (field, value); coupons are drawn by the
    sender. They stand apart from `external_events`, which does not depend on conversations. #}
{% macro conversation_actions(level) %}
{{ partitioned_by_day('occurred_on', indexes=[{'columns': ['occurred_on']}, {'columns': ['contact_key']}], pre_hook=joins_of_ctes(), meta={
    'reads_history_of': [
        'order_versions', 'order_lines', 'order_file_rows', 'segment_snapshots', 'conversation_runs_' ~ level,
    ] + actions_below(level),
    'config_hash': 'actions 1',
}) }}

with {{ done_deeds(ref('conversation_runs_' ~ level), level, days_before=1) }}

select
    case when fires is not null then {{ stable_hash([
        'merchant', "'fired'", 'fires', 'conversation', 'event_id', 'step',
        'cast(occurrence as ' ~ dbt.type_string() ~ ')',
    ]) }} end as event_id,
    fires as event_name,
    sets as field,
    set_to as value,
    conversation,
    event_id as run_event_id,
    place,
    merchant,
    contact_key,
    email,
    order_number,
    sku,
    {{ add_days('done_on', 1) }} as occurred_on
from done_deeds
{% endmacro %}

{# The models of what the levels below one do: a conversation sees no other actions. #}
{% macro actions_below(level) %}
    {%- set found = [] -%}
    {%- for lower in range(1, level) %}{% do found.append('conversation_actions_' ~ lower) %}{% endfor -%}
    {{ return(found) }}
{% endmacro %}
