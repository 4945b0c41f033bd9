"""Batches: versions, what goes by itself and what waits, approval (DESIGN 5, "Batches")."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, update

from pp_pipeline.ledger import schema
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.switches import set_switch
from pp_pipeline.merchants import load_merchants
from pp_pipeline.sending.batches import (
    Batch,
    Release,
    batch_state,
    batch_states,
    is_large,
    newest_batches,
)
from pp_pipeline.sending.gates import Gates
from pp_pipeline.sending.plan import BatchId
from pp_pipeline.sending.releases import ApprovalError, approve
from pp_pipeline.sending.sealing import seal_batches
from pp_pipeline_tests.sending_world import DAY, World, key_of


def batch(**changes: object) -> Batch:
    fields = {
        "number": 1,
        "id": BatchId(DAY, "messages", "hello", "main"),
        "version": 1,
        "hash": "a" * 64,
        "row_count": 10,
        "new_count": 10,
        "sent_count": 0,
        "unplanned_count": 0,
        "sealed_at": datetime(2026, 7, 10, tzinfo=UTC),
        "campaigns": frozenset(),
        "release": Release(),
    }
    return Batch(**(fields | changes))  # type: ignore[arg-type]


NOON = datetime(2026, 7, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("release", "new_count", "closed", "today", "expected"),
    [
        ({}, 10, "", DAY, ("ready", "")),
        ({}, 10, "", DAY + timedelta(days=2), ("ready", "")),
        ({}, 10, "", DAY + timedelta(days=3), ("waiting", "old")),
        # in time when it could first have been sent: it stays so
        ({"first_sendable_on": DAY + timedelta(days=2)}, 10, "", DAY + timedelta(days=30), ("ready", "")),
        ({"first_sendable_on": DAY + timedelta(days=3)}, 10, "", DAY + timedelta(days=30), ("waiting", "old")),
        ({}, 10, "", DAY - timedelta(days=1), ("blocked", "early")),
        ({}, 10, "kill_switch", DAY, ("blocked", "kill_switch")),
        ({}, 10, "kill_switch", DAY - timedelta(days=1), ("blocked", "kill_switch")),
        ({}, 10, "paused", DAY, ("blocked", "paused")),
        ({}, 10, "paused", DAY - timedelta(days=1), ("blocked", "early")),
        ({"finished_at": NOON}, 10, "kill_switch", DAY, ("sent", "")),
        ({}, 499, "", DAY, ("ready", "")),
        ({}, 500, "", DAY, ("waiting", "large")),
        ({"approved_at": NOON}, 500, "", DAY, ("ready", "")),
    ],
)
def test_state_of_a_batch(
    release: dict[str, Any], new_count: int, closed: str, today: date, expected: tuple[str, str]
) -> None:
    state = batch_state(batch(release=Release(**release), new_count=new_count), [], closed, today)
    assert (state.state, state.reason) == expected


@pytest.mark.parametrize(
    ("new_count", "past", "expected"),
    [
        (499, [], False),
        (500, [], True),
        (500, [400] * 6, True),  # fewer than 7 past batches: only the floor counts
        (500, [400] * 7, False),
        (1_200, [400] * 7, False),
        (1_201, [400] * 7, True),
        (1_200, [1, 1, 1, 400, 9_999, 9_999, 9_999], False),  # the median, not the mean
        (499, [1] * 28, False),  # below the floor, however small the others were
    ],
)
def test_large_is_three_times_the_median_and_the_floor(new_count: int, past: list[int], expected: bool) -> None:
    assert is_large(new_count, past) is expected


def test_each_kind_of_delivery_has_its_batches(world: World) -> None:
    world.plan(DAY, 3)
    world.plan_events(DAY, 2, start=50)
    world.plan_snapshot(DAY, 4)
    summary = world.seal()
    assert [(str(each.id), each.row_count, each.new_count, each.version) for each in summary.batches] == [
        (f"events outbox_relay of main for {DAY}", 2, 2, 1),
        (f"messages hello of main for {DAY}", 3, 3, 1),
        (f"snapshot outbox_relay:loyal of main for {DAY}", 4, 4, 1),
    ]
    assert summary.sealed == summary.batches


def test_sealing_again_writes_nothing(world: World) -> None:
    world.plan(DAY, 3)
    first = world.seal()
    again = world.seal(today=DAY + timedelta(days=5))
    assert again.sealed == []
    assert again.batches == first.batches


def test_a_range_is_sealed_as_its_days_are(tmp_path: Path) -> None:
    hashes = []
    for name, ranges in (("range", [(0, 2)]), ("days", [(2, 2), (0, 0), (1, 1)])):
        world = World.make(tmp_path / name)
        for back in range(3):
            world.plan(DAY + timedelta(days=back), 2 + back, start=back * 10)
        for first, last in ranges:
            world.seal(DAY + timedelta(days=first), DAY + timedelta(days=last))
        states = world.states(DAY, DAY + timedelta(days=2))
        hashes.append([(each.day, each.row_count, each.version, each.hash) for each, _ in states])
    assert hashes[0] == hashes[1]
    assert len(hashes[0]) == 3


@pytest.mark.parametrize(
    "change",
    [
        "update planned_messages set template = 'other' where order_number = 'A1'",
        "update planned_messages set contact_key = 'c9' where order_number = 'A1'",
        "update planned_messages set variant = 'b' where order_number = 'A1'",
        "update planned_messages set variant = null where order_number = 'A1'",
        "delete from planned_messages where order_number = 'A1'",
    ],
)
def test_what_would_be_sent_is_in_the_hash(lite: World, change: str) -> None:
    lite.plan(DAY, 3)
    before = lite.seal().batches[0]
    lite.execute(change)
    after = lite.seal().batches[0]
    assert (before.version, after.version) == (1, 2)
    assert before.hash != after.hash


def test_a_new_version_says_what_is_new_sent_and_no_longer_planned(world: World) -> None:
    world.plan(DAY, 4)
    world.run()
    world.execute("delete from planned_messages where order_number = 'A0'")
    world.plan(DAY, 2, start=10)
    sealed = world.seal().sealed[0]
    assert (sealed.version, sealed.row_count) == (2, 5)
    assert (sealed.new_count, sealed.sent_count, sealed.unplanned_count) == (2, 3, 1)


def test_what_a_correction_moves_to_another_day_is_still_planned(world: World) -> None:
    world.plan(DAY, 2)
    world.run()
    next_day = DAY + timedelta(days=1)
    world.execute("update planned_messages set due_on = ? where order_number = 'A0'", (next_day,))
    moved, rest = world.seal(DAY, next_day, today=next_day).batches[::-1]
    assert (rest.row_count, rest.sent_count, rest.unplanned_count) == (1, 1, 0)
    assert (moved.day, moved.row_count, moved.new_count, moved.sent_count) == (next_day, 1, 0, 1)
    assert world.state(today=next_day, day=next_day) == ("sent", "")


def test_a_day_that_became_empty_gets_a_version_of_nothing(world: World) -> None:
    world.plan(DAY, 3)
    world.plan_events(DAY, 1)
    world.plan_snapshot(DAY, 1)
    world.seal()
    for table in ("planned_messages", "external_events", "segment_snapshots"):
        world.execute(f"delete from {table}")
    summary = world.seal()
    assert [(each.version, each.row_count, each.new_count) for each in summary.sealed] == [(2, 0, 0)] * 3
    assert {state.state for _, state in world.states()} == {"sent"}
    assert world.seal().sealed == []
    assert world.send().sent_count == 0


def test_a_plan_that_comes_back_is_a_third_version(lite: World) -> None:
    lite.plan(DAY, 2)
    first = lite.seal().batches[0]
    lite.execute("update planned_messages set variant = 'b'")
    lite.seal()
    lite.execute("update planned_messages set variant = ''")
    third = lite.seal().batches[0]
    assert (third.version, third.hash) == (3, first.hash)
    with lite.ledger as ledger:
        assert approve(ledger, lite.settings, first.hash, "ann").version == 3


def test_a_large_batch_waits_and_goes_once_approved(world: World) -> None:
    world.plan(DAY, 500)
    world.seal()
    assert world.state() == ("waiting", "large")
    assert world.send().sent_count == 0
    approved = world.approve()
    assert approved.release.approved_by == "ann"
    assert world.send(chunk_size=1_000).sent_count == 500
    assert world.state() == ("sent", "")


def test_forerunners_make_a_batch_usual(lite: World) -> None:
    lite.plan(DAY, 500)
    lite.plan_days(DAY, 7, 170)
    lite.seal(DAY - timedelta(days=7), DAY)
    assert lite.state() == ("ready", "")
    lite.plan(DAY, 11, start=900)  # 511 rows are more than 3 x 170
    lite.seal()
    assert lite.state() == ("waiting", "large")


def test_forerunners_older_than_28_days_do_not_count(lite: World) -> None:
    lite.plan(DAY, 500)
    lite.plan_days(DAY - timedelta(days=22), 7, 170)  # the 29th to the 23rd day before
    lite.seal(DAY - timedelta(days=40), DAY)
    assert lite.state() == ("waiting", "large")
    lite.plan(DAY - timedelta(days=22), 170, start=90_000)
    lite.seal(DAY - timedelta(days=40), DAY)
    assert lite.state() == ("ready", "")


def test_an_old_batch_waits_and_goes_once_approved(world: World) -> None:
    world.plan(DAY, 2)
    world.seal(today=DAY + timedelta(days=3))
    assert world.state(today=DAY + timedelta(days=3)) == ("waiting", "old")
    assert world.send(today=DAY + timedelta(days=3)).sent_count == 0
    assert world.deliveries() == []
    world.approve()
    assert world.send(today=DAY + timedelta(days=3)).sent_count == 2


def test_a_batch_that_was_in_time_goes_however_late_the_sender_comes(lite: World) -> None:
    lite.plan(DAY, 2)
    lite.seal(today=DAY + timedelta(days=1))
    assert lite.send(today=DAY + timedelta(days=20)).sent_count == 2


def test_a_kill_switch_makes_a_batch_old(lite: World) -> None:
    lite.plan(DAY, 2)
    with lite.ledger as ledger:
        set_switch(ledger, "kill_switch", True)
    lite.seal(today=DAY)
    assert lite.state() == ("blocked", "kill_switch")
    with lite.ledger as ledger:
        set_switch(ledger, "kill_switch", False)
    assert lite.send(today=DAY + timedelta(days=3)).sent_count == 0
    assert lite.state(today=DAY + timedelta(days=3)) == ("waiting", "old")


def test_a_later_version_of_an_old_day_waits(world: World) -> None:
    world.plan(DAY, 2)
    world.run()
    world.plan(DAY, 1, start=10)
    world.seal(today=DAY + timedelta(days=3))
    assert world.state(today=DAY + timedelta(days=3)) == ("waiting", "old")


def test_only_the_newest_version_can_be_approved(world: World) -> None:
    world.plan(DAY, 2)
    old = world.seal().batches[0]
    world.plan(DAY, 1, start=10)
    new = world.seal().batches[0]
    with world.ledger as ledger:
        with pytest.raises(ApprovalError, match=f"approve version 2, {new.hash[:12]}, with 3 rows, 3 of them new"):
            approve(ledger, world.settings, old.hash[:10], "ann")
        assert approve(ledger, world.settings, new.hash[:10].upper(), "ann").version == 2
        assert approve(ledger, world.settings, new.hash, "bob").release.approved_by == "ann"


def test_an_approval_counts_for_its_version_only(world: World) -> None:
    world.plan(DAY, 2)
    world.seal(today=DAY + timedelta(days=9))
    world.approve()
    world.plan(DAY, 1, start=10)
    world.seal(today=DAY + timedelta(days=9))
    assert world.state(today=DAY + timedelta(days=9)) == ("waiting", "old")


@pytest.mark.parametrize(
    ("prefix", "words"),
    [
        ("abc", "at least its first 4 characters"),
        ("version 2", "is no batch hash"),
        ("0000", "no batch has a hash that begins with '0000'"),
        ("ffff", "2 batches have a hash that begins with 'ffff'"),
    ],
)
def test_an_approval_that_names_no_one_batch_is_refused(lite: World, prefix: str, words: str) -> None:
    lite.plan(DAY, 1)
    lite.plan_events(DAY, 1)
    lite.seal()
    with lite.ledger as ledger:
        with ledger.writing() as connection:
            for number, each in enumerate(newest_batches(ledger, Gates(lite.settings, ledger), DAY, DAY)):
                connection.execute(
                    update(schema.batches).where(schema.batches.c.id == each.number).values(hash=f"ffff{number}")
                )
        with pytest.raises(ApprovalError, match=words):
            approve(ledger, lite.settings, prefix, "ann")


def test_states_of_many_days_take_few_queries(lite: World) -> None:
    lite.plan_days(DAY, 20, 1)
    lite.seal(DAY - timedelta(days=20), DAY)
    with lite.ledger as ledger:
        queries = _count_queries(ledger)
        states = batch_states(ledger, lite.settings, DAY - timedelta(days=20), DAY, DAY)
    assert len(states) == 20
    assert len(queries) <= 5


def test_sealing_many_days_takes_few_queries(lite: World) -> None:
    lite.plan_days(DAY, 20, 1)
    with lite.ledger as ledger:
        with ledger.writing() as connection:
            connection.execute(
                insert(schema.deliveries).values(
                    target="rehearsal",
                    key=key_of(1),
                    kind="message",
                    state="sent",
                    claimed_at=datetime(2026, 7, 1, tzinfo=UTC),
                    lease_until=datetime(2026, 7, 1, tzinfo=UTC),
                    claim="t",
                )
            )
        queries = _count_queries(ledger)
        first = DAY - timedelta(days=20)
        seal_batches(ledger, lite.warehouse, lite.settings, first, DAY, load_merchants(lite.settings), DAY)
    assert len(queries) <= 16


def _count_queries(ledger: Ledger) -> list[str]:
    queries: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith("begin"):
            queries.append(statement)

    event.listen(ledger.engine, "before_cursor_execute", count)
    return queries
