{# Orders that were shipped before they were ordered: one of the two dates is wrong, or day and month change places. #}
{% test ship_date_not_before_order_date(model) %}
{{ config(severity='warn') }}
select
    merchant,
    order_number,
    known_on
from {{ model }}
where
    {{ in_days('known_on') }}
    and ship_date < ordered_on
{% endtest %}
