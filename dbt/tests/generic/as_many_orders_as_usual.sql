{#  Days with files on which fewer orders of a merchant became known than half of what is usual: the median of the same
    weekday of the 4 weeks before, with 3 such weeks or more since the merchant's first order, and a median of 10 or more.
    A day whose files are still coming is among them until they are there. #}
{% test as_many_orders_as_usual(model) %}
{{ config(severity='warn') }}
{%- set weeks_begin = day(shifted(var('from_day'), -28)) %}
with known as (
    select
        merchant,
        order_id,
        min(known_on) as first_known_on
    from {{ model }}
    where known_on between {{ weeks_begin }} and {{ last_day() }}
    group by merchant, order_id
),

known_before as (
    select distinct order_id
    from {{ model }}
    where
        known_on < {{ weeks_begin }}
        and order_id in (select order_id from known)
),

counts as (
    select
        merchant,
        first_known_on as day,
        count(*) as order_count
    from known
    where order_id not in (select order_id from known_before)
    group by merchant, first_known_on
),

begun as (
    select
        merchant,
        min(known_on) as begun_on
    from {{ model }}
    group by merchant
),

days as (
    select
        begun.merchant,
        begun.begun_on,
        landed.day
    from {{ source('landing', 'landed_days') }} as landed
    cross join begun
    where
        {{ in_days('landed.day') }}
        and landed.content_hash <> ''
),

weeks as (
    select 7 as days_back
    union all
    select 14 as days_back
    union all
    select 21 as days_back
    union all
    select 28 as days_back
),

earlier as (
    select
        days.merchant,
        days.day,
        coalesce(counts.order_count, 0) as order_count,
        row_number() over (
            partition by days.merchant, days.day
            order by coalesce(counts.order_count, 0)
        ) as place,
        count(*) over (partition by days.merchant, days.day) as week_count
    from days
    inner join weeks on {{ add_days('days.day', '- weeks.days_back') }} >= days.begun_on
    left join counts
        on
            days.merchant = counts.merchant
            and {{ add_days('days.day', '- weeks.days_back') }} = counts.day
),

-- the one or two in the middle
usual as (
    select
        merchant,
        day,
        avg(order_count) as order_count
    from earlier
    where
        week_count >= 3
        and 2 * place between week_count and week_count + 2
    group by merchant, day
)

select
    usual.merchant,
    usual.day,
    usual.order_count as usual_count,
    coalesce(counts.order_count, 0) as order_count
from usual
left join counts
    on
        usual.merchant = counts.merchant
        and usual.day = counts.day
where
    usual.order_count >= 10
    and 2 * coalesce(counts.order_count, 0) < usual.order_count
{% endtest %}
