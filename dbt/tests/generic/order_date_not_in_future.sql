{#  Orders dated more than a day after the file that states them. A day is let pass: a file of a day may be written
    after midnight. #}
{% test order_date_not_in_future(model) %}
{{ config(severity='warn') }}
select
    merchant,
    order_number,
    known_on
from {{ model }}
where
    {{ in_days('known_on') }}
    and ordered_on > {{ add_days('known_on', 1) }}
{% endtest %}
