"""What is checked across the files of a day (dbt's generic tests on the orders), and the view `products`.

Each test says in one table what the files hold and what it finds; a good shop's files make every one of them pass.
"""

import csv
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pytest

from pp_pipeline_tests.cases import Case, write_merchants
from pp_pipeline_tests.queue_pipelines import TARGETS
from pp_pipeline_tests.whole_way import ORDERS, WholeWay, whole_way_on
from pp_pipeline_tests.worked_examples import january, row

CHECKS = (
    "orders_have_lines", "lines_have_orders", "skus_are_known", "totals_match_lines",
    "ship_date_not_before_order_date", "order_date_not_in_future", "as_many_orders_as_usual",
)  # fmt: skip
MODELS = (*ORDERS, "products")
Cells = Mapping[str, str]


@pytest.fixture(scope="module", params=TARGETS)
def one_way(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> WholeWay:
    return whole_way_on(request.param, request, tmp_path_factory)


@pytest.fixture
def way(one_way: WholeWay) -> WholeWay:
    """Empty for each test; parsed once."""
    one_way.begin_anew()
    return one_way


def drop(way: WholeWay, name: str, rows: Iterable[Cells]) -> None:
    """Put a file into the inbox; its columns are those of its first row."""
    rows = list(rows)
    way.settings.inbox.mkdir(parents=True, exist_ok=True)
    with (way.settings.inbox / name).open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def statuses(way: WholeWay, first: int, last: int) -> dict[str, tuple[str, int]]:
    """Build days of January; status and failing rows of each of these tests."""
    results = way.project.build(MODELS, january(first), january(last))
    assert not [node.message for node in results if not node.is_test and node.status != "success"]
    return {node.name: (node.status, node.failures or 0) for node in results if node.name in CHECKS}


def found_by(way: WholeWay, check: str, model: str, columns: str, first: int, last: int) -> list[tuple[Any, ...]]:
    """What a test finds."""
    variables = {"from_day": january(first).isoformat(), "to_day": january(last).isoformat()}
    sql = way.project.compiled(f"{{{{ test_{check}(ref('{model}')) }}}}", variables)
    return sorted(way.rows(f"select {columns} from ({sql}) as found"))


def order(number: str, on: int = 5, **cells: str) -> dict[str, str]:
    """A row of an order whose total is that of its line."""
    return {**row(number, on), **cells}


HEADER = ("order_number", "email", "ordered_at", "status", "order_total", "currency")


def header(number: str) -> dict[str, str]:
    """A row of a file of orders without lines."""
    return {name: order(number)[name] for name in HEADER}


def test_a_good_shop_passes_and_a_bad_days_findings_are_counted_on_that_day_alone(way: WholeWay) -> None:
    drop(way, "products_2026-01-04.csv", [{"sku": "SKU-1", "name": "Table"}])
    drop(way, "orders_2026-01-04.csv", [order("A", 4), order("B", 4, ship_date="2026-01-04")])
    bad = [
        order("early", ship_date="2026-01-04"), order("future", 7), order("tomorrow", 6),
        order("unknown", sku="SKU-9"), order("dear", order_total="30.00"),
    ]  # fmt: skip
    drop(way, "orders_2026-01-05.csv", bad)
    drop(way, "order_headers_2026-01-05.csv", [header("H1"), header("H2")])
    drop(way, "order_lines_2026-01-05.csv", [{"order_number": "X1", "sku": "SKU-1"}] * 2)
    drop(way, "orders_2026-01-06.csv", [order("C", 6)])
    way.load(january(4), january(6))
    good = dict.fromkeys(CHECKS, ("pass", 0))
    assert statuses(way, 4, 4) == good
    assert statuses(way, 5, 5) == {
        "orders_have_lines": ("warn", 2),
        "lines_have_orders": ("warn", 1),
        "skus_are_known": ("warn", 1),
        "totals_match_lines": ("warn", 1),
        "ship_date_not_before_order_date": ("warn", 1),
        "order_date_not_in_future": ("warn", 1),
        "as_many_orders_as_usual": ("pass", 0),
    }
    assert statuses(way, 6, 6) == good
    names = ("orders_have_lines", "lines_have_orders", "ship_date_not_before_order_date", "order_date_not_in_future")
    found = {name: found_by(way, name, "order_versions", "order_number", 4, 6) for name in names}
    assert found == {
        "orders_have_lines": [("H1",), ("H2",)],
        "lines_have_orders": [("X1",)],
        "ship_date_not_before_order_date": [("early",)],
        "order_date_not_in_future": [("future",)],
    }


# order number: its total, the prices of its lines, and whether they differ too much
TOTALS: dict[str, tuple[str, list[str], bool]] = {
    "equal": ("20.00", ["20.00"], False),
    "two_lines": ("30.00", ["10.00", "20.00"], False),
    "under_5_percent": ("21.05", ["20.00"], False),  # 1.05 of 21.05
    "over_5_percent": ("21.06", ["20.00"], True),
    "below_its_lines": ("18.94", ["20.00"], True),
    "one_dollar": ("11.00", ["10.00"], False),  # whatever the share
    "over_one_dollar": ("11.01", ["10.00"], True),
    "for_nothing": ("0.00", ["10.00"], True),
    "total_not_known": ("", ["10.00"], False),
    "price_not_known": ("30.00", ["10.00", ""], False),
}


def test_a_total_may_differ_from_its_lines_by_little(way: WholeWay) -> None:
    rows = [
        order(number, order_total=total, unit_price=price)
        for number, (total, prices, _) in TOTALS.items()
        for price in prices
    ]
    drop(way, "orders_2026-01-05.csv", rows)
    way.load(january(5), january(5))
    way.build(january(5), january(5), ORDERS)
    found = found_by(way, "totals_match_lines", "order_versions", "order_number", 5, 5)
    assert [number for (number,) in found] == sorted(number for number, (_, _, is_found) in TOTALS.items() if is_found)


def test_a_sku_is_asked_for_from_the_merchants_first_product_file_on(way: WholeWay) -> None:
    other = Case("other", (), {}, (january(1), january(1)))
    write_merchants([other], way.settings.merchants_dir)
    for day in (4, 5, 6):
        orders = [order(f"A{day}", day, sku="S1"), order(f"A{day}", day, sku="S2")]
        rows = [{"merchant": name, **one} for name in ("main", "other") for one in orders]
        drop(way, f"orders_2026-01-0{day}.csv", rows)
    drop(way, "products_2026-01-05.csv", [{"sku": "S1", "name": "Cup"}])
    drop(way, "products_2026-01-06.csv", [{"sku": "S2", "name": "Pot"}])
    way.load(january(4), january(6))
    way.build(january(4), january(6), ORDERS)
    found = found_by(way, "skus_are_known", "order_lines", "merchant, sku, known_on", 4, 6)
    assert found == [("main", "S2", january(5))]


# new orders by day of January, of which the last is looked at, and whether they are fewer than usual
USUAL: dict[str, tuple[dict[int, int], bool]] = {
    "fewer": ({1: 10, 8: 10, 15: 10, 22: 10, 29: 4}, True),
    "half": ({1: 10, 8: 10, 15: 10, 22: 10, 29: 5}, False),
    "none": ({1: 10, 8: 10, 15: 10, 22: 10, 29: 0}, True),
    "middle": ({1: 2, 8: 10, 15: 12, 22: 90, 29: 5}, True),  # of 10 and 12
    "three": ({8: 10, 15: 10, 22: 10, 29: 4}, True),
    "young": ({15: 10, 22: 10, 29: 4}, False),
    "small": ({1: 9, 8: 9, 15: 9, 22: 9, 29: 0}, False),
    "gap": ({1: 10, 15: 10, 22: 10, 29: 4}, True),  # a week without orders counts as 0, and the median is 10
    "other_weekday": ({2: 10, 9: 10, 16: 10, 23: 10, 29: 0}, False),
}


def test_a_day_is_held_against_the_same_weekday_of_four_weeks(way: WholeWay) -> None:
    cases = [Case(name, (), {}, (january(1), january(1))) for name in USUAL]
    write_merchants(cases, way.settings.merchants_dir)
    for day in (*range(1, 23, 7), *range(2, 24, 7), 29):
        rows = [
            {"merchant": name, **order(f"{name}-{day}-{number}", day)}
            for name, (counts, _) in USUAL.items()
            for number in range(counts.get(day, 0))
        ]
        if day == 29:  # orders that were known before are no new ones
            rows += [{"merchant": "none", **order(f"none-8-{number}", 8)} for number in range(10)]
        drop(way, f"orders_2026-01-{day:02}.csv", rows)
    drop(way, "orders_2026-02-06.csv", [{"merchant": "half", **order("half", 29)}])
    way.load(january(1), january(37))
    way.build(january(1), january(37), ORDERS)
    found = found_by(way, "as_many_orders_as_usual", "order_versions", "merchant", 29, 29)
    assert [name for (name,) in found] == sorted(name for name, (_, is_found) in USUAL.items() if is_found)
    assert found_by(way, "as_many_orders_as_usual", "order_versions", "merchant", 30, 30) == []  # a day without files


def test_products_are_the_newest_rows_and_what_only_orders_know(way: WholeWay) -> None:
    drop(way, "products_2026-01-04.csv", [{"sku": "S1", "name": "Cup", "category": "Kitchen", "price": "4.00"}])
    drop(way, "products_2026-01-05.csv", [
        {"sku": "S1", "name": "Big cup", "category": "", "color": "red"},
        {"sku": "S1", "name": "Bigger cup", "category": "", "color": "blue"},
    ])  # fmt: skip
    drop(way, "products_2026-01-06.csv", [{"sku": "S2", "name": "Pot"}])
    rows = [order("A", sku="S1"), order("A", sku="S9", product_name="A lamp", category="Light")]
    drop(way, "orders_2026-01-05.csv", rows)
    drop(way, "orders_2026-01-06.csv", [order("B", sku="S9", product_name="The lamp", category="Lights")])
    columns = "sku, name, category, price_cents, known_on, is_placeholder"
    products: dict[date, list[tuple[Any, ...]]] = {}
    for day in (january(5), january(6)):
        way.load(january(4), day)
        way.build(january(4), day, MODELS)
        products[day] = sorted(way.rows(f"select {columns} from products"))
    cup = ("S1", "Bigger cup", "", None, january(5), False)
    assert products == {
        january(5): [cup, ("S9", "A lamp", "Light", None, january(5), True)],
        january(6): [
            cup,
            ("S2", "Pot", "", None, january(6), False),
            ("S9", "The lamp", "Lights", None, january(6), True),
        ],
    }
