{#  The runs that begin on each day (DESIGN 4), of the conversations of a level: level 1 waits for no other's events,
    level 2 for those that level 1 fires, and so on. A row says what is known at entry and nothing of what becomes of
    the run, so a day's rows hang on nothing that comes later. #}
{% macro conversation_runs(level) %}
{{ partitioned_by_day('begun_on', indexes=[{'columns': ['begun_on']}, {'columns': ['contact_key']}], pre_hook=joins_of_ctes(), meta={
    'reads_history_of': ['order_versions', 'order_lines', 'order_file_rows', 'external_events', 'segment_snapshots']
        + actions_below(level),
    'config_hash': 'runs 2',
}) }}

with recursive {{ run_candidates(level) }},

{{ run_orders('candidates') }},

{{ run_endings('candidates') }},

{{ run_chain(level) }}

select
    candidates.run_id,
    candidates.conversation,
    candidates.program,
    candidates.run_key,
    candidates.merchant,
    candidates.contact_key,
    candidates.email,
    candidates.event_id,
    candidates.event_name,
    candidates.order_number,
    candidates.sku,
    candidates.begun_on
from begun
inner join candidates on begun.run_id = candidates.run_id
where {{ in_days('candidates.begun_on') }}
{% endmacro %}
