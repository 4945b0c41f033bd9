{#  Orders whose total lies further than 5 % and 1.00 from the sum of their lines, all of which have a price. Shipping, tax
    and discounts are usual reasons; many such orders at once point at a column that was read as another. #}
{% test totals_match_lines(model) %}
{{ config(severity='warn') }}
with sums as (
    select
        version_id,
        sum(quantity * unit_price_cents) as lines_cents,
        sum(case when unit_price_cents is null or quantity is null then 1 else 0 end) as unpriced_count
    from {{ ref('order_lines') }}
    where {{ in_days('known_on') }}
    group by version_id
)

select
    versions.merchant,
    versions.order_number,
    versions.known_on,
    versions.total_cents,
    sums.lines_cents
from {{ model }} as versions
inner join sums on versions.version_id = sums.version_id
where
    {{ in_days('versions.known_on') }}
    and sums.unpriced_count = 0
    and abs(versions.total_cents - sums.lines_cents) > 100
    and abs(versions.total_cents - sums.lines_cents) * 20 > abs(versions.total_cents)
{% endtest %}
