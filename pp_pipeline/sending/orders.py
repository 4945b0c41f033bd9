"""The orders that messages are about, as they were known on a day and as they are known now."""

import json
from datetime import date

from pp_pipeline.conversations.exits import exits_of
from pp_pipeline.sending.plan import marks
from pp_pipeline.sending.planned import Order, OrderLine
from pp_pipeline.warehouse import Connection


def read_orders(connection: Connection, days: list[date]) -> dict[tuple[str, str, date], Order]:
    """The orders that the days' messages are about, each as it was known on the day of the message."""
    versions = f"""
        wanted as (
            select distinct merchant, order_number, due_on
            from planned_messages
            where due_on in ({marks(days)})
        ),
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
    lines: dict[tuple[str, str, date], list[OrderLine]] = {}
    line_sql = f"""
        with {versions}
        select
            in_force.merchant, in_force.order_number, in_force.due_on,
            lines.sku, lines.product_name, lines.category, lines.quantity, lines.unit_price_cents
        from in_force
        inner join order_lines as lines
            on in_force.merchant = lines.merchant
            and in_force.order_number = lines.order_number
            and in_force.known_on = lines.known_on
        order by lines.line
    """
    for merchant, number, due_on, *line in connection.rows(line_sql, days):
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
    ) in connection.rows(order_sql, days):
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
