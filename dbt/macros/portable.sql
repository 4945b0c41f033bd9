{# What DuckDB, PostgreSQL and Spark say differently. Everything else is written once. #}

{# DuckDB and PostgreSQL add integers to dates; Spark has a function. #}
{% macro add_days(day, days) %}{{ return(adapter.dispatch('add_days')(day, days)) }}{% endmacro %}
{% macro default__add_days(day, days) %}({{ day }} + ({{ days }})){% endmacro %}
{% macro spark__add_days(day, days) %}date_add({{ day }}, {{ days }}){% endmacro %}

{# DuckDB and PostgreSQL subtract dates to a number of days; Spark has a function. #}
{% macro days_between(later, earlier) %}{{ return(adapter.dispatch('days_between')(later, earlier)) }}{% endmacro %}
{% macro default__days_between(later, earlier) %}({{ later }} - {{ earlier }}){% endmacro %}
{% macro spark__days_between(later, earlier) %}datediff({{ later }}, {{ earlier }}){% endmacro %}

{# Text is compared bytewise (DESIGN 3): PostgreSQL follows the database's locale unless told otherwise. #}
{% macro bytewise(text) %}{{ return(adapter.dispatch('bytewise')(text)) }}{% endmacro %}
{% macro default__bytewise(text) %}{{ text }}{% endmacro %}
{% macro postgres__bytewise(text) %}({{ text }} collate "C"){% endmacro %}

{# Integer division that rounds down, also below zero; `/` is a float division in DuckDB and Spark. #}
{% macro floor_divide(amount, parts) %}{{ return(adapter.dispatch('floor_divide')(amount, parts)) }}{% endmacro %}
{% macro default__floor_divide(amount, parts) %}{{ floored(amount, parts, '//') }}{% endmacro %}
{% macro postgres__floor_divide(amount, parts) %}{{ floored(amount, parts, '/') }}{% endmacro %}
{% macro spark__floor_divide(amount, parts) %}{{ floored(amount, parts, 'div') }}{% endmacro %}
{% macro floored(amount, parts, division) -%}
(({{ amount }}) - ((({{ amount }}) % ({{ parts }})) + ({{ parts }})) % ({{ parts }})) {{ division }} ({{ parts }})
{%- endmacro %}

{# A value of a JSON object, as text; null where the key is missing. #}
{% macro json_value(document, key) %}{{ return(adapter.dispatch('json_value')(document, key)) }}{% endmacro %}
{% macro default__json_value(document, key) %}json_extract_string({{ document }}, {{ text("$.\"" ~ key ~ "\"") }}){% endmacro %}
{% macro postgres__json_value(document, key) %}(cast({{ document }} as jsonb) ->> {{ text(key) }}){% endmacro %}
{% macro spark__json_value(document, key) %}get_json_object({{ document }}, {{ text("$['" ~ key ~ "']") }}){% endmacro %}

{# A text literal. Spark reads backslashes and doubled quotes its own way. #}
{# The same, where an SQL expression says the key; one that needs no quoting. #}
{% macro json_field(document, key) %}{{ return(adapter.dispatch('json_field')(document, key)) }}{% endmacro %}
{% macro default__json_field(document, key) %}json_extract_string({{ document }}, '$.' || {{ key }}){% endmacro %}
{% macro postgres__json_field(document, key) %}(cast({{ document }} as jsonb) ->> {{ key }}){% endmacro %}
{% macro spark__json_field(document, key) %}get_json_object({{ document }}, concat('$.', {{ key }})){% endmacro %}

{% macro text(value) %}{{ return(adapter.dispatch('text')(value)) }}{% endmacro %}
{% macro default__text(value) %}'{{ value | replace("'", "''") }}'{% endmacro %}
{% macro spark__text(value) %}'{{ value | replace("\\", "\\\\") | replace("'", "\\'") }}'{% endmacro %}

{% macro texts(values) %}({% for value in values %}{{ text(value) }}{{ ", " if not loop.last }}{% endfor %}){% endmacro %}

{# A stable hash of several fields. Each field carries its length, so ('a', 'bc') and ('ab', 'c') differ. #}
{% macro stable_hash(fields) -%}
md5(
    {%- for field in fields %}
    coalesce(cast(length({{ field }}) as {{ dbt.type_string() }}), '-') || ':' || coalesce({{ field }}, '')
    {{- " || " if not loop.last }}
    {%- endfor %})
{%- endmacro %}

{# A hash kept in 16 bytes: joins by it take a fifth of the time of joins by text. Spark has no such type. #}
{% macro compact_hash(fields) %}{{ return(adapter.dispatch('compact_hash')(fields)) }}{% endmacro %}
{% macro default__compact_hash(fields) %}cast({{ stable_hash(fields) }} as uuid){% endmacro %}
{% macro spark__compact_hash(fields) %}{{ stable_hash(fields) }}{% endmacro %}

{#  A condition that the joins imply anyway, so that DuckDB and Spark read only the row groups or partitions of those
    values. PostgreSQL reads by index, and would guess the result thousands of times too large. #}
{% macro skip_by(column, values) %}{{ return(adapter.dispatch('skip_by')(column, values)) }}{% endmacro %}
{% macro default__skip_by(column, values) %}and {{ column }} in ({{ values }}){% endmacro %}
{% macro postgres__skip_by(column, values) %}{% endmacro %}

{#  What a model runs first whose CTEs join one another: PostgreSQL knows nothing of their columns, believes that a
    handful of rows is left after three joins, and then compares each row with each. -#}
{% macro joins_of_ctes() %}
    {{ return(['set local enable_nestloop = off'] if target.type == 'postgres' else []) }}
{% endmacro %}

{#  Stands before a CTE whose columns are worked out of two tables and joined by: PostgreSQL would join a third to one of
    the two first, by whatever else they share. The others find their way. #}
{% macro materialized() %}{{ return(adapter.dispatch('materialized')()) }}{% endmacro %}
{% macro default__materialized() %}{% endmacro %}
{% macro postgres__materialized() %}materialized{% endmacro %}

{# The day of the week, 0 for Monday. #}
{% macro weekday(day) %}{{ return(adapter.dispatch('weekday')(day)) }}{% endmacro %}
{% macro default__weekday(day) %}cast(extract(isodow from {{ day }}) as integer) - 1{% endmacro %}
{% macro spark__weekday(day) %}weekday({{ day }}){% endmacro %}

{# Where a text falls between 0 and 1, spread evenly, by the first 24 bits of its hash. #}
{% macro share(fields) %}{{ return(adapter.dispatch('share')(fields)) }}{% endmacro %}
{% macro default__share(fields) %}(cast('0x' || substring({{ stable_hash(fields) }}, 1, 6) as bigint) / 16777216.0){% endmacro %}
{% macro postgres__share(fields) %}(cast(cast('x' || substring({{ stable_hash(fields) }}, 1, 6) as bit(24)) as integer) / 16777216.0){% endmacro %}
{% macro spark__share(fields) %}(cast(conv(substring({{ stable_hash(fields) }}, 1, 6), 16, 10) as bigint) / 16777216.0){% endmacro %}
