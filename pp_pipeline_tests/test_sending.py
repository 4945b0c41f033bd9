"""The sending job: each delivery once, whatever happens (DESIGN 5)."""

import json
import os
import shutil
import signal
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from pp_pipeline.conversations.shares import is_held_out
from pp_pipeline.ledger import schema
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.switches import Pausable, pause_name, set_switch
from pp_pipeline.merchants import load_merchants
from pp_pipeline.sending.batches import newest_batches
from pp_pipeline.sending.gates import DeliveryTarget, Gates
from pp_pipeline.sending.known_secret import SendRefused
from pp_pipeline.sending.outlets.making import make_outlets
from pp_pipeline.sending.outlets.outbox import OutboxChannel, OutboxRelay
from pp_pipeline.sending.outlets.outlet import EmailDraft, Outcome, Outlets
from pp_pipeline.sending.releases import approve
from pp_pipeline.sending.sender import Sender
from pp_pipeline.settings import Settings, utc_now
from pp_pipeline_tests.killing import context, is_killed
from pp_pipeline_tests.postgres_server import PostgresDatabase
from pp_pipeline_tests.sending_world import DAY, World, key_of, read_mail


def pause(world: World, what: Pausable, name: str, is_on: bool = True) -> None:
    """Pause a campaign or a conversation, or let it go on."""
    with world.ledger as ledger:
        set_switch(ledger, pause_name(what, name), is_on)


@dataclass
class TestChannel:
    """Writes down what it is given and answers as it is told, by place; `sent` when nothing is said."""

    answers: dict[int, Outcome | Exception | signal.Signals | float]
    folder: Path
    target: DeliveryTarget = "rehearsal"
    count: int = 0

    __test__ = False

    def deliver(self, drafts: Iterable[EmailDraft]) -> Iterator[Outcome]:
        for draft in drafts:
            answer = self.answers.get(self.count, Outcome("sent"))
            self.count += 1
            match answer:
                case signal.Signals():
                    os.kill(os.getpid(), answer)
                case float():
                    time.sleep(answer)
                    yield from self._accept(draft)
                case Outcome(state="sent"):
                    yield from self._accept(draft)
                case Outcome():
                    yield answer
                case Exception():
                    raise answer

    def _accept(self, draft: EmailDraft) -> Iterator[Outcome]:
        """A line in a file of this process's own: the judge of what was delivered how often."""
        self.folder.mkdir(exist_ok=True)
        with (self.folder / f"{os.getpid()}.txt").open("a") as file:
            file.write(draft.message_id + "\n")
        yield Outcome("sent", provider_id=f"p-{draft.message_id}")


def outlets(channel: TestChannel) -> Outlets:
    return Outlets({("main", "email"): channel}, {("main", "outbox_relay"): OutboxRelay(channel.folder)})


def accepted(folder: Path) -> list[str]:
    """What test channels accepted, over all processes."""
    return sorted(line for path in folder.glob("*.txt") for line in path.read_text().splitlines())


def test_messages_events_and_snapshots_go_out_and_stand_in_the_ledger(world: World) -> None:
    world.plan(DAY, 2)
    world.plan_events(DAY, 2, start=50)
    world.plan_snapshot(DAY, 3)
    summary = world.run()
    assert summary.outcomes == {"sent": 5}
    outbox = world.settings.outbox
    assert sorted(str(path.relative_to(outbox)) for path in outbox.rglob("*") if path.is_file()) == [
        f"events/outbox_relay/{DAY}.jsonl",
        f"messages/{DAY}/hello-{key_of(0)[:16]}.eml",
        f"messages/{DAY}/hello-{key_of(1)[:16]}.eml",
        f"segments/outbox_relay/main-loyal-{DAY}.jsonl",
    ]
    assert world.deliveries() == [
        (key_of(0), "sent", ""),
        (key_of(1), "sent", ""),
        ("outbox_relay:loyal:2026-07-10:main", "sent", ""),
        ("outbox_relay:recent_buyers000050", "sent", ""),
        ("outbox_relay:recent_buyers000051", "sent", ""),
    ]
    assert {state.state for _, state in world.states()} == {"sent"}


def test_a_delivery_row_holds_what_later_guards_compare(lite: World) -> None:
    lite.plan(DAY, 1)
    lite.run()
    with lite.ledger as ledger, ledger.reading() as connection:
        row = connection.execute(select(schema.deliveries)).one()
        batch = connection.execute(select(schema.batches)).one()
    assert (row.target, row.kind, row.merchant, row.contact_key) == (
        "rehearsal",
        "message",
        "main",
        "c000000",
    )
    assert (row.run_key, row.conversation, row.step) == ("c000000:0", "hello", "greet")
    assert (row.occurrence, row._mapping["pass"], row.channel) == (1, 1, "email")
    assert (row.event_id, row.order_number, row.due_on) == ("thank_you000000", "A0", DAY)
    assert row.batch == batch.id
    assert row.settled_at >= row.claimed_at
    assert row.provider_id == f"outbox:hello-{key_of(0)[:16]}.eml"


def test_running_twice_delivers_nothing_twice(world: World) -> None:
    world.plan(DAY, 3)
    world.plan_events(DAY, 2)
    world.run()
    before = {path: path.stat().st_mtime_ns for path in world.settings.outbox.rglob("*")}
    again = world.run()
    assert again.sent_count == 0
    assert {path: path.stat().st_mtime_ns for path in world.settings.outbox.rglob("*")} == before
    assert len(world.event_lines()) == 2


def test_a_day_that_grows_is_delivered_as_it_grows(world: World) -> None:
    world.plan(DAY, 2)
    assert world.run().sent_count == 2
    world.plan(DAY, 3, start=10)
    assert world.run().sent_count == 3
    assert len(world.mails()) == 5


def test_a_lost_outbox_and_a_lost_warehouse_send_nothing_again(lite: World) -> None:
    lite.plan(DAY, 2)
    lite.run()
    for path in lite.mails():
        path.unlink()
    lite.settings.warehouse_file.unlink()
    lite.make_tables()
    lite.plan(DAY, 2)
    assert lite.run().sent_count == 0
    assert lite.mails() == []


@pytest.mark.parametrize("chunk_size", [3, 100])
def test_two_processes_at_once_deliver_each_message_once(world: World, chunk_size: int, tmp_path: Path) -> None:
    count = 40
    world.plan(DAY, count)
    world.plan_events(DAY, count)
    world.seal()
    with ProcessPoolExecutor(2, mp_context=context()) as pool:
        given = (world.settings, tmp_path / "accepted", chunk_size)
        sent = list(pool.map(_send_in_a_process, [given] * 2))
    assert accepted(tmp_path / "accepted") == [key_of(number) for number in range(count)]
    assert sum(sent) == 2 * count
    events = [line["event_id"] for line in _lines(tmp_path / "accepted")]
    assert sorted(events) == [f"recent_buyers{number:06d}" for number in range(count)]
    assert world.states_of_deliveries() == {"sent": 2 * count}
    assert {state.state for _, state in world.states()} == {"sent"}


def _send_in_a_process(given: tuple[Settings, Path, int]) -> int:
    settings, folder, chunk_size = given
    world = World(settings)
    return world.send(outlets=outlets(TestChannel({}, folder)), chunk_size=chunk_size).sent_count


def _lines(folder: Path) -> list[dict[str, str]]:
    return [json.loads(line) for path in folder.rglob("*.jsonl") for line in path.read_text().splitlines()]


@pytest.mark.parametrize("killed_at", [0, 9])
def test_a_process_killed_between_claim_and_settle_leaves_unknown(world: World, killed_at: int, tmp_path: Path) -> None:
    world.plan(DAY, 10)
    world.seal()
    assert is_killed(_be_killed, world.settings, tmp_path / "accepted", killed_at)
    assert world.states_of_deliveries() == {"claimed": 10}

    # as long as the lease runs, another sender leaves the claims alone
    assert world.send(outlets=outlets(TestChannel({}, tmp_path / "accepted"))).sent_count == 0
    assert world.states_of_deliveries() == {"claimed": 10}
    assert world.state() == ("ready", "")

    summary = world.send(now=lambda: utc_now() + timedelta(hours=1))
    assert (summary.lapsed_count, summary.sent_count) == (10, 0)
    assert world.states_of_deliveries() == {"unknown": 10}
    assert {reason for _, _, reason in world.deliveries()} == {"lease_expired"}
    assert world.state() == ("sent", "")
    assert accepted(tmp_path / "accepted") == [key_of(number) for number in range(killed_at)]
    assert world.mails() == []


def _be_killed(settings: Settings, folder: Path, killed_at: int) -> None:
    World(settings).send(outlets=outlets(TestChannel({killed_at: signal.SIGKILL}, folder)))


def test_chunks_before_a_kill_are_settled(lite: World, tmp_path: Path) -> None:
    lite.plan(DAY, 10)
    lite.seal()
    assert is_killed(_be_killed_in_chunks, lite.settings, tmp_path / "accepted")
    assert lite.states_of_deliveries() == {"claimed": 4, "sent": 4}
    assert lite.send(now=lambda: utc_now() + timedelta(hours=1)).outcomes == {"sent": 2}
    assert lite.states_of_deliveries() == {"sent": 6, "unknown": 4}


def _be_killed_in_chunks(settings: Settings, folder: Path) -> None:
    World(settings).send(outlets=outlets(TestChannel({5: signal.SIGKILL}, folder)), chunk_size=4)


def test_the_kill_switch_of_the_settings_and_of_the_ledger(world: World) -> None:
    world.plan(DAY, 2)
    world.seal()
    assert world.with_settings(kill_switch=True).send().sent_count == 0
    with world.ledger as ledger:
        set_switch(ledger, "kill_switch", True)
    assert world.send().sent_count == 0
    assert world.deliveries() == []
    with world.ledger as ledger:
        set_switch(ledger, "kill_switch", False)
    assert world.send().sent_count == 2


def test_the_kill_switch_stops_a_sending_at_the_next_chunk(world: World, tmp_path: Path) -> None:
    world.plan(DAY, 9)
    world.seal()

    class Switch(TestChannel):
        def deliver(self, drafts: Iterable[EmailDraft]) -> Iterator[Outcome]:
            with world.ledger as ledger:
                set_switch(ledger, "kill_switch", True)
            yield from super().deliver(drafts)

    summary = world.send(outlets=outlets(Switch({}, tmp_path / "accepted")), chunk_size=3)
    assert summary.sent_count == 3
    assert summary.reports[0].problem == "kill_switch"
    assert world.states_of_deliveries() == {"sent": 3}


def test_a_paused_conversation_sends_nothing_and_is_old_when_it_goes_on(world: World) -> None:
    world.plan(DAY, 2)
    world.plan_events(DAY, 1)
    pause(world, "conversation", "hello")
    assert world.run().outcomes == {"sent": 1}  # the event
    assert world.state() == ("blocked", "paused")
    pause(world, "conversation", "hello", is_on=False)
    later = DAY + timedelta(days=3)
    assert world.send(today=later).sent_count == 0
    assert world.state(today=later) == ("waiting", "old")


def test_a_pause_of_two_days_holds_nothing_up_for_good(lite: World) -> None:
    lite.plan(DAY, 2)
    pause(lite, "conversation", "hello")
    lite.run()
    pause(lite, "conversation", "hello", is_on=False)
    assert lite.send(today=DAY + timedelta(days=2)).sent_count == 2


def test_of_a_batch_of_two_campaigns_the_paused_ones_rows_are_held(world: World) -> None:
    world.plan(DAY, 4)
    world.execute(
        "update external_events set campaign = 'second' where event_id in ('thank_you000000', 'thank_you000001')"
    )
    pause(world, "campaign", "second")
    assert world.run().outcomes == {"sent": 2, "held": 2}
    assert [key for key, _, _ in world.deliveries()] == [key_of(2), key_of(3)]
    assert world.state() == ("ready", "")
    pause(world, "campaign", "thank_you")
    assert world.state() == ("blocked", "paused")
    for name in ("second", "thank_you"):
        pause(world, "campaign", name, is_on=False)
    # the held rows never could go: by now they are old
    assert world.send(today=DAY + timedelta(days=3)).sent_count == 0
    assert world.state(today=DAY + timedelta(days=3)) == ("waiting", "old")
    world.approve()
    assert world.send(today=DAY + timedelta(days=3)).outcomes == {"sent": 2}


def test_a_paused_campaigns_events_reach_no_relay(lite: World) -> None:
    lite.plan_events(DAY, 2)
    pause(lite, "campaign", "recent_buyers")
    assert lite.run().sent_count == 0
    assert lite.event_lines() == []
    pause(lite, "campaign", "recent_buyers", is_on=False)
    assert lite.run().sent_count == 2


def test_the_more_important_conversation_goes_first(lite: World, tmp_path: Path) -> None:
    folder = lite.settings.conversations_dir / "important"
    shutil.copytree(lite.conversation_folder, folder)
    text = (folder / "conversation.yml").read_text().replace("conversation: hello", "conversation: important")
    (folder / "conversation.yml").write_text(text + "priority: 5\n")
    before = DAY - timedelta(days=1)
    lite.plan(before, 2)
    lite.plan(DAY, 2, start=10)
    lite.execute("update planned_messages set conversation = 'important' where due_on = ?", [DAY])
    lite.seal(before, DAY)
    channel = TestChannel({}, tmp_path / "accepted")
    lite.send(before, DAY, outlets=outlets(channel))
    (file,) = (tmp_path / "accepted").glob("*.txt")
    assert file.read_text().split() == [key_of(10), key_of(11), key_of(0, before), key_of(1, before)]


def test_a_held_out_contact_hears_nothing_whenever_it_is_asked(lite: World) -> None:
    file = lite.conversation_folder / "conversation.yml"
    file.write_text(file.read_text() + "hold_out: 0.5\n")
    lite.plan(DAY, 40)
    lite.run()
    held = {key_of(number) for number in range(40) if is_held_out(f"c{number:06d}", "hello", 0.5)}
    assert 8 < len(held) < 32
    assert {key for key, state, _ in lite.deliveries() if state == "sent"} == {key_of(one) for one in range(40)} - held
    assert {(state, reason) for key, state, reason in lite.deliveries() if key in held} == {("skipped", "hold_out")}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("sent", ("sent", "")),
        ("claimed", ("deferred", "earlier_pass_open")),
        ("failed", ("deferred", "earlier_pass_open")),
        ("skipped", ("skipped", "earlier_pass_not_sent")),
        ("unknown", ("skipped", "earlier_pass_not_sent")),
        (None, ("skipped", "earlier_pass_not_sent")),
    ],
)
def test_a_second_pass_goes_after_a_first_that_was_sent(
    world: World, state: str | None, expected: tuple[str, str]
) -> None:
    world.plan(DAY, 1)
    if state is not None:
        with world.ledger as ledger, ledger.writing() as connection:
            columns = {"target": "rehearsal", "key": "first", "kind": "message", "state": state, "claim": "before"}
            columns |= {"conversation": "hello", "run_key": "c000000:0", "step": "greet", "occurrence": 1, "pass": 1}
            moments = {"claimed_at": utc_now(), "lease_until": utc_now() + timedelta(hours=1)}
            connection.execute(insert(schema.deliveries).values(**columns, **moments, due_on=DAY - timedelta(days=7)))
    world.execute("update planned_messages set pass = 2")
    world.run()
    assert [found[1:] for found in world.deliveries() if found[0] == key_of(0)] == [expected]


def test_seed_addresses_get_one_proof_a_day_and_nothing_of_a_shopper(world: World) -> None:
    merchant = world.settings.merchants_dir / "main.yml"
    merchant.write_text(merchant.read_text() + "sending: {seeds: [Staff@example.com, desk@example.com]}\n")
    html = world.conversation_folder / "hello.txt.j2"
    html.write_text(html.read_text().replace(", {{ order.attributes.color }}", ""))
    world.plan(DAY, 2)
    assert world.run(chunk_size=1).outcomes == {"sent": 2}
    assert world.run().outcomes == {}
    world.plan(DAY, 1, start=10)
    world.run()
    proofs = [read_mail(path) for path in world.mails() if "staff@" in path.read_text() or "desk@" in path.read_text()]
    assert sorted(mail["To"] for mail in proofs) == ["desk@example.com", "staff@example.com"]
    assert {mail["Subject"] for mail in proofs} == {"[test] Hello Alex"}
    assert all("Ann" not in mail.as_string() and "person" not in mail.as_string() for mail in proofs)
    assert sum(key.startswith("seed:") for key, state, _ in world.deliveries() if state == "sent") == 2


def test_nothing_sent_no_proof(lite: World) -> None:
    merchant = lite.settings.merchants_dir / "main.yml"
    merchant.write_text(merchant.read_text() + "sending: {seeds: [staff@example.com]}\n")
    lite.plan(DAY, 1, status="canceled")
    lite.run()
    assert lite.mails() == []


def test_a_second_pass_looks_at_the_first_of_its_own_run(lite: World) -> None:
    file = lite.conversation_folder / "conversation.yml"
    file.write_text(file.read_text().replace("scope: order", "scope: contact"))
    lite.plan(DAY, 1)
    lite.execute("update planned_messages set pass = 2, run_key = 'c000000'")
    step = {"target": "rehearsal", "kind": "message", "conversation": "hello", "run_key": "c000000", "step": "greet"}
    moments = {"claimed_at": utc_now(), "lease_until": utc_now(), "claim": "before"}
    rows = [("run 1", "sent", "another event", 90), ("run 2", "skipped", "thank_you000000", 7)]
    with lite.ledger as ledger, ledger.writing() as connection:
        for key, state, event_id, days in rows:
            columns = step | {"key": key, "state": state, "event_id": event_id, "occurrence": 1, "pass": 1}
            row = columns | moments | {"due_on": DAY - timedelta(days=days)}
            connection.execute(insert(schema.deliveries).values(row))
    lite.run()
    assert (key_of(0), "skipped", "earlier_pass_not_sent") in lite.deliveries()


def test_an_order_that_has_no_address_any_more_is_not_written_about(lite: World) -> None:
    lite.plan(DAY, 1)
    lite.execute("update order_versions set contact_key = null, email = null")
    lite.run()
    assert lite.deliveries() == [(key_of(0), "skipped", "order_of_another_contact")]


def test_what_was_deferred_and_is_due_later_now_goes_then(world: World, tmp_path: Path) -> None:
    world.plan(DAY, 1)
    failing = outlets(TestChannel({0: Outcome("failed", "busy")}, tmp_path / "accepted"))
    assert world.run(outlets=failing).outcomes == {"failed": 1}
    later = DAY + timedelta(days=7)
    world.execute("update planned_messages set due_on = ?", [later])
    world.execute("update external_events set occurred_on = ?", [later])
    assert world.run(DAY, later, today=later).outcomes == {"sent": 1}


def test_what_was_in_time_before_a_pause_is_old_after_a_month_of_it(world: World) -> None:
    world.plan(DAY, 1)
    world.seal()
    pause(world, "conversation", "hello")
    month = DAY + timedelta(days=30)
    world.seal(today=DAY + timedelta(days=1))  # a run of the daily job while it is paused
    pause(world, "conversation", "hello", is_on=False)
    assert world.state(today=month) == ("waiting", "old")
    assert world.send(today=month).sent_count == 0


def test_the_same_after_a_month_of_the_kill_switch(lite: World) -> None:
    lite.plan(DAY, 1)
    lite.seal()
    lite.with_settings(kill_switch=True).seal(today=DAY + timedelta(days=1))
    assert lite.state(today=DAY + timedelta(days=30)) == ("waiting", "old")


def test_live_without_production_and_without_a_list_is_refused_and_loses_nothing(lite: World) -> None:
    lite.plan(DAY, 1)
    lite.seal()
    with pytest.raises(SendRefused, match=r"PP_ALLOWED_RECIPIENTS .* PP_ENVIRONMENT=production"):
        lite.with_settings(live=True).send()
    assert lite.deliveries() == []


def test_two_passes_due_in_one_sending_go_one_after_the_other(lite: World) -> None:
    before = DAY - timedelta(days=1)
    lite.plan(before, 1)
    lite.plan(DAY, 1)
    lite.execute("update planned_messages set pass = 2 where due_on = ?", [DAY])
    assert lite.run(before, DAY).outcomes == {"sent": 2}


def test_a_version_sealed_meanwhile_stops_the_older_one_at_the_next_chunk(world: World, tmp_path: Path) -> None:
    world.plan(DAY, 9)
    world.seal()

    class Correction(TestChannel):
        def deliver(self, drafts: Iterable[EmailDraft]) -> Iterator[Outcome]:
            world.execute("delete from planned_messages where order_number >= 'A5'")
            world.seal()
            yield from super().deliver(drafts)

    summary = world.send(outlets=outlets(Correction({}, tmp_path / "accepted")), chunk_size=3)
    assert (summary.sent_count, summary.reports[0].problem) == (3, "superseded")
    assert world.send().sent_count == 2
    assert world.states_of_deliveries() == {"sent": 5}


def test_a_plan_that_is_not_what_was_sealed_is_not_sent(world: World) -> None:
    world.plan(DAY, 2)
    world.seal()
    world.plan(DAY, 1, start=10)
    summary = world.send()
    assert (summary.sent_count, summary.reports[0].problem) == (0, "changed")
    assert world.deliveries() == []
    assert world.run().sent_count == 3


def test_a_failure_is_tried_again_and_nothing_else_is(world: World, tmp_path: Path) -> None:
    world.plan(DAY, 4)
    world.seal()
    folder = tmp_path / "accepted"
    refused = {
        1: Outcome("failed", "refused"),
        2: Outcome("unknown", "time_out"),
        3: Outcome("deferred", "busy"),
    }
    first = world.send(outlets=outlets(TestChannel({**refused}, folder)))
    assert first.outcomes == {"sent": 1, "failed": 1, "unknown": 1, "deferred": 1}
    assert first.reports[0].outcomes["failed: refused"] == 1
    assert world.state() == ("ready", "")
    second = world.send(outlets=outlets(TestChannel({}, folder)))
    assert second.outcomes == {"sent": 2}
    assert accepted(folder) == [key_of(0), key_of(1), key_of(3)]
    assert world.states_of_deliveries() == {"sent": 3, "unknown": 1}
    assert world.state() == ("sent", "")


def test_a_failure_is_given_up_after_three_days(world: World, tmp_path: Path) -> None:
    world.plan(DAY, 1)
    world.seal()
    refusing = outlets(TestChannel({place: Outcome("failed", "refused") for place in range(9)}, tmp_path / "a"))
    for days in range(4):
        assert world.send(outlets=refusing, today=DAY + timedelta(days=days)).outcomes == {"failed": 1}
    assert world.send(outlets=refusing, today=DAY + timedelta(days=4)).outcomes == {}
    assert world.deliveries() == [(key_of(0), "skipped", "given_up: refused")]
    assert world.state(today=DAY + timedelta(days=4)) == ("sent", "")


def test_a_permanent_rejection_is_final(lite: World, tmp_path: Path) -> None:
    lite.plan(DAY, 1)
    lite.seal()
    lite.send(outlets=outlets(TestChannel({0: Outcome("skipped", "no_such_address")}, tmp_path / "a")))
    assert lite.send().sent_count == 0
    assert lite.deliveries() == [(key_of(0), "skipped", "no_such_address")]


def test_a_channel_that_breaks_leaves_unknown_and_is_asked_no_more(world: World, tmp_path: Path) -> None:
    world.plan(DAY, 5)
    world.plan_snapshot(DAY, 1)
    world.seal()
    broken = outlets(TestChannel({1: OSError("person1@example.com")}, tmp_path / "accepted"))
    summary = world.send(outlets=broken, chunk_size=3)
    assert [(report.batch.id.kind, report.problem) for report in summary.reports] == [
        ("messages", "outlet: OSError"),
        ("snapshot", ""),
    ]
    assert world.deliveries() == [
        (key_of(0), "sent", ""),
        (key_of(1), "unknown", "interrupted"),
        (key_of(2), "deferred", "interrupted"),
        (f"outbox_relay:loyal:{DAY}:main", "sent", ""),
    ]
    assert world.send().outcomes == {"sent": 3}


def test_an_interrupted_sending_settles_what_it_knows(lite: World, tmp_path: Path) -> None:
    lite.plan(DAY, 3)
    lite.seal()
    channel = TestChannel({1: signal.SIGINT, 2: 0.5}, tmp_path / "accepted")
    with pytest.raises(KeyboardInterrupt):
        lite.send(outlets=outlets(channel))
    assert [state for _, state, _ in lite.deliveries()] == ["sent", "unknown", "deferred"]
    assert lite.send().outcomes == {"sent": 1}


def test_an_outlet_that_nobody_configured_is_a_failure(lite: World) -> None:
    lite.plan(DAY, 1)
    lite.seal()
    assert lite.send(outlets=Outlets({}, {})).outcomes == {"failed": 1}
    assert lite.send().outcomes == {"sent": 1}


def test_a_slow_channel_loses_its_lease_and_delivers_no_more(lite: World, tmp_path: Path) -> None:
    lite.plan(DAY, 3)
    lite.seal()
    slow = outlets(TestChannel({1: 0.6}, tmp_path / "accepted"))
    summary = lite.send(outlets=slow, lease=timedelta(seconds=0.5))
    assert summary.reports[0].problem == "lease_expired"
    assert accepted(tmp_path / "accepted") == [key_of(0), key_of(1)]
    assert lite.states_of_deliveries() == {"sent": 2, "deferred": 1}


def test_who_delivered_knows_better_than_a_lease_that_ran_out(world: World, tmp_path: Path) -> None:
    world.plan(DAY, 1)
    world.seal()

    class Overtaken(TestChannel):
        def deliver(self, drafts: Iterable[EmailDraft]) -> Iterator[Outcome]:
            world.send(now=lambda: utc_now() + timedelta(hours=1))
            assert world.states_of_deliveries() == {"unknown": 1}
            yield from super().deliver(drafts)

    world.send(outlets=outlets(Overtaken({}, tmp_path / "accepted")))
    assert world.states_of_deliveries() == {"sent": 1}


def test_a_render_error_skips_one_and_not_the_others(world: World) -> None:
    world.plan(DAY, 2)
    world.plan(DAY, 1, start=7, attributes="{}")  # the template prints the colour
    summary = world.run()
    assert summary.outcomes == {"sent": 2, "skipped": 1}
    assert world.deliveries()[-1] == (key_of(7), "skipped", "render_error: hello/hello: UndefinedError")
    assert len(world.mails()) == 2
    assert world.run().sent_count == 0


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({"currency": None}, "render_error: hello/hello: TemplateRuntimeError"),
        ({"attributes": '{"color": null}'}, "render_error: hello/hello: TemplateRuntimeError"),
    ],
)
def test_a_message_with_a_hole_is_never_sent(lite: World, order: dict[str, Any], reason: str) -> None:
    lite.plan(DAY, 1, **order)
    lite.run()
    assert [row[1:] for row in lite.deliveries()] == [("skipped", reason)]
    assert lite.mails() == []


def test_reasons_and_problems_hold_no_personal_data(lite: World) -> None:
    template = lite.conversation_folder / "hello.txt.j2"
    template.write_text(template.read_text().replace("{{ order.attributes.color }}", "{{ contact.email.nothing() }}"))
    lite.plan(DAY, 2)
    summary = lite.run()
    assert summary.outcomes == {"skipped": 2}
    assert "person" not in str(summary)
    assert "@" not in str(lite.deliveries())


def test_templates_cannot_leave_the_sandbox(lite: World) -> None:
    template = lite.conversation_folder / "hello.txt.j2"
    escape = "{{ order.attributes.__class__.__mro__ }}"
    template.write_text(template.read_text().replace("{{ order.attributes.color }}", escape))
    lite.plan(DAY, 1)
    lite.run()
    assert [row[1:] for row in lite.deliveries()] == [("skipped", "render_error: hello/hello: SecurityError")]


@pytest.mark.parametrize(
    ("suppression", "sent"),
    [
        ({"channel": "", "kind": ""}, 1),
        ({"channel": "email", "kind": "commercial"}, 1),
        ({"channel": "email", "kind": "transactional"}, 2),
        ({"channel": "sms", "kind": ""}, 2),
    ],
)
def test_a_suppressed_contact_is_skipped(world: World, suppression: dict[str, str], sent: int) -> None:
    world.plan(DAY, 2)
    _suppress(world, "c000001", **suppression)
    world.run()
    assert len(world.mails()) == sent
    if sent == 1:
        assert world.deliveries()[1] == (key_of(1), "skipped", "suppressed")


def test_a_suppressed_contact_reaches_no_relay(lite: World) -> None:
    lite.plan_events(DAY, 2)
    lite.plan_snapshot(DAY, 2)
    _suppress(lite, "c000001", channel="", kind="")
    lite.run()
    assert [line["contact_key"] for line in lite.event_lines()] == ["c000000"]
    members = lite.settings.outbox / "segments" / "outbox_relay" / f"main-loyal-{DAY}.jsonl"
    assert "c000000" in members.read_text()
    assert "c000001" not in members.read_text()


def _suppress(world: World, contact_key: str, **columns: str) -> None:
    with world.ledger as ledger, ledger.writing() as connection:
        connection.execute(
            insert(schema.suppressions).values(
                contact_key=contact_key, reason="test", created_at=datetime(2026, 7, 1, tzinfo=UTC), **columns
            )
        )


def test_an_order_canceled_since_is_not_written_about(world: World) -> None:
    world.plan(DAY, 2)
    world.seal()
    world.execute(
        "insert into order_versions (merchant, order_number, known_on, contact_key, status) values"
        " ('main', 'A0', ?, 'c000000', 'canceled'), ('main', 'A1', ?, 'c000001', 'returned')",
        (DAY + timedelta(days=1), DAY + timedelta(days=1)),
    )
    world.send(today=DAY + timedelta(days=1))
    assert world.deliveries() == [(key_of(0), "skipped", "exit_when: canceled"), (key_of(1), "sent", "")]


def test_an_order_of_another_contact_is_not_written_about(lite: World) -> None:
    lite.plan(DAY, 1)
    lite.seal()
    lite.execute(
        "insert into order_versions (merchant, order_number, known_on, contact_key, status)"
        " values ('main', 'A0', ?, 'c9', 'shipped')",
        (DAY + timedelta(days=1),),
    )
    lite.send(today=DAY + timedelta(days=1))
    assert lite.deliveries() == [(key_of(0), "skipped", "order_of_another_contact")]


def test_a_message_shows_the_order_as_it_was_known_that_day(lite: World) -> None:
    lite.plan(DAY, 1)
    lite.execute(
        "insert into order_versions select merchant, order_number, ?, contact_key, email, ordered_on,"
        " ship_date, status, 999, currency, attributes, 0, 0, true, order_file, order_file_line from order_versions",
        (DAY + timedelta(days=1),),
    )
    lite.run(today=DAY + timedelta(days=1))
    assert "$1,234.56, blue" in _text(lite.mails()[0])


def test_another_secret_sends_nothing(world: World) -> None:
    world.plan(DAY, 2)
    world.run()
    world.plan(DAY, 1, start=10)
    other = world.with_settings(secret="another secret of many characters")
    other.seal()
    with pytest.raises(SendRefused, match=r"nothing was read or sent: the contact secret .* PP_SECRET"):
        other.send()
    assert len(world.mails()) == 2
    assert world.send().sent_count == 1


def test_a_mail_is_complete_and_the_same_each_time(lite: World) -> None:
    lite.plan(DAY, 1)
    lite.run()
    path = lite.mails()[0]
    mail = read_mail(path)
    assert mail["From"] == "Corner Shop <shop@example.com>"
    assert mail["To"] == "person0@example.com"
    assert mail["Subject"] == "Hello Ann"
    assert mail["Date"] == "Fri, 10 Jul 2026 12:00:00 +0000"
    assert mail["Message-ID"] == f"<{key_of(0)}@example.com>"
    link = mail["List-Unsubscribe"].strip("<>")
    assert link.startswith("https://example.com/unsubscribe?c=c000000.")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    text, html = (part.get_content() for part in mail.iter_parts())
    assert link in text
    assert link in html
    assert "1 Corner Street" in text
    assert "Fish &amp; &lt;Chips&gt;" in html
    assert b"List-Unsubscribe: <" + link.encode() + b">\r\n" in path.read_bytes()
    again = World.make(path.parent / "again", secret=lite.settings.secret_file.read_text().strip())
    again.plan(DAY, 1)
    again.run()
    assert again.mails()[0].read_bytes() == path.read_bytes()


def test_a_transactional_mail_needs_no_unsubscribe_link(lite: World) -> None:
    file = lite.conversation_folder / "conversation.yml"
    file.write_text("kind: transactional\n" + file.read_text())
    lite.plan(DAY, 1)
    lite.run()
    assert read_mail(lite.mails()[0])["List-Unsubscribe"] is None


@pytest.mark.parametrize(("header", "greeting"), [("Bcc: everybody", "Hello Ann Bcc:"), ("Bcc:x@example.com", "Hello")])
def test_a_name_cannot_add_a_header(lite: World, header: str, greeting: str) -> None:
    lite.plan(DAY, 1, attributes=json.dumps({"color": "blue", "first_name": f"Ann\r\n{header}"}))
    lite.run()
    mail = read_mail(lite.mails()[0])
    assert mail["Bcc"] is None
    assert mail["Subject"].startswith(greeting)


@pytest.mark.parametrize("address", ["no address", "päm@example.com", "a@b@c", "x@example.com\nBcc: y@example.com"])
def test_an_address_that_cannot_be_used_skips_its_message(lite: World, address: str) -> None:
    lite.plan(DAY, 2)
    lite.execute("update external_events set email = ? where order_number = 'A0'", (address,))
    lite.run()
    assert lite.deliveries() == [(key_of(0), "skipped", "address_not_usable"), (key_of(1), "sent", "")]


def test_a_message_without_address_is_skipped(lite: World) -> None:
    lite.plan(DAY, 1)
    lite.execute("delete from external_events")
    lite.run()
    assert lite.deliveries() == [(key_of(0), "skipped", "no_address")]


def test_an_outbox_that_cannot_be_written_fails_and_is_tried_again(lite: World) -> None:
    lite.plan(DAY, 1)
    lite.plan_events(DAY, 1)
    lite.plan_snapshot(DAY, 1)
    lite.seal()
    lite.settings.outbox.write_text("a file where the folder should be")
    assert lite.send().outcomes == {"failed": 3}
    lite.settings.outbox.unlink()
    assert lite.send().outcomes == {"sent": 3}


def test_a_torn_line_does_not_take_the_next_event_with_it(lite: World) -> None:
    path = lite.settings.outbox / "events" / "outbox_relay" / f"{DAY}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text('{"event_id": "torn')
    lite.plan_events(DAY, 1)
    lite.run()
    assert len(path.read_text().splitlines()) == 2
    assert '"recent_buyers000000"' in path.read_text().splitlines()[1]


def test_events_and_messages_of_unknown_merchants_and_conversations_wait(lite: World) -> None:
    lite.plan(DAY, 1)
    lite.plan(DAY, 1, start=10)
    lite.plan(DAY, 1, start=20)
    lite.execute("update planned_messages set merchant = 'other' where order_number = 'A10'")
    lite.execute("update planned_messages set conversation = 'gone' where order_number = 'A20'")
    summary = lite.run()
    assert sorted(report.problem for report in summary.reports) == ["", "no_conversation", "no_merchant_file"]
    assert summary.sent_count == 1


def test_a_future_day_is_not_sent_early(lite: World) -> None:
    tomorrow = DAY + timedelta(days=1)
    lite.plan(tomorrow, 1)
    lite.seal(tomorrow, tomorrow, today=DAY)
    assert lite.send(tomorrow, tomorrow, today=DAY).sent_count == 0
    assert lite.send(tomorrow, tomorrow, today=tomorrow).sent_count == 1


def test_many_days_are_sent_in_one_go_and_show_progress(lite: World) -> None:
    lite.plan_days(DAY, 5, 2)
    first = DAY - timedelta(days=5)
    lite.seal(first, DAY, today=DAY)
    with lite.ledger as ledger:
        for batch in newest_batches(ledger, Gates(lite.settings, ledger), first, DAY):
            approve(ledger, lite.settings, batch.hash, "ann")
        seen: list[tuple[int, int]] = []
        merchants = load_merchants(lite.settings)
        sender = Sender(lite.settings, ledger, lite.warehouse, make_outlets(lite.settings, merchants), chunk_size=2)
        summary = sender.send(first, DAY, DAY, lambda done, total: seen.append((done, total)))
    assert summary.sent_count == 10
    assert seen == [(2, 10), (4, 10), (6, 10), (8, 10), (10, 10)]


def test_the_warehouse_is_closed_while_delivering(lite: World, tmp_path: Path) -> None:
    lite.plan(DAY, 1)
    lite.seal()

    class Reader(TestChannel):
        def deliver(self, drafts: Iterable[EmailDraft]) -> Iterator[Outcome]:
            with lite.warehouse.connect() as connection:
                assert connection.rows("select count(*) from planned_messages") == [(1,)]
            yield from super().deliver(drafts)

    assert lite.send(outlets=outlets(Reader({}, tmp_path / "accepted"))).sent_count == 1


def test_a_delivery_resolved_by_a_person_is_not_changed_by_a_late_sender(lite: World, tmp_path: Path) -> None:
    lite.plan(DAY, 1)
    lite.seal()

    class Resolved(TestChannel):
        def deliver(self, drafts: Iterable[EmailDraft]) -> Iterator[Outcome]:
            with Ledger(lite.settings) as ledger, ledger.writing() as connection:
                connection.execute(update(schema.deliveries).values(state="unknown", reason="looked into"))
            yield from super().deliver(drafts)

    lite.send(outlets=outlets(Resolved({}, tmp_path / "accepted")))
    assert lite.deliveries() == [(key_of(0), "unknown", "looked into")]


def test_the_outbox_counts_as_rehearsal(lite: World) -> None:
    assert OutboxChannel(lite.settings.outbox).target == "rehearsal"
    assert OutboxRelay(lite.settings.outbox).target == "rehearsal"


def _text(path: Path) -> str:
    part = read_mail(path).get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def test_a_warehouse_on_postgresql_is_sealed_and_sent_alike(
    tmp_path: Path, postgres_database: PostgresDatabase
) -> None:
    outcomes = []
    for name, settings in (
        ("duckdb", {}),
        ("postgres", {"target": "postgres", "warehouse_url": postgres_database.url}),
    ):
        world = World.make(tmp_path / name, secret="a secret of enough characters", **settings)
        world.plan(DAY, 12)
        world.plan(DAY + timedelta(days=1), 3, start=20)
        world.plan_events(DAY, 11)
        world.plan_snapshot(DAY, 12)
        world.seal(DAY, DAY + timedelta(days=1), today=DAY + timedelta(days=1))
        summary = world.send(DAY, DAY + timedelta(days=1), today=DAY + timedelta(days=1))
        files = {
            str(path.relative_to(world.settings.outbox)): path.read_bytes()
            for path in world.settings.outbox.rglob("*")
            if path.is_file()
        }
        world.execute("delete from planned_messages where order_number = 'A3'")
        sealed = world.seal().sealed
        outcomes.append(
            (
                [(report.batch.hash, dict(report.outcomes)) for report in summary.reports],
                files,
                [(batch.hash, batch.version, batch.sent_count, batch.unplanned_count) for batch in sealed],
            )
        )
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][2][0][1:] == (2, 11, 1)


def test_a_message_whose_event_stands_on_two_days_goes_once(world: World) -> None:
    """A day that was rebuilt alone may leave an event's row on another day too."""
    world.plan(DAY, 2)
    world.execute("insert into external_events select * from external_events")
    world.seal()
    assert world.send().sent_count == 2
    assert len(world.mails()) == 2
    assert world.state() == ("sent", "")


def test_a_step_that_went_under_another_id_does_not_go_again(world: World) -> None:
    """A correction changed what the run is about: another entry event, another message id, the same order."""
    world.plan(DAY, 1)
    world.run()
    world.execute("update planned_messages set message_id = 'another'")
    world.run()
    assert len(world.mails()) == 1
    assert [each[1:] for each in world.deliveries() if each[0] == "another"] == [("skipped", "sent_under_another_id")]
