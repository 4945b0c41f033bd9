{#  Conditions over contacts: the `audience` of a campaign, the condition of a segment (DESIGN 3).

    A condition is SQL over the columns of the Post Purchase list, `order.<column>` (campaigns),
    `order.attribute('name')`, and the helpers bought_sku('A', ..., within_days=30),
    bought_category(...), in_segment('name'). Helper calls become columns of one pass over the
    purchases, so a condition costs the same however many it has. #}

{% macro condition_helpers(condition) %}
    {%- set helpers = [] -%}
    {%- for name, arguments in modules.re.findall("\\b(bought_sku|bought_category|in_segment)\\s*\\(((?:[^()']|'(?:[^']|'')*')*)\\)", condition) -%}
        {%- set values = [] -%}
        {%- for value in modules.re.findall("'((?:[^']|'')*)'", arguments) -%}
            {%- do values.append(value | replace("''", "'")) -%}
        {%- endfor -%}
        {%- set days = modules.re.findall("within_days\\s*=>?\\s*([0-9]+)", arguments) -%}
        {%- do helpers.append({
            'name': name, 'values': values,
            'within_days': days[0] | int if days else none,
            'call': name ~ '(' ~ arguments ~ ')',
        }) -%}
    {%- endfor -%}
    {{ return(helpers) }}
{% endmacro %}

{# The condition with helpers and order columns put in place of their names; text literals stay as they are. #}
{% macro condition_sql(condition) %}
    {%- set helpers = condition_helpers(condition) -%}
    {%- set sql = namespace(text=modules.re.sub(
        "\\b(bought_sku|bought_category|in_segment)\\s*\\(((?:[^()']|'(?:[^']|'')*')*)\\)", "\\1(\\2)", condition)) -%}
    {%- for helper in helpers -%}
        {%- set sql.text = sql.text | replace(helper.call, '(coalesce(facts.helper_' ~ loop.index ~ ', 0) = 1)') -%}
    {%- endfor -%}
    {%- for name in modules.re.findall("\\border\\.attribute\\s*\\(\\s*'([^']*)'\\s*\\)", sql.text) | unique -%}
        {%- set sql.text = modules.re.sub(
            "\\border\\.attribute\\s*\\(\\s*'" ~ modules.re.escape(name) ~ "'\\s*\\)",
            json_value('this_order.attributes', name) | replace("\\", "\\\\"), sql.text) -%}
    {%- endfor -%}
    {%- set parts = [] -%}
    {%- for part in modules.re.split("('(?:[^']|'')*')", sql.text) -%}
        {%- do parts.append(part if part.startswith("'") else modules.re.sub("\\border\\.", "this_order.", part)) -%}
    {%- endfor -%}
    {{ return(parts | join('')) }}
{% endmacro %}

{#  CTE `facts`: contact_list, with a 0/1 column per helper call of the condition (CTE `contact_helpers`). #}
{% macro condition_facts(condition) %}
{%- set helpers = condition_helpers(condition) -%}
{%- if helpers -%}
{{ contact_helpers(helpers) }},

{% endif -%}
facts as (
    select contact_list.*
        {%- for helper in helpers %}, contact_helpers.helper_{{ loop.index }}{% endfor %}
    from contact_list
    {%- if helpers %}
    inner join contact_helpers
        on contact_list.contact_id = contact_helpers.contact_id and contact_list.as_of = contact_helpers.as_of
    {%- endif %}
)
{% endmacro %}

{# CTE `contact_helpers`: a 0/1 column per helper call, per contact and day of contact_list. #}
{% macro contact_helpers(helpers) %}
{%- set product_helpers = helpers | selectattr('name', 'ne', 'in_segment') | list -%}
{% if product_helpers -%}
bought_lines as (
    select version_id, sku, category
    from {{ ref('order_lines') }}
    where known_on <= {{ last_day() }} and version_id in (select version_id from contact_purchases)
),

{% endif -%}
contact_helpers as (
    select
        asked.contact_id,
        asked.as_of
        {%- for helper in helpers %},
        {% if helper.name == 'in_segment' -%}
        max(case when exists_in_{{ loop.index }}.contact_key is not null then 1 else 0 end) as helper_{{ loop.index }}
        {%- else -%}
        max(case
            when lines.{{ 'sku' if helper.name == 'bought_sku' else 'category' }} in {{ texts(helper['values']) }}
                {%- if helper.within_days is not none %}
                and {{ add_days('purchases.ordered_on', helper.within_days) }} > asked.as_of
                {%- endif %}
                then 1
            else 0
        end) as helper_{{ loop.index }}
        {%- endif %}
        {%- endfor %}
    from contact_list as asked
    {%- if product_helpers %}
    left join contact_purchases as purchases
        on asked.contact_id = purchases.contact_id and asked.as_of = purchases.as_of
    left join bought_lines as lines on purchases.version_id = lines.version_id
    {%- endif %}
    {%- for helper in helpers if helper.name == 'in_segment' %}
    left join {{ ref('segment_' ~ helper['values'][0]) }} as exists_in_{{ helpers.index(helper) + 1 }}
        on
            asked.merchant = exists_in_{{ helpers.index(helper) + 1 }}.merchant
            and asked.contact_key = exists_in_{{ helpers.index(helper) + 1 }}.contact_key
            and asked.as_of = exists_in_{{ helpers.index(helper) + 1 }}.snapshot_on
    {%- endfor %}
    group by asked.contact_id, asked.as_of
)
{% endmacro %}

{# Refer to the segments that a condition names; an unknown one is reported when the program loads. #}
{% macro ref_segments(condition) %}
    {%- set segments = env_var('PP_SEGMENTS', '').split() -%}
    {%- for helper in condition_helpers(condition if condition is string else '') if helper.name == 'in_segment' -%}
        {%- for name in helper['values'] if name in segments -%}{%- do ref('segment_' ~ name) -%}{%- endfor -%}
    {%- endfor -%}
{% endmacro %}
