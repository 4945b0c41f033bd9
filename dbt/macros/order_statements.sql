{#  What order files state (DESIGN 3, "A day's files"): one row per order and day in `statements`, the winning row with
    what its lines add up to. Of the range's days, and of earlier days for orders that other feeds speak of in the
    range (CTE `fact_days` of order_facts.sql): so history is read only where a fact needs it.

    A row without a SKU is a header row: its lines stand in another file of the day. #}
{% macro order_statements() %}
file_rows as (
    {{ rows_that_state('order_file_rows') | indent(4) }}
),

ranked_rows as (
    select
        *,
        -- The last file by name wins as a whole, in it the last row's order fields. As columns that are true or not,
        -- because PostgreSQL takes any other condition for one that hardly any row meets, and joins row by row.
        row_number() over (
            partition by file_date, merchant, order_number
            order by {{ bytewise('order_file') }} desc, order_file_line desc, row_in_file desc
        ) = 1 as is_newest,
        sku is not null
        and order_file = first_value(order_file) over (
            partition by file_date, merchant, order_number
            order by {{ bytewise('order_file') }} desc, order_file_line desc, row_in_file desc
        )
        and order_fields_hash = first_value(order_fields_hash) over (
            partition by file_date, merchant, order_number
            order by {{ bytewise('order_file') }} desc, order_file_line desc, row_in_file desc
        ) as is_line
    from file_rows
),

line_file_rows as (
    select
        *,
        rank() over (
            partition by file_date, merchant, order_number order by {{ bytewise('order_file') }} desc
        ) = 1 as is_of_last_file
    from (
        {{ rows_that_state('order_line_file_rows') | indent(8) }}
    ) as lines
),

{{ line_sums() }},

statements as (
    select
        stated.merchant,
        stated.order_number,
        stated.file_date as stated_on,
        stated.order_file as stated_file,
        stated.contact_key,
        stated.email,
        stated.email_as_given,
        stated.is_eligible,
        stated.ordered_at,
        stated.ordered_on,
        case
            when stated.ship_date is not null or stated.status is not null then stated.ship_date
            when sums.lines_without_ship_date = 0 then sums.last_ship_date
        end as ship_date,
        stated.delivered_on,
        stated.paid_on,
        {{ status_of_lines('stated.status', 'sums') | indent(8) }} as status,
        stated.total_cents,
        stated.refunded_cents,
        stated.currency,
        stated.attributes,
        stated.order_fields_hash,
        stated.sku is null as is_header,
        stated.is_in_range,
        stated.order_file_line as stated_line,
        coalesce(sums.line_count, 0) as line_count,
        coalesce(sums.shipped_lines, 0) as shipped_lines,
        coalesce(sums.returned_lines, 0) as returned_lines,
        coalesce(sums.canceled_lines, 0) as canceled_lines
    from ranked_rows as stated
    left join line_sums as sums
        on
            stated.merchant = sums.merchant
            and stated.order_number = sums.order_number
            and stated.file_date = sums.file_date
    where stated.is_newest
)
{% endmacro %}

{# The rows of a landing table for the days of the range, and the earlier ones of orders with facts in the range. #}
{% macro rows_that_state(table) -%}
select *, true as is_in_range from {{ source('landing', table) }}
where {{ in_days('file_date') }}
union all
select *, false from {{ source('landing', table) }} as earlier
where
    file_date < {{ first_day() }}
    and exists (
        select 1 from fact_days
        where fact_days.merchant = earlier.merchant and fact_days.order_number = earlier.order_number
    )
{%- endmacro %}

{# CTE `line_sums`: what the lines of each statement add up to. #}
{% macro line_sums() %}
{%- set shipped = shipped_statuses() -%}
stated_lines as (
    select
        merchant, order_number, file_date, line_ship_date,
        {{ line_status("coalesce(line_status, status, 'not_set')") }} as status
    from ranked_rows
    where is_line
    union all
    select
        lines.merchant, lines.order_number, lines.file_date, lines.line_ship_date,
        {{ line_status("coalesce(lines.line_status, headers.status, 'not_set')", 'lines.') }} as status
    from ranked_rows as headers
    inner join line_file_rows as lines
        on
            headers.merchant = lines.merchant
            and headers.order_number = lines.order_number
            and headers.file_date = lines.file_date
            and lines.is_of_last_file
    where headers.is_newest and headers.sku is null
),

line_sums as (
    select
        merchant,
        order_number,
        file_date,
        count(*) as line_count,
        sum(case when status in {{ texts(shipped) }} then 1 else 0 end) as shipped_lines,
        sum(case when status = 'completed' then 1 else 0 end) as completed_lines,
        sum(case when status = 'returned' then 1 else 0 end) as returned_lines,
        sum(case when status = 'canceled' then 1 else 0 end) as canceled_lines,
        min(case status
            {%- for word in statuses_by_advance() %}
            when {{ text(word) }} then {{ loop.index }}
            {%- endfor %}
        end) as least_advance,
        sum(case when status <> 'canceled' and line_ship_date is null then 1 else 0 end) as lines_without_ship_date,
        max(case when status <> 'canceled' then line_ship_date end) as last_ship_date
    from stated_lines
    group by merchant, order_number, file_date
)
{% endmacro %}

{# A line that came back as a whole is returned, whatever its status says. #}
{% macro line_status(status, of='') -%}
case when {{ of }}quantity > 0 and {{ of }}returned_quantity >= {{ of }}quantity then 'returned' else {{ status }} end
{%- endmacro %}

{# What order_lines takes of a version and of a row that is a line of it. #}
{% macro line_columns(versions, rows) -%}
{{ versions }}.merchant,
{{ versions }}.order_number,
{{ versions }}.known_on,
{{ versions }}.version_id,
{{ versions }}.status as order_status,
{{ versions }}.ship_date as order_ship_date,
{%- for column in [
    'sku', 'product_name', 'category', 'quantity', 'unit_price_cents', 'line_status', 'line_ship_date',
    'returned_quantity', 'attributes', 'order_file', 'order_file_line', 'row_in_file'
] %}
{{ rows }}.{{ column }}{{ "," if not loop.last }}
{%- endfor %}
{%- endmacro %}

{# The join of a version and the rows of its order on the day of its statement. #}
{% macro stated_then(versions, rows) -%}
{{ versions }}.merchant = {{ rows }}.merchant
and {{ versions }}.order_number = {{ rows }}.order_number
and {{ versions }}.stated_on = {{ rows }}.file_date
{%- endmacro %}

{# The status of an order that states none: what its lines say together, canceled ones left out unless all are. #}
{% macro status_of_lines(status, sums) -%}
case
    when {{ status }} is not null then {{ status }}
    when {{ sums }}.line_count is null then 'not_set'
    when {{ sums }}.canceled_lines = {{ sums }}.line_count then 'canceled'
    {%- for word in statuses_by_advance() %}
    when {{ sums }}.least_advance = {{ loop.index }} then {{ text(word) }}
    {%- endfor %}
    when {{ sums }}.shipped_lines = 0 then 'returned'
    when {{ sums }}.completed_lines = {{ sums }}.shipped_lines then 'completed'
    else 'shipped'
end
{%- endmacro %}
