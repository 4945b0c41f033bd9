"""Days that were built and not sealed since: a run may die between the two (DESIGN 5 and 7).

Their tables hold, so nothing else would tell that their batches are not what is planned.
"""

from datetime import date

import pandas

from pp_pipeline.landing.days import days_between
from pp_pipeline.warehouse import Connection

SEALED_FROM = frozenset(("planned_messages", "all_events", "segment_snapshots"))
"""The models that batches are cut from."""

_TABLE = "unsealed_days"


def note_built(connection: Connection, first: date, last: date) -> None:
    """Before a build of these days: from now on they have to be sealed."""
    connection.execute(f"create table if not exists {_TABLE} (day date not null)")
    note_sealed(connection, first, last)  # each day stands there once
    days = pandas.DataFrame({"day": days_between(first, last)}, dtype=object)
    connection.insert(_TABLE, days)


def note_sealed(connection: Connection, first: date, last: date) -> None:
    """After the sealing of these days."""
    if connection.table_exists(_TABLE):
        connection.execute(f"delete from {_TABLE} where day between ? and ?", (first, last))


def unsealed_days(connection: Connection) -> list[date]:
    """The days, in order."""
    if not connection.table_exists(_TABLE):
        return []
    return [day for (day,) in connection.rows(f"select day from {_TABLE} order by day")]
