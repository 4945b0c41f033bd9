"""data/make_sample.py keeps the rules that it states, on small orders of the tests' own."""

import importlib.util
from collections import Counter
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[1] / "data" / "make_sample.py"


@pytest.fixture(scope="module")
def make_sample() -> ModuleType:
    specification = importlib.util.spec_from_file_location("make_sample", SCRIPT)
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def source_text(numbers: list[str], ordered_on: str, ships_on: str) -> str:
    cells = {
        **{"Order Date": ordered_on, "Ship Date": ships_on, "Ship Mode": "First Class", "Region": "West"},
        **{
            "Customer ID": "AB-12345",
            "Customer Name": "Ann Beta",
            "Product ID": "SKU-1",
            "Category": "Paper",
        },
        **{"Sub-Category": "Notes", "Product Name": "Note\xa0book,  ruled", "Quantity": "3", "Discount": "0"},
        **{"Sales": "10.005"},
    }
    rows = [",".join(["Order ID", *cells])]
    rows += [",".join([number, *(f'"{cell}"' for cell in cells.values())]) for number in numbers]
    return "\n".join(rows)


def histories(make_sample: ModuleType, ordered_on: str, ships_on: str) -> list[tuple[Any, dict[date, Any]]]:
    """A thousand orders of one date, with all that is stated about each."""
    numbers = [f"X-{number}" for number in range(1000)]
    made = make_sample.read_orders(source_text(numbers, ordered_on, ships_on))
    return [(order, make_sample.history(order)) for order in made]


def test_dates_move_by_whole_weeks(make_sample: ModuleType) -> None:
    (order,) = make_sample.read_orders(source_text(["X-1"], "2017-12-30", "2018-01-02"))
    assert (order.ordered_on, order.ships_on) == (date(2026, 10, 31), date(2026, 11, 3))
    assert order.ordered_on.weekday() == date(2017, 12, 30).weekday()


def test_rows_round_half_up_and_clean_names(make_sample: ModuleType) -> None:
    (order,) = make_sample.read_orders(source_text(["X-1"], "2017-11-01", "2017-11-05"))
    (row,) = make_sample.rows(order, make_sample.State("shipped", date(2026, 9, 5), True, 0))
    assert (row["order_total"], row["unit_price"], row["quantity"]) == ("10.01", "3.34", "3")
    assert row["product_name"] == "Note book, ruled"
    assert row["email"] == "AB-12345@example.com" and row["first_name"] == "Ann"


def test_shares_come_about_as_documented(make_sample: ModuleType) -> None:
    counts: Counter[str] = Counter()
    for order, stated in histories(make_sample, "2017-11-01", "2017-11-06"):
        states = list(stated.values())
        counts.update({state.status for state in states})
        counts["late"] += 1 <= (min(stated) - order.ordered_on).days <= 4
        counts["very late"] += (min(stated) - order.ordered_on).days >= 14
        counts["undated"] += any(state.status == "shipped" and state.ship_date is None for state in states)
    # Late orders hide how they began, so the shares are a little below those that the script draws.
    assert 150 < counts["pending"] < 220 and 25 < counts["hold"] < 55
    assert 25 < counts["canceled"] < 65 and 15 < counts["returned"] < 45
    assert 15 < counts["late"] < 45 and 2 < counts["very late"] < 16 and 40 < counts["undated"] < 80


def test_canceled_orders_are_never_shipped(make_sample: ModuleType) -> None:
    for _, stated in histories(make_sample, "2017-11-01", "2017-11-06"):
        states = list(stated.values())
        if any(state.status == "canceled" for state in states):
            assert not any(state.ship_date or state.status == "shipped" for state in states)


def test_same_day_shipments_are_known_the_day_after(make_sample: ModuleType) -> None:
    for order, stated in histories(make_sample, "2017-11-01", "2017-11-01"):
        shipped = [day for day, state in stated.items() if state.status == "shipped"]
        assert all(day > order.ordered_on for day in shipped)


def test_the_same_source_gives_the_same_files(make_sample: ModuleType) -> None:
    text = source_text([f"X-{number}" for number in range(50)], "2017-11-01", "2017-11-06")
    assert make_sample.files(make_sample.read_orders(text)) == make_sample.files(make_sample.read_orders(text))


def test_who_asked_for_texts_depends_on_the_customer_alone(make_sample: ModuleType) -> None:
    names = [f"AB-{number:05}" for number in range(500)]
    texts = [
        source_text([f"X-{name}"], "2017-11-01", "2017-11-06").replace("AB-12345", name) for name in [*names, *names]
    ]
    orders = [order for text in texts for order in make_sample.read_orders(text)]
    written = make_sample.contacts(orders)
    assert written == make_sample.contacts(orders[:500])
    header, *rows = written.splitlines()
    assert header.startswith("email,first_name,phone,sms_commercial_consent")
    assert 25 < len(rows) < 60 and len(set(rows)) == len(rows)
    assert rows[0].split(",")[1:4] == ["Ann", "+1 212 555 0100", "explicit"]
