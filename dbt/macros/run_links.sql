{#  CTE `links`: which candidate of the same run key acts next after each, were it to begin a run: the first that
    pulls it, else the first of a day on which nobody is inside. #}
{% macro next_runs() %}
firsts_of_days as (
    select
        run_id,
        key_id,
        begun_on,
        row_number() over (partition by key_id order by begun_on) as day_number
    from free
    where place_on_day = 1
),

-- how many days with candidates lie before the day on which nobody is inside any more
days_and_free_days as (
    select run_id, key_id, begun_on as on_day, 1 as is_day
    from firsts_of_days
    union all
    select run_id, key_id, free_on, 0
    from free
    where entries = 'unlimited'
),

counted_days as (
    select
        *,
        sum(is_day) over (
            partition by key_id order by on_day, is_day
            rows between unbounded preceding and current row
        ) as days_before
    from days_and_free_days
),

after_the_end as (
    select counted.run_id, firsts.run_id as next_run_id
    from counted_days as counted
    inner join firsts_of_days as firsts
        on
            counted.key_id = firsts.key_id
            and coalesce(counted.days_before, 0) + 1 = firsts.day_number
    where counted.is_day = 0
),

pullable as (
    select
        free.run_id,
        free.key_id,
        free.merchant,
        free.order_number,
        standing.rank,
        {{ add_days('standing.from_on', 1) }} as first_on,
        least(standing.to_on, {{ add_days('free.free_on', -1) }}) as last_on
    from standing
    inner join free on standing.run_id = free.run_id
    where standing.is_pullable
),

possible_pulls as (
    select
        pullable.run_id,
        pullable.merchant,
        pullable.order_number,
        pulling.run_id as next_run_id,
        pulling.begun_on,
        pulling.rank,
        pulling.order_number as pulling_order_number,
        pulling.ordered_at as pulling_ordered_at
    from pullable
    inner join acting as pulling
        on
            pullable.key_id = pulling.key_id
            and pullable.rank < pulling.rank
            and pullable.first_on <= pulling.begun_on
            and pullable.last_on >= pulling.begun_on
),

pulls as (
    select
        possible_pulls.run_id,
        possible_pulls.next_run_id,
        row_number() over (
            partition by possible_pulls.run_id
            order by
                possible_pulls.begun_on,
                possible_pulls.rank desc,
                case when possible_pulls.pulling_ordered_at is null then 1 else 0 end
        ) as place
    from possible_pulls
    left join own_versions as versions
        on
            possible_pulls.merchant = versions.merchant
            and possible_pulls.order_number = versions.order_number
            and possible_pulls.begun_on >= versions.known_on
            and (versions.until_on is null or possible_pulls.begun_on < versions.until_on)
    where
        versions.ordered_at is null
        or possible_pulls.pulling_ordered_at is null
        or possible_pulls.pulling_ordered_at > versions.ordered_at
        or (
            possible_pulls.pulling_ordered_at = versions.ordered_at
            and {{ bytewise('possible_pulls.pulling_order_number') }} >= {{ bytewise('possible_pulls.order_number') }}
        )
),

links as (
    select
        free.run_id,
        coalesce(pulls.next_run_id, after_the_end.next_run_id) as next_run_id
    from free
    left join pulls on free.run_id = pulls.run_id and pulls.place = 1
    left join after_the_end on free.run_id = after_the_end.run_id
)
{% endmacro %}
