"""The orders that messages are about, as they were known on a day and as they are known now."""

import json
from collections.abc import Sequence
from datetime import date

from pp_pipeline.conversations.exits import exits_of
from pp_pipeline.sending.plan import marks
from pp_pipeline.sending.planned import Order, OrderLine
from pp_pipeline.warehouse import Connection


def read_orders(connection: Connection, days: list[date]) -> dict[tuple[str, str, date], Order]:
    """The orders that the days' messages are about, each as it was known on the day of the message.

    What is said of the articles is as of the newest built day: a link of then may lead nowhere now.
    """
    wanted = f"select distinct merchant, order_number, due_on from planned_messages where due_on in ({marks(days)})"
    return _read(connection, wanted, days)


def read_order(connection: Connection, merchant: str, number: str, day: date) -> Order | None:
    """An order as a message of that day would be about it; None if it was not known then."""
    wanted = "select cast(? as text) as merchant, cast(? as text) as order_number, cast(? as date) as due_on"
    return _read(connection, wanted, (merchant, number, day)).get((merchant, number, day))


def _read(connection: Connection, wanted: str, params: Sequence[object]) -> dict[tuple[str, str, date], Order]:
    """The orders of a query for merchant, order_number and due_on."""
    versions = f"""
        wanted as ({wanted}),
        known as (
            select
                versions.*,
                wanted.due_on,
                row_number() over (
                    partition by wanted.merchant, wanted.order_number, wanted.due_on
                    order by versions.known_on desc
                ) as recency
            from wanted
            inner join order_versions as versions
                on wanted.merchant = versions.merchant
                and wanted.order_number = versions.order_number
                and wanted.due_on >= versions.known_on
        ),
        in_force as (select * from known where recency = 1)
    """
    category, links, articles = "lines.category", "null, null, null, null", ""
    if "how_to_url" in connection.columns("product_sales"):  # built since it has that column
        category = "coalesce(nullif(lines.category, ''), articles.category)"
        links = "articles.url, articles.image, articles.how_to_url, articles.care_url"
        articles = """
            left join product_sales as articles on lines.merchant = articles.merchant and lines.sku = articles.sku"""
    lines: dict[tuple[str, str, date], list[OrderLine]] = {}
    line_sql = f"""
        with {versions}
        select
            in_force.merchant, in_force.order_number, in_force.due_on,
            lines.sku, lines.product_name, {category}, lines.quantity, lines.unit_price_cents, {links}
        from in_force
        inner join order_lines as lines
            on in_force.merchant = lines.merchant
            and in_force.order_number = lines.order_number
            and in_force.known_on = lines.known_on
        {articles}
        order by lines.line
    """
    for merchant, number, due_on, *line in connection.rows(line_sql, params):
        lines.setdefault((merchant, number, due_on), []).append(OrderLine(*line))
    order_sql = f"""
        with {versions}
        select
            merchant, order_number, due_on, ordered_on, ship_date, status, total_cents, currency, attributes
        from in_force
    """
    orders = {}
    for (
        merchant,
        number,
        due_on,
        ordered_on,
        ship_date,
        status,
        cents,
        currency,
        attributes,
    ) in connection.rows(order_sql, params):
        orders[merchant, number, due_on] = Order(
            number=number,
            date=ordered_on,
            ship_date=ship_date,
            status=status,
            total_cents=None if cents is None else int(cents),
            currency=currency,
            attributes=json.loads(attributes or "{}"),
            lines=tuple(lines.get((merchant, number, due_on), ())),
        )
    return orders


def read_orders_now(
    connection: Connection, days: list[date]
) -> dict[tuple[str, str], tuple[frozenset[str], str | None]]:
    """What the newest version says of the days' orders: which words of `exit_when` are true of it, and its contact."""
    sql = f"""
        with wanted as (
            select distinct merchant, order_number from planned_messages where due_on in ({marks(days)})
        ),
        versions as (
            select
                all_versions.*,
                row_number() over (
                    partition by all_versions.merchant, all_versions.order_number
                    order by all_versions.known_on desc
                ) as recency
            from order_versions as all_versions
            inner join wanted
                on all_versions.merchant = wanted.merchant
                and all_versions.order_number = wanted.order_number
        )
        select merchant, order_number, contact_key, status, returned_lines, refunded_cents
        from versions where recency = 1
    """
    return {
        (merchant, number): (exits_of(status, int(returned_lines), int(refunded_cents)), contact_key)
        for merchant, number, contact_key, status, returned_lines, refunded_cents in connection.rows(sql, days)
    }


def read_quarantined(connection: Connection, table: str, day_column: str, days: list[date]) -> set[tuple[str, str]]:
    """Orders that rows of the days in a table are about and of which a row was refused after their newest version.

    After is: in a file dated later than the day on which that version was known, or on the same day, as then the
    version may lack what the row says.

    Args:
        table, day_column: the plan, `planned_messages` or `all_events`, and its day.
    """
    if not connection.table_exists("quarantined_rows") or not connection.rows("select 1 from quarantined_rows limit 1"):
        return set()
    sql = f"""
        with refused as (
            select merchant, order_number, max(file_date) as refused_on
            from quarantined_rows
            where order_number is not null
            group by merchant, order_number
        ),
        asked as (
            select distinct refused.merchant, refused.order_number, refused.refused_on
            from {table} as plan
            inner join refused on plan.merchant = refused.merchant and plan.order_number = refused.order_number
            where plan.{day_column} in ({marks(days)})
        )
        select asked.merchant, asked.order_number
        from asked
        inner join order_versions as versions
            on asked.merchant = versions.merchant and asked.order_number = versions.order_number
        group by asked.merchant, asked.order_number, asked.refused_on
        having max(versions.known_on) <= asked.refused_on
    """
    return {(merchant, number) for merchant, number in connection.rows(sql, days)}
