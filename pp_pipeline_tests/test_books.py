"""Which built days hold, and from which day a run rebuilds (DESIGN 3, "The book", and 7).

One small shop: an order a day from the 1st to the 6th of January, two campaigns, a segment. Each test builds
it, changes something, and says which models are stale from which day.
"""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pytest

from pp_pipeline.build_range import BuildRange, build_range
from pp_pipeline.campaigns.books import Book, begin_build, books, record_built_days, stale_days
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import load_merchants
from pp_pipeline_tests.orders_oracle import OrderFile, days_between
from pp_pipeline_tests.whole_way import Contents, WholeWay, differences
from pp_pipeline_tests.worked_examples import january, row

FIRST, LAST = january(1), january(6)
STEPS = ("orders", "list", "campaigns", "conversations")
CAMPAIGNS = {
    "each_order": {"wait_days": 1, "active_from": "2026-01-03", "back_populate_days": 5},
    "chair_lovers": {"wait_days": 0, "active_from": "2026-01-02", "audience": "in_segment('chairs')"},
}
SEGMENTS = {"chairs": "bought_category('Chairs', within_days=4)"}

MISSING = "missing"
CONFIGURATION = "built with another configuration"
FILE = "built before the content of a file changed"
LEFT_BEHIND = "built from days of another model that did not hold"

ORDERS = ("order_lines", "order_versions")
EVENTS = ("external_events", "planned_messages")


class Shop:
    """The built shop, and what the tests do with it."""

    def __init__(self, way: WholeWay) -> None:
        self.way = way
        for path in way.models_dir.glob("campaigns/queue_*.sql"):
            path.unlink()
        for name, parameters in CAMPAIGNS.items():
            way.write_campaign(name, parameters)
        way.write_model("list/segment_chairs.sql", f'{{{{ segment(condition = "{SEGMENTS["chairs"]}") }}}}\n')
        self.conversations_hash = "conversations as they are"
        way.begin_anew()
        way.drop([file_of(day) for day in days_between(FIRST, LAST)])
        way.load(FIRST, LAST)

    def books(self) -> list[Book]:
        return books(self.way.project.manifest(), FIRST, {"planned_messages": self.conversations_hash})

    def models_of(self, step: str) -> list[str]:
        nodes = self.way.project.manifest()["nodes"].values()
        return [node["name"] for node in nodes if node["resource_type"] == "model" and node["fqn"][1] == step]

    def build(
        self,
        first: date = FIRST,
        last: date = LAST,
        steps: Sequence[str] = STEPS,
        meanwhile: Callable[[], None] | None = None,
    ) -> None:
        """Build as the assets of Dagster do, step by step."""
        for step in steps:
            models = self.models_of(step)
            wanted = [book for book in self.books() if book.model in models]
            with self.way.warehouse.connect() as connection:
                seen = begin_build(connection, wanted, first, last)
            self.way.build(first, last, models)
            if meanwhile:
                meanwhile()
            with self.way.warehouse.connect() as connection:
                record_built_days(connection, seen.keys(), seen)

    def stale(self) -> dict[str, tuple[int, str]]:
        """By model, the first stale day of January and why; every book is stale from there to the newest day."""
        wanted = self.books()  # dbt may have to parse, and wants the warehouse for it
        with self.way.warehouse.connect() as connection:
            found = stale_days(connection, wanted)
        newest = self.way.rows("select max(day) from landed_days")[0][0]
        assert all(stale.stale_days == (newest - stale.day).days + 1 for stale in found)
        return {stale.model: (stale.day.day, stale.reason) for stale in found}

    def range_for(self, first: date, last: date) -> BuildRange:
        """What a run of first..last builds."""
        with Ledger(self.way.settings) as ledger:
            merchants = load_merchants(self.way.settings)
            return build_range(self.way.settings, ledger, self.way.warehouse, self.books(), merchants, first, last)

    def run(self, first: date, last: date) -> tuple[int, int]:
        """Load and build what `pp run` does; the days that it built."""
        days = self.range_for(first, last)
        self.way.load(days.first, days.read_through)
        self.build(days.first, days.last)
        return days.first.day, days.last.day

    def as_built_afresh(self) -> Contents:
        """What one pass over everything makes of the same files and campaigns."""
        models = [model for step in STEPS for model in self.models_of(step)]
        self.way.forget(models)
        self.way.build(FIRST, LAST, models)
        return self.way.contents(models)

    def assert_holds(self) -> None:
        """Nothing is stale, and the tables are those of a fresh build."""
        assert self.stale() == {}
        found = self.way.contents([model for step in STEPS for model in self.models_of(step)])
        assert differences(found, self.as_built_afresh()) == {}


def file_of(day: date, status: str = "processing", category: str = "Tables") -> OrderFile:
    stated = row(f"A{day.day}", day.day, status, email=f"ann{day.day % 2}@example.com")
    return OrderFile(f"orders_{day}.csv", day, ({**stated, "category": category},))


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> WholeWay:
    return WholeWay(tmp_path_factory.mktemp("books"), campaigns=CAMPAIGNS, segments=SEGMENTS)


@pytest.fixture
def unbuilt(way: WholeWay) -> Shop:
    return Shop(way)


@pytest.fixture
def shop(unbuilt: Shop) -> Shop:
    unbuilt.build()
    assert unbuilt.stale() == {}
    return unbuilt


def all_from(day: int, reason: str, models: Sequence[str]) -> dict[str, tuple[int, str]]:
    return dict.fromkeys(models, (day, reason))


def test_before_the_first_build_every_book_is_missing_from_its_first_day(unbuilt: Shop) -> None:
    expected = all_from(1, MISSING, [*ORDERS, "segment_chairs", *EVENTS])
    assert unbuilt.stale() == expected | {"queue_each_order": (3, MISSING), "queue_chair_lovers": (2, MISSING)}
    assert unbuilt.run(LAST, LAST) == (1, 6)
    unbuilt.assert_holds()


def test_nothing_more_than_asked_is_built_when_all_holds(shop: Shop) -> None:
    assert shop.range_for(january(5), LAST) == BuildRange(january(5), LAST, LAST, [])


def test_a_changed_parameter_rebuilds_the_book_and_the_events_from_active_from(shop: Shop) -> None:
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


def test_a_rebuild_that_is_cut_short_leaves_the_rest_stale(shop: Shop) -> None:
    shop.way.write_campaign("each_order", CAMPAIGNS["each_order"] | {"wait_days": 2})
    shop.build(january(3), LAST, ["campaigns"])
    assert shop.stale() == all_from(3, CONFIGURATION, EVENTS)
    wanted = [book for book in shop.books() if book.model in EVENTS]
    with shop.way.warehouse.connect() as connection:
        begin_build(connection, wanted, january(3), LAST)
    assert shop.stale() == all_from(3, MISSING, EVENTS)
    assert shop.run(LAST, LAST) == (3, 6)
    shop.assert_holds()


def test_events_that_are_built_before_their_queue_stay_stale(shop: Shop) -> None:
    shop.way.write_campaign("each_order", CAMPAIGNS["each_order"] | {"wait_days": 2})
    shop.build(steps=["conversations"])
    assert shop.stale() == {"queue_each_order": (3, CONFIGURATION)} | all_from(3, LEFT_BEHIND, EVENTS)
    shop.build(steps=["campaigns"])
    assert shop.stale() == all_from(3, LEFT_BEHIND, EVENTS)


def test_a_run_of_one_day_leaves_the_days_before_it_stale(shop: Shop) -> None:
    shop.way.write_campaign("each_order", CAMPAIGNS["each_order"] | {"wait_days": 2})
    shop.build(LAST, LAST)
    assert shop.stale() == all_from(3, CONFIGURATION, ["queue_each_order", *EVENTS])
    assert shop.run(LAST, LAST) == (3, 6)
    shop.assert_holds()


def test_a_day_that_was_left_out_is_missing_and_what_was_built_after_it_does_not_hold(unbuilt: Shop) -> None:
    unbuilt.build(FIRST, january(3))
    unbuilt.build(january(5), LAST)
    assert set(unbuilt.stale().values()) == {(4, MISSING)}
    unbuilt.build(january(4), january(4))
    of_others = [book.model for book in unbuilt.books() if book.reads]
    assert unbuilt.stale() == all_from(5, LEFT_BEHIND, of_others)
    assert unbuilt.run(LAST, LAST) == (5, 6)
    unbuilt.assert_holds()


def test_a_changed_file_makes_everything_from_its_day_on_stale(shop: Shop) -> None:
    shop.way.drop([file_of(january(4), "canceled", "Chairs")])
    days = shop.range_for(LAST, LAST)
    assert (days.first, days.last) == (january(4), LAST)
    assert days.reasons == ["1 new or changed order files, the earliest for 2026-01-04"]
    shop.way.load(january(4), january(4))
    assert shop.stale() == all_from(4, FILE, [book.model for book in shop.books()])
    assert shop.run(LAST, LAST) == (4, 6)
    shop.assert_holds()


def test_a_content_that_comes_back_holds_again_without_a_rebuild(shop: Shop) -> None:
    for contents in ("canceled", "processing"):
        shop.way.drop([file_of(january(4), contents)])
        shop.way.load(january(4), january(4))
        assert bool(shop.stale()) == (contents == "canceled")
    shop.assert_holds()


def test_a_queue_that_is_built_before_its_orders_stays_stale(shop: Shop) -> None:
    shop.way.drop([file_of(january(4), "canceled", "Chairs")])
    shop.way.load(january(4), january(4))
    shop.build(january(4), LAST, ["campaigns"])
    queues = ["queue_each_order", "queue_chair_lovers"]
    assert shop.stale() == all_from(4, FILE, [*ORDERS, "segment_chairs", *EVENTS]) | all_from(4, LEFT_BEHIND, queues)
    shop.build(january(4), LAST, ["orders"])
    assert shop.stale() == all_from(4, FILE, ["segment_chairs", *EVENTS]) | all_from(4, LEFT_BEHIND, queues)
    assert shop.run(LAST, LAST) == (4, 6)
    shop.assert_holds()


def test_a_file_that_lands_while_its_day_is_built_makes_the_day_stale(shop: Shop) -> None:
    def land() -> None:
        shop.way.drop([file_of(january(5), "canceled")])
        shop.way.load(january(5), january(5))

    shop.build(january(5), LAST, ["orders"], meanwhile=land)
    assert {shop.stale()[model] for model in ORDERS} == {(5, FILE)}
    assert shop.run(LAST, LAST) == (5, 6)
    shop.assert_holds()


def test_a_campaign_that_is_added_is_built_from_active_from_and_so_are_the_events(shop: Shop) -> None:
    shop.way.write_campaign("late", {"wait_days": 1, "active_from": "2026-01-04"})
    assert shop.stale() == {"queue_late": (4, MISSING)} | all_from(4, CONFIGURATION, EVENTS)
    assert shop.run(LAST, LAST) == (4, 6)
    assert shop.way.rows("select min(occurred_on) from external_events where campaign = 'late'") == [(january(5),)]
    shop.assert_holds()


def test_a_campaign_that_is_taken_away_takes_its_events_with_it(shop: Shop) -> None:
    Path(shop.way.models_dir / "campaigns/queue_each_order.sql").unlink()
    assert shop.stale() == all_from(3, CONFIGURATION, EVENTS)
    assert shop.run(LAST, LAST) == (3, 6)
    assert shop.way.rows("select count(*) from external_events where campaign = 'each_order'") == [(0,)]
    shop.assert_holds()


def test_a_changed_segment_rebuilds_the_campaigns_that_ask_for_it(shop: Shop) -> None:
    shop.way.write_model("list/segment_chairs.sql", '{{ segment(condition = "order_count >= 2") }}\n')
    expected = {"segment_chairs": (1, CONFIGURATION), "queue_chair_lovers": (2, CONFIGURATION)}
    assert shop.stale() == expected | all_from(1, CONFIGURATION, EVENTS)
    assert shop.run(LAST, LAST) == (1, 6)
    shop.assert_holds()


def test_changed_thresholds_of_the_list_and_the_events_rebuild_what_reads_them(shop: Shop) -> None:
    path = shop.way.settings.dbt_dir / "dbt_project.yml"
    shipped = path.read_text()
    try:
        path.write_text(shipped.replace("max_event_age_days: 3", "max_event_age_days: 2"))
        assert shop.stale() == all_from(1, CONFIGURATION, EVENTS)
        path.write_text(shipped.replace("loyal_min_orders: 3", "loyal_min_orders: 2"))
        assert shop.stale().keys() == {"segment_chairs", "queue_chair_lovers", *EVENTS}
    finally:
        path.write_text(shipped)


def test_a_changed_conversation_rebuilds_the_planned_messages(shop: Shop) -> None:
    shop.conversations_hash = "other conversations"
    assert shop.stale() == {"planned_messages": (1, CONFIGURATION)}
    assert shop.run(LAST, LAST) == (1, 6)
    shop.assert_holds()


def test_a_new_day_is_missing_until_it_is_built_and_a_gap_is_landed_with_it(shop: Shop) -> None:
    shop.way.drop([file_of(january(9))])
    assert shop.run(january(9), january(9)) == (7, 9)
    assert shop.stale() == {}
    assert shop.range_for(january(10), january(10)).first == january(10)
