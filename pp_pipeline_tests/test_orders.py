"""Order versions and order lines: the rules of a day's files (DESIGN 3), as small tables written out.

All orders of this module share the files of three days. A file row below is one line of a file, the first of them
line 2. Cells that are not written are those of `_PLAIN`.
"""

import csv
from collections.abc import Mapping
from typing import Any

import pytest

from pp_pipeline_tests.queue_pipelines import TARGETS
from pp_pipeline_tests.whole_way import ORDERS, WholeWay, whole_way_on
from pp_pipeline_tests.worked_examples import ANN, BEN, january, row

_PLAIN = {**row("", 5), "gift": ""}

# Per file its rows, as (order number, cells that differ).
FILES: dict[str, list[tuple[str, dict[str, str]]]] = {
    "orders_2026-01-05-late.csv": [("by_name", {"sku": "late"})],
    "orders_2026-01-05.csv": [
        ("lines", {"sku": "S1", "quantity": "2", "unit_price": "7.50"}),
        ("lines", {"sku": "S2", "product_name": "A chair", "category": "Chairs"}),
        ("last_row_wins", {"sku": "S1", "status": "processing"}),
        ("apart", {"sku": "S1"}),
        ("last_row_wins", {"sku": "S2", "status": "shipped"}),
        ("apart", {"sku": "S1"}),
        ("there_and_back", {"sku": "S1"}),
        ("there_and_back", {"sku": "S2", "order_total": "19.99"}),
        ("there_and_back", {"sku": "S3"}),
        ("same_in_other_words", {"sku": "S1", "status": "7", "email": " ANN@Example.com ", "order_total": "20"}),
        ("same_in_other_words", {"sku": "S2", "status": "shipped", "currency": ""}),
        ("same_in_other_words", {"sku": "S3", "status": "Shipped", "ordered_at": "2026-01-05T07:00:00-05:00"}),
        ("attributes_do_not_count", {"sku": "S1", "gift": "yes"}),
        ("attributes_do_not_count", {"sku": "S2", "gift": "no"}),
        ("no_contact", {"sku": "S1", "email": "nobody"}),
        ("ineligible", {"sku": "S1", "email": "x@relay.example.com"}),
        ("late_at_night", {"sku": "S1", "ordered_at": "2026-01-05T03:00:00Z"}),
        ("by_name", {"sku": "plain"}),
        ("as_a_whole", {"sku": "S1", "email": BEN}),
        ("as_a_whole", {"sku": "S2", "email": BEN}),
        ("restated", {"sku": "S1", "ship_date": "2026-01-05", "order_total": "20.00"}),
        ("restated", {"sku": "S2", "ship_date": "2026-01-05", "order_total": "20.00"}),
    ],
    "orders_2026-01-05_10.csv": [("by_name", {"sku": "_10"}), ("bytewise", {"sku": "_10"})],
    "orders_2026-01-05_9.csv": [("by_name", {"sku": "_9"}), ("bytewise", {"sku": "_9"})],
    "orders_2026-01-05_B.csv": [("by_name", {"sku": "_B"}), ("as_a_whole", {"sku": "S3"})],
    "orders_2026-01-05_a.csv": [("by_name", {"sku": "_a"})],
    "orders_2026-01-06.csv": [
        ("restated", {"sku": "S2", "order_total": "", "status": "canceled"}),
        ("lines", {"sku": "S1"}),
        ("lines", {"sku": "S1"}),
    ],
    "orders_2026-01-07.csv": [("restated", {"sku": "S3"})],
}

# order number: known on, status, total, e-mail, file ending, line of the version
VERSIONS = {
    "lines": [(5, "processing", 2000, ANN, "", 3), (6, "processing", 2000, ANN, "", 4)],
    "last_row_wins": [(5, "shipped", 2000, ANN, "", 6)],
    "apart": [(5, "processing", 2000, ANN, "", 7)],
    "there_and_back": [(5, "processing", 2000, ANN, "", 10)],
    "same_in_other_words": [(5, "shipped", 2000, ANN, "", 13)],
    "attributes_do_not_count": [(5, "processing", 2000, ANN, "", 15)],
    "no_contact": [(5, "processing", 2000, None, "", 16)],
    "ineligible": [(5, "processing", 2000, "x@relay.example.com", "", 17)],
    "late_at_night": [(5, "processing", 2000, ANN, "", 18)],
    "by_name": [(5, "processing", 2000, ANN, "_a", 2)],
    "bytewise": [(5, "processing", 2000, ANN, "_9", 3)],
    "as_a_whole": [(5, "processing", 2000, ANN, "_B", 3)],
    "restated": [
        *((5, "processing", 2000, ANN, "", 23), (6, "canceled", None, ANN, "", 2)),
        (7, "processing", 2000, ANN, "", 2),
    ],
}

# order number: known on, then the SKU of each line and the line of the file that it stands on
LINES = {
    "lines": [(5, "S1 2", "S2 3"), (6, "S1 3", "S1 4")],
    "last_row_wins": [(5, "S2 6")],
    "apart": [(5, "S1 5", "S1 7")],
    "there_and_back": [(5, "S1 8", "S3 10")],
    "same_in_other_words": [(5, "S1 11", "S2 12", "S3 13")],
    "attributes_do_not_count": [(5, "S1 14", "S2 15")],
    "no_contact": [(5, "S1 16")],
    "ineligible": [(5, "S1 17")],
    "late_at_night": [(5, "S1 18")],
    "by_name": [(5, "_a 2")],
    "bytewise": [(5, "_9 3")],
    "as_a_whole": [(5, "S3 3")],
    "restated": [(5, "S1 22", "S2 23"), (6, "S2 2"), (7, "S3 2")],
}


@pytest.fixture(scope="module", params=TARGETS)
def way(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> WholeWay:
    """An installation that has run the files."""
    way = whole_way_on(request.param, request, tmp_path_factory)
    way.begin_anew(zone="America/New_York", ineligible_emails=("*@relay.example.com",))
    way.settings.inbox.mkdir(parents=True)
    for name, rows in FILES.items():
        with (way.settings.inbox / name).open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(_PLAIN), lineterminator="\n")
            writer.writeheader()
            writer.writerows(_PLAIN | {"ordered_at": "2026-01-05T12:00:00Z", "order_number": number} | cells
                             for number, cells in rows)  # fmt: skip
    way.run([], january(5), january(7), ORDERS)
    return way


@pytest.mark.parametrize("order_number", VERSIONS)
def test_an_order_is_known_as_its_newest_files_state_it(order_number: str, way: WholeWay) -> None:
    found = way.rows(
        "select known_on, status, total_cents, email, order_file, order_file_line from order_versions"
        " where order_number = ? order by known_on",
        (order_number,),
    )
    expected = [
        (january(day), status, total, email, f"orders_{january(day)}{ending}.csv", line)
        for day, status, total, email, ending, line in VERSIONS[order_number]
    ]
    assert found == expected


@pytest.mark.parametrize("order_number", LINES)
def test_the_rows_that_carry_the_fields_that_won_are_its_lines(order_number: str, way: WholeWay) -> None:
    found = way.rows(
        "select known_on, line, sku, order_file_line from order_lines where order_number = ? order by 1, 2",
        (order_number,),
    )
    lines_of: dict[Any, list[str]] = {}
    for known_on, line, sku, file_line in found:
        lines_of.setdefault(known_on, []).append(f"{sku} {file_line}")
        assert line == len(lines_of[known_on])
    assert lines_of == {january(day): lines for day, *lines in LINES[order_number]}


def test_every_order_of_the_files_is_in_these_tables(way: WholeWay) -> None:
    numbers = {number for rows in FILES.values() for number, _ in rows}
    assert VERSIONS.keys() == LINES.keys() == numbers
    for table in ORDERS:
        assert {number for (number,) in way.rows(f"select order_number from {table}")} == numbers


def version(way: WholeWay, order_number: str, columns: str, day: int = 5) -> Mapping[str, Any]:
    found = way.rows(
        f"select {columns} from order_versions where order_number = ? and known_on = ?", (order_number, january(day))
    )
    return dict(zip(columns.split(", "), found[0], strict=True))


def test_a_version_replaces_the_one_before_as_a_whole(way: WholeWay) -> None:
    assert version(way, "restated", "ship_date") == {"ship_date": january(5)}
    assert version(way, "restated", "ship_date, total_cents", day=6) == {"ship_date": None, "total_cents": None}


def test_times_are_utc_and_dates_the_merchants(way: WholeWay) -> None:
    night = version(way, "late_at_night", "ordered_at, ordered_on")
    assert str(night["ordered_at"]) == "2026-01-05 03:00:00"
    assert night["ordered_on"] == january(4)


def test_only_an_order_of_a_shopper_is_a_purchase(way: WholeWay) -> None:
    columns = "is_eligible, is_purchase"
    assert version(way, "lines", columns) == {"is_eligible": True, "is_purchase": True}
    assert version(way, "no_contact", columns) == {"is_eligible": True, "is_purchase": False}
    assert version(way, "ineligible", columns) == {"is_eligible": False, "is_purchase": False}
    assert version(way, "restated", columns, day=6) == {"is_eligible": True, "is_purchase": False}
    assert version(way, "no_contact", "contact_key, email_as_given") == {
        "contact_key": None,
        "email_as_given": "nobody",
    }


def test_one_address_in_two_spellings_is_one_contact(way: WholeWay) -> None:
    columns = "contact_key, email_as_given"
    plain, capitals = version(way, "lines", columns), version(way, "same_in_other_words", columns)
    assert plain["contact_key"] == capitals["contact_key"]
    keys = way.rows("select count(distinct contact_key), count(distinct email) from order_versions")
    assert keys[0][0] == keys[0][1]


def test_attributes_are_those_of_the_row_and_the_winning_row(way: WholeWay) -> None:
    assert version(way, "attributes_do_not_count", "attributes") == {"attributes": '{"gift":"no"}'}
    lines = "select attributes from order_lines where order_number = 'attributes_do_not_count' order by line"
    assert way.rows(lines) == [('{"gift":"yes"}',), ('{"gift":"no"}',)]


def test_a_line_has_its_own_product_price_and_quantity(way: WholeWay) -> None:
    found = way.rows(
        "select product_name, category, quantity, unit_price_cents from order_lines"
        " where order_number = 'lines' and known_on = ? order by line",
        (january(5),),
    )
    assert found == [("A table", "Tables", 2, 750), ("A chair", "Chairs", 1, 2000)]
