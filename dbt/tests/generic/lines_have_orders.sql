{# Orders of which a file of lines holds rows, but no file of the same day the order itself: the lines count nowhere. #}
{% test lines_have_orders(model) %}
{{ config(severity='warn') }}
select
    line_rows.merchant,
    line_rows.order_number,
    line_rows.file_date
from {{ source('landing', 'order_line_file_rows') }} as line_rows
left join {{ source('landing', 'order_file_rows') }} as order_rows
    on
        line_rows.merchant = order_rows.merchant
        and line_rows.order_number = order_rows.order_number
        and line_rows.file_date = order_rows.file_date
where
    {{ in_days('line_rows.file_date') }}
    and order_rows.file_date is null
group by line_rows.merchant, line_rows.order_number, line_rows.file_date
{% endtest %}
