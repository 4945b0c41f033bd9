{#  Which stretches of their ways runs reach (DESIGN 4): all checks on the way there come out as expected, each judged
    on its day, from what was known by then.

    `stretches` is a CTE with run_id, program, node and check_count, `runs` as in run_endings, `level` the highest of
    theirs. CTE `reached_nodes` has run_id and node of those that have checks; one without is always reached. #}
{% macro reached_nodes(stretches, runs, level) %}
checked_nodes as (
    select distinct run_id, program, node, check_count from {{ stretches }}
    where check_count > 0
),

asked_checks as (
    select
        nodes.run_id,
        nodes.node,
        nodes.check_count,
        checks.condition,
        checks.expected,
        {{ add_days('runs.begun_on', 'checks.judged_days') }} as judged_on
    from checked_nodes as nodes
    inner join {{ source('landing', 'conversation_checks') }} as checks
        on nodes.program = checks.program and nodes.node = checks.node
    inner join {{ runs }} as runs on nodes.run_id = runs.run_id
),

asked_wishes as (
    select distinct
        asked_checks.run_id,
        asked_checks.judged_on,
        asked_checks.condition,
        wishes.clause,
        wishes.atom,
        wishes.wanted
    from asked_checks
    inner join {{ source('landing', 'conversation_wishes') }} as wishes on asked_checks.condition = wishes.condition
),

{{ true_atoms(runs, level) }},

judged_clauses as (
    select
        asked_wishes.run_id,
        asked_wishes.judged_on,
        asked_wishes.condition,
        min(case when (true_atoms.atom is not null) = asked_wishes.wanted then 1 else 0 end) as holds
    from asked_wishes
    left join true_atoms
        on
            asked_wishes.run_id = true_atoms.run_id
            and asked_wishes.judged_on = true_atoms.judged_on
            and asked_wishes.atom = true_atoms.atom
    group by asked_wishes.run_id, asked_wishes.judged_on, asked_wishes.condition, asked_wishes.clause
),

judged_conditions as (
    select run_id, judged_on, condition, max(holds) = 1 as is_true
    from judged_clauses
    group by run_id, judged_on, condition
),

reached_nodes as (
    select asked_checks.run_id, asked_checks.node
    from asked_checks
    inner join judged_conditions
        on
            asked_checks.run_id = judged_conditions.run_id
            and asked_checks.judged_on = judged_conditions.judged_on
            and asked_checks.condition = judged_conditions.condition
    where judged_conditions.is_true = asked_checks.expected
    group by asked_checks.run_id, asked_checks.node, asked_checks.check_count
    having count(*) = asked_checks.check_count
)
{% endmacro %}
