"""A person's word about old days: approving with a cut-off, marking as never to be sent (DESIGN 5 and 7)."""

from collections import Counter
from datetime import date, timedelta

import pytest
from sqlalchemy import update

from pp_pipeline.correcting.approving import Decision, Done, carry_out, decide
from pp_pipeline.ledger import schema
from pp_pipeline.sending.releases import ApprovalError
from pp_pipeline_tests.sending_world import DAY, World, key_of

OLD, OLDER = DAY - timedelta(days=5), DAY - timedelta(days=9)
NEVER = "never_send: ann"


def decision(world: World, due_from: date | None = None, never: bool = False) -> Decision:
    """What becomes of all that waits on DAY."""
    waiting = [one for one in world.states(OLDER, DAY, DAY) if one[1].state == "waiting"]
    return decide(waiting, due_from, never)


def carry(world: World, decided: Decision) -> Done:
    with world.ledger as ledger:
        return carry_out(world.settings, ledger, decided, "ann", DAY)


def reasons(world: World) -> Counter[tuple[str, str]]:
    return Counter((state, reason) for _, state, reason in world.deliveries())


def test_what_is_never_to_be_sent_is_final_and_its_batches_are_done(world: World) -> None:
    world.plan(OLD, 3)
    world.plan_events(OLD, 2)
    world.plan_snapshot(OLD, 4)
    world.seal(OLD, OLD, DAY)
    done = carry(world, decision(world, never=True))
    assert (done.approved, done.never_count) == ([], 6)
    assert reasons(world) == {("skipped", NEVER): 6}
    assert {state.state for _, state in world.states(OLD, OLD, DAY)} == {"sent"}
    assert world.send(OLD, OLD, DAY).sent_count == 0
    # a correction brings it to today: it stays as it was decided
    world.execute("update planned_messages set due_on = ? where order_number = 'A0'", (DAY,))
    assert world.run(OLD, DAY, DAY).sent_count == 0
    [today] = [batch for batch, _ in world.states(DAY, DAY, DAY)]
    assert (today.row_count, today.new_count, today.moved_count) == (1, 0, 0)


def test_a_cut_off_approves_what_is_due_from_it_on(world: World) -> None:
    for place, day in enumerate((OLDER, OLD, OLD + timedelta(days=1))):
        world.plan(day, 2, start=place * 10)
    world.seal(OLDER, DAY, DAY)
    decided = decision(world, due_from=OLD)
    assert [batch.day for batch, _ in decided.never] == [OLDER]
    assert [batch.day for batch, _ in decided.approved] == [OLD, OLD + timedelta(days=1)]
    assert carry(world, decided).never_count == 2
    assert world.send(OLDER, DAY, DAY).sent_count == 4
    assert reasons(world) == {("skipped", NEVER): 2, ("sent", ""): 4}
    assert decision(world).all == []


def test_what_was_tried_before_goes_no_more_and_what_is_in_hand_is_left(world: World) -> None:
    world.plan(OLD, 5)
    world.run(OLD, OLD, OLD)
    states = ("sent", "deferred", "failed", "unknown", "claimed")
    with world.ledger as ledger, ledger.writing() as connection:
        for number, state in enumerate(states):
            values = {"state": state, "reason": "as it was"}
            row = schema.deliveries.c.key == key_of(number, OLD)
            connection.execute(update(schema.deliveries).where(row).values(**values))
    world.plan(OLD, 1, start=10)
    world.seal(OLD, OLD, DAY)
    assert carry(world, decision(world, never=True)).never_count == 3
    assert reasons(world) == {
        **{(state, "as it was"): 1 for state in ("sent", "unknown", "claimed")},
        ("skipped", NEVER): 3,
    }
    assert world.states(OLD, OLD, DAY)[0][1].state == "waiting"  # a sender has something of it in hand
    with world.ledger as ledger, ledger.writing() as connection:
        connection.execute(update(schema.deliveries).where(schema.deliveries.c.state == "claimed").values(state="sent"))
    assert carry(world, decision(world, never=True)).never_count == 0
    assert world.states(OLD, OLD, DAY)[0][1].state == "sent"


def test_a_plan_that_changed_since_is_not_marked(lite: World) -> None:
    lite.plan(OLD, 2)
    lite.seal(OLD, OLD, DAY)
    decided = decision(lite, never=True)
    lite.plan(OLD, 1, start=5)
    with pytest.raises(ApprovalError, match="no longer what was sealed"):
        carry(lite, decided)
    assert lite.deliveries() == []
    lite.seal(OLD, OLD, DAY)
    lite.execute("delete from planned_messages where order_number = 'A5'")  # what was sealed once, and not since
    with pytest.raises(ApprovalError, match="no longer what is planned"):
        carry(lite, decided)
    assert lite.deliveries() == []


def test_a_decision_is_refused_as_a_whole(lite: World) -> None:
    for place, day in enumerate((OLDER, OLD)):
        lite.plan(day, 2, start=place * 10)
    lite.seal(OLDER, OLD, DAY)
    stopped, with_cut_off = decision(lite, never=True), decision(lite, due_from=OLD)
    lite.plan(OLD, 1, start=20)  # of the later of the two
    with pytest.raises(ApprovalError, match="no longer what was sealed"):
        carry(lite, stopped)
    lite.seal(OLDER, OLD, DAY)
    with pytest.raises(ApprovalError, match="no longer what is planned"):
        carry(lite, with_cut_off)
    assert lite.deliveries() == []


def test_an_approved_batch_can_still_be_stopped(lite: World) -> None:
    lite.plan(OLD, 2)
    lite.seal(OLD, OLD, DAY)
    carry(lite, decision(lite))
    [(batch, state)] = lite.states(OLD, OLD, DAY)
    assert state.state == "ready"
    assert decide([(batch, state)]).nothing_to_do == [(batch, state)]
    assert carry(lite, decide([(batch, state)], never=True)).never_count == 2
    assert lite.send(OLD, OLD, DAY).sent_count == 0


def test_what_a_correction_moves_out_of_an_old_day_goes_on_the_day_it_is_due_now_and_the_rest_waits(
    world: World,
) -> None:
    world.plan(OLD, 3)
    world.seal(OLD, OLD, DAY)
    assert world.send(OLD, DAY, DAY).sent_count == 0
    world.execute("update planned_messages set due_on = ? where order_number = 'A0'", (DAY,))
    assert world.run(OLD, DAY, DAY).sent_count == 1
    assert [key for key, _, _ in world.deliveries()] == [key_of(0, OLD)]
    states = {batch.day: (state.state, state.reason, batch.new_count) for batch, state in world.states(OLD, DAY, DAY)}
    assert states == {OLD: ("waiting", "old", 2), DAY: ("sent", "", 1)}
    # the other way: what is due on an old day by the correction waits, though the day before it was to go today
    world.plan(DAY, 1, start=20)
    world.seal(OLD, DAY, DAY)
    world.execute("update planned_messages set due_on = ? where order_number = 'A20'", (OLD,))
    assert world.run(OLD, DAY, DAY).sent_count == 0
    assert decision(world).all[0][0].new_count == 3
