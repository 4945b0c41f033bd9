{#  What ends a run (DESIGN 4): each word of `exit_when` and the state of the order that it stands for.
    pp_pipeline/conversations/exits.py states the same for the moment of sending. #}
{% macro exits() %}
    {{ return({
        'canceled': "status = 'canceled'",
        'returned': "status = 'returned'",
        'partly_returned': 'returned_lines > 0',
        'refunded': 'refunded_cents > 0',
    }) }}
{% endmacro %}
