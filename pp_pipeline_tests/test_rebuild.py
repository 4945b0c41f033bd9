"""Rebuilding (DESIGN 7): every table is a function of the files, however the days were built.

Full contents are compared, all columns of all tables and views, with what one pass over all days gives.
"""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import date

import pytest

from pp_pipeline_tests.order_worlds import INELIGIBLE_EMAILS
from pp_pipeline_tests.orders_oracle import OrderFile, Row, days_between
from pp_pipeline_tests.queue_pipelines import TARGETS
from pp_pipeline_tests.shop_worlds import shop_files
from pp_pipeline_tests.whole_way import DAY_COLUMNS, STEPS, WholeWay, differences, whole_way_on
from pp_pipeline_tests.worked_examples import BEN, january, row

FIRST, LAST = january(1), january(9)
LATER_DAYS_FIRST = ((january(6), LAST), (FIRST, january(2)), (january(3), january(5)))


@pytest.fixture(scope="module", params=TARGETS)
def way(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> WholeWay:
    return whole_way_on(request.param, request, tmp_path_factory)


@pytest.fixture(scope="module")
def way_on_duckdb(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> WholeWay:
    return whole_way_on("duckdb", request, tmp_path_factory)


def built_in_one_pass(way: WholeWay, files: Sequence[OrderFile]) -> dict[str, Counter[tuple[object, ...]]]:
    """The contents of everything after a fresh build; each table must hold something for the tests to say much."""
    way.begin_anew(ineligible_emails=INELIGIBLE_EMAILS, zone="America/New_York")
    way.run(files, FIRST, LAST)
    contents = way.contents()
    assert [model for model, rows in contents.items() if not rows] == []
    return contents


def test_ranges_rebuilt_in_any_order_change_nothing(way: WholeWay) -> None:
    expected = built_in_one_pass(way, shop_files(1, FIRST, LAST))
    for first, last in (*LATER_DAYS_FIRST, (january(4), january(7)), (january(4), january(4))):
        way.build(first, last)
    assert differences(way.contents(), expected) == {}


def test_steps_built_in_any_order_of_days_give_what_one_pass_gives(way_on_duckdb: WholeWay) -> None:
    way = way_on_duckdb
    expected = built_in_one_pass(way, shop_files(2, FIRST, LAST))
    way.forget()
    for step in STEPS:
        for first, last in ((january(5), LAST), (FIRST, january(4))):
            way.build(first, last, step)
    assert differences(way.contents(), expected) == {}


def test_days_run_one_by_one_and_some_of_them_twice_give_what_one_pass_gives(way_on_duckdb: WholeWay) -> None:
    way, files = way_on_duckdb, shop_files(3, FIRST, LAST)
    expected = built_in_one_pass(way, files)
    way.begin_anew(ineligible_emails=INELIGIBLE_EMAILS, zone="America/New_York")
    for day in days_between(FIRST, LAST):
        way.run([file for file in files if file.file_date == day], day, day)
        if day.day % 4 == 0:
            before = way.contents()
            way.run([], day, day)
            assert differences(way.contents(), before) == {}
    assert differences(way.contents(), expected) == {}


def test_a_rebuild_writes_over_what_is_false_in_its_days_and_only_there(way_on_duckdb: WholeWay) -> None:
    way = way_on_duckdb
    expected = built_in_one_pass(way, shop_files(4, FIRST, LAST))
    first, last = january(4), january(8)
    for table, column in DAY_COLUMNS.items():
        way.execute(f"insert into {table} select * from {table} where {column} = ?", (january(5),))
        way.execute(f"update {table} set merchant = 'other' where {column} between ? and ?", (first, last))
        way.execute(f"delete from {table} where {column} = ?", (january(7),))
    assert set(differences(way.contents(), expected)) >= set(DAY_COLUMNS)
    way.build(first, last)
    assert differences(way.contents(), expected) == {}


@pytest.mark.parametrize("day", [january(2), pytest.param(january(5), marks=pytest.mark.heavy)])
def test_a_corrected_file_and_a_rebuild_from_its_day_equal_a_fresh_build(day: date, way_on_duckdb: WholeWay) -> None:
    way = way_on_duckdb
    files = shop_files(5, FIRST, LAST)
    corrected = [*(file for file in files if file.file_date != day), *corrections(files, day)]
    expected = built_in_one_pass(way, corrected)
    before = built_in_one_pass(way, files)
    assert set(differences(before, expected)) >= {"order_versions", "queue_each_order", "external_events"}
    way.run(corrections(files, day), day, LAST)
    assert differences(way.contents(), expected) == {}


def corrections(files: Sequence[OrderFile], day: date) -> list[OrderFile]:
    """Other contents for the files of that day: half the orders are gone, the others say what they say later."""
    last_row = {(file.kind, row["order_number"]): row for file in files for row in file.rows}
    changed = []
    for file in files:
        if file.file_date == day:
            kept = sorted({row["order_number"] for row in file.rows})[::2]
            changed.append(file._replace(rows=tuple(last_row[file.kind, number] for number in kept)))
    assert changed
    return changed


def test_files_that_arrive_in_any_order_give_what_one_pass_gives(way_on_duckdb: WholeWay) -> None:
    way, files = way_on_duckdb, shop_files(6, FIRST, LAST)
    expected = built_in_one_pass(way, files)
    way.begin_anew(ineligible_emails=INELIGIBLE_EMAILS, zone="America/New_York")
    arriving = random.Random(6).sample(files, len(files))
    newest = FIRST
    for place in range(3):
        batch = arriving[place::3]
        newest = max(newest, *(file.file_date for file in batch))
        earliest = min(file.file_date for file in batch)
        way.drop(batch)
        way.load(FIRST, newest)
        way.build(earliest if place else FIRST, newest)
    way.build(newest, LAST)
    assert differences(way.contents(), expected) == {}


def test_a_day_that_becomes_empty_loses_its_rows_in_every_table(way: WholeWay) -> None:
    """Its one file is corrected to a row that can't be read; a run of that day alone clears it everywhere."""
    way.begin_anew()
    day = january(5)
    way.run([OrderFile("orders_2026-01-05.csv", day, tuple(rows_that_reach_every_table()))], day, january(8))
    on_later_days = [
        "conversation_runs_2",
        *("conversation_actions_1", "conversation_actions_2", "conversation_actions_3"),
    ]
    assert [table for table, column in DAY_COLUMNS.items() if not rows_on(way, table, column, day)] == on_later_days
    way.drop([OrderFile("orders_2026-01-05.csv", day, (row("A", 5, "no such status"),))])
    way.load(day, day)
    way.build(day, day)
    assert [table for table, column in DAY_COLUMNS.items() if rows_on(way, table, column, day)] == []
    assert rows_on(way, "segment_repeat", "snapshot_on", january(6)) == 1  # a run of one day leaves the others
    way.build(january(6), january(8))
    assert {model: rows for model, rows in way.contents().items() if rows} == {}


def rows_on(way: WholeWay, table: str, column: str, day: date) -> int:
    return way.rows(f"select count(*) from {table} where {column} = ?", (day,))[0][0]


def rows_that_reach_every_table() -> list[Row]:
    return [row("A", 5, shipped=5), {**row("B", 5), "category": "Chairs"}, row("C", 5, email=BEN)]
