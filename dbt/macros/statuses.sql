{# The status words of DESIGN 3 that rules speak of. #}
{% macro shipped_statuses() %}{{ return(['shipped', 'completed']) }}{% endmacro %}
{% macro stop_statuses() %}{{ return(['canceled', 'returned']) }}{% endmacro %}
