"""Who takes what: the relays of the merchants, and the snapshots that are due to them though nobody is in them."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Literal

from pp_pipeline.merchants import Merchant
from pp_pipeline.warehouse import Connection

Taken = tuple[str, str, str]
"""(merchant, event or segment, relay)"""


def takers(merchants: Mapping[str, Merchant], what: Literal["events", "segments"]) -> list[Taken]:
    """Who takes what, in order."""
    return sorted(
        (name, taken, relay.relay)
        for name, merchant in merchants.items()
        for relay in merchant.relays
        for taken in (relay.events if what == "events" else relay.segments)
    )


def taker_rows(taken: Sequence[Taken]) -> tuple[str, tuple[str, ...]]:
    """`takers` as a table expression (merchant, taken, relay) and its parameters."""
    values = ", ".join("(cast(? as varchar), cast(? as varchar), cast(? as varchar))" for _ in taken)
    return f"(values {values}) as takers (merchant, taken, relay)", tuple(part for row in taken for part in row)


def empty_snapshots(
    connection: Connection, taken: Sequence[Taken], first: date, last: date, days: Collection[date] = ()
) -> Iterator[tuple[Taken, date]]:
    """The snapshots of a range of days (or of some `days` in it) without members, of segments that had one before.

    They are due all the same: a relay's audience loses its members by them. Only of days that were built is it known
    that nobody is in the segment.
    """
    if not connection.table_exists("built_days"):
        return
    segments = sorted({segment for _, segment, _ in taken})
    marks = ", ".join("?" * len(segments))
    built: dict[str, set[date]] = defaultdict(set)
    sql = f"select model, day from built_days where model in ({marks}) and day between ? and ?"
    for model, day in connection.rows(sql, (*(f"segment_{segment}" for segment in segments), first, last)):
        if not days or day in days:
            built[model].add(day)
    sql = f"""
        select distinct merchant, segment, snapshot_on
        from segment_snapshots
        where segment in ({marks}) and snapshot_on between ? and ?
    """
    filled = set(connection.rows(sql, (*segments, first, last)))
    for merchant, segment, relay in taken:
        empty = sorted(day for day in built[f"segment_{segment}"] if (merchant, segment, day) not in filled)
        if not empty:
            continue
        sql = "select min(snapshot_on) from segment_snapshots where segment = ? and merchant = ?"
        ((first_filled,),) = connection.rows(sql, (segment, merchant))
        yield from (((merchant, segment, relay), day) for day in empty if first_filled and day > first_filled)
