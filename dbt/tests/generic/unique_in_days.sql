{# No two rows of the days that are being built agree in these columns. Only those days are read. #}
{% test unique_in_days(model, columns, day_column) %}
select {{ columns | join(', ') }}
from {{ model }}
where {{ in_days(day_column) }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
