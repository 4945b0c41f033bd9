{# Orders that the files of a day state without any line: the file of lines is missing, or was cut off. #}
{% test orders_have_lines(model) %}
{{ config(severity='warn') }}
select
    merchant,
    order_number,
    known_on
from {{ model }}
where
    {{ in_days('known_on') }}
    and version_id not in (
        select version_id from {{ ref('order_lines') }}
        where
            {{ in_days('known_on') }}
            and sku is not null
    )
{% endtest %}
