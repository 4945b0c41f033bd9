"""What was deferred is asked for again when its time has come, and not before (DESIGN 5)."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pp_pipeline.defs.location import Location
from pp_pipeline.defs.sending import sensors
from pp_pipeline.sending.outlets.outbox import OutboxRelay
from pp_pipeline.sending.outlets.outlet import Outcome, Outlets
from pp_pipeline.sending.planned import PlannedEvent
from pp_pipeline_tests.guard_worlds import NOON
from pp_pipeline_tests.sending_world import DAY, World
from pp_pipeline_tests.test_sending import TestChannel, outlets

THREE, SIX = NOON + timedelta(hours=3), NOON + timedelta(hours=6)


@dataclass
class Desk:
    """An installation with its sensor, asked at some time."""

    world: World
    instance: dg.DagsterInstance
    set_clock: Callable[[datetime], None]

    def ask(self, at: datetime) -> list[str] | str:
        """The run keys that the sensor asks for, or why it asks for nothing."""
        self.set_clock(at)
        (sensor,) = sensors.sensors(Location(self.world.settings))
        answer: Any = sensor(dg.build_sensor_context(instance=self.instance))
        if isinstance(answer, dg.SkipReason):
            return answer.skip_message or ""
        return [request.run_key for request in answer]

    def end_run(self, run_key: str) -> None:
        """A run that was asked for has ended."""
        tags = {"pp/batches": run_key.rpartition("-")[0]}
        run = dg.DagsterRun(job_name=sensors.SENDING, tags=tags, status=dg.DagsterRunStatus.SUCCESS)
        self.instance.add_run(run)

    def send(self, at: datetime, *answers: Outcome) -> None:
        """Seal and send, with a channel that answers so."""
        channel = TestChannel(dict(enumerate(answers)), self.world.settings.home / "accepted")
        self.world.run(now=lambda: at, outlets=outlets(channel))


@pytest.fixture(params=["sqlite", "postgres"])
def desk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """On both ledgers."""
    is_team = request.param == "postgres"
    url = {"ledger_url": request.getfixturevalue("postgres_database").url} if is_team else {}
    world = World.make(tmp_path, **url)
    monkeypatch.setattr(Location, "today", lambda _location: DAY)
    with dg.DagsterInstance.ephemeral() as instance:
        yield Desk(world, instance, lambda at: monkeypatch.setattr(sensors, "utc_now", lambda: at))


class BusyRelay(OutboxRelay):
    """Takes nothing before three o'clock."""

    def deliver_events(self, events: Iterable[PlannedEvent]) -> Iterator[Outcome]:
        return iter([later_by(THREE) for _ in events])


def later_by(until: datetime) -> Outcome:
    return Outcome("deferred", "quiet_hours", retry_after=until - NOON)


def test_a_batch_that_sleeps_is_asked_for_when_the_first_of_it_wakes(desk: Desk) -> None:
    desk.world.plan(DAY, 2)
    desk.send(NOON, later_by(SIX), later_by(THREE))
    assert "what is left of 1 is deferred" in desk.ask(NOON)
    assert "deferred" in desk.ask(THREE - timedelta(seconds=1))
    (first,) = desk.ask(THREE)
    desk.end_run(first)
    desk.send(THREE)  # the one that woke
    assert "deferred" in desk.ask(THREE)
    (second,) = desk.ask(SIX)
    assert second.rpartition("-")[0] != first.rpartition("-")[0]
    desk.send(SIX)
    assert "what is left of 0" in desk.ask(SIX)


def test_what_was_tried_ten_times_before_it_was_deferred_is_asked_for_again(desk: Desk) -> None:
    desk.world.plan(DAY, 1)
    desk.send(NOON, Outcome("failed", "busy"))
    for _ in range(sensors.MAX_ATTEMPTS):
        (key,) = desk.ask(NOON)
        desk.end_run(key)
    assert "what is left of 0" in desk.ask(NOON)
    desk.send(NOON, later_by(THREE))
    assert "what is left of 1" in desk.ask(NOON)
    assert len(desk.ask(THREE)) == 1


def test_what_a_later_file_took_out_of_the_plan_hides_no_later_time(desk: Desk) -> None:
    desk.world.plan(DAY, 2)
    desk.send(NOON, later_by(THREE), later_by(SIX))
    desk.world.execute("delete from planned_messages where order_number = 'A0'")
    desk.world.seal()
    for _ in range(sensors.MAX_ATTEMPTS):
        (key,) = desk.ask(THREE)
        desk.end_run(key)
    assert "what is left of 1" in desk.ask(THREE)
    assert len(desk.ask(SIX)) == 1
    desk.send(SIX)
    assert "what is left of 0" in desk.ask(SIX)


def test_a_batch_is_awake_while_anything_of_it_can_go(desk: Desk) -> None:
    desk.world.plan(DAY, 2)
    desk.send(NOON, later_by(THREE), Outcome("failed", "busy"))
    assert len(desk.ask(NOON)) == 1  # one may be tried at once
    desk.send(NOON, later_by(SIX))
    assert "deferred" in desk.ask(NOON)
    desk.world.plan(DAY, 1, start=7)
    desk.world.seal()
    assert len(desk.ask(NOON)) == 1  # a new one that nobody tried
    desk.send(NOON)
    assert "deferred" in desk.ask(NOON)


def test_events_sleep_too(desk: Desk) -> None:
    desk.world.plan_events(DAY, 2)

    relay = BusyRelay(desk.world.settings.outbox)
    desk.world.run(now=lambda: NOON, outlets=Outlets({}, {("main", "outbox_relay"): relay}))
    assert "what is left of 1" in desk.ask(NOON)
    assert len(desk.ask(THREE)) == 1
