"""The Post Purchase list as of a day: the oracle by examples, the pipeline by random worlds (DESIGN 3)."""

from datetime import date, timedelta

import pytest

from pp_pipeline_tests.drawn_worlds import drawn_worlds
from pp_pipeline_tests.list_oracle import ListRow, lifecycle_stage, list_as_of
from pp_pipeline_tests.orders_oracle import OrderFile, Orders, Row
from pp_pipeline_tests.pipeline import ORDERS, SLOTS, QueuePipeline
from pp_pipeline_tests.queue_pipelines import TARGETS, queue_pipeline_on
from pp_pipeline_tests.worked_examples import ANN, BEN, january, row

LIST_COLUMNS = (
    *("first_order_on", "last_order_on", "order_count", "total_spend_cents"),
    *("average_order_cents", "lifecycle_stage"),
)


def list_on(day: int, says: dict[int, list[Row]], ineligible_emails: tuple[str, ...] = ()) -> dict[str, ListRow]:
    files = [OrderFile(f"orders_{january(on)}.csv", january(on), tuple(rows)) for on, rows in says.items()]
    return list_as_of(Orders(files, ineligible_emails=ineligible_emails), january(day))


def test_the_list_says_what_the_purchases_of_a_contact_say() -> None:
    says = {1: [row("A", 1, total="10.00")], 4: [row("B", 3, total="5.01"), row("C", 4, email=BEN)]}
    assert list_on(6, says) == {
        ANN: ListRow(ANN, january(1), january(3), 2, 1501, 750, 3, "in_between"),
        BEN: ListRow(BEN, january(4), january(4), 1, 2000, 2000, 2, "recent_new"),
    }


def test_the_list_is_as_of_its_day() -> None:
    says = {1: [row("A", 1)], 4: [row("A", 1, "canceled")], 6: [row("A", 1, email=BEN)]}
    assert list(list_on(0, says)) == []
    assert list(list_on(3, says)) == [ANN]
    assert list(list_on(4, says)) == []
    assert list(list_on(6, says)) == [BEN]


@pytest.mark.parametrize(
    "no_purchase",
    [
        row("B", 1, "canceled"),
        row("B", 1, "returned"),
        row("B", 1, email=""),
        row("B", 1, email="nobody"),
        row("B", 3),
        row("B", 1, email="ann@relay.example.com"),
    ],
)
def test_an_order_that_is_no_purchase_counts_for_nobody(no_purchase: Row) -> None:
    says = {1: [row("A", 1), no_purchase]}
    on_the_list = list_on(2, says, ineligible_emails=("*@relay.example.com",))
    assert {email: contact.order_count for email, contact in on_the_list.items()} == {ANN: 1}


def test_money_is_that_of_the_merchants_currency_and_a_blank_currency_is_it() -> None:
    euro = {**row("A", 1, total="10.00"), "currency": "EUR"}
    blank = {**row("B", 1, total="8.00"), "currency": ""}
    assert list_on(1, {1: [euro, blank]})[ANN][3:6] == (2, 800, 800)
    assert list_on(1, {1: [euro]})[ANN][3:6] == (1, 0, 0)


def test_an_average_is_rounded_down_and_counts_orders_whose_total_is_not_known() -> None:
    assert list_on(1, {1: [row("A", 1, total="0"), row("B", 1, total="-0.01")]})[ANN].average_order_cents == -1
    assert list_on(1, {1: [row("A", 1, total="9.99"), row("B", 1, total="")]})[ANN].average_order_cents == 499


@pytest.mark.parametrize(
    ("order_count", "age", "stage"),
    [
        (1, 0, "recent_new"),
        (1, 30, "recent_new"),
        (1, 31, "in_between"),
        (1, 180, "in_between"),
        (1, 181, "lapsed_non_engaged"),
        (2, 0, "in_between"),
        (2, 180, "in_between"),
        (2, 181, "lapsed_non_engaged"),
        (3, 0, "loyal"),
        (3, 179, "loyal"),
        (3, 180, "lapsed_loyal"),
        (9, 999, "lapsed_loyal"),
    ],
)
def test_a_stage_follows_from_count_and_age(order_count: int, age: int, stage: str) -> None:
    assert lifecycle_stage(order_count, age) == stage


@pytest.fixture(scope="module", params=TARGETS)
def pipeline(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> QueuePipeline:
    return queue_pipeline_on(request.param, tmp_path_factory.mktemp("list"), request)


@pytest.mark.parametrize("day", [date(2026, 1, 9), date(2026, 1, 28)])
def test_the_pipeline_has_the_list_of_the_oracle(day: date, pipeline: QueuePipeline) -> None:
    cases = [case.known_on(day) for case in drawn_worlds(SLOTS * 2, seed_number=day.day)]
    cases = [case for case in cases if case.files][:SLOTS]
    cases = [case.of_merchant(f"m{slot:02}") for slot, case in enumerate(cases)]
    first, last = pipeline.land(cases)
    pipeline.build(ORDERS, first, last)
    results = pipeline.project.build(["post_purchase_list"], day, day)
    assert {result.status for result in results} <= {"success", "pass", "warn"}
    with pipeline.warehouse.connect() as connection:
        found = connection.rows(f"select merchant, email, {', '.join(LIST_COLUMNS)} from post_purchase_list")
    expected = [
        (f"m{slot:02}", contact.email, *(getattr(contact, column) for column in LIST_COLUMNS))
        for slot, case in enumerate(cases)
        for contact in list_as_of(case.orders(), day).values()
    ]
    assert sorted(found) == sorted(expected)
    assert len(expected) > SLOTS / 2


def test_the_worlds_bring_about_every_stage() -> None:
    days = [january(9) + timedelta(days=9 * turn) for turn in range(3)]
    stages = {
        contact.lifecycle_stage
        for case in drawn_worlds(300, seed_number=1)
        for day in days
        for contact in list_as_of(case.orders(), day).values()
    }
    assert stages == {"recent_new", "loyal", "lapsed_loyal", "lapsed_non_engaged", "in_between"}
