{#  What order versions, orders and contacts are joined by: hashes in 16 bytes, of one column, so that databases
    skip by them fast and guess the size of a join right. What is shown, hashed again or sent is fetched by them at
    the end. They are as long as an event's id, so no more likely to stand for two. Arguments are SQL expressions. #}
{% macro order_id(merchant, order_number) %}{{ compact_hash([merchant, order_number]) }}{% endmacro %}

{% macro version_id(merchant, order_number, known_on) -%}
{{ compact_hash([merchant, order_number, 'cast(' ~ known_on ~ ' as ' ~ dbt.type_string() ~ ')']) }}
{%- endmacro %}

{% macro run_id(program, event_id, begun_on) -%}
{{ compact_hash([program, event_id, 'cast(' ~ begun_on ~ ' as ' ~ dbt.type_string() ~ ')']) }}
{%- endmacro %}

{% macro contact_id(merchant, contact_key) -%}
case when {{ contact_key }} is not null then {{ compact_hash([merchant, contact_key]) }} end
{%- endmacro %}
