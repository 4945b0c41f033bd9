"""What a daily run writes (DESIGN 1, "Set-based"): what the day brings, not what history holds.

The same day is run after 8 and after 80 days of the same business. Every row that a table got, in landing and in
dbt's tables, is counted by what the database itself keeps: the row's number in DuckDB, the transaction
that wrote it in PostgreSQL. So a row of another day that was written again with the same content counts.
"""

from datetime import date, timedelta
from typing import Any

import pytest

from pp_pipeline.conversations.tables import TABLES as CONVERSATION_TABLES
from pp_pipeline.landing.kinds import KINDS_OF_FEEDS
from pp_pipeline.landing.tables import ROW_TABLES
from pp_pipeline_tests.orders_oracle import OrderFile, Row, days_between
from pp_pipeline_tests.whole_way import DAY_COLUMNS, WholeWay, whole_way_on
from pp_pipeline_tests.worked_examples import row

DAY = date(2026, 1, 20)
LANDING_DAY_COLUMNS = {
    **dict.fromkeys(ROW_TABLES, "file_date"),
    "quarantined_rows": "file_date",
    "landed_days": "day",
}
WRITTEN_BY_A_RUN = {**LANDING_DAY_COLUMNS, **DAY_COLUMNS}
# Whole and small: the settings of merchants and conversations. No daily run writes them here.
SETTINGS_TABLES = {"merchants", *CONVERSATION_TABLES}


@pytest.fixture(scope="module", params=[pytest.param("duckdb", marks=pytest.mark.heavy), "postgres"])
def way(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> WholeWay:
    return whole_way_on(request.param, request, tmp_path_factory)


def test_a_daily_run_writes_as_much_after_ten_times_the_history(way: WholeWay) -> None:
    short, long = written_on_the_day(way, history_days=8), written_on_the_day(way, history_days=80)
    segments = {table for table in short if table.startswith("segment_")}  # a snapshot is as large as its segment
    not_sent = ROW_TABLES.keys() - {KINDS_OF_FEEDS[file.kind].table for file in files_of(DAY)}
    assert {table for table, count in short.items() if not count} == {"quarantined_rows"} | not_sent
    assert {table: long[table] for table in long.keys() - segments} == {
        table: short[table] for table in short.keys() - segments
    }


def written_on_the_day(way: WholeWay, history_days: int) -> dict[str, int]:
    """Rows that the run of `DAY` wrote, by table. Rows of other days that were touched fail the test."""
    way.begin_anew()
    first = DAY - timedelta(days=history_days)
    way.run(
        [file for day in days_between(first, DAY - timedelta(days=1)) for file in files_of(day)],
        first,
        DAY - timedelta(days=1),
    )
    before = {table: rows_as_stored(way, table) for table in base_tables(way)}
    assert set(before) == WRITTEN_BY_A_RUN.keys() | SETTINGS_TABLES
    way.run(files_of(DAY), DAY, DAY)
    assert set(base_tables(way)) == set(before)
    written = {}
    for table, stored in before.items():
        now = rows_as_stored(way, table)
        assert stored <= now, f"rows of {table} that stood there were written again"
        new_days = {day for _, day in now - stored}
        assert new_days <= {DAY}, f"{table} got rows of other days"
        written[table] = len(now - stored)
    return {table: written[table] for table in WRITTEN_BY_A_RUN}


@pytest.mark.parametrize("way", ["postgres"], indirect=True)
def test_a_day_run_again_touches_no_other_day(way: WholeWay) -> None:
    """On PostgreSQL, which says of each row who wrote it; DuckDB moves rows together after some were deleted."""
    way.begin_anew()
    first = DAY - timedelta(days=8)
    way.run([file for day in days_between(first, DAY) for file in files_of(day)], first, DAY)
    day = DAY - timedelta(days=3)
    before = {table: rows_as_stored(way, table) for table in WRITTEN_BY_A_RUN}
    way.run([], day, day)
    for table, stored in before.items():
        touched = {found_day for _, found_day in rows_as_stored(way, table) ^ stored}
        assert touched == ({day} if table in DAY_COLUMNS else set()), table


def rows_as_stored(way: WholeWay, table: str) -> set[tuple[Any, Any]]:
    """Each row by where it is stored and who wrote it, with its day."""
    stored_as = "rowid" if way.settings.target == "duckdb" else "xmin::text || ' ' || ctid::text"
    return set(way.rows(f"select {stored_as}, {WRITTEN_BY_A_RUN.get(table, 'null')} from {table}"))


def base_tables(way: WholeWay) -> list[str]:
    """All tables of the warehouse, so that a new one is not overlooked; views hold nothing."""
    found = way.rows(
        "select table_name from information_schema.tables"
        " where table_schema = current_schema() and table_type in ('BASE TABLE', 'LOCAL TEMPORARY')"
    )
    return [name for (name,) in found]


def files_of(day: date) -> list[OrderFile]:
    """A day of all feeds: most orders that they speak of are stated on earlier days only."""

    def about(letter: str, age: int, **cells: str) -> Row:
        return {"order_number": f"{letter}-{day - timedelta(days=age)}", **cells}

    shipped = {"shipment_number": "1", "shipped_date": str(day - timedelta(days=2)), "delivered_date": str(day)}
    refund = {"return_number": "R1", "line": "", "sku": "", "refunded_amount": "5.00", "refunded_date": str(day)}
    header = {**file_of(day).rows[0], **about("H", 0)}
    line = {**header, "line_status": "shipped"}
    paid = (about("B", 0, paid_at=str(day)), about("D", 3, paid_at=str(day)))
    return [
        file_of(day),
        OrderFile(f"order_headers_{day}.csv", day, (header,), "order_headers"),
        OrderFile(f"order_lines_{day}.csv", day, (line, line), "order_lines"),
        OrderFile(f"shipments_{day}.csv", day, (about("A", 3, **shipped), about("H", 4, **shipped)), "shipments"),
        OrderFile(f"returns_{day}.csv", day, (about("A", 5, **refund),), "returns"),
        OrderFile(f"payments_{day}.csv", day, paid, "payments"),
    ]


def file_of(day: date) -> OrderFile:
    """A day of business as usual, the same each day, but with other orders and contacts."""

    def order(letter: str, age: int, contact: str, status: str = "processing", **more: str) -> Row:
        ordered_on = day - timedelta(days=age)
        stated = row(f"{letter}-{ordered_on}", 1, status, email=f"{contact}.{ordered_on}@example.com")
        return {**stated, "ordered_at": f"{ordered_on}T12:00:00", **more}

    rows = (
        order("A", 0, "ann"),
        order("A", 0, "ann", sku="SKU-2", category="Chairs"),
        order("B", 0, "ben", order_total="30.00"),
        order("A", 1, "ann", "shipped", ship_date=day.isoformat()),
        order("B", 2, "ben", "canceled"),
        {**order("C", 0, "nobody"), "email": f"ann.{day - timedelta(days=2)}@example.com"},
        order("D", 1, "late"),
    )
    return OrderFile(f"orders_{day}.csv", day, rows)
