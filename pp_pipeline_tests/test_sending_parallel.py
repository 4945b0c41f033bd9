"""Senders side by side, plans that change under them, and clocks that jump: each delivery once all the same."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import func, select

from pp_pipeline.defs.jobs import SENDING
from pp_pipeline.ledger.schema import claims, deliveries
from pp_pipeline.sending.known_secret import SendRefused
from pp_pipeline.sending.outlets.outlet import EmailDraft, Outcome
from pp_pipeline.settings import Settings, utc_now
from pp_pipeline_tests.dagster_home import Installation, install, instance_of
from pp_pipeline_tests.killing import context
from pp_pipeline_tests.sending_world import DAY, World, key_of
from pp_pipeline_tests.smtp_server import SmtpServer
from pp_pipeline_tests.test_roads import live_world
from pp_pipeline_tests.test_sending import TestChannel, accepted, outlets
from pp_pipeline_tests.webhook_server import WebhookServer

SENDERS = 4


def in_processes(work: Callable[..., None], *given: object, count: int = SENDERS) -> None:
    """Let some processes do the same at once, and wait for them."""
    processes = [context().Process(target=work, args=given) for _ in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * count


def _send(settings: Settings, chunk_size: int) -> None:
    World(settings).send(chunk_size=chunk_size)


@pytest.mark.parametrize("chunk_size", [7, 100])
def test_four_senders_at_once_deliver_each_message_and_event_once(world: World, chunk_size: int) -> None:
    """Every contact gets four messages, so claims wait for each other in whatever order they come."""
    count = 400 if world.settings.ledger_url.startswith("postgresql") else 100
    world.plan(DAY, count // 2)
    world.plan_events(DAY, count // 2, start=1_000)
    for table in ("planned_messages", "external_events", "order_versions"):
        world.execute(f"update {table} set contact_key = 'c' || (cast(substr(order_number, 2) as integer) % 50)")
    with SmtpServer() as mail, WebhookServer() as platform:
        live = live_world(world, mail.port, platform.url)
        live.seal()
        in_processes(_send, live.settings, chunk_size)
        mail.wait_for_silence()
        platform.wait_for_silence()
    assert Counter(each.message_id for each in mail.accepted) == {key_of(number): 1 for number in range(count // 2)}
    assert Counter(each.key for each in platform.accepted) == {
        f"outbox_relay:recent_buyers{number:06d}": 1 for number in range(1_000, 1_000 + count // 2)
    }
    assert live.states_of_deliveries() == {"sent": count}
    with live.ledger as ledger, ledger.reading() as connection:
        assert connection.scalar(select(func.sum(claims.c.delivery_count))) == count  # none was claimed twice
    assert {state.state for _, state in live.states()} == {"sent"}


@dataclass(frozen=True)
class Halting:
    """A channel that stops at a message until it is told to go on, and writes down what it is given."""

    folder: Path
    at: int
    reached: Event
    go_on: Event
    target: str = "rehearsal"

    def deliver(self, drafts: Iterable[EmailDraft]) -> Iterator[Outcome]:
        channel = TestChannel({}, self.folder)
        for place, draft in enumerate(drafts):
            if place == self.at:
                self.reached.set()
                self.go_on.wait()
            yield from channel.deliver([draft])


def _send_haltingly(settings: Settings, folder: Path, reached: Event, go_on: Event) -> None:
    channel = Halting(folder, 1, reached, go_on)
    World(settings).send(outlets=outlets(channel), chunk_size=3)  # type: ignore[arg-type]


def test_a_plan_that_is_rebuilt_during_a_send_stops_the_old_one(world: World, tmp_path: Path) -> None:
    """A correction takes three messages out, of which one has just gone, and adds two."""
    folder = tmp_path / "accepted"
    world.plan(DAY, 9)
    world.seal()
    reached, go_on = context().Event(), context().Event()
    process = context().Process(target=_send_haltingly, args=(world.settings, folder, reached, go_on))
    process.start()
    assert reached.wait(60)
    world.execute("delete from planned_messages where order_number in ('A0', 'A4', 'A8')")
    world.plan(DAY, 2, start=20)
    (sealed,) = world.seal().sealed
    assert (sealed.version, sealed.row_count) == (2, 8)
    assert world.send(outlets=outlets(TestChannel({}, folder)), chunk_size=3).outcomes == {"sent": 6}
    go_on.set()
    process.join()
    assert process.exitcode == 0
    assert accepted(folder) == sorted(key_of(number) for number in [0, 1, 2, 3, 5, 6, 7, 20, 21])
    assert world.states_of_deliveries() == {"sent": 9}
    world.send()  # the sender that was held up had the first three in hand when the new version was looked at
    assert world.state() == ("sent", "")
    assert world.mails() == []


CLOCKS = {"back two hours": timedelta(hours=-2), "on a day": timedelta(days=1), "back a day": timedelta(days=-1)}


@pytest.mark.parametrize("jump", CLOCKS.values(), ids=CLOCKS.keys())
@pytest.mark.parametrize("at", [1, 4])
def test_a_clock_that_jumps_in_the_middle_sends_nothing_twice(
    world: World, tmp_path: Path, jump: timedelta, at: int
) -> None:
    """It jumps while a message is delivered: a lease that seems over at most leaves the rest for another time."""
    folder, ahead = tmp_path / "accepted", [timedelta(0)]

    class Jumping(TestChannel):
        def deliver(self, drafts: Iterable[EmailDraft]) -> Iterator[Outcome]:
            for draft in drafts:
                if self.count == at:
                    ahead[0] = jump
                yield from super().deliver([draft])

    world.plan(DAY, 8)
    world.seal()
    channel = outlets(Jumping({}, folder))
    world.send(outlets=channel, chunk_size=3, now=lambda: utc_now() + ahead[0])
    assert set(world.states_of_deliveries()) <= {"sent", "deferred"}
    for clock in (timedelta(hours=-3), timedelta(0), timedelta(days=2)):
        world.send(outlets=channel, chunk_size=3, now=lambda at=clock: utc_now() + at)
    assert accepted(folder) == [key_of(number) for number in range(8)]
    assert world.states_of_deliveries() == {"sent": 8}


@pytest.mark.parametrize("jump", CLOCKS.values(), ids=CLOCKS.keys())
def test_a_clock_that_jumps_between_sendings_breaks_no_promise(world: World, tmp_path: Path, jump: timedelta) -> None:
    """What was asked to wait waits by the clock there is; what another sender holds is `unknown` at worst."""
    folder, wait = tmp_path / "accepted", timedelta(hours=6)
    world.plan(DAY, 3)
    world.seal()
    busy = TestChannel({1: Outcome("failed", "busy", retry_after=wait)}, folder)

    class Overtaken(TestChannel):
        def deliver(self, drafts: Iterable[EmailDraft]) -> Iterator[Outcome]:
            world.send(now=lambda: utc_now() + jump, outlets=outlets(TestChannel({}, folder / "other")))
            yield from busy.deliver(drafts)

    world.send(outlets=outlets(Overtaken({}, folder)))
    assert world.states_of_deliveries() == {"failed": 1, "sent": 2}
    again = outlets(TestChannel({}, folder))
    assert world.send(outlets=again, now=lambda: utc_now() + jump).sent_count == (jump > wait)
    world.send(outlets=again, now=lambda: utc_now() + timedelta(days=1))
    assert accepted(folder) == [key_of(number) for number in range(3)]
    assert not (folder / "other").exists()
    with world.ledger as ledger, ledger.reading() as connection:
        assert set(connection.scalars(select(deliveries.c.state))) == {"sent"}


def test_a_lost_secret_sends_nothing_until_it_is_back(world: World) -> None:
    """A new one would be made in its place, with contact keys that no suppression is found by."""
    world.plan(DAY, 2)
    assert world.run().sent_count == 2
    secret = world.settings.secret_file.read_bytes()
    world.settings.secret_file.unlink()
    world.plan(DAY, 1, start=10)
    world.seal()
    with pytest.raises(SendRefused, match=r"Restore secret\.key"):
        world.send()
    assert len(world.deliveries()) == len(world.mails()) == 2
    world.settings.secret_file.write_bytes(secret)
    assert world.send().sent_count == 1


@pytest.fixture
def shop(tmp_path: Path) -> Installation:
    """An installation with Dagster, and a plan that is written by hand and sealed for today."""
    made = World.make(tmp_path / "world")
    installation = install(tmp_path, today=DAY)
    for name in ("merchants", "conversations"):
        target = installation.settings.checkout / "pp_pipeline" / name
        source = made.settings.checkout / "pp_pipeline" / name
        for path in source.rglob("*.*"):
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(path.read_text())
    installation.settings.home.mkdir(exist_ok=True)
    planned = World(installation.settings)
    planned.make_tables()
    planned.plan(DAY, 40)
    planned.seal()
    return installation


def _run_sending(settings: Settings, day: date, is_killed: bool) -> None:
    """A run process of the sending job; it may die when the asset has sent, before Dagster hears of it."""
    import os
    import signal

    from pp_pipeline.defs.sending import assets

    original = assets.send

    def dying(*given: object, **named: object) -> None:
        original(*given, **named)  # type: ignore[arg-type]
        os.kill(os.getpid(), signal.SIGKILL)

    if is_killed:
        assets.send = dying
    installation = Installation(settings)
    with instance_of(installation) as instance:
        assert installation.run(SENDING, day, day, instance).success


def sensor_days(installation: Installation, instance: dg.DagsterInstance) -> list[tuple[str | None, str | None]]:
    """What one evaluation of the batch sensor asks for: run keys and partitions."""
    definitions = installation.definitions()
    tick = dg.build_sensor_context(instance=instance, definitions=definitions)
    found = definitions.resolve_sensor_def("batch_sensor").evaluate_tick(tick).run_requests or []
    return [(request.run_key, request.partition_key) for request in found]


@pytest.mark.heavy
def test_two_sensors_and_two_runs_of_one_day_send_it_once(shop: Installation) -> None:
    with instance_of(shop) as instance:
        first, second = sensor_days(shop, instance), sensor_days(shop, instance)
        assert first == second, "one run key: Dagster itself launches it once"
        assert [partition for _, partition in first] == [str(DAY)]
    in_processes(_run_sending, shop.settings, DAY, False, count=2)
    world = World(shop.settings)
    assert len(world.mails()) == 40
    assert world.states_of_deliveries() == {"sent": 40}
    with instance_of(shop) as instance:
        assert sensor_days(shop, instance) == []


@pytest.mark.heavy
def test_a_run_that_died_before_dagster_heard_of_it_sends_nothing_again(shop: Installation) -> None:
    process = context().Process(target=_run_sending, args=(shop.settings, DAY, True))
    process.start()
    process.join()
    assert process.exitcode == -9
    world = World(shop.settings)
    mails = {path.name: path.stat().st_mtime_ns for path in world.mails()}
    assert len(mails) == 40
    with instance_of(shop) as instance:
        assert instance.get_latest_materialization_event(dg.AssetKey("deliveries")) is None
        assert sensor_days(shop, instance) == []
        assert shop.run(SENDING, DAY, DAY, instance).success
        event = instance.get_latest_materialization_event(dg.AssetKey("deliveries"))
        assert event is not None
    assert {path.name: path.stat().st_mtime_ns for path in world.mails()} == mails
    assert world.states_of_deliveries() == {"sent": 40}
