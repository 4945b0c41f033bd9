"""The difference of plan and ledger: categories, causes, and the numbers against a slow comparison (DESIGN 7)."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from pp_pipeline.correcting.gone import gone_words, sent_and_gone
from pp_pipeline.correcting.movements import event_id, movement_words
from pp_pipeline.forgetting.words import FORGOTTEN
from pp_pipeline.ledger import schema
from pp_pipeline.sending.batches import difference_counts
from pp_pipeline.settings import utc_now
from pp_pipeline_tests.difference_world import (
    CLAIMED,
    EARLY,
    LATE,
    LATER,
    SECRET,
    deliver,
    deliver_all,
    key_of_contact,
    listing,
    order,
    see_file,
    see_files,
)
from pp_pipeline_tests.postgres_server import PostgresDatabase
from pp_pipeline_tests.sending_world import DAY, World

BEFORE_DAY = DAY - timedelta(days=2)
DAY_AFTER = DAY + timedelta(days=1)

# Contents by file date and when they were first seen, oldest first.
Seen = tuple[date, datetime, list[dict[str, str]]]

ERROR, OVERTAKEN = "sent in error", "overtaken"
CONFIGURATION = "the configuration changed: no file of its days did"
UNTRACED = "no row of the order or its contact changed: the configuration did, or a file about something else"

FIRST: Seen = (BEFORE_DAY, EARLY, [order(0), order(1)])
GONE: dict[str, tuple[list[Seen], str, str]] = {
    "a corrected file cancels it": (
        [FIRST, (BEFORE_DAY, LATE, [order(0), order(1, "canceled")])],
        *(ERROR, "orders_2026-07-08.csv:3 says otherwise of it now"),
    ),
    "a file of the day that came after the claim cancels it": (
        [FIRST, (DAY, LATE, [order(1, "canceled")])],
        *(OVERTAKEN, "orders_2026-07-10.csv:2 states it now"),
    ),
    "a new content of the day's file cancels it": (
        [FIRST, (DAY, EARLY, [order(2)]), (DAY, LATE, [order(2), order(1, "canceled")])],
        *(OVERTAKEN, "orders_2026-07-10.csv:3 states it now"),
    ),
    "the day's file was seen before the claim": (
        [FIRST, (DAY, EARLY, [order(1, "canceled")])],
        *(ERROR, CONFIGURATION),
    ),
    "a corrected file no longer states it": (
        [FIRST, (BEFORE_DAY, LATE, [order(0)])],
        *(ERROR, "orders_2026-07-08.csv:3 no longer states it (its line before)"),
    ),
    "the day's file no longer states it": (
        [(DAY, EARLY, [order(0), order(1)]), (DAY, LATE, [order(0)])],
        *(OVERTAKEN, "orders_2026-07-10.csv:3 no longer states it (its line before)"),
    ),
    "another order of the contact": (
        [FIRST, (DAY, LATE, [order(0), order(7, contact=1)])],
        *(OVERTAKEN, "orders_2026-07-10.csv:3 states order A7 of its contact now"),
    ),
    "the order goes to another contact": (
        [FIRST, (BEFORE_DAY, LATE, [order(0), order(1, contact=5)])],
        *(ERROR, "orders_2026-07-08.csv:3 says otherwise of it now"),
    ),
    "a changed file that says the same of it": ([FIRST, (BEFORE_DAY, LATE, [order(1)])], ERROR, UNTRACED),
    "a file dated after the day": ([FIRST, (DAY_AFTER, LATE, [order(1, "canceled")])], ERROR, CONFIGURATION),
    "corrected and put back": (
        [FIRST, (BEFORE_DAY, LATE, [order(0)]), (BEFORE_DAY, LATER, [order(0), order(1)])],
        *(ERROR, CONFIGURATION),
    ),
    "no file at all": ([FIRST], ERROR, CONFIGURATION),
    "of two that say something, the newest": (
        [FIRST, (BEFORE_DAY, LATE, [order(0), order(1, "returned")]), (DAY, LATE, [order(1, "canceled")])],
        *(OVERTAKEN, "orders_2026-07-10.csv:2 states it now"),
    ),
}


@pytest.fixture
def secret(lite: World) -> World:
    """An installation whose contact keys are known."""
    return lite.with_settings(secret=SECRET)


@pytest.mark.parametrize(("files", "category", "cause"), GONE.values(), ids=GONE.keys())
def test_what_was_sent_and_is_planned_no_more(secret: World, files: Sequence[Seen], category: str, cause: str) -> None:
    for day, seen_at, rows in files:
        see_file(secret, day, seen_at, *rows)
    secret.plan(DAY, 1)
    secret.seal()
    deliver(secret, 1)
    found = listing(secret)
    assert [(row.category, row.why) for row in found.rows if row.order_number == "A1"] == [(category, cause)]
    secret.execute("update planned_messages set variant = 'b'")
    sealed = secret.seal().sealed[0]
    assert (sealed.overtaken_count, sealed.in_error_count) == (category == OVERTAKEN, category == ERROR)


def test_a_file_that_was_in_when_it_was_claimed_and_not_planned_from_is_named(secret: World) -> None:
    see_file(secret, *FIRST[:2], *FIRST[2])
    secret.plan(DAY, 2)
    [batch] = secret.seal().batches
    while_building = CLAIMED - timedelta(minutes=1)
    with secret.ledger as ledger, ledger.writing() as connection:
        connection.execute(update(schema.batches).values(sealed_at=EARLY + timedelta(minutes=1)))
    see_file(secret, DAY, while_building, order(1, "canceled"))
    deliver(secret, 1, batch=batch.number)
    secret.execute("delete from planned_messages where order_number = 'A1'")
    [row] = [row for row in listing(secret).rows if row.order_number == "A1"]
    assert (row.category, row.why) == (ERROR, "orders_2026-07-10.csv:2 states it now")


@pytest.mark.parametrize("warehouse", ["duckdb", "postgres"])
def test_a_file_that_only_restates_the_order_is_not_the_cause(
    warehouse: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"secret": SECRET}
    if warehouse == "postgres":
        database: PostgresDatabase = request.getfixturevalue("postgres_database")
        settings |= {"target": "postgres", "warehouse_url": database.url}
    secret = World.make(tmp_path, **settings)
    see_file(secret, *FIRST[:2], *FIRST[2])
    see_file(secret, BEFORE_DAY, LATE, order(0), order(1, "canceled"))
    see_file(secret, DAY, LATE, order(1, "canceled"))
    secret.plan(DAY, 1)
    secret.seal()
    deliver(secret, 1)
    for day in (BEFORE_DAY, DAY):
        secret.execute(
            "insert into order_versions (merchant, order_number, known_on, status, order_file, order_file_line)"
            " values ('main', 'A1', ?, 'canceled', ?, 2)",
            (day, f"orders_{day}.csv"),
        )
    found = {row.order_number: (row.category, row.cause.file) for row in listing(secret).rows}
    assert found == {"A0": ("new", "orders_2026-07-07.csv"), "A1": (ERROR, f"orders_{BEFORE_DAY}.csv")}


@pytest.mark.parametrize(
    ("state", "due_on", "category", "is_planned"),
    [
        ("", DAY, "new", True),
        ("sent", DAY, "sent", True),
        ("deferred", DAY, "open", True),
        ("failed", DAY, "open", True),
        ("claimed", DAY, "open", True),
        ("unknown", DAY, "open", True),
        ("skipped", DAY, "skipped", True),
        ("sent", BEFORE_DAY, "moved", True),
        ("deferred", BEFORE_DAY, "moved", True),
        ("unknown", DAY_AFTER, "moved", True),
        ("skipped", BEFORE_DAY, "skipped", True),
        ("sent", DAY, "sent in error", False),
        ("deferred", DAY, "no longer due", False),
        ("failed", DAY, "no longer due", False),
        ("claimed", DAY, "no longer due", False),
        ("unknown", DAY, "no longer due", False),
        ("skipped", DAY, None, False),
        ("sent", BEFORE_DAY, None, False),  # of another day's batch
    ],
)
def test_each_category(lite: World, state: str, due_on: date, category: str | None, is_planned: bool) -> None:
    lite.plan(DAY, 1)
    if is_planned:
        lite.plan(DAY, 1, start=1)
    lite.seal()
    if state:
        deliver(lite, 1, state, due_on=due_on)
    found = [row.category for row in listing(lite).rows if row.order_number == "A1"]
    assert found == ([category] if category else [])


def test_events_and_snapshots_are_compared_as_messages_are(world: World) -> None:
    world.plan_events(DAY, 4)
    world.plan_snapshot(DAY, 5)
    world.run()
    world.execute("delete from external_events where order_number = 'A0'")
    world.execute("update external_events set occurred_on = ? where order_number = 'A1'", (DAY_AFTER,))
    world.execute("delete from segment_snapshots")
    sealed = {(batch.day, batch.id.kind): batch for batch in world.seal(DAY, DAY_AFTER, DAY_AFTER).sealed}
    [kept, moved, snapshot] = [sealed[place] for place in ((DAY, "events"), (DAY_AFTER, "events"), (DAY, "snapshot"))]
    assert (kept.row_count, kept.sent_count, kept.in_error_count, kept.new_count) == (2, 2, 1, 0)
    assert (moved.row_count, moved.sent_count, moved.moved_count, moved.new_count) == (1, 1, 1, 0)
    assert (snapshot.row_count, snapshot.in_error_count) == (0, 1)
    found = Counter((row.batch.kind, row.category) for row in listing(world, DAY, DAY_AFTER).rows)
    assert found == {
        **{("events", "sent"): 2, ("events", "moved"): 1, ("events", "sent in error"): 1},
        ("snapshot", "sent in error"): 1,
    }


def test_a_relay_that_takes_an_event_no_more_does_not_plan_it(lite: World) -> None:
    lite.plan_events(DAY, 2)
    lite.run()
    file = lite.settings.merchants_dir / "main.yml"
    file.write_text(file.read_text().replace("events: [recent_buyers]", "events: [other]"))
    assert listing(lite).counts()["sent in error"] == 2


def test_who_is_forgotten_was_not_sent_to_in_error(lite: World) -> None:
    lite.plan(DAY, 1)
    lite.seal()
    deliver(lite, 1)
    assert listing(lite).counts()["sent in error"] == 1
    with lite.ledger as ledger, ledger.writing() as connection:
        values = {"contact_key": key_of_contact(1), "reason": FORGOTTEN, "created_at": EARLY}
        connection.execute(insert(schema.suppressions).values(**values))
    assert listing(lite).counts()["sent in error"] == 0


def test_a_new_row_names_what_came_since_the_version_before(secret: World) -> None:
    see_file(secret, *FIRST[:2], *FIRST[2])
    secret.plan(DAY, 2)
    secret.execute("update order_versions set order_file_line = 3 where order_number = 'A1'")
    secret.seal()
    assert {row.why for row in listing(secret).rows} == {
        "orders_2026-07-07.csv:2 states the order",
        "orders_2026-07-07.csv:3 states the order",
    }
    secret.plan(DAY, 1, start=4)
    secret.seal()
    see_file(secret, BEFORE_DAY, utc_now() + timedelta(seconds=1), order(0), order(1), order(4))
    found = {row.order_number: row.why for row in listing(secret).rows}
    assert found["A4"] == "orders_2026-07-08.csv:4 states it now"
    assert found["A0"] == "orders_2026-07-07.csv:2 states the order"


def test_a_moved_row_names_the_file_that_moved_it(secret: World) -> None:
    see_file(secret, *FIRST[:2], *FIRST[2])
    secret.plan(DAY_AFTER, 2)
    secret.execute("update planned_messages set contact_key = ? where order_number = 'A1'", (key_of_contact(1),))
    secret.seal(DAY_AFTER, DAY_AFTER, DAY_AFTER)
    deliver(secret, 1, "deferred", planned_on=DAY_AFTER, reason="quiet_hours")
    see_file(secret, BEFORE_DAY, LATE, order(0), order(1, "shipped"))
    [row] = listing(secret, DAY_AFTER, DAY_AFTER).remarkable()[:1]
    assert (row.category, row.known_for, row.state) == ("moved", DAY, "deferred")
    assert row.why == "orders_2026-07-08.csv:3 says otherwise of it now"


def test_a_plan_that_was_built_anew_and_not_sealed_is_told(lite: World) -> None:
    lite.plan(DAY, 2)
    [batch] = lite.seal().batches
    assert listing(lite).changed == frozenset()
    lite.plan(DAY, 1, start=5)
    assert listing(lite).changed == {batch.id}


@pytest.mark.parametrize(
    ("movements", "words"),
    [
        ([], "never entered thank_you"),
        ([("entered", None)], "waits in thank_you, due 2026-07-15"),
        ([("entered", None), ("moved", None)], "waits in thank_you, due 2026-07-15"),
        ([("entered", None), ("left", "canceled")], "left thank_you on 2026-07-09: canceled"),
        ([("entered", None), ("left", "released")], ""),
    ],
)
def test_the_queue_says_what_became_of_the_order(
    lite: World, movements: list[tuple[str, str | None]], words: str
) -> None:
    lite.execute(
        "create table queue_thank_you (merchant varchar, order_number varchar, movement_on date, movement varchar,"
        " reason varchar, due_on date)"
    )
    for movement, reason in movements:
        row = ("main", "A1", date(2026, 7, 9), movement, reason, date(2026, 7, 15))
        lite.execute("insert into queue_thank_you values (?, ?, ?, ?, ?, ?)", row)
    lite.plan(DAY, 2)
    [batch] = lite.seal().batches
    lite.execute("delete from planned_messages where order_number = 'A1'")
    deliver(lite, 1, batch=batch.number, event_id=event_id("main", "release", "thank_you", "A1"))
    [row] = [row for row in listing(lite).rows if row.category == ERROR]
    assert row.queue == words
    with lite.ledger as ledger, ledger.reading() as reading, lite.warehouse.connect() as connection:
        assert movement_words(reading, connection, []) == {}


def test_what_was_sent_and_is_gone_is_told_for_a_week(lite: World) -> None:
    lite.plan(DAY, 3)
    lite.run()
    with lite.ledger as ledger:
        assert gone_words(sent_and_gone(ledger, lite.settings, utc_now())).startswith("no plan that was sealed")
    lite.execute("delete from planned_messages where order_number in ('A0', 'A1')")
    lite.seal()
    with lite.ledger as ledger:
        told = gone_words(sent_and_gone(ledger, lite.settings, utc_now()))
        assert told.startswith("2 sent in error, 0 overtaken by a file of their day")
        assert f"`pp batches --on {DAY} --rows`" in told
        assert sent_and_gone(ledger, lite.settings, utc_now() + timedelta(days=8)) == []


# The numbers, against a slow comparison ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Drawn:
    """What was drawn: contents by file date in the order in which they were seen, the plan, and the ledger."""

    contents: dict[date, list[tuple[datetime, list[dict[str, str]]]]]
    planned: dict[int, date]
    ledger: dict[int, tuple[str, date]]

    @classmethod
    def from_random(cls, luck: random.Random, days: Sequence[date]) -> "Drawn":
        numbers = range(40)
        contents: dict[date, list[tuple[datetime, list[dict[str, str]]]]] = {}
        for day in days:
            moments = sorted(luck.sample((EARLY, LATE, LATER), luck.randint(0, 3)))
            contents[day] = [(moment, _rows(luck, numbers)) for moment in moments]
        states = ("sent", "sent", "sent", "deferred", "unknown", "skipped", "failed")
        return cls(
            {day: seen for day, seen in contents.items() if seen},
            {number: luck.choice(days) for number in numbers if luck.random() < 0.6},
            {number: (luck.choice(states), luck.choice(days)) for number in numbers if luck.random() < 0.7},
        )

    def expected(self, days: Sequence[date]) -> Counter[tuple[date, str]]:
        """Row by row, as DESIGN 7 says it."""
        found: Counter[tuple[date, str]] = Counter()
        for number, day in self.planned.items():
            state, known_for = self.ledger.get(number, ("", day))
            category = "moved" if known_for != day else state if state == "sent" else "open"
            category = "new" if not state else "skipped" if state == "skipped" else category
            found[day, category] += 1
        for number, (state, day) in self.ledger.items():
            if number in self.planned or state == "skipped":
                continue
            found[day, "no longer due" if state != "sent" else self._sent(number, day)] += 1
        return found

    def _sent(self, number: int, day: date) -> str:
        """Overtaken where the newest file that says otherwise of the order, or else its contact, is of the day."""
        for column, value in (("order_number", f"A{number}"), ("email", f"person{number}@example.com")):
            changed = [file for file in self.contents if file <= day and self._changed(file, column, value)]
            if changed:
                return "overtaken" if max(changed) == day else "sent in error"
        return "sent in error"

    def _changed(self, file: date, column: str, value: str) -> bool:
        before = [rows for seen_at, rows in self.contents[file] if seen_at <= CLAIMED]
        now = self.contents[file][-1][1]
        said = [[row for row in rows if row[column] == value] for rows in (before[-1] if before else [], now)]
        return {tuple(row.items()) for row in said[0]} != {tuple(row.items()) for row in said[1]}


def _rows(luck: random.Random, numbers: Sequence[int]) -> list[dict[str, str]]:
    statuses = ("processing", "canceled")
    return [order(number, luck.choice(statuses), luck.choice(numbers)) for number in luck.sample(numbers, 15)]


@pytest.mark.parametrize("ledger", ["sqlite", pytest.param("postgres", marks=pytest.mark.heavy)])
def test_the_numbers_equal_a_slow_comparison(ledger: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"secret": SECRET}
    if ledger == "postgres":
        database: PostgresDatabase = request.getfixturevalue("postgres_database")
        settings["ledger_url"] = database.url
    world = World.make(tmp_path, **settings)
    days = [DAY - timedelta(days=back) for back in (3, 2, 1, 0)]
    seen: set[str] = set()
    for seed in range(6):
        drawn = Drawn.from_random(random.Random(seed), days)
        _begin_anew(world)
        for day in days:
            world.plan(day, 1, start=99)  # so that every day has a batch
        world.seal(days[0], DAY)
        see_files(
            world,
            [(day, seen_at, rows) for day, contents in drawn.contents.items() for seen_at, rows in contents],
        )
        for day in days:
            world.plan_numbers(day, [number for number, on in drawn.planned.items() if on == day])
        world.execute(
            f"update planned_messages set message_id = substr(message_id, 1, 7) || '{DAY:%Y%m%d}' || repeat('0', 16)"
        )
        deliver_all(world, [(number, {"state": state, "due_on": day}) for number, (state, day) in drawn.ledger.items()])
        # a changed row makes every day be sealed anew
        world.execute("update planned_messages set variant = 'b' where order_number = 'A99'")
        sealed = {batch.day: batch for batch in world.seal(days[0], DAY).sealed}
        expected = drawn.expected(days) + Counter({(day, "new"): 1 for day in days})
        found = Counter((row.batch.day, row.category) for row in listing(world, days[0], DAY).rows)
        assert found == expected, seed
        for day, batch in sealed.items():
            counts = {category: count for category, count in difference_counts([batch]).items() if count}
            assert counts == {
                category: expected[day, category]
                for category in ("new", "moved", "no longer due", "overtaken", "sent in error")
                if expected[day, category]
            }, seed
        seen |= {category for _, category in found}
    assert seen == {"new", "moved", "open", "sent", "skipped", "no longer due", "overtaken", "sent in error"}


def _begin_anew(world: World) -> None:
    for table in ("planned_messages", "external_events", "order_versions", "order_lines"):
        world.execute(f"delete from {table}")
    with world.ledger as ledger, ledger.writing() as connection:
        for table in (schema.deliveries, schema.releases, schema.batches, schema.files):
            connection.execute(delete(table))
