{# None of these columns is empty in the days that are being built. #}
{% test filled_in_days(model, columns, day_column) %}
select {{ columns | join(', ') }}
from {{ model }}
where
    {{ in_days(day_column) }}
    and ({% for column in columns %}{{ column }} is null{{ " or " if not loop.last }}{% endfor %})
{% endtest %}
