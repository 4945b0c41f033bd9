"""The list and the segments as of any day (DESIGN 3), beside `test_list_oracle`, which holds the newest day.

Random worlds are compared with the oracle on every day of theirs in one pass; the boundaries of stages,
money and time frames are written out.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from pp_pipeline_tests.audience_pairs import AUDIENCES, AudienceFacts
from pp_pipeline_tests.cases import write_inbox, write_merchants
from pp_pipeline_tests.drawn_worlds import drawn_worlds
from pp_pipeline_tests.list_oracle import ListRow, list_as_of
from pp_pipeline_tests.order_worlds import FIRST_DAY, LAST_DAY
from pp_pipeline_tests.orders_oracle import OrderFile, Orders, Row, days_between
from pp_pipeline_tests.postgres_server import PostgresDatabase
from pp_pipeline_tests.queue_pipelines import TARGETS
from pp_pipeline_tests.whole_way import ORDERS, WholeWay
from pp_pipeline_tests.worked_examples import january, row

_EVERYONE_ON_EVERY_DAY = """
with days as (
    select day as as_of from {{ source('landing', 'landed_days') }}
),

{{ everyone_as_of('days') }}

select * from contact_list
"""
_EACH_CONTACT_ON_EVERY_DAY = """
with asked as (
    select distinct versions.contact_id, days.day as as_of
    from {{ ref('order_versions') }} as versions
    cross join {{ source('landing', 'landed_days') }} as days
    where versions.contact_id is not null
),

{{ contact_facts('asked') }}

select * from contact_list
"""
_MODELS = {
    "list/list_on_days.sql": "{{ config(materialized='table') }}" + _EVERYONE_ON_EVERY_DAY,
    "list/facts_on_days.sql": "{{ config(materialized='table') }}" + _EACH_CONTACT_ON_EVERY_DAY,
}
LISTS = ("list_on_days", "facts_on_days", "post_purchase_list")

# Segments by the conditions that the oracle can judge: of a contact, not of an order.
SEGMENTS = {
    f"number_{place}": condition
    for place, condition in enumerate(sorted(text for text in AUDIENCES if "order." not in text))
}
_OF_A_SEGMENT = {"again_and_tables": "order_count >= 2 and in_segment('tables_lately')"}
_WRITTEN_OUT = {
    "tables_lately": "bought_category('Tables', within_days=4)",
    "sku_lately": "bought_sku('SKU-1', 'SKU-9', within_days=4)",
}
COLUMNS = "email, first_order_on, last_order_on, order_count, total_spend_cents, average_order_cents"
COLUMNS += ", days_since_last_order, lifecycle_stage"


@pytest.fixture(scope="module", params=TARGETS)
def way(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> WholeWay:
    """A checkout without campaigns, with the lists of every day as tables."""
    url = ""
    if request.param == "postgres":
        database: PostgresDatabase = request.getfixturevalue("postgres_module_database")
        url = database.url
    segments = {**SEGMENTS, **_OF_A_SEGMENT, **_WRITTEN_OUT}
    return WholeWay(tmp_path_factory.mktemp("list"), url, campaigns={}, segments=segments, models=_MODELS)


def test_every_day_of_random_worlds_has_the_list_and_the_segments_of_the_oracle(way: WholeWay) -> None:
    cases = [case.of_merchant(f"m{place:02}") for place, case in enumerate(drawn_worlds(16, seed_number=11))]
    way.begin_anew()
    write_merchants(cases, way.settings.merchants_dir)
    write_inbox(cases, way.settings.inbox)
    first = min([FIRST_DAY] + [file.file_date for case in cases for file in case.files])
    way.load(first, LAST_DAY)
    way.build(first, LAST_DAY, (*ORDERS, *LISTS, *(f"segment_{name}" for name in SEGMENTS)))

    expected = {
        (case.merchant, day): list_as_of(case.orders(), day) for case in cases for day in days_between(first, LAST_DAY)
    }
    all_rows = sorted((merchant, day, *contact) for (merchant, day), on in expected.items() for contact in on.values())
    for table in ("list_on_days", "facts_on_days"):
        assert sorted(way.rows(f"select merchant, as_of, {COLUMNS} from {table}")) == all_rows
    newest = way.rows(f"select merchant, as_of, {COLUMNS} from post_purchase_list")
    assert sorted(newest) == [found for found in all_rows if found[1] == LAST_DAY]

    emails = dict(way.rows("select distinct contact_key, email from order_versions where email is not null"))
    orders_of = {case.merchant: case.orders() for case in cases}
    for name, condition in SEGMENTS.items():
        found = way.rows(f"select merchant, snapshot_on, contact_key from segment_{name}")
        assert sorted((merchant, day, emails[key]) for merchant, day, key in found) == sorted(
            (merchant, day, email)
            for (merchant, day), on in expected.items()
            for email in members(condition, orders_of[merchant], day, on)
        ), condition
        assert 0 < len(found) < len(all_rows), condition


def members(condition: str, orders: Orders, day: date, on_the_list: dict[str, ListRow]) -> Iterator[str]:
    """The contacts of whom the condition is true on the day."""
    order_of = {
        version.fields.email: number
        for number, version in orders.in_force(day).items()
        if version.fields.email in on_the_list
    }
    for email, contact in on_the_list.items():
        if AUDIENCES[condition](AudienceFacts(orders, day, order_of[email], contact)) is True:
            yield email


STAGES = {
    "one order": {0: "recent_new", 30: "recent_new", 31: "in_between", 180: "in_between", 181: "lapsed_non_engaged"},
    "two orders": {0: "in_between", 30: "in_between", 179: "in_between", 180: "in_between", 181: "lapsed_non_engaged"},
    "three orders": {0: "loyal", 31: "loyal", 179: "loyal", 180: "lapsed_loyal", 181: "lapsed_loyal"},
    "nine orders": {179: "loyal", 180: "lapsed_loyal"},
}
"""The lifecycle stage by number of orders and by how many days ago the last one is dated."""

_NUMBERS = {"one order": 1, "two orders": 2, "three orders": 3, "nine orders": 9}
_TODAY = january(20)


def test_a_lifecycle_stage_begins_and_ends_on_its_day(way: WholeWay) -> None:
    rows: list[Row] = []
    expected: dict[str, str] = {}
    for words, stages in STAGES.items():
        for age, stage in stages.items():
            email = f"{_NUMBERS[words]}.{age}@example.com"
            expected[email] = stage
            for place in range(_NUMBERS[words]):
                rows.append(row(f"{email} {place}", 20 - age - 10 * place, email=email))
    way.begin_anew()
    way.run([OrderFile(f"orders_{_TODAY}.csv", _TODAY, tuple(rows))], _TODAY, _TODAY, (*ORDERS, "post_purchase_list"))
    assert dict(way.rows("select email, lifecycle_stage from post_purchase_list")) == expected


MONEY: dict[str, tuple[list[dict[str, str]], tuple[int, int, int]]] = {
    "one": ([{"order_total": "10.00"}], (1, 1000, 1000)),
    "rounded_down": ([{"order_total": "10.00"}, {"order_total": "5.01"}], (2, 1501, 750)),
    "below_zero": ([{"order_total": "0"}, {"order_total": "-0.01"}], (2, -1, -1)),
    "total_not_known": ([{"order_total": "9.99"}, {"order_total": ""}], (2, 999, 499)),
    "other_currency": ([{"order_total": "10.00"}, {"order_total": "99.00", "currency": "EUR"}], (2, 1000, 1000)),
    "only_other_currency": ([{"order_total": "99.00", "currency": "EUR"}], (1, 0, 0)),
    "no_currency": ([{"order_total": "8.00", "currency": ""}], (1, 800, 800)),
    "canceled": ([{"order_total": "8.00"}, {"order_total": "50.00", "status": "canceled"}], (1, 800, 800)),
    "returned": ([{"order_total": "8.00"}, {"order_total": "50.00", "status": "returned"}], (1, 800, 800)),
    "refunded": ([{"order_total": "8.00"}, {"order_total": "50.00"}], (2, 5401, 2700)),
}
"""A contact's orders, then their number, total and average in cents; 3.99 of `refunded` are given back."""


def test_money_is_the_merchants_and_what_was_given_back_is_taken_off(way: WholeWay) -> None:
    rows = [
        {**row(f"{name} {place}", 20, email=f"{name}@example.com"), **cells}
        for name, (orders, _) in MONEY.items()
        for place, cells in enumerate(orders)
    ]
    way.begin_anew()
    way.run([OrderFile(f"orders_{_TODAY}.csv", _TODAY, tuple(rows))], _TODAY, _TODAY, (*ORDERS, "post_purchase_list"))
    # No column of the plain feed says it yet.
    way.execute("update order_versions set refunded_cents = 399 where order_number = 'refunded 1'")
    found = way.rows("select email, order_count, total_spend_cents, average_order_cents from post_purchase_list")
    assert {email.partition("@")[0]: tuple(money) for email, *money in found} == {
        name: money for name, (_, money) in MONEY.items()
    }


# What the files say of one contact each, by day of January; then the days on which it is in `segment_tables_lately`.
TIME_FRAMES: dict[str, tuple[dict[int, Row], list[int]]] = {
    "bought": ({10: row("A", 10)}, [10, 11, 12, 13]),
    "known_late": ({12: row("B", 10)}, [12, 13]),
    "known_too_late": ({14: row("C", 10)}, []),
    "dated_to_come": ({10: row("D", 12)}, [12, 13, 14, 15]),
    "canceled": ({10: row("E", 10), 12: row("E", 10, "canceled")}, [10, 11]),
    "line_gone": ({10: row("F", 10), 11: {**row("F", 10), "category": "Chairs"}}, [10]),
    "other_case": ({10: {**row("G", 10), "category": "tables", "sku": "sku-1"}}, []),
    "twice": ({10: row("H", 10), 12: row("I", 12)}, [10, 11, 12, 13, 14, 15]),
}


def test_a_product_within_days_counts_on_the_day_and_the_days_before(way: WholeWay) -> None:
    says: dict[int, list[Row]] = {}
    for name, (rows, _) in TIME_FRAMES.items():
        for day, stated in rows.items():
            says.setdefault(day, []).append({**stated, "email": f"{name}@example.com"})
    files = [OrderFile(f"orders_{january(day)}.csv", january(day), tuple(rows)) for day, rows in says.items()]
    way.begin_anew()
    tables = ("segment_tables_lately", "segment_sku_lately", "segment_again_and_tables")
    way.run(files, january(9), january(17), (*ORDERS, *tables))
    expected = {name: days for name, (_, days) in TIME_FRAMES.items()}
    assert days_of_members(way, "tables_lately") == expected
    assert days_of_members(way, "sku_lately") == expected | {"line_gone": [10, 11, 12, 13]}
    assert days_of_members(way, "again_and_tables") == {name: [] for name in expected} | {"twice": [12, 13, 14, 15]}


def days_of_members(way: WholeWay, segment: str) -> dict[str, list[Any]]:
    """The days of January on which each contact of `TIME_FRAMES` is in the segment."""
    found: dict[str, list[Any]] = {name: [] for name in TIME_FRAMES}
    members_of_days = way.rows(
        f"select distinct versions.email, members.snapshot_on from segment_{segment} as members"
        " inner join order_versions as versions on members.contact_key = versions.contact_key"
        " where members.segment = ? and members.merchant = 'main' order by 1, 2",
        (segment,),
    )
    for email, day in members_of_days:
        found[email.partition("@")[0]].append((day - january(1) + timedelta(days=1)).days)
    return found


# Contact, order date, clicks (event day, file day), and the stage on 28 January with thresholds of 30 and 180 days.
_CLICKS = {
    "nobody": ("2025-07-20", (), "lapsed_non_engaged"),
    "lately": ("2025-07-20", (("2026-01-20", 20),), "in_between"),
    "at_the_edge": ("2025-07-20", (("2025-08-02", 5),), "in_between"),
    "too_long_ago": ("2025-07-20", (("2025-08-01", 5),), "lapsed_non_engaged"),
    "known_tomorrow": ("2025-07-20", (("2026-01-20", 29),), "lapsed_non_engaged"),
    "opened_only": ("2025-07-20", (("2026-01-20", 20, "opened"),), "lapsed_non_engaged"),
    "young_order": ("2025-09-20", (), "in_between"),
}


def test_a_click_within_180_days_keeps_a_contact_engaged(way: WholeWay) -> None:
    way.begin_anew()
    orders = [row(name, 5, email=f"{name}@example.com") for name in _CLICKS]
    orders = [{**one, "ordered_at": _CLICKS[one["order_number"]][0]} for one in orders]
    files = [OrderFile("orders_2026-01-05.csv", january(5), tuple(orders))]
    told: dict[int, list[dict[str, str]]] = {}
    for name, (_, clicks, _) in _CLICKS.items():
        for occurred, day, *event in clicks:
            cells = {"event": event[0] if event else "clicked", "email": f"{name}@example.com", "occurred_at": occurred}
            told.setdefault(day, []).append(cells)
    files += [
        OrderFile(f"feedback_{january(day)}.csv", january(day), tuple(rows), "feedback") for day, rows in told.items()
    ]
    way.run(files, january(5), january(29), (*ORDERS, *LISTS))
    for table in ("list_on_days", "facts_on_days"):
        found = way.rows(f"select email, lifecycle_stage from {table} where as_of = ?", (january(28),))
        assert {email.partition("@")[0]: stage for email, stage in found} == {
            name: stage for name, (_, _, stage) in _CLICKS.items()
        }
    ages = way.rows("select days_since_last_click from list_on_days where email = 'lately@example.com' order by as_of")
    assert [age for (age,) in ages] == [None] * 15 + list(range(10))
