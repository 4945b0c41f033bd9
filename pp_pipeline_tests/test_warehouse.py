"""Opening the warehouse: one at a time on both databases, nothing lost on the way in, plain errors."""

import threading
from datetime import date, datetime
from pathlib import Path

import pandas
import pytest

from pp_pipeline.dbt_errors import without_values
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Warehouse, WarehouseError
from pp_pipeline_tests.postgres_server import PostgresDatabase

DAY = date(2026, 7, 4)


@pytest.fixture(params=["duckdb", "postgres"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """An installation on each database."""
    if request.param == "duckdb":
        return Settings(home=tmp_path)
    database: PostgresDatabase = request.getfixturevalue("postgres_database")
    return Settings(home=tmp_path, target="postgres", warehouse_url=database.url)


def test_every_text_arrives_as_it_was(settings: Settings) -> None:
    texts = ["\\N", "a\rb", 'a "quoted" one', "a,b", "line\nbreak", "", " ", "NULL", "ü"]
    frame = pandas.DataFrame(
        {"number": range(len(texts)), "note": texts, "noted_at": [datetime(2026, 7, 4, 1, 2, 3, 450000)] * len(texts)}
    )
    with Warehouse(settings).connect() as connection:
        connection.execute("create table notes (number integer, note varchar, noted_at timestamp, missing varchar)")
        connection.insert("notes", frame.assign(missing=None))
        rows = connection.rows("select note, noted_at, missing from notes order by number")
    assert rows == [(text, datetime(2026, 7, 4, 1, 2, 3, 450000), None) for text in texts]


def test_two_runs_that_replace_the_same_day_leave_its_rows_once(settings: Settings) -> None:
    """On PostgreSQL neither would see the rows that the other has just inserted, were they not to take turns."""
    with Warehouse(settings).connect() as connection:
        connection.execute("create table days (day date)")
    frame = pandas.DataFrame({"day": [DAY]}, dtype=object)
    has_replaced, may_commit = threading.Event(), threading.Event()

    def first() -> None:
        with Warehouse(settings).connect() as connection:
            connection.replace_days("days", "day", DAY, DAY, frame)
            has_replaced.set()
            may_commit.wait(timeout=30)

    def second() -> None:
        has_replaced.wait(timeout=30)
        threading.Timer(0.3, may_commit.set).start()
        with Warehouse(settings).connect() as connection:
            connection.replace_days("days", "day", DAY, DAY, frame)

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    with Warehouse(settings).connect() as connection:
        assert connection.rows("select day from days") == [(DAY,)]


def test_whoever_waits_too_long_is_told_why(settings: Settings) -> None:
    with Warehouse(settings).connect(), pytest.raises(WarehouseError, match="Wait until"):  # noqa: SIM117
        with Warehouse(settings, lock_wait_seconds=0.2).connect():
            pass


def test_an_exception_leaves_the_table_as_it_was(settings: Settings) -> None:
    with Warehouse(settings).connect() as connection:
        connection.execute("create table days (day date)")
    with pytest.raises(ZeroDivisionError), Warehouse(settings).connect() as connection:
        connection.insert("days", pandas.DataFrame({"day": [DAY]}, dtype=object))
        raise ZeroDivisionError
    with Warehouse(settings).connect() as connection:
        assert connection.rows("select day from days") == []


def test_a_server_that_is_not_there_is_named_without_the_password(tmp_path: Path) -> None:
    url = "postgresql://shop:hidden@127.0.0.1:9/none"
    settings = Settings(home=tmp_path, target="postgres", warehouse_url=url)
    with pytest.raises(WarehouseError, match="can't be reached") as error, Warehouse(settings).connect():
        pass
    assert "hidden" not in str(error.value)


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("Conversion Error: Could not convert string 'Jane Doe' to INT32", "Could not convert string '...' to INT32"),
        ('invalid input syntax for type integer: "Jane Doe"', "invalid input syntax for type integer: '...'"),
        ("value too long\nDETAIL:  Failing row contains (Jane Doe)", "value too long"),
        ('Binder Error: Referenced column "ordr_count" not found', '"ordr_count" not found'),
    ],
)
def test_error_texts_carry_no_values_of_rows(message: str, kept: str) -> None:
    assert kept in without_values(message)
    assert "Jane" not in without_values(message)


def test_a_table_of_an_earlier_version_is_told_without_the_advice_of_dbt() -> None:
    """Its `full_refresh` would build the run's days alone, and lose all others."""
    message = "Compilation Error in model m\n  set the `on_schema_change` config\n  Re-run with `full_refresh: True`"
    assert "`pp run` builds all its days anew" in without_values(message)
    assert "full_refresh" not in without_values(message)
