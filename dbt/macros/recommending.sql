{#  What recommendations are made of; the numbers were measured (docs/recommendations.md). #}

{# What comes first among what is recommended: the reasons, in their order. #}
{% macro recommendation_reasons() %}
    {{ return(['refill', 'accessory', 'bought_together', 'category', 'best_seller']) }}
{% endmacro %}

{# The place of a reason in that order, from 1. #}
{% macro reason_place(reason) %}{{ return(recommendation_reasons().index(reason) + 1) }}{% endmacro %}

{# 1 where a line came back: the order says so, the line does, or a row of a returns feed (asked for is enough). #}
{% macro came_back(versions, lines, returns) -%}
case
    when {{ versions }}.status = 'returned' or {{ lines }}.status = 'returned' or {{ returns }}.merchant is not null then 1
    else 0
end
{%- endmacro %}

{# The join of an order's line and a return: of the SKU and line that it names; of the whole order if it names none. #}
{% macro same_article(versions, lines, returns) -%}
{{ versions }}.merchant = {{ returns }}.merchant
and {{ versions }}.order_number = {{ returns }}.order_number
and ({{ returns }}.sku is null or {{ lines }}.sku = {{ returns }}.sku)
and ({{ returns }}.line is null or {{ lines }}.line = {{ returns }}.line)
{%- endmacro %}
