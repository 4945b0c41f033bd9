"""`pp doctor`: what it says of an installation that is sound, and of one thing at a time that is not."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import update
from typer.testing import CliRunner

from pp_pipeline.cli import app
from pp_pipeline.doctor import installation
from pp_pipeline.doctor.declared import check_campaigns
from pp_pipeline.doctor.examining import examine
from pp_pipeline.doctor.finding import Finding
from pp_pipeline.doctor.installation import check_disk, check_home, check_packages
from pp_pipeline.doctor.stores import check_stores
from pp_pipeline.ledger.schema import deliveries
from pp_pipeline.ledger.switches import KILL_SWITCH, set_switch
from pp_pipeline.merchants import load_merchants
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Warehouse
from pp_pipeline_tests.dns_server import DnsServer
from pp_pipeline_tests.ledger_words import lose
from pp_pipeline_tests.sending_world import DAY, World
from pp_pipeline_tests.test_sent import SMTP

SOUND = {
    "example.com": ["v=spf1 mx -all"],
    "_dmarc.example.com": ["v=DMARC1; p=reject"],
}
Break = Callable[[World], World]


@pytest.fixture(autouse=True)
def no_campaigns(monkeypatch: pytest.MonkeyPatch) -> None:
    """dbt takes seconds to read a project; it has a test of its own."""
    monkeypatch.setattr("pp_pipeline.doctor.examining.check_campaigns", lambda *_: iter(()))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an installation that has sent something."""
    folder = tmp_path_factory.mktemp("sound")
    world = World.make(folder)
    world.plan(DAY, 1)
    world.run()
    return folder


@pytest.fixture
def sound(made: Path, tmp_path: Path) -> World:
    """A copy of it, to break."""
    folder = shutil.copytree(made, tmp_path / "sound")
    return World(Settings(home=folder / "home", checkout=folder / "checkout"))


def findings(world: World) -> dict[str, Finding]:
    return {each.what: each for each in examine(world.settings, lambda name: SOUND.get(name, []))}


def _changed(**settings: Any) -> Break:
    return lambda world: world.with_settings(**settings)


def _merchant(**fields: Any) -> Break:
    def write(world: World) -> World:
        path = world.settings.merchants_dir / "main.yml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | fields))
        return world

    return write


def _lost_ledger(world: World) -> World:
    lose(world)
    return world


def _damaged_ledger(world: World) -> World:
    lose(world)
    (world.settings.home / "ledger.sqlite").write_bytes(b"no database at all" * 100)
    return world


def _damaged_warehouse(world: World) -> World:
    world.settings.warehouse_file.write_bytes(b"no database at all" * 100)
    return world


def _lost_secret(world: World) -> World:
    world.settings.secret_file.unlink()
    return world


def _killed(world: World) -> World:
    with world.ledger as ledger:
        set_switch(ledger, KILL_SWITCH, True, "ann")
    return world


def _unknown(world: World) -> World:
    with world.ledger as ledger, ledger.writing() as connection:
        connection.execute(update(deliveries).values(state="unknown"))
    return world


def _no_template(world: World) -> World:
    (world.conversation_folder / "hello.mjml.j2").unlink()
    return world


def _both(first: Break, second: Break) -> Break:
    return lambda world: second(first(world))


LIVE = _changed(live=True, environment="production")
BROKEN: dict[str, tuple[Break, str, str, str]] = {
    "the ledger is lost": (_lost_ledger, "ledger", "fail", "it lacks claim"),
    "the ledger is damaged": (_damaged_ledger, "ledger", "fail", "can't be"),
    "the ledger's server is not there": (
        _changed(ledger_url="postgresql://u:hidden@127.0.0.1:1/x"), "ledger", "fail", "can't be opened",
    ),
    "the warehouse is damaged": (_damaged_warehouse, "warehouse", "fail", "can't be opened"),
    "the secret is lost": (_lost_secret, "contact secret", "fail", "there is none, and the ledger knows one"),
    "the secret is another": (
        _changed(secret="another secret of enough characters"), "contact secret", "fail", "the ledger knows",
    ),
    "the secret is short": (_changed(secret="short"), "contact secret", "fail", "fewer than 16"),
    "the kill switch is on": (_killed, "kill switch", "warn", "nothing is sent"),
    "the kill switch of the environment is on": (_changed(kill_switch=True), "kill switch", "warn", "nothing is sent"),
    "deliveries are unknown": (_unknown, "deliveries", "warn", "1 unknown (rehearsal)"),
    "live, nobody can be reached": (_changed(live=True), "live mode", "fail", "PP_ALLOWED_RECIPIENTS"),
    "live, some can": (
        _changed(live=True, allowed_recipients=("ann@example.com",)), "live mode", "warn", "only 1 of PP_ALLOWED",
    ),
    "a merchant is wrong": (_merchant(zone="Moon"), "merchants", "fail", "main.yml:"),
    "a template is missing": (_no_template, "conversations", "fail", "hello"),
    "a password is missing": (_merchant(channels=SMTP), "roads of main", "warn", "PP_SECRET_SMTP_MAIN is not set"),
    "a password is missing, live": (
        _both(_merchant(channels=SMTP), LIVE), "roads of main", "fail", "PP_SECRET_SMTP_MAIN is not set",
    ),
    "a webhook's secret is missing": (
        _merchant(webhooks=[{"source": "post", "secret": "HOOK"}]), "roads of main", "warn", "PP_SECRET_HOOK",
    ),
    "several secrets are missing": (
        _merchant(channels=SMTP, webhooks=[{"source": "post", "secret": "HOOK"}]),
        "roads of main", "warn", "channel email of main needs it; PP_SECRET_HOOK is not set",
    ),
    "a relay's folder is not there": (
        _merchant(relays=[
            {"relay": "site", "via": "members_file", "segments": ["loyal"], "folder": "/srv/nobody/made/this"}
        ]),
        "roads of main", "warn", "/srv/nobody/made/this of relay site is not there",
    ),
    "alerts are half declared": (_changed(alert_sender="a@example.com"), "alerts", "fail", "go together"),
    "live, and nobody is told": (LIVE, "alerts", "warn", "nobody is told"),
    "a selector has no key": (_merchant(dkim_selectors=["own"]), "DKIM of example.com, own", "fail", "no key"),
    "the domain has no record": (
        _merchant(sender_email="shop@other.example.com"), "SPF of other.example.com", "fail", "no record",
    ),
}  # fmt: skip


def test_of_a_sound_installation_nothing_is_said_but_what_is_so(sound: World) -> None:
    states = {each.what: each.state for each in findings(sound).values()}
    assert {what for what, state in states.items() if state != "ok"} == {"DKIM of example.com"}  # no selector is named
    assert list(states) == [
        "packages", "home folder", "disk", "Dagster home", "warehouse", "live mode", "ledger", "contact secret",
        "kill switch", "merchants", "conversations", "roads of main", "alerts", "SPF of example.com",
        "DKIM of example.com", "DMARC of example.com",
    ]  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_wrong_is_told_with_what_to_do(sound: World, what: str) -> None:
    breaks, name, state, words = BROKEN[what]
    found = findings(breaks(sound))[name]
    assert (found.state, words in found.detail) == (state, True), found
    assert found.fix or found.what == "live mode"
    assert "hidden" not in found.detail


def test_a_new_home_is_looked_at_and_left_as_it_is(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert {each.state for each in check_stores(settings)} == {"ok"}
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_is_not_there_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_by_dbt(settings: Settings, *_: Any) -> Iterator[Finding]:
        (settings.home / "dbt").mkdir(parents=True)
        yield Finding("campaigns", "ok", "")

    monkeypatch.setattr("pp_pipeline.doctor.examining.check_campaigns", read_by_dbt)
    states = {each.what: each.state for each in examine(Settings(home=tmp_path / "misspelt"), lambda _: [])}
    assert (states["home folder"], states["campaigns"]) == ("warn", "ok")
    assert list(tmp_path.iterdir()) == []


def test_a_warehouse_that_a_build_holds_was_not_asked(sound: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pp_pipeline.doctor.stores._LOCK_WAIT_SECONDS", 0.0)
    with Warehouse(sound.settings).locked():
        assert findings(sound)["warehouse"].state == "not_asked"


def test_packages_of_other_versions_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_packages(("postgres",)).state == "ok"
    wanted = ["duckdb<1", "no_such_package>=1", 'psycopg2-binary<1; extra == "postgres"']
    monkeypatch.setattr(installation, "requires", lambda _: wanted)
    found = check_packages()
    assert found.state == "fail" and "psycopg2" not in found.detail
    assert "duckdb 2" in found.detail and "no_such_package is missing" in found.detail
    assert "psycopg2-binary" in check_packages(("postgres",)).detail


@pytest.mark.parametrize(
    ("free", "warehouse", "state"),
    [(50, 1, "ok"), (4, 1, "warn"), (50, 30, "warn"), (50, 60, "fail"), (0.5, 0, "fail")],
)
def test_room_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: float, warehouse: int, state: str
) -> None:
    gigabyte = 1_000_000_000
    usage = type("Usage", (), {"free": int(free * gigabyte)})
    monkeypatch.setattr(installation.shutil, "disk_usage", lambda _: usage)
    assert check_disk(tmp_path, warehouse * gigabyte).state == state


def test_a_home_that_is_none(tmp_path: Path) -> None:
    assert check_home(tmp_path / "none").state == "warn"
    (tmp_path / "file").write_text("")
    assert check_home(tmp_path / "file").state == "fail"


def test_campaigns_load_and_events_that_nobody_takes_are_named(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    merchants = {"main": load_merchants(settings)["main"].model_copy(update={"relays": ()})}
    found = list(check_campaigns(settings, merchants, []))
    assert found[0].state == "ok" and "win_back" in found[0].detail
    assert {(each.what, each.state) for each in found[1:]} >= {("campaign win_back", "warn")}


@pytest.fixture
def shell(sound: World) -> Iterator[Callable[..., tuple[int, str]]]:
    """`pp doctor`, asking a DNS server of the test's own."""
    with DnsServer(SOUND) as server:

        def run(*arguments: str) -> tuple[int, str]:
            env = {"PP_HOME": str(sound.settings.home), "PP_CHECKOUT": str(sound.settings.checkout)}
            given = ["doctor", *(arguments or ("--nameserver", server.address))]
            result = CliRunner().invoke(app, given, env=env, catch_exceptions=False)
            return result.exit_code, result.output

        yield run


def test_the_command_ends_with_1_if_something_fails(shell: Callable[..., tuple[int, str]], sound: World) -> None:
    code, told = shell()
    assert (code, "0 failures, 1 warning." in told) == (0, True)
    assert "dkim_selectors: [s1, s2]" in told
    _lost_secret(sound)
    code, told = shell()
    assert (code, "restore secret.key" in told) == (1, True)
    code, told = shell("--nameserver", "dns.example.com")
    assert (code, "127.0.0.1:5353" in told) == (2, True)


def test_programs_are_told_the_same(sound: World) -> None:
    with DnsServer(SOUND) as server:
        env = {"PP_HOME": str(sound.settings.home), "PP_CHECKOUT": str(sound.settings.checkout)}
        result = CliRunner().invoke(app, ["doctor", "--json", "--nameserver", server.address], env=env)
    rows = json.loads(result.stdout)
    assert [set(row) for row in rows] == [{"what", "state", "detail", "fix"}] * len(rows)
    assert {row["what"]: row["state"] for row in rows}["SPF of example.com"] == "ok"
