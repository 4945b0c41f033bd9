"""What relays get: events, whoever fires them, and the snapshots of segments that nobody is in any more."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from pp_pipeline.campaigns.books import CREATE_BUILT_DAYS
from pp_pipeline.ledger.switches import pause_name, set_switch
from pp_pipeline.merchants import load_merchants
from pp_pipeline.sending.adoptable import Wanted, pages
from pp_pipeline.sending.contact_facts import read_contact
from pp_pipeline.sending.gates import PAUSED
from pp_pipeline.sending.plan import BatchId
from pp_pipeline.warehouse import WarehouseError
from pp_pipeline.why.history import History
from pp_pipeline.why.messages import EventTeller
from pp_pipeline.why.runs import Runs
from pp_pipeline_tests.guard_worlds import CONTACT, add_contact
from pp_pipeline_tests.sending_world import DAY, World

NEXT = DAY + timedelta(days=1)
MONTH = DAY + timedelta(days=30)


@pytest.fixture(params=["duckdb", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """An installation on each of the two warehouses."""
    if request.param == "duckdb":
        return World.make(tmp_path)
    url = request.getfixturevalue("postgres_database").url
    return World.make(tmp_path, target="postgres", warehouse_url=url)


_SET_FIELDS = """create table set_fields (
    merchant varchar, contact_key varchar, field varchar, value varchar, conversation varchar, run_event_id varchar,
    place integer, occurred_on date)"""


@pytest.mark.parametrize(
    ("file_day", "stated", "expected"),
    [(None, "", "de"), (DAY, "fr", "de"), (NEXT, "fr", "fr"), (NEXT, None, "de")],
)
def test_a_message_is_in_the_language_that_was_set_or_stated_last(
    world: World, file_day: date | None, stated: str | None, expected: str
) -> None:
    """Set on DAY, seen from the next; of two on one day the later in the run counts."""
    if file_day:
        add_contact(world, file_day, locale=stated)
    world.execute(_SET_FIELDS)
    for place, locale in enumerate(("en", "de")):
        row = ("main", CONTACT, "locale", locale, "talk", "e1", place, NEXT)
        world.execute("insert into set_fields values (?, ?, ?, ?, ?, ?, ?, ?)", row)
    with world.warehouse.connect() as connection:
        assert read_contact(connection, "main", CONTACT).locale == expected


def fire(world: World, number: int, day: date = DAY) -> None:
    """An event that a conversation fires, of a name that a campaign fires too."""
    world.execute(
        "insert into conversation_actions_1 values (?, 'recent_buyers', 'talk', 'main', ?, ?, ?, null, ?)",
        (f"fired{number}", f"c{number:06d}", f"person{number}@example.com", f"A{number}", day),
    )


def adoptable(world: World, first: date, last: date) -> set[str]:
    with world.warehouse.connect() as connection:
        wanted = Wanted(first, last, relay="outbox_relay")
        found = pages(connection, wanted, load_merchants(world.settings), 2)
        return {item.key for page in found for _, item in page}


def test_a_relay_gets_the_events_that_conversations_fire(world: World) -> None:
    world.plan_events(DAY, 2)
    for number in (0, 1):
        fire(world, number)
    keys = {"outbox_relay:recent_buyers000000", "outbox_relay:recent_buyers000001"}
    keys |= {"outbox_relay:fired0", "outbox_relay:fired1"}
    assert adoptable(world, DAY, DAY) == keys
    summary = world.seal()
    assert [(each.id, each.row_count, each.campaigns) for each in summary.sealed] == [
        (BatchId(DAY, "events", "outbox_relay", "main"), 4, {"conversation:talk", "recent_buyers"})
    ]
    assert world.send().sent_count == 4
    lines = {line["event_id"]: line for line in world.event_lines()}
    assert {f"outbox_relay:{event_id}" for event_id in lines} == keys
    assert lines["fired1"]["email"] == "person1@example.com"
    assert world.seal().sealed == []


def test_of_a_paused_conversation_no_event_reaches_a_relay(world: World) -> None:
    """The rest of the batch goes; where all of it is held, it is blocked."""
    world.plan_events(DAY, 1)
    fire(world, 0)
    fire(world, 1, NEXT)
    world.seal(DAY, NEXT)
    with world.ledger as ledger:
        set_switch(ledger, pause_name("conversation", "talk"), True)
    assert {batch.day: state.reason for batch, state in world.states(DAY, NEXT, today=NEXT)} == {DAY: "", NEXT: PAUSED}
    assert world.send(DAY, NEXT, today=NEXT).sent_count == 1
    assert [line["event_id"] for line in world.event_lines()] == ["recent_buyers000000"]
    with world.ledger as ledger:
        set_switch(ledger, pause_name("conversation", "talk"), False)
    assert world.send(DAY, NEXT, today=NEXT).sent_count == 2


def test_a_plan_of_an_earlier_version_is_neither_sealed_nor_sent(world: World) -> None:
    """Its events would else be taken out of their batches."""
    world.plan_events(DAY, 1)
    world.plan(DAY, 1)
    world.seal()
    world.execute("drop view all_events")
    for do in (world.seal, world.send):
        with pytest.raises(WarehouseError, match="of an earlier version of this program: `pp run` builds them anew"):
            do()


def test_an_event_of_a_conversation_about_a_quarantined_order_is_held_back(world: World) -> None:
    world.plan(DAY, 1)
    fire(world, 0)
    world.execute("create table quarantined_rows (merchant varchar, order_number varchar, file_date date)")
    world.execute("insert into quarantined_rows values ('main', 'A0', ?)", (DAY,))
    world.run()
    reasons = {key: reason for key, _, reason in world.deliveries()}
    assert reasons["outbox_relay:fired0"] == "order_in_quarantine"


def test_why_says_which_conversation_fired_an_event(world: World) -> None:
    world.plan_events(DAY, 1)
    fire(world, 0, NEXT)
    teller = EventTeller(load_merchants(world.settings)["main"], world.conversations(), Runs([], [], {}))
    with world.warehouse.connect() as connection:
        told = [teller.event(row) for row in History(connection, "main").events(["A0"], [])]
    assert [(one.text, one.conversation, one.takers) for one in told] == [
        ("event recent_buyers (recent_buyer)", None, ["relay outbox_relay"]),
        ("event recent_buyers (fired0), fired by the conversation talk", "talk", ["relay outbox_relay"]),
    ]


def build(world: World, *days: date) -> None:
    world.execute(CREATE_BUILT_DAYS)
    for day in days:
        world.execute("insert into built_days values ('segment_loyal', ?, '', '')", (day,))


def test_a_segment_that_became_empty_sends_so(world: World) -> None:
    """Once each day that was built: not before it had a member, nor for a day of which nobody knows."""
    first, gap, last = DAY, NEXT, DAY + timedelta(days=2)
    world.plan_snapshot(first, 2)
    build(world, first - timedelta(days=1), first, last)
    summary = world.seal(first - timedelta(days=1), last)
    batches = {each.day: (each.row_count, each.new_count) for each in summary.sealed}
    assert batches == {first: (2, 2), last: (0, 0)}
    assert gap not in batches
    keys = {f"outbox_relay:loyal:{day}:main" for day in (first, last)}
    assert adoptable(world, first - timedelta(days=1), last) == keys
    assert {state.state for _, state in world.states(first, last, today=last)} == {"ready"}
    assert world.send(first, last, today=last).sent_count == 2
    assert {key for key, state, _ in world.deliveries() if state == "sent"} == keys
    assert world.run(first, last, today=last).sent_count == 0


def test_an_empty_snapshot_is_no_longer_planned_when_its_day_does_not_hold(world: World) -> None:
    world.plan_snapshot(DAY, 1)
    build(world, DAY, NEXT)
    world.seal(NEXT, NEXT)
    world.execute("delete from built_days where day = ?", (NEXT,))
    assert [(each.version, each.row_count) for each in world.seal(NEXT, NEXT).sealed] == [(2, 0)]
    assert world.send(NEXT, NEXT, today=NEXT).sent_count == 0
    assert [state.state for _, state in world.states(NEXT, NEXT, today=NEXT)] == ["sent"]
    build(world, NEXT)
    assert world.run(NEXT, NEXT, today=NEXT).sent_count == 1


def test_a_segment_that_never_had_a_member_sends_nothing(world: World) -> None:
    build(world, DAY, NEXT)
    assert world.seal(DAY, NEXT).sealed == []
