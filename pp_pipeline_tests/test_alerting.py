"""What needs a person, and alerts about it: each cause once, and once more when it is over."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from pathlib import Path

import dagster as dg
import pytest
from pydantic import SecretStr
from sqlalchemy import update

from pp_pipeline.alerting.batch_troubles import STUCK_AFTER
from pp_pipeline.alerting.ledger_troubles import ledger_troubles
from pp_pipeline.alerting.roads import EmailAlerts, alert_roads
from pp_pipeline.alerting.telling import WORDS, news_of
from pp_pipeline.alerting.trouble import Trouble, named_days
from pp_pipeline.defs.alerting.runs import failed_troubles
from pp_pipeline.defs.alerting.sensors import sensors
from pp_pipeline.defs.jobs import range_tags
from pp_pipeline.defs.location import Location
from pp_pipeline.ledger import schema
from pp_pipeline.ledger.switches import pause_name, set_switch
from pp_pipeline.settings import SettingsError, utc_now
from pp_pipeline_tests.sending_world import DAY, World
from pp_pipeline_tests.smtp_server import LOGIN, Fault, SmtpServer
from pp_pipeline_tests.test_completeness import come, waiting_world
from pp_pipeline_tests.webhook_server import Answer, Asked, WebhookServer

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")

NEXT_WEEK = timedelta(days=7)
_MAIL = {
    "alert_server": "smtp://smtp.example.com",
    "alert_sender": "a@example.com",
    "alert_recipients": "b@example.com",
}


def troubles(world: World, today: date = DAY, after: timedelta = timedelta()) -> dict[str, Trouble]:
    """What is wrong with files and batches, seen so long after now."""
    found = ledger_troubles(world.settings, today, utc_now() + after)
    return {each.kind: each for each in found}


def test_old_and_large_batches_are_named_with_days_figures_and_commands(world: World) -> None:
    world.plan_days(DAY, 8, 200)
    world.seal(DAY - timedelta(days=8), DAY - timedelta(days=1), DAY - timedelta(days=1))
    assert set(troubles(world, DAY)) == {"old"}
    world.plan(DAY, 700)
    world.seal()
    found = troubles(world)
    assert found["old"].causes == tuple(f"2026-07-0{day}" for day in range(2, 7))  # 5 days, 2 to 6, sealed on the 9th
    assert "5 batches wait for approval: over 2 days old" in found["old"].text
    assert "2026-07-02 to 2026-07-06" in found["old"].text
    assert found["large"].causes == ("2026-07-10",)
    assert "of 2026-07-10 with 700 rows not in the ledger, 3 x the median of 200 are 600" in found["large"].text
    assert "`pp batches --on 2026-07-10 --waiting --rows`" in found["large"].remedy


def test_a_large_batch_without_forerunners_is_told_of_with_the_floor(lite: World) -> None:
    lite.plan(DAY, 500)
    lite.seal()
    assert "500 rows not in the ledger, 500 are enough to wait" in troubles(lite)["large"].text


def test_what_stays_ready_or_held_for_hours_is_stuck(world: World) -> None:
    world.plan(DAY, 2)
    world.seal()
    just_now, later = STUCK_AFTER - timedelta(minutes=5), STUCK_AFTER + timedelta(minutes=5)
    assert troubles(world, after=just_now) == {}
    assert "1 batch is ready, and not sent for more than 6 hours: 2026-07-10" in str(
        troubles(world, after=later)["stuck"]
    )
    world_pause(world, is_on=True)
    assert troubles(world, after=just_now) == {}, "it has a new reason, and that is young"
    assert troubles(world, after=later)["stuck"].causes == ("paused",)
    world_pause(world, is_on=False)
    with world.ledger as ledger:
        set_switch(ledger, "kill_switch", True)
    assert troubles(world, after=later)["stuck"].causes == ("kill_switch",)
    with world.ledger as ledger:
        set_switch(ledger, "kill_switch", False)
    world.send()
    assert troubles(world, after=NEXT_WEEK) == {}


def world_pause(world: World, is_on: bool) -> None:
    with world.ledger as ledger:
        set_switch(ledger, pause_name("conversation", "hello"), is_on)


def test_what_is_deferred_until_later_is_not_stuck(lite: World) -> None:
    lite.plan(DAY, 1)
    lite.run()
    until = utc_now() + timedelta(days=1)
    with lite.ledger as ledger, ledger.writing() as connection:
        connection.execute(update(schema.deliveries).values(state="deferred", deferred_until=until))
        connection.execute(update(schema.releases).values(finished_at=None))
    assert troubles(lite, after=timedelta(hours=23)) == {}
    assert troubles(lite, after=timedelta(days=1, hours=5)) == {}
    assert troubles(lite, after=timedelta(days=1, hours=7))["stuck"].causes == ("ready",)


def test_interrupted_deliveries_are_told_of_by_their_days(world: World) -> None:
    world.plan(DAY, 3)
    world.run()
    with world.ledger as ledger, ledger.writing() as connection:
        key = schema.deliveries.c.key
        connection.execute(update(schema.deliveries).where(key.like("m000000%")).values(state="unknown"))
        connection.execute(update(schema.deliveries).where(key.like("m000001%")).values(state="claimed"))
    assert "Of 1 deliveries" in troubles(world)["unknown"].text
    found = troubles(world, after=timedelta(hours=1))["unknown"]  # the lease of the second is over
    assert "Of 2 deliveries" in found.text
    assert found.causes == ("rehearsal 2026-07-10",)


def test_a_day_that_lacks_a_file_is_told_of_once_that_is_overdue(tmp_path: Path) -> None:
    world = waiting_world(tmp_path)
    world.plan(DAY, 1)
    world.seal()
    rehearsal = world.with_settings(today=DAY)  # the file is due on the next morning
    assert troubles(rehearsal) == {}
    rehearsal = world.with_settings(today=DAY + timedelta(days=1))
    assert troubles(rehearsal, DAY + timedelta(days=1))["overdue"].causes == ("2026-07-10 main.shop_orders",)
    come(world, DAY)
    assert troubles(rehearsal, DAY + timedelta(days=1)) == {}


def test_what_cannot_be_taken_in_is_told_of_by_name(lite: World) -> None:
    lite.settings.inbox.mkdir()
    (lite.settings.inbox / "notes.txt").write_text("x")
    assert troubles(lite)["refused"].causes == ("notes.txt",)


def test_a_broken_merchant_is_a_trouble_and_no_crash(lite: World) -> None:
    (lite.settings.merchants_dir / "main.yml").write_text("zone: Nowhere/City")
    assert set(troubles(lite)) == {"unseen"}


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([3], "2026-07-03"),
        ([4, 3, 5, 9], "2026-07-03 to 2026-07-05, 2026-07-09"),
        ([1, 3, 5, 7, 9, 11], "earlier days, 2026-07-03, 2026-07-05, 2026-07-07, 2026-07-09, 2026-07-11"),
    ],
)
def test_days_are_named_as_ranges(days: list[int], expected: str) -> None:
    assert named_days([date(2026, 7, day) for day in days]) == expected


def test_each_cause_is_told_once_and_its_kind_again_when_all_of_it_is_over() -> None:
    def trouble(kind: str, *causes: str) -> Trouble:
        return Trouble(kind, causes, "text", "remedy")

    looks = [
        ([trouble("old", "1", "2"), trouble("stuck", "ready")], ["old", "stuck"], []),
        ([trouble("old", "1", "2"), trouble("stuck", "ready")], [], []),
        ([trouble("old", "2"), trouble("stuck", "paused")], ["stuck"], []),  # another cause of it
        ([trouble("old", "2", "3")], ["old"], ["stuck"]),
        ([], [], ["old"]),
        ([trouble("old", "3")], ["old"], []),  # it came back
    ]
    remembered = None
    for now, told, over in looks:
        news = news_of(now, remembered)
        assert [each.kind for each in news.troubles] == told
        assert list(news.over) == over
        assert news.is_none == (not told and not over)
        remembered = news.remembered


# --- by real servers, and from real runs ---


class Hooks(WebhookServer):
    """A webhook as Slack's: it takes JSON with a text."""

    def key(self, asked: Asked) -> str:
        return json.loads(asked.body)["text"]


@pytest.fixture
def mail() -> Iterator[SmtpServer]:
    with SmtpServer(login=LOGIN) as server:
        yield server


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    with Hooks() as server:
        yield server


@pytest.fixture
def alerting(lite: World, mail: SmtpServer, hooks: Hooks) -> World:
    """A world that tells both servers."""
    return lite.with_settings(
        alert_server=f"smtp://{LOGIN[0]}@127.0.0.1:{mail.port}",
        alert_sender="alerts@example.com",
        alert_recipients="ops@example.com, lead@example.com",
        secrets={"ALERT_SMTP": SecretStr(LOGIN[1]), "ALERT_WEBHOOK": SecretStr(hooks.url)},
    )


class Watch:
    """The alert sensor of an installation, from look to look."""

    def __init__(self, world: World, instance: dg.DagsterInstance) -> None:
        (self.sensor,) = sensors(Location(world.settings))
        self.instance, self.cursor = instance, ""

    def look(self) -> str:
        """One look; returns what the sensor says of it."""
        tick = self.sensor.evaluate_tick(dg.build_sensor_context(instance=self.instance, cursor=self.cursor or None))
        self.cursor = tick.cursor or self.cursor
        return tick.skip_message or ""


def run_daily(instance: dg.DagsterInstance, day: str, fails: bool, name: str = "daily") -> dg.ExecuteInProcessResult:
    """A real run of a job of that name, which fails in `load_files` as it is told."""

    @dg.op
    def load_files() -> None:
        if fails:
            raise ValueError("could not convert 'ann@example.com'")

    @dg.job(name=name)
    def job() -> None:
        load_files()

    loud = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    return job.execute_in_process(
        instance=instance, run_config=loud, tags=range_tags(date(2026, 7, 1), date.fromisoformat(day)),
        raise_on_error=False,
    )  # fmt: skip


def test_a_failed_run_is_told_once_by_mail_and_webhook_and_once_more_when_made_good(
    alerting: World, mail: SmtpServer, hooks: Hooks
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        watch = Watch(alerting, instance)
        assert watch.look() == "all is well; 0 told now"
        run_daily(instance, "2026-07-10", fails=True)
        assert watch.look() == "1 things need a person; 1 told now"
        run_daily(instance, "2026-07-11", fails=True)  # the same step: no other cause
        assert watch.look() == "1 things need a person; 0 told now"
        run_daily(instance, "2026-07-10", fails=False)
        assert watch.look() == "1 things need a person; 0 told now", "the newer day was not made good"
        run_daily(instance, "2026-07-12", fails=False)
        assert watch.look() == "all is well; 1 told now"
        assert watch.look() == "all is well; 0 told now"
    first, last = [one.key for one in hooks.accepted]
    assert first.startswith("pp_pipeline (development): 1 thing needs a person\n- a run of the job daily for ")
    assert "2026-07-01 to 2026-07-10 failed in load_files (run " in first
    assert "example.com" not in first
    assert last == f"pp_pipeline (development): well again\n- well again: {WORDS['failed']}"
    assert [one.recipient for one in mail.accepted] == ["ops@example.com", "lead@example.com"] * 2
    message = message_from_bytes(mail.accepted[0].content)
    assert str(make_header(decode_header(message["Subject"]))).endswith(": 1 thing needs a person")
    assert message["From"].endswith("<alerts@example.com>")


def test_other_runs_make_good_only_what_they_did(lite: World) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run_daily(instance, "2026-07-10", fails=True, name="sending")
        run_daily(instance, "2026-07-10", fails=False)
        assert [each.causes for each in failed_troubles(instance, utc_now())] == [("sending load_files",)]
        run_daily(instance, "2026-07-10", fails=False, name="sending")
        assert failed_troubles(instance, utc_now()) == []


def test_an_alert_that_nobody_takes_is_tried_again_and_stops_nothing(
    alerting: World, mail: SmtpServer, hooks: Hooks
) -> None:
    alerting.plan(DAY, 500)
    alerting.seal()
    alerting = alerting.with_settings(today=DAY)
    mail.script.extend([Fault("rcpt", "550 no such user"), Fault("rcpt", "550 no such user")])
    hooks.script.append(Answer(500))
    with dg.DagsterInstance.ephemeral() as instance:
        watch = Watch(alerting, instance)
        assert "tried again at the next look" in watch.look()
        assert watch.look() == "1 things need a person; 1 told now"
        assert watch.look() == "1 things need a person; 0 told now"
    assert len(mail.accepted) == 2
    assert len(hooks.accepted) == 1


def test_a_mail_server_without_a_login_and_with_tls_can_be_declared(lite: World) -> None:
    (plain,) = alert_roads(lite.with_settings(**_MAIL).settings)
    (tls,) = alert_roads(lite.with_settings(**_MAIL | {"alert_server": "smtps://smtp.example.com"}).settings)
    assert isinstance(plain, EmailAlerts)
    assert isinstance(tls, EmailAlerts)
    assert (plain.road.security, plain.road.port_number) == ("starttls", 587)
    assert (tls.road.security, tls.road.port_number) == ("tls", 465)


def test_without_a_declaration_nothing_is_told(lite: World) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        watch = Watch(lite, instance)
        assert watch.look().startswith("no alerts are declared")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"alert_recipients": ""}, "go together"),
        ({"alert_sender": "nobody"}, "PP_ALERT_SENDER holds something that is no e-mail address"),
        ({"alert_recipients": "ann@example.com,ops"}, "PP_ALERT_RECIPIENTS holds something"),
        ({"alert_server": "smtp.example.com"}, "PP_ALERT_SERVER is no mail server"),
        ({"alert_server": "smtp://smtp.example.com:99999"}, "PP_ALERT_SERVER is no mail server"),
        ({"alert_server": "smtp://ops:open-sesame@smtp.example.com"}, "put it into PP_SECRET_ALERT_SMTP"),
        ({"alert_server": "smtp://ops@smtp.example.com"}, "PP_SECRET_ALERT_SMTP is not set"),
        ({"secrets": {"ALERT_WEBHOOK": SecretStr("http://hooks.example.com/open-sesame")}}, "PP_SECRET_ALERT_WEBHOOK"),
    ],
)
def test_a_wrong_declaration_names_its_variable_and_shows_nothing(
    lite: World, changes: dict[str, object], fault: str
) -> None:
    with pytest.raises(SettingsError, match=fault) as error:
        alert_roads(lite.with_settings(**(_MAIL | changes)).settings)
    assert not {word for word in ("ann@", "ops:", "open-sesame") if word in str(error.value)}
