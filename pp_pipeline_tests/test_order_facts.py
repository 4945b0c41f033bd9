"""Order versions and lines out of all feeds: pairs of files, shipments, returns, payments, against the slow oracle."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import pytest

from pp_pipeline_tests.cases import Case
from pp_pipeline_tests.drawn_worlds import drawn_worlds
from pp_pipeline_tests.order_fact_examples import FACTS, PAIRS, Shown, case_of_facts, case_of_pairs, shown
from pp_pipeline_tests.order_worlds import LAST_DAY
from pp_pipeline_tests.orders_oracle import Known, Orders
from pp_pipeline_tests.pipeline import ORDERS, SLOTS, QueuePipeline
from pp_pipeline_tests.queue_pipelines import TARGETS, queue_pipeline_on
from pp_pipeline_tests.worked_examples import january

FIRST_DAY = date(2025, 12, 1)
PIECES = ((january(9), january(12)), (january(13), LAST_DAY), (FIRST_DAY, january(4)), (january(5), january(8)))
_VERSION_COLUMNS = (
    *("merchant", "order_number", "known_on", "email", "status", "ship_date", "delivered_on", "paid_on", "refunded_on"),
    *("refunded_cents", "line_count", "shipped_lines", "returned_lines", "canceled_lines", "is_purchase"),
    *("order_file", "order_file_line"),
)
_LINE_COLUMNS = (
    *("merchant", "order_number", "known_on", "line", "sku", "category", "quantity", "returned_quantity"),
    *("status", "ship_date", "order_file", "order_file_line"),
)


@pytest.fixture(scope="module", params=TARGETS)
def pipeline(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> QueuePipeline:
    return queue_pipeline_on(request.param, tmp_path_factory.mktemp("order_facts"), request)


@pytest.fixture(scope="module")
def versions_of_the_examples(pipeline: QueuePipeline) -> dict[tuple[str, int], tuple[str, ...]]:
    """The versions that the pipeline makes of the examples, as they are written, by merchant and place."""
    pipeline.land([case_of_pairs(), case_of_facts()])
    pipeline.build(ORDERS, january(1), january(9))
    columns = ", ".join(Shown._fields)
    counts = "shipped_lines, returned_lines, canceled_lines, line_count"
    sql = f"select merchant, order_number, known_on, order_file, {columns}, {counts} from order_versions order by 3"
    versions: dict[tuple[str, int], tuple[str, ...]] = {}
    with pipeline.warehouse.connect() as connection:
        for merchant, order_number, known_on, file, *rest in connection.rows(sql):
            told, (shipped, returned, canceled, count) = shown(Shown(*rest[:-4])), rest[-4:]
            text = f"{told}, {shipped}/{returned}/{canceled} of {count}"
            if merchant == "facts":
                text = f"{known_on.day} {told}, {file.partition('_')[0]}"
            place = (merchant, int(order_number))
            versions[place] = (*versions.get(place, ()), text)
    return versions


Versions = dict[tuple[str, int], tuple[str, ...]]


@pytest.mark.parametrize("place", range(len(PAIRS)), ids=lambda place: f"{PAIRS[place].header}: {PAIRS[place].lines}")
def test_header_and_lines_make_the_version_of_the_example(place: int, versions_of_the_examples: Versions) -> None:
    assert versions_of_the_examples["pairs", place] == (PAIRS[place].version,)
    (known,) = case_of_pairs().orders().history[str(place)]
    version = known.version
    counts = f"{version.count('shipped', 'completed')}/{version.count('returned')}/{version.count('canceled')}"
    assert f"{shown(version.fields)}, {counts} of {len(version.lines)}" == PAIRS[place].version


@pytest.mark.parametrize("place", range(len(FACTS)), ids=lambda place: FACTS[place].name)
def test_facts_make_the_versions_of_the_example(place: int, versions_of_the_examples: Versions) -> None:
    assert versions_of_the_examples["facts", place] == FACTS[place].versions
    by_the_oracle = [
        f"{known.on.day} {shown(known.version.fields)}, {known.version.told.file.partition('_')[0]}"
        for known in case_of_facts().orders().history[str(place)]
    ]
    assert tuple(by_the_oracle) == FACTS[place].versions


@pytest.mark.parametrize(
    ("seed_number", "ranges"),
    [
        (1, [(FIRST_DAY, LAST_DAY)]),
        pytest.param(2, [(FIRST_DAY, LAST_DAY)], marks=pytest.mark.heavy),
        pytest.param(3, PIECES, marks=pytest.mark.heavy),
        (4, (*PIECES, (january(6), january(6)))),
    ],
)
def test_versions_and_lines_are_those_of_the_oracle(
    seed_number: int, ranges: Sequence[tuple[date, date]], pipeline: QueuePipeline
) -> None:
    cases = [case.of_merchant(f"m{place:02}") for place, case in enumerate(drawn_worlds(3 * SLOTS, seed_number))]
    assert different_cases(cases, ranges, pipeline) == []


def different_cases(
    cases: Sequence[Case], ranges: Sequence[tuple[date, date]], pipeline: QueuePipeline
) -> list[tuple[Any, ...]]:
    """What the tables hold too much and what they lack, the rows of one merchant: small enough to look at."""
    pipeline.land(cases)
    for first, last in ranges:
        pipeline.build(ORDERS, first, last)
    versions, lines = (Counter(rows) for rows in expected_rows(cases))
    with pipeline.warehouse.connect() as connection:
        found_versions = Counter(connection.rows(f"select {', '.join(_VERSION_COLUMNS)} from order_versions"))
        found_lines = Counter(connection.rows(f"select {', '.join(_LINE_COLUMNS)} from order_lines"))
    pairs = ((found_versions, versions), (found_lines, lines))
    rows = [("too much", *row) for found, expected in pairs for row in found - expected]
    rows += [("missing", *row) for found, expected in pairs for row in expected - found]
    return [row for row in sorted(rows, key=repr) if row[1] == min(rows, key=lambda row: row[1])[1]]


def expected_rows(cases: Sequence[Case]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The rows of order_versions and of order_lines that the oracle asks for.

    The inbox has one file for all cases' files of a name, so a line stands after those of the cases before.
    """
    versions, lines = [], []
    rows_before: Counter[str] = Counter()
    for case in cases:
        before = Counter(rows_before)
        rows_before.update({file.name: len(file.rows) for file in case.files})
        for order_number, known in histories(case.orders()):
            fields, place = known.version.fields, (case.merchant, order_number, known.on)
            version = known.version
            is_purchase = bool(fields.email) and fields.is_eligible and fields.status not in ("canceled", "returned")
            stated = (fields.email, fields.status, fields.ship_date, fields.delivered_on, fields.paid_on)
            counts = (len(version.lines), version.count("shipped", "completed"))
            counts += (version.count("returned"), version.count("canceled"))
            refund = (fields.refunded_on, fields.refunded_cents)
            told = (version.told.file, version.told.line + before[version.told.file])
            versions.append((*place, *stated, *refund, *counts, is_purchase, *told))
            in_file = sorted(version.lines, key=lambda line: line.file_line)
            for number, line in enumerate(in_file, start=1):
                product = (line.sku, line.category, line.quantity, line.returned_quantity)
                told = (line.file, line.file_line + before[line.file])
                lines.append((*place, number, *product, line.status, line.ship_date, *told))
    return versions, lines


def histories(orders: Orders) -> Iterator[tuple[str, Known]]:
    for order_number, history in orders.history.items():
        for known in history:
            yield order_number, known


def test_the_worlds_bring_about_all_that_feeds_can_say() -> None:
    seen: Counter[str] = Counter()
    for case in drawn_worlds(300, seed_number=1):
        kinds = {file.name: file.kind for file in case.files}
        for _, known in histories(case.orders()):
            fields, lines = known.version.fields, known.version.lines
            kind = kinds[known.version.told.file]
            seen[f"made by {kind}"] += 1
            seen["partly shipped"] += 0 < known.version.count("shipped", "completed") < len(lines)
            seen["partly returned"] += 0 < known.version.count("returned") < len(lines)
            seen["no lines"] += not lines
            seen["delivered"] += fields.delivered_on is not None
            seen["refunded"] += fields.refunded_cents > 0
            seen["paid"] += fields.paid_on is not None
            if kind == "order_headers":
                seen[f"{fields.status} by header or lines"] += 1
    words = ("not_set", "back_order", "hold", "processing", "shipped", "completed", "returned", "canceled")
    expected = {f"{word} by header or lines" for word in words}
    expected |= {f"made by {kind}" for kind in ("orders", "order_headers", "shipments", "returns", "payments")}
    expected |= {"partly shipped", "partly returned", "no lines", "delivered", "refunded", "paid"}
    assert {word for word in expected if seen[word] < 5} == set()
