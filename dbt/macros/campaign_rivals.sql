{#  Rivals: the other orders of a contact that count with `restart` (the newer ones) and `first` (the older ones).
    A rival presses while it is known outside the stop statuses: its spells. #}

{#  CTEs `pressed_contacts` and `released_contacts`: on whose orders a spell begins, or ends, in the range.
    Where a spell only begins, no order comes back, so only those that wait can move; where one ends, any can. #}
{% macro shifted_contacts(parameters) %}
changed_orders as (
    select distinct order_id
    from {{ ref('order_versions') }}
    where {{ of_merchant(parameters) }} and {{ in_days('known_on') }}
),

{{ order_spells(parameters, 'changed') }},

pressed_contacts as (
    select distinct contact_id from changed_spells where {{ in_days('from_on') }}
),

released_contacts as (
    select distinct contact_id from changed_spells where {{ in_days('until_on') }}
)
{% endmacro %}

{#  CTE `rival_spells`: of all orders that can supersede a candidate. With `restart` these are no older than the
    contact's oldest candidate, which spares most of the history. #}
{% macro rival_spells(parameters) %}
{%- set is_restart = parameters.repeat_orders == 'restart' -%}
candidate_contacts as (
    select contact_id, {{ 'min' if is_restart else 'max' }}(ordered_at) as furthest_at
    from judged_versions
    where contact_id is not null
    group by contact_id
),

rivals_seen as (
    select order_id, contact_id, ordered_at
    from {{ ref('order_versions') }}
    where
        {{ of_merchant(parameters) }}
        and contact_id in (select contact_id from candidate_contacts)
),

rival_orders as (
    select distinct rivals_seen.order_id
    from rivals_seen
    inner join candidate_contacts
        on
            rivals_seen.contact_id = candidate_contacts.contact_id
            and rivals_seen.ordered_at {{ '>=' if is_restart else '<=' }} candidate_contacts.furthest_at
),

{{ order_spells(parameters, 'rival') }}
{% endmacro %}

{#  CTE `<kind>_spells`: from when to when each order of `<kind>_orders` presses, under one contact and order time;
    until_on is open where it still does. #}
{% macro order_spells(parameters, kind) %}
{%- set alive %}is_eligible
    {%- if parameters.stop_statuses %} and status not in {{ texts(parameters.stop_statuses) }}{% endif %}
{%- endset -%}
{{ kind }}_versions as (
    select
        order_id,
        order_number,
        known_on,
        case when {{ alive }} then contact_id end as contact_id,
        case when {{ alive }} then ordered_at end as ordered_at
    from {{ ref('order_versions') }}
    where
        {{ of_merchant(parameters) }}
        and order_id in (select order_id from {{ kind }}_orders)
),

{{ kind }}_changes as (
    select
        *,
        lag(contact_id) over (partition by order_id order by known_on) as former_contact_id,
        lag(ordered_at) over (partition by order_id order by known_on) as former_ordered_at
    from {{ kind }}_versions
),

{{ kind }}_states as (
    select
        order_id,
        order_number,
        contact_id,
        ordered_at,
        known_on as from_on,
        lead(known_on) over (partition by order_id order by known_on) as until_on
    from {{ kind }}_changes
    where contact_id is distinct from former_contact_id or ordered_at is distinct from former_ordered_at
),

{{ kind }}_spells as (
    select * from {{ kind }}_states
    where contact_id is not null
)
{% endmacro %}
