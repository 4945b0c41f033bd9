{#  SKUs that were ordered and that no product row up to that day knows, of merchants that had product rows by then.
    The view `products` shows them as placeholders. #}
{% test skus_are_known(model) %}
{{ config(severity='warn') }}
with ordered as (
    select distinct
        merchant,
        sku,
        known_on
    from {{ model }}
    where
        {{ in_days('known_on') }}
        and sku is not null
),

known as (
    select
        merchant,
        sku,
        min(file_date) as known_since
    from {{ source('landing', 'product_rows') }}
    where
        file_date <= {{ last_day() }}
        and sku in (select sku from ordered)
    group by merchant, sku
),

begun as (
    select
        merchant,
        min(file_date) as begun_on
    from {{ source('landing', 'product_rows') }}
    group by merchant
)

select
    ordered.merchant,
    ordered.sku,
    ordered.known_on
from ordered
inner join begun
    on
        ordered.merchant = begun.merchant
        and ordered.known_on >= begun.begun_on
left join known
    on
        ordered.merchant = known.merchant
        and ordered.sku = known.sku
        and ordered.known_on >= known.known_since
where known.sku is null
{% endtest %}
