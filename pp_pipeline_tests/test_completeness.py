"""Whether a merchant's day is complete, and what waits while it is not (DESIGN 5 and 6)."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pp_pipeline.cli import app
from pp_pipeline.landing.completeness import Completeness, completeness, judge
from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.file_ledger import FileRecord, record_files
from pp_pipeline.merchants import Merchant, MerchantError, load_merchants
from pp_pipeline.sending.releases import note_sendable
from pp_pipeline_tests.landing_shop import merchant
from pp_pipeline_tests.sending_world import DAY, World

NOON = datetime(2026, 7, 10, 12, tzinfo=UTC)


def feed(name: str = "shop_orders", due: Mapping[str, Any] | None = None, **words: Any) -> dict[str, Any]:
    given = {"feed": name, "merchant": "main", "files": f"{name}_{{date}}.csv", **words}
    return given if due is None else {**given, "due": due}


def a_merchant(*feeds: dict[str, Any], **words: Any) -> Merchant:
    return merchant(feeds=[Feed.model_validate(one) for one in feeds], **words)


def record(name: str, day: date, outcome: str = "accepted") -> FileRecord:
    return FileRecord(name, day, "0" * 64, 1, 1, 0, outcome, "", NOON, NOON if outcome == "accepted" else None)


def judged(shop: Merchant, *names: str) -> Completeness:
    return judge({"main": shop}, [record(name, date(2026, 1, 1)) for name in names])


@pytest.mark.parametrize(
    ("zone", "due", "day", "expected"),
    [
        ("America/New_York", {"by": "06:00"}, "2026-01-05", "2026-01-06T11:00:00+00:00"),
        ("America/New_York", {"by": "06:00", "days_after": 0}, "2026-07-05", "2026-07-05T10:00:00+00:00"),
        ("Asia/Tokyo", {"by": "06:00", "days_after": 3}, "2026-01-05", "2026-01-07T21:00:00+00:00"),
        # the clock is put forward in the night to the 8th of March, and back in that to the 1st of November
        ("America/New_York", {"by": "06:00"}, "2026-03-06", "2026-03-07T11:00:00+00:00"),
        ("America/New_York", {"by": "06:00"}, "2026-03-07", "2026-03-08T10:00:00+00:00"),
        ("America/New_York", {"by": "02:30"}, "2026-03-07", "2026-03-08T07:30:00+00:00"),  # the clock skips it
        ("America/New_York", {"by": "01:30"}, "2026-10-31", "2026-11-01T05:30:00+00:00"),  # it comes twice
    ],
)
def test_a_file_is_due_by_the_merchants_clock(zone: str, due: dict[str, Any], day: str, expected: str) -> None:
    shop = a_merchant(feed(due=due), zone=zone)
    missing = judged(shop, "shop_orders_2026-01-01.csv").missing("main", date.fromisoformat(day))
    moment = datetime.fromisoformat(expected)
    assert [one.due_at.astimezone(UTC) for one in missing] == [moment]
    assert missing[0].is_overdue(moment + timedelta(seconds=1))
    assert not missing[0].is_overdue(moment)


def test_a_missing_file_is_named_with_merchant_feed_day_and_due_time() -> None:
    shop = a_merchant(feed(due={"by": "06:00"}))
    missing = judged(shop, "shop_orders_2026-01-01.csv").missing("main", date(2026, 3, 7))
    assert [str(one) for one in missing] == ["main: no file of shop_orders for 2026-03-07, due 2026-03-08 06:00 EDT"]


def test_a_day_is_complete_when_each_due_feed_has_an_accepted_file_since_its_first() -> None:
    shop = a_merchant(
        feed("shop_orders", {"by": "06:00"}), feed("returns", {"by": "08:00"}), feed("clicks"),
        feed("never_came", {"by": "08:00"}),
    )  # fmt: skip
    refused = record("shop_orders_2026-01-04.csv", date(2026, 1, 4), "refused")
    names = ["shop_orders_2026-01-02.csv", "shop_orders_2026-01-03_2.csv.gz", "returns_2026-01-03.csv"]
    names += ["orders_2026-01-04.csv", "clicks_2026-01-01.csv"]
    found = judge({"main": shop}, [refused, *(record(name, date(2026, 1, 1)) for name in names)])
    missing = {day: [one.feed for one in found.missing("main", date(2026, 1, day))] for day in range(1, 5)}
    assert missing == {1: [], 2: [], 3: [], 4: ["shop_orders", "returns"]}
    assert [(one.day.day, one.feed) for one in found.missing_of_days([date(2026, 1, 5), date(2026, 1, 3)])] == [
        (5, "returns"),
        (5, "shop_orders"),
    ]
    assert found.missing("another", date(2026, 1, 4)) == []


def test_without_due_feeds_the_file_ledger_is_not_even_read() -> None:
    ledger: Any = None
    found = completeness({"main": a_merchant(feed("clicks"))}, ledger)
    assert found.missing("main", date(2026, 1, 4)) == []


def test_a_time_without_quotes_is_refused(tmp_path: Path) -> None:
    world = waiting_world(tmp_path, by="16:00")  # YAML reads 960
    with pytest.raises(MerchantError, match=r"feeds\.0\.due\.by: write a time of day in quotes"):
        load_merchants(world.settings)


def waiting_world(folder: Path, by: str = "'06:00'") -> World:
    """The world of the sending tests, whose merchant has a feed that is due, with a first file 9 days ago."""
    world = World.make(folder)
    path = world.settings.merchants_dir / "main.yml"
    due = f"feeds:\n  - {{feed: shop_orders, files: 'shop_{{date}}.csv', due: {{by: {by}}}}}\n"
    path.write_text(path.read_text() + due)
    come(world, DAY - timedelta(days=9))
    return world


def come(world: World, day: date) -> None:
    """The file of a day is accepted."""
    with world.ledger as ledger:
        record_files(ledger, [record(f"shop_{day}.csv", day)])


@pytest.fixture
def world(tmp_path: Path) -> World:
    return waiting_world(tmp_path)


def states(world: World, today: date = DAY) -> dict[str, tuple[str, str]]:
    return {batch.id.kind: (state.state, state.reason) for batch, state in world.states(DAY, DAY, today)}


def test_batches_wait_until_the_days_file_came(world: World) -> None:
    world.plan(DAY, 2)
    world.plan_events(DAY, 1, start=50)
    world.plan_snapshot(DAY, 1)
    assert world.run().sent_count == 0
    assert states(world) == dict.fromkeys(("messages", "events", "snapshot"), ("blocked", "incomplete_day"))
    assert world.deliveries() == []
    come(world, DAY)
    assert world.run(today=DAY + timedelta(days=1)).sent_count == 4
    assert set(states(world).values()) == {("sent", "")}


def test_transactional_messages_pass_an_incomplete_day(world: World) -> None:
    path = world.conversation_folder / "conversation.yml"
    path.write_text(path.read_text() + "kind: transactional\n")
    world.plan(DAY, 2)
    world.plan_events(DAY, 1, start=50)
    assert world.run().sent_count == 2
    assert states(world) == {"messages": ("sent", ""), "events": ("blocked", "incomplete_day")}


def test_an_approval_opens_no_incomplete_day(world: World) -> None:
    world.plan(DAY, 1)
    world.seal()
    world.approve()
    assert world.state() == ("blocked", "incomplete_day")


@pytest.mark.parametrize(("days", "expected"), [(2, ("ready", "")), (3, ("waiting", "old"))])
def test_age_counts_to_the_day_on_which_the_last_gate_opened(
    world: World, days: int, expected: tuple[str, str]
) -> None:
    came_on = DAY + timedelta(days=days)
    world.plan(DAY, 1)
    world.seal()
    with world.ledger as ledger:
        note_sendable(ledger, world.settings, DAY, DAY, DAY)  # not yet: the day lacks its file
    come(world, DAY)
    world.seal(today=came_on)
    assert world.state(today=came_on + timedelta(days=20)) == expected


def test_pp_batches_says_what_they_wait_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.plan(DAY, 1)
    world.seal()
    monkeypatch.setenv("PP_HOME", str(world.settings.home))
    monkeypatch.setenv("PP_CHECKOUT", str(world.settings.checkout))
    result = CliRunner().invoke(app, ["batches", "--today", DAY.isoformat()], catch_exceptions=False)
    assert result.output.count("incomplete") == 2  # the batch, and what the word means
    assert "main: no file of shop_orders for 2026-07-10, due 2026-07-11 06:00 UTC" in result.output
