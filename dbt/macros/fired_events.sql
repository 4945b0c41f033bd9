{#  The events that the runs of a level fire, on the day on which they reach other conversations: the day after
    (DESIGN 4). They stand apart from `external_events`, which does not depend on conversations. #}
{% macro fired_events(level) %}
{{ partitioned_by_day('occurred_on', indexes=[{'columns': ['occurred_on']}, {'columns': ['contact_key']}], meta={
    'reads_history_of': [
        'order_versions', 'order_lines', 'order_file_rows', 'segment_snapshots', 'conversation_runs_' ~ level,
    ],
    'config_hash': 'fired 1',
}) }}

with {{ done_deeds(ref('conversation_runs_' ~ level), days_before=1) }}

select
    {{ stable_hash([
        'merchant', "'fired'", 'fires', 'conversation', 'event_id', 'step',
        'cast(occurrence as ' ~ dbt.type_string() ~ ')',
    ]) }} as event_id,
    fires as event_name,
    conversation,
    merchant,
    contact_key,
    email,
    order_number,
    sku,
    {{ add_days('done_on', 1) }} as occurred_on
from done_deeds
{% endmacro %}
