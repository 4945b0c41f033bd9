{# The status words of DESIGN 3 that rules speak of. #}
{% macro shipped_statuses() %}{{ return(['shipped', 'completed']) }}{% endmacro %}
{% macro stop_statuses() %}{{ return(['canceled', 'returned']) }}{% endmacro %}

{# The others, the least advanced first: what an order is whose lines are at different points of the way. #}
{% macro statuses_by_advance() %}
    {{ return(['not_set', 'misc', 'unknown', 'pre_order', 'back_order', 'pending', 'hold', 'processing', 'closed']) }}
{% endmacro %}
