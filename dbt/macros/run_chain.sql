{#  Which candidates begin a run (DESIGN 4, "Each day", 2): from each of them follows which event of its run key acts
    next, were it to begin one; those that do are found by going along, from the first of each key.

    Of the candidates of a key on one day and of one rank only the first with an order counts, as if its order is too old
    all are, and the first without one, whose order never is. #}
{% macro run_chain(level) %}
entering as (
    select
        candidates.run_id,
        candidates.key_id,
        candidates.program,
        candidates.rank,
        candidates.entries,
        candidates.merchant,
        candidates.order_number,
        candidates.begun_on,
        versions.ordered_at,
        endings.ends_on,
        row_number() over (
            partition by
                candidates.key_id,
                candidates.begun_on,
                candidates.rank,
                case when versions.ordered_at is null then 1 else 0 end
            order by
                versions.ordered_at desc nulls last,
                {{ bytewise('candidates.order_number') }} desc,
                candidates.event_id,
                candidates.thread_place
        ) as place_in_rank
    from candidates
    left join own_versions as versions
        on
            candidates.merchant = versions.merchant
            and candidates.order_number = versions.order_number
            and candidates.begun_on >= versions.known_on
            and (versions.until_on is null or candidates.begun_on < versions.until_on)
    left join endings on candidates.run_id = endings.run_id
    where endings.ends_on is null or endings.ends_on > candidates.begun_on
),

acting as (
    select
        *,
        row_number() over (
            partition by key_id, begun_on order by rank desc, case when ordered_at is null then 1 else 0 end
        ) as place_on_day
    from entering
    where place_in_rank = 1
),

{{ standing_runs(level) }},

{{ next_runs() }},

-- on from the first of each run key
begun as (
    select run_id from firsts_of_days
    where day_number = 1
    union all
    select links.next_run_id
    from begun
    inner join links on begun.run_id = links.run_id
    where links.next_run_id is not null
)
{% endmacro %}

{#  CTEs `standing` (where each run waits: from the end of a day to before another, at a rank) and `free` (free_on: the
    first day on whose events nobody would be inside). #}
{% macro standing_runs(level) %}
possible_stays as (
    select
        acting.run_id,
        stays.program,
        stays.node,
        stays.check_count,
        stays.rank,
        stays.is_pullable,
        {{ add_days('acting.begun_on', 'stays.from_days') }} as from_on,
        {{ add_days('acting.begun_on', 'stays.to_days') }} as to_on
    from acting
    inner join {{ source('landing', 'conversation_stays') }} as stays on acting.program = stays.program
    where {{ add_days('acting.begun_on', 'stays.from_days') }} < {{ last_day() }}
),

{{ reached_nodes('possible_stays', 'candidates', level) }},

standing as (
    select
        possible_stays.run_id,
        possible_stays.rank,
        possible_stays.is_pullable,
        possible_stays.from_on,
        possible_stays.to_on
    from possible_stays
    left join reached_nodes
        on possible_stays.run_id = reached_nodes.run_id and possible_stays.node = reached_nodes.node
    where possible_stays.check_count = 0 or reached_nodes.run_id is not null
),

natural_ends as (
    select run_id, max(to_on) as to_on
    from standing
    group by run_id
),

free as (
    select
        acting.run_id,
        acting.key_id,
        acting.merchant,
        acting.order_number,
        acting.entries,
        acting.begun_on,
        acting.place_on_day,
        least(
            acting.ends_on,
            coalesce({{ add_days('natural_ends.to_on', 1) }}, {{ add_days('acting.begun_on', 1) }})
        ) as free_on
    from acting
    left join natural_ends on acting.run_id = natural_ends.run_id
)
{% endmacro %}
