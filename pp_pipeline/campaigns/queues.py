"""What a queue's book says: how many wait on a day, who, and what moved (DESIGN 3, "The book").

Who waits follows from the movements: an order waits from its last `entered` or `moved` until it has
`left`. Nothing here judges rules; the books are built by dbt.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from pp_pipeline.warehouse import Connection

if TYPE_CHECKING:
    import pandas


@dataclass
class QueueDay:
    """One day of a queue: orders that entered, moved and left (by reason), and that wait at its end."""

    entered: int = 0
    moved: int = 0
    left: dict[str, int] = field(default_factory=dict)
    waiting: int = 0


def queue_days(connection: Connection, queue: str, first: date, last: date) -> dict[date, QueueDay]:
    """The days first..last of a queue, one entry for each."""
    counts = connection.rows(
        f"""select movement_on, movement, coalesce(reason, ''), count(*) from {queue}
            where movement_on between ? and ? group by 1, 2, 3""",
        (first, last),
    )
    before = connection.rows(
        f"""select coalesce(sum(case movement when 'entered' then 1 when 'left' then -1 else 0 end), 0)
            from {queue} where movement_on < ?""",
        (first,),
    )
    waiting = int(before[0][0])
    days: dict[date, QueueDay] = {}
    for number in range(first.toordinal(), last.toordinal() + 1):
        days[date.fromordinal(number)] = QueueDay()
    for day, movement, reason, count in sorted(counts):
        if movement == "left":
            days[day].left[reason] = count
        elif movement == "entered":
            days[day].entered = count
        else:
            days[day].moved = count
    for day in days.values():
        waiting += day.entered - sum(day.left.values())
        day.waiting = waiting
    return days


def waiting_orders(connection: Connection, queue: str, on: date) -> "pandas.DataFrame":
    """The orders that wait at the end of a day.

    Returns: columns due_on, order_number, email, contact_key, basis_date, basis_source, entered_on
    (its last entering), order_file, order_file_line; ordered by due date.
    """
    return connection.frame(
        f"""
        with {_waiting_in(queue)}
        select due_on, order_number, email, contact_key, basis_date, basis_source, entered_on,
            order_file, order_file_line
        from waiting
        order by due_on, order_number
        """,
        (on,),
    )


def waiting_by_due_day(connection: Connection, queue: str, on: date) -> dict[date, int]:
    """How many of the orders that wait at the end of a day are due on which day."""
    sql = f"with {_waiting_in(queue)} select due_on, count(*) from waiting group by due_on"
    return {day: int(count) for day, count in sorted(connection.rows(sql, (on,)))}


def _waiting_in(queue: str) -> str:
    """CTE `waiting`: the last movement of each order that waits at the end of a day (its one parameter)."""
    return f"""
        last_movements as (
            select
                *,
                max(case when movement = 'entered' then movement_on end) over (partition by order_number) as entered_on,
                row_number() over (
                    partition by order_number
                    order by movement_on desc, case movement when 'left' then 0 else 1 end
                ) as place
            from {queue}
            where movement_on <= ?
        ),
        waiting as (
            select * from last_movements
            where place = 1 and movement <> 'left'
        )"""


def movements_on(connection: Connection, queue: str, on: date) -> "pandas.DataFrame":
    """The movements of one day, with all columns of the book."""
    return connection.frame(
        f"select * from {queue} where movement_on = ? order by movement, reason, order_number", (on,)
    )


def newest_built_day(connection: Connection, queue: str) -> date | None:
    """The last day that a queue's book was built for."""
    if not connection.table_exists("built_days"):
        return None
    return connection.rows("select max(day) from built_days where model = ?", (queue,))[0][0]


def describe_days(days: Sequence[QueueDay]) -> str:
    """Reasons and counts of what left, in one line: `released 12, expired 1`."""
    totals: dict[str, int] = {}
    for day in days:
        for reason, count in day.left.items():
            totals[reason] = totals.get(reason, 0) + count
    return ", ".join(f"{reason} {count}" for reason, count in sorted(totals.items())) or "nobody"
