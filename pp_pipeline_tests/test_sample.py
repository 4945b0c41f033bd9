"""The committed sample (data/inbox) is sound and is what data/README.md says.

The npm package is not needed: the files are judged by themselves. `test_make_sample` is about the script.
"""

import csv
import re
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

DATA = Path(__file__).parents[1] / "data"
FIRST_DAY = date(2026, 7, 3)
LAST_DAY = date(2026, 10, 31)

ORDER_FIELDS = ("email", "ordered_at", "ship_date", "status", "order_total", "currency")
COLUMNS = (
    *("order_number", *ORDER_FIELDS, "sku", "product_name", "category", "quantity", "unit_price"),
    *("first_name", "region", "ship_mode", "sub_category", "discount"),
)
WORDS = {
    **{"4": "pending", "5": "hold", "6": "processing", "7": "shipped"},
    **{"8": "completed", "9": "returned", "10": "canceled"},
}
SHIPPED = {"shipped", "completed"}


class Statement(NamedTuple):
    """What one file says about one order: its cells, and its lines in the order of the file."""

    file_date: date
    cells: dict[str, str]
    lines: list[dict[str, str]]

    @property
    def status(self) -> str:
        return WORDS.get(self.cells["status"], self.cells["status"])

    @property
    def ordered_on(self) -> date:
        return date.fromisoformat(self.cells["ordered_at"][:10])


def sample_files() -> list[Path]:
    """The sample's files only: who tries the program may have put others beside them."""
    return [
        path for path in sorted((DATA / "inbox").glob("orders_2026-*.csv")) if FIRST_DAY <= day_of(path) <= LAST_DAY
    ]


def day_of(path: Path) -> date:
    return date.fromisoformat(path.stem.removeprefix("orders_"))


@pytest.fixture(scope="module")
def rows() -> dict[date, list[dict[str, str]]]:
    return {
        day_of(path): list(csv.DictReader(path.read_text(encoding="utf-8").splitlines(), strict=True))
        for path in sample_files()
    }


@pytest.fixture(scope="module")
def orders(rows: dict[date, list[dict[str, str]]]) -> dict[str, list[Statement]]:
    """The statements about each order, oldest first."""
    found: dict[str, list[Statement]] = {}
    for day, file_rows in rows.items():
        for row in file_rows:
            stated = found.setdefault(row["order_number"], [])
            if not stated or stated[-1].file_date != day:
                stated.append(Statement(day, row, []))
            stated[-1].lines.append(row)
    return found


def test_there_is_a_file_for_each_day() -> None:
    days = (LAST_DAY - FIRST_DAY).days + 1
    assert [day_of(path) for path in sample_files()] == [FIRST_DAY + timedelta(days=n) for n in range(days)]


def test_files_are_plain_text_with_the_columns_of_the_feed() -> None:
    for path in sample_files():
        content = path.read_bytes()
        text = content.decode("utf-8")
        assert not text.startswith("\ufeff") and "\r" not in text and text.endswith("\n"), path.name
        header, *lines = text.splitlines()
        assert header == ",".join(COLUMNS), path.name
        assert lines, path.name
        assert {len(cells) for cells in csv.reader(lines, strict=True)} == {len(COLUMNS)}, path.name


def test_cells_are_well_formed(rows: dict[date, list[dict[str, str]]]) -> None:
    for day, file_rows in rows.items():
        for row in file_rows:
            assert re.fullmatch(r"([A-Za-z]{2}-\d{5}@example\.com)?", row["email"])
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", row["ordered_at"])
            assert date.fromisoformat(row["ordered_at"][:10]) <= day
            assert row["ship_date"] == "" or date.fromisoformat(row["ship_date"]) <= day
            assert row["status"] in {*WORDS, *WORDS.values()}
            assert re.fullmatch(r"\d+\.\d\d", row["order_total"]) and re.fullmatch(r"\d+\.\d\d", row["unit_price"])
            assert row["currency"] == "USD" and int(row["quantity"]) > 0
            assert row["sku"] and row["product_name"].isprintable() and row["category"] and row["first_name"]


def test_rows_of_an_order_carry_equal_order_fields(orders: dict[str, list[Statement]]) -> None:
    for statement in all_statements(orders):
        assert len({tuple(line[field] for field in ORDER_FIELDS) for line in statement.lines}) == 1


def test_rows_of_an_order_stand_together(rows: dict[date, list[dict[str, str]]]) -> None:
    for file_rows in rows.values():
        runs = [
            row["order_number"]
            for row, after in pairwise([*file_rows, {}])
            if row["order_number"] != after.get("order_number")
        ]
        assert len(runs) == len(set(runs))


def test_total_is_that_of_the_lines_but_for_rounding(orders: dict[str, list[Statement]]) -> None:
    for statement in all_statements(orders):
        lines = [(int(line["quantity"]), Decimal(line["unit_price"])) for line in statement.lines]
        off = abs(sum(quantity * price for quantity, price in lines) - Decimal(statement.cells["order_total"]))
        assert off <= Decimal("0.005") * sum(quantity + 1 for quantity, _ in lines)


def test_orders_known_on_their_day_start_without_a_ship_date(orders: dict[str, list[Statement]]) -> None:
    for first, *_ in orders.values():
        if first.file_date == first.ordered_on:
            assert first.status in {"processing", "pending", "hold"} and first.cells["ship_date"] == ""


def test_each_statement_says_something_new(orders: dict[str, list[Statement]]) -> None:
    for stated in orders.values():
        for before, after in pairwise(stated):
            assert before.lines != after.lines


def test_what_never_changes_stays(orders: dict[str, list[Statement]]) -> None:
    for stated in orders.values():
        for before, after in pairwise(stated):
            assert before.cells["ordered_at"] == after.cells["ordered_at"]
            assert before.cells["email"] in {"", after.cells["email"]}
            assert [line["sku"] for line in before.lines] == [line["sku"] for line in after.lines]
            assert before.status not in {"canceled", "returned"} or after.status == before.status
            assert before.status not in SHIPPED or after.status in {*SHIPPED, "returned"}


def test_contacts_who_asked_for_texts_are_customers_with_evidence_and_nobodys_numbers(
    orders: dict[str, list[Statement]],
) -> None:
    rows = contact_rows()
    assert {row["email"] for row in rows} <= {s.cells["email"] for stated in orders.values() for s in stated}
    assert [row["phone"] for row in rows] == [f"+1 212 555 01{number:02}" for number in range(len(rows))]
    for row in rows:
        assert row["first_name"] and row["sms_commercial_consent"] == "explicit"
        assert date.fromisoformat(row["sms_commercial_consent_at"]) < FIRST_DAY
        assert row["sms_commercial_consent_evidence"]


def contact_rows() -> list[dict[str, str]]:
    text = (DATA / "inbox" / f"contacts_{FIRST_DAY}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(), strict=True))


def test_readme_tells_the_measured_counts(orders: dict[str, list[Statement]]) -> None:
    text = (DATA / "README.md").read_text(encoding="utf-8")
    told = {
        label.strip(): int(count.replace(",", ""))
        for label, count in re.findall(r"^\| ([^|]+) \| ([\d,]+) \|$", text, re.M)
    }
    assert told == measured(orders)


def all_statements(orders: dict[str, list[Statement]]) -> list[Statement]:
    return [statement for stated in orders.values() for statement in stated]


def measured(orders: dict[str, list[Statement]]) -> dict[str, int]:
    """Counts of the sample, by the labels of data/README.md; "of them" is about the row above."""
    newest = [stated[-1] for stated in orders.values()]
    known_before = [stated[0] for stated in orders.values() if stated[0].file_date == FIRST_DAY]
    daily = [[s for s in stated if s.file_date > FIRST_DAY] for stated in orders.values()]
    new = [stated for stated in orders.values() if stated[0].file_date > FIRST_DAY]
    late = Counter(min((stated[0].file_date - stated[0].ordered_on).days, 14) for stated in new)
    undated = [
        stated for stated in orders.values() if any(s.status == "shipped" and not s.cells["ship_date"] for s in stated)
    ]

    def changes(column: str) -> int:
        return sum(any(a.cells[column] != b.cells[column] for a, b in pairwise(stated)) for stated in orders.values())

    def last_of_the_days(status: str) -> int:
        return sum(stated[-1].status == status for stated in daily if stated)

    def ever_in_the_days(status: str) -> int:
        return sum(any(s.status == status for s in stated) for stated in daily)

    return {
        "order files": len(sample_files()),
        "rows": sum(len(statement.lines) for statement in all_statements(orders)),
        "orders": len(orders),
        "order lines": sum(len(statement.lines) for statement in newest),
        "contacts": len({s.cells["email"].lower() for s in newest} - {""}),
        "contacts who asked for texts": len(contact_rows()),
        "products (SKUs)": len({line["sku"] for s in newest for line in s.lines}),
        "orders in the first file": len(known_before),
        "of them canceled": sum(s.status == "canceled" for s in known_before),
        "of them returned": sum(s.status == "returned" for s in known_before),
        "of them still open (and continued in the daily files)": sum(
            s.status in {"processing", "pending", "hold"} for s in known_before
        ),
        "statements in the daily files": sum(map(len, daily)),
        "orders first known in a daily file": len(new),
        "orders canceled": last_of_the_days("canceled"),
        "orders returned": last_of_the_days("returned"),
        "orders on hold at first": ever_in_the_days("hold"),
        "orders pending at first": ever_in_the_days("pending"),
        "orders completed": ever_in_the_days("completed"),
        "orders 1 to 4 days late": sum(late[days] for days in range(1, 5)),
        "orders 14 to 20 days late": late[14],
        "orders whose e-mail came later": changes("email"),
        "orders whose first quantity and total were corrected": changes("order_total"),
        "orders whose ship date was corrected": sum(
            any(a.cells["ship_date"] not in {"", b.cells["ship_date"]} for a, b in pairwise(stated))
            for stated in orders.values()
        ),
        "orders shipped without a ship date": len(undated),
        "of them dated later": sum(stated[-1].cells["ship_date"] != "" for stated in undated),
        "orders with Listrak's numbers": sum(any(s.cells["status"] in WORDS for s in stated) for stated in daily),
    }
