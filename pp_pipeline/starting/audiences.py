"""Whether an audience can be asked of the orders that are there.

That its columns exist is judged without them; that it compares what can be compared shows only when it is run. A queue
runs it when somebody is due, which may be months after the campaign was begun.
"""

from datetime import date

from pp_pipeline.configuration import Configuration
from pp_pipeline.dbt_project import without_values
from pp_pipeline.warehouse import Connection, Warehouse

# As if of each contact the newest order were released that day.
_IN_AUDIENCE = """
{%- set parameters = {'merchant': var('asked_merchant')} -%}
with newest_versions as (
    select
        order_id, contact_id, version_id,
        row_number() over (partition by contact_id order by ordered_at desc, order_id, known_on desc) as place
    from {{ ref('order_versions') }}
    where {{ of_merchant(parameters) }} and contact_id is not null
),
leaving as (
    select order_id, contact_id, version_id, {{ last_day() }} as gone_on, 1 = 0 as is_late
    from newest_versions
    where place = 1
),
{{ campaign_audience(var('asked_audience')) }}
select count(*) from audience
"""


def audience_problem(configuration: Configuration, merchant: str, audience: str, day: date) -> str:
    """What the warehouse says when it is asked who of a merchant's contacts is in an audience; '' if it can tell.

    Args:
        configuration: of a home in which days were built.
    """
    variables = {"from_day": day.isoformat(), "to_day": day.isoformat()}
    variables |= {"asked_merchant": merchant, "asked_audience": audience}
    sql = configuration.project.compiled(_IN_AUDIENCE, variables)
    with Warehouse(configuration.settings).connect() as connection:
        return _problem(connection, sql)


def _problem(connection: Connection, sql: str) -> str:
    try:
        connection.rows(sql)
    except Exception as error:  # of the database's own kind
        return f"the warehouse can't tell who is in it: {without_values(str(error)).splitlines()[0]}"
    return ""
