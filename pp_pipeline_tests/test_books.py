"""Which built days hold, and from which day a run rebuilds (DESIGN 3, "The book", and 7).

Each test changes something in a small shop whose books are built, says which models are stale from which day, and
lets a run of the newest day put it right. `assert_holds` compares with a fresh build of everything.
"""

from collections.abc import Sequence

import pytest

from pp_pipeline.build_range import BuildRange
from pp_pipeline_tests.books_shop import CAMPAIGNS, FIRST, LAST, BooksShop, file_of
from pp_pipeline_tests.whole_way import ACTIONS, RUNS
from pp_pipeline_tests.worked_examples import january

MISSING = "missing"
CONFIGURATION = "built with another configuration"
FILE = "built before the content of a file changed"
LEFT_BEHIND = "built from days of another model that did not hold"

ORDERS = ("order_lines", "order_versions")
RUN_TABLES = (*RUNS, *ACTIONS, "planned_messages")
EVENTS = ("external_events", *RUN_TABLES)


@pytest.fixture(scope="module")
def one_shop(tmp_path_factory: pytest.TempPathFactory) -> BooksShop:
    return BooksShop(tmp_path_factory.mktemp("books"))


@pytest.fixture
def unbuilt(one_shop: BooksShop) -> BooksShop:
    one_shop.bring_back("landed")
    return one_shop


@pytest.fixture
def shop(one_shop: BooksShop) -> BooksShop:
    one_shop.bring_back("built")
    assert one_shop.stale() == {}
    return one_shop


def all_from(day: int, reason: str, models: Sequence[str]) -> dict[str, tuple[int, str]]:
    return dict.fromkeys(models, (day, reason))


def test_before_the_first_build_every_book_is_missing_from_its_first_day(unbuilt: BooksShop) -> None:
    expected = all_from(1, MISSING, [*ORDERS, "segment_chairs", *EVENTS])
    assert unbuilt.stale() == expected | {"queue_each_order": (3, MISSING), "queue_chair_lovers": (2, MISSING)}
    assert unbuilt.run(LAST, LAST) == (1, 6)
    assert unbuilt.stale() == {}


def test_nothing_more_than_asked_is_built_when_all_holds(shop: BooksShop) -> None:
    assert shop.range_for(january(5), LAST) == BuildRange(january(5), LAST, LAST, [], is_there=True)


def test_a_changed_parameter_rebuilds_the_book_and_the_events_from_active_from(shop: BooksShop) -> None:
    before = shop.way.rows("select order_number, due_on from queue_each_order where movement = 'entered'")
    shop.way.write_campaign("each_order", CAMPAIGNS["each_order"] | {"wait_days": 2})
    assert shop.stale() == all_from(3, CONFIGURATION, ["queue_each_order", *EVENTS])
    days = shop.range_for(LAST, LAST)
    assert (days.first, days.last) == (january(3), LAST)
    assert f"queue_each_order: 4 days from 2026-01-03 on, {CONFIGURATION}" in days.reasons
    assert shop.run(LAST, LAST) == (3, 6)
    after = shop.way.rows("select order_number, due_on from queue_each_order where movement = 'entered'")
    assert {number for number, _ in before} == {number for number, _ in after}
    assert all((dict(after)[number] - due_on).days == 1 for number, due_on in before)
    shop.assert_holds()


def test_a_rebuild_that_is_cut_short_leaves_the_rest_stale(shop: BooksShop) -> None:
    shop.way.write_campaign("each_order", CAMPAIGNS["each_order"] | {"wait_days": 2})
    shop.build(january(3), LAST, ["campaigns"])
    assert shop.stale() == all_from(3, CONFIGURATION, EVENTS)
    shop.begin(EVENTS, january(3), LAST)
    assert shop.stale() == all_from(3, MISSING, EVENTS)
    assert shop.run(LAST, LAST) == (3, 6)
    shop.assert_holds()


def test_events_that_are_built_before_their_queue_stay_stale(shop: BooksShop) -> None:
    shop.way.write_campaign("each_order", CAMPAIGNS["each_order"] | {"wait_days": 2})
    shop.build(steps=["conversations"])
    assert shop.stale() == {"queue_each_order": (3, CONFIGURATION)} | all_from(3, LEFT_BEHIND, EVENTS)
    shop.build(steps=["campaigns"])
    assert shop.stale() == all_from(3, LEFT_BEHIND, EVENTS)


def test_tables_of_an_earlier_version_go_with_the_next_build(shop: BooksShop) -> None:
    """They name contacts, and would stand there for ever, whoever is forgotten."""
    shop.way.execute("create table fired_events_1 (contact_key varchar, occurred_on date)")
    shop.way.execute("insert into built_days values ('fired_events_1', date '2026-01-03', '', '')")
    shop.build(january(6), january(6), ["conversations"])
    assert shop.way.rows("select 1 from information_schema.tables where table_name = 'fired_events_1'") == []
    assert shop.way.rows("select 1 from built_days where model = 'fired_events_1'") == []


def test_a_run_of_one_day_leaves_the_days_before_it_stale(shop: BooksShop) -> None:
    shop.way.write_campaign("each_order", CAMPAIGNS["each_order"] | {"wait_days": 2})
    shop.build(LAST, LAST)
    assert shop.stale() == all_from(3, CONFIGURATION, ["queue_each_order", *EVENTS])
    assert shop.run(LAST, LAST) == (3, 6)
    assert shop.stale() == {}


def test_a_day_that_was_left_out_is_missing_and_what_was_built_after_it_does_not_hold(unbuilt: BooksShop) -> None:
    unbuilt.build(FIRST, january(3))
    unbuilt.build(january(5), LAST)
    assert set(unbuilt.stale().values()) == {(4, MISSING)}
    unbuilt.build(january(4), january(4))
    of_others = [book.model for book in unbuilt.books() if book.reads]
    assert unbuilt.stale() == all_from(5, LEFT_BEHIND, of_others)
    assert unbuilt.run(LAST, LAST) == (5, 6)
    unbuilt.assert_holds()


def test_a_changed_file_makes_everything_from_its_day_on_stale(shop: BooksShop) -> None:
    shop.way.drop([file_of(january(4), "canceled", "Chairs")])
    days = shop.range_for(LAST, LAST)
    assert (days.first, days.last) == (january(4), LAST)
    assert days.reasons == ["1 new or changed files, the earliest for 2026-01-04"]
    shop.way.load(january(4), january(4))
    assert shop.stale() == all_from(4, FILE, [book.model for book in shop.books()])
    assert shop.run(LAST, LAST) == (4, 6)
    shop.assert_holds()


def test_a_content_that_comes_back_holds_again_without_a_rebuild(shop: BooksShop) -> None:
    for contents in ("canceled", "processing"):
        shop.way.drop([file_of(january(4), contents)])
        shop.way.load(january(4), january(4))
        assert bool(shop.stale()) == (contents == "canceled")
    shop.assert_holds()


def test_a_queue_that_is_built_before_its_orders_stays_stale(shop: BooksShop) -> None:
    shop.way.drop([file_of(january(4), "canceled", "Chairs")])
    shop.way.load(january(4), january(4))
    shop.build(january(4), LAST, ["campaigns"])
    queues = ["queue_each_order", "queue_chair_lovers"]
    assert shop.stale() == all_from(4, FILE, [*ORDERS, "segment_chairs", *EVENTS]) | all_from(4, LEFT_BEHIND, queues)
    shop.build(january(4), LAST, ["orders"])
    assert shop.stale() == all_from(4, FILE, ["segment_chairs", *EVENTS]) | all_from(4, LEFT_BEHIND, queues)
    assert shop.run(LAST, LAST) == (4, 6)
    shop.assert_holds()


def test_a_file_that_lands_while_its_day_is_built_makes_the_day_stale(shop: BooksShop) -> None:
    def land() -> None:
        shop.way.drop([file_of(january(5), "canceled")])
        shop.way.load(january(5), january(5))

    shop.build(january(5), LAST, ["orders"], meanwhile=land)
    assert {shop.stale()[model] for model in ORDERS} == {(5, FILE)}
    assert shop.run(LAST, LAST) == (5, 6)
    assert shop.stale() == {}


def test_a_campaign_that_is_added_is_built_from_active_from_and_so_are_the_events(shop: BooksShop) -> None:
    shop.way.write_campaign("late", {"wait_days": 1, "active_from": "2026-01-04"})
    assert shop.stale() == {"queue_late": (4, MISSING)} | all_from(4, CONFIGURATION, EVENTS)
    assert shop.run(LAST, LAST) == (4, 6)
    assert shop.way.rows("select min(occurred_on) from external_events where campaign = 'late'") == [(january(5),)]
    shop.assert_holds()


def test_a_campaign_that_is_taken_away_takes_its_events_with_it(shop: BooksShop) -> None:
    (shop.way.models_dir / "campaigns/queue_each_order.sql").unlink()
    assert shop.stale() == all_from(3, CONFIGURATION, EVENTS)
    assert shop.run(LAST, LAST) == (3, 6)
    assert shop.way.rows("select count(*) from external_events where campaign = 'each_order'") == [(0,)]
    shop.assert_holds()


def test_a_changed_segment_rebuilds_the_campaigns_that_ask_for_it(shop: BooksShop) -> None:
    shop.way.write_segment("chairs", "order_count >= 2")
    expected = {"segment_chairs": (1, CONFIGURATION), "queue_chair_lovers": (2, CONFIGURATION)}
    assert shop.stale() == expected | all_from(1, CONFIGURATION, EVENTS)
    assert shop.run(LAST, LAST) == (1, 6)
    shop.assert_holds()


def test_changed_thresholds_of_the_list_and_the_events_rebuild_what_reads_them(shop: BooksShop) -> None:
    path = shop.way.settings.dbt_dir / "dbt_project.yml"
    shipped = path.read_text()
    try:
        path.write_text(shipped.replace("max_event_age_days: 3", "max_event_age_days: 2"))
        assert shop.stale() == all_from(1, CONFIGURATION, EVENTS)
        path.write_text(shipped.replace("loyal_min_orders: 3", "loyal_min_orders: 2"))
        assert shop.stale().keys() == {"segment_chairs", "queue_chair_lovers", *EVENTS}
    finally:
        path.write_text(shipped)


def test_a_changed_conversation_rebuilds_the_planned_messages(shop: BooksShop) -> None:
    shop.change_conversations("other conversations")
    assert shop.stale() == all_from(1, CONFIGURATION, RUN_TABLES)
    assert shop.run(LAST, LAST) == (1, 6)
    assert shop.stale() == {}


def test_a_new_day_is_missing_until_it_is_built_and_a_gap_is_landed_with_it(shop: BooksShop) -> None:
    shop.way.drop([file_of(january(9))])
    assert shop.run(january(9), january(9)) == (7, 9)
    assert shop.stale() == {}
    assert shop.range_for(january(10), january(10)).first == january(10)
