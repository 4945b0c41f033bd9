{# The range of days that a run builds. A range is one pass, so every model reads `between` (DESIGN 1). #}

{% macro day(value) %}cast('{{ value }}' as date){% endmacro %}
{% macro first_day() %}{{ day(var('from_day')) }}{% endmacro %}
{% macro last_day() %}{{ day(var('to_day')) }}{% endmacro %}
{% macro in_days(column) %}{{ column }} between {{ first_day() }} and {{ last_day() }}{% endmacro %}

{# A day some days after (or before) a day written as text, as text: known while the SQL is written. #}
{% macro shifted(value, days) -%}
{{ return((modules.datetime.date.fromisoformat(value | string) + modules.datetime.timedelta(days=days)).isoformat()) }}
{%- endmacro %}

{#  The model's table is replaced day by day: the rows of from_day..to_day are deleted and written anew.
    A day that became empty loses its rows, which neither merge nor delete+insert by key would do. #}
{% macro partitioned_by_day(column, indexes=[], meta={}, pre_hook=[]) %}
    {{ config(
        pre_hook=pre_hook,
        materialized='incremental',
        incremental_strategy='insert_overwrite' if target.type == 'spark' else 'replace_days',
        partition_by=[column] if target.type == 'spark' else none,
        indexes=indexes if target.type == 'postgres' else [],
        on_schema_change='fail',
        meta=dict(meta, day_column=column),
    ) }}
{% endmacro %}

{% macro get_incremental_replace_days_sql(arguments) %}
    {%- set columns = arguments['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    delete from {{ arguments['target_relation'] }} where {{ in_days(config.get('meta')['day_column']) }};
    insert into {{ arguments['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arguments['temp_relation'] }}
{% endmacro %}
