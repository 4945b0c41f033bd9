"""Writing days into the warehouse: rows, quarantine and hashes in one transaction, no other day's rows."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from pp_pipeline.landing.day_rows import DayRows
from pp_pipeline.landing.days import LandedDay, chained, landed_days, runs_of_days
from pp_pipeline.landing.tables import ROW_TABLES
from pp_pipeline.merchants import Merchant

if TYPE_CHECKING:
    import pandas

    from pp_pipeline.warehouse import Connection


def write_days(
    connection: "Connection", days: Mapping[date, DayRows], content_hashes: Mapping[date, str]
) -> dict[date, LandedDay]:
    """Replace the rows of these days and rewrite the hashes that hang on them; the caller commits.

    Returns all landed days as they stand then. Later days keep their rows; their `files_hash` changes
    where something before them changed.
    """
    for first, last in runs_of_days(days):
        within = [days[day] for day in sorted(days) if first <= day <= last]
        for table in ROW_TABLES:
            rows = _together([frame for day in within for frame in day.rows.get(table, ())])
            connection.replace_days(table, "file_date", first, last, rows)
        bad = _together([frame for day in within for frame in day.quarantined])
        connection.replace_days("quarantined_rows", "file_date", first, last, bad)
    landed = landed_days(connection)
    for day, found in days.items():
        landed[day] = LandedDay(day, content_hashes[day], "", found.row_count)
    return _write_chain(connection, landed, since=min(days))


def merchants_differ(connection: "Connection", merchants: Mapping[str, Merchant]) -> bool:
    """Whether the warehouse's table of merchants is not what the files say."""
    if not connection.table_exists("merchants"):
        return True
    rows = connection.rows("select merchant, zone, currency from merchants")
    return sorted(rows) != sorted(_merchant_rows(merchants))


def write_merchants(connection: "Connection", merchants: Mapping[str, Merchant]) -> None:
    """Replace the table of merchants."""
    import pandas

    frame = pandas.DataFrame(_merchant_rows(merchants), columns=["merchant", "zone", "currency"])
    connection.replace_table("merchants", frame)


def _merchant_rows(merchants: Mapping[str, Merchant]) -> list[tuple[str, str, str]]:
    return [(merchant.merchant, merchant.zone, merchant.currency) for merchant in merchants.values()]


def _together(frames: "list[pandas.DataFrame]") -> "pandas.DataFrame":
    import pandas

    if not frames:
        return pandas.DataFrame()
    return pandas.concat(frames, ignore_index=True)


def _write_chain(connection: "Connection", landed: dict[date, LandedDay], since: date) -> dict[date, LandedDay]:
    """Link the days from `since` on to the one before them and write them."""
    import pandas

    order = sorted(landed)
    before = next((landed[day].files_hash for day in reversed(order) if day < since), "")
    linked = chained([landed[day] for day in order if day >= since], before)
    frame = pandas.DataFrame([vars(day) for day in linked])
    frame["day"] = pandas.to_datetime(frame["day"]).dt.as_unit("s")
    connection.replace_days("landed_days", "day", since, linked[-1].day, frame)
    return {**landed, **{day.day: day for day in linked}}
