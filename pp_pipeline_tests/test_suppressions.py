"""Suppressions: out of files and feedback into the ledger, by command, and out again (DESIGN 5 and 6)."""

import csv
import itertools
import json
import stat
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, func, select
from typer.testing import CliRunner

from pp_pipeline.cli import app
from pp_pipeline.contact_keys import contact_key, contact_secret
from pp_pipeline.landing import load as load_module
from pp_pipeline.landing.adoption import adopt_files
from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.load import load_days
from pp_pipeline.ledger import schema
from pp_pipeline.ledger.store import Ledger, migrate
from pp_pipeline.ledger.suppressions import Change, Lift, Suppress, apply_changes, suppressions_in_force
from pp_pipeline.merchants import load_merchants
from pp_pipeline.settings import Settings
from pp_pipeline_tests.landing_shop import Shop, merchant
from pp_pipeline_tests.sending_world import DAY, World, key_of

SUPPRESSIONS = "suppressions_2026-01-05.csv"
FEEDBACK = "feedback_2026-01-05.csv"
_FIELDS = {
    SUPPRESSIONS: "email,channel,message_kind,reason,suppressed_at,is_lifted",
    FEEDBACK: "email,event,occurred_at,channel,bounce",
}


@pytest.fixture(params=["sqlite", "postgres"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    """A shop whose ledger is on each of the two databases."""
    if request.param == "sqlite":
        return Shop(Settings(home=tmp_path / "home"))
    url = request.getfixturevalue("postgres_database").url
    return Shop(Settings(home=tmp_path / "home", ledger_url=url))


@pytest.fixture
def lite(tmp_path: Path) -> Shop:
    return Shop(Settings(home=tmp_path / "home"))


def drop(shop: Shop, name: str, *rows: str) -> None:
    """Put a file into the inbox: each row names somebody of example.com, then the other cells."""
    fields = _FIELDS[SUPPRESSIONS if name.startswith("suppressions") else FEEDBACK]
    lines = []
    for row in rows:
        who, _, cells = row.partition(",")
        cells += "," * (fields.count(",") - 1 - cells.count(","))
        lines.append(f"{who}@example.com,{cells}")
    shop.drop(name, "\n".join([fields, *lines]) + "\n")


def load(shop: Shop, name: str, *rows: str) -> None:
    drop(shop, name, *rows)
    assert not shop.load().refused


def key(shop: Shop, who: str) -> str:
    return contact_key(contact_secret(shop.settings), "main", f"{who}@example.com")


def facts(shop: Shop, *people: str) -> list[tuple[str, str, str, str]]:
    """Who is suppressed: name, channel, kind and reason of what is in force."""
    names = {key(shop, who): who for who in people or ("ann", "ben", "cy", "dee", "eve", "fay")}
    found = suppressions_in_force(shop.ledger)
    return sorted((names[one.contact_key], one.channel, one.kind, one.reason) for one in found)


def row_count(shop: Shop) -> int:
    with shop.ledger.reading() as connection:
        return connection.scalar(select(func.count()).select_from(schema.suppressions)) or 0


def test_a_suppressions_file_says_channel_kind_and_reason(shop: Shop) -> None:
    load(
        shop, SUPPRESSIONS,
        "ann", "ben,email,,unsubscribed", "cy,sms,transactional,unsubscribed", "dee,email,commercial,complained",
        "eve,email,commercial,bounced", "fay,,commercial,deleted",
    )  # fmt: skip
    assert facts(shop) == [
        ("ann", "", "", "manual"),
        ("ben", "email", "commercial", "unsubscribed"),
        ("cy", "sms", "transactional", "unsubscribed"),
        ("dee", "email", "", "complained"),
        ("eve", "email", "", "bounced"),
        ("fay", "", "commercial", "deleted"),
    ]


def test_a_slip_in_a_row_suppresses_more_and_lifts_nothing(lite: Shop) -> None:
    load(lite, SUPPRESSIONS, "ann,emial,advertising,spam,yesterday,perhaps", "ben,email,all,unsubscribed", "cy")
    expected = [("ann", "", "", "manual"), ("ben", "email", "", "unsubscribed"), ("cy", "", "", "manual")]
    assert facts(lite) == expected
    load(lite, "suppressions_2026-01-06.csv", "ann,emial,,,,true", "ben,email,all,,,yes", "cy,,,,,true")
    assert facts(lite) == expected[:2]


def test_feedback_suppresses_whoever_unsubscribed_complained_or_cannot_be_reached(shop: Shop) -> None:
    at = "2026-01-05T08:00:00Z"
    load(
        shop, FEEDBACK,
        f"ann,unsubscribed,{at},email", f"ben,complained,{at},email", f"cy,bounced,{at},email,hard",
        f"dee,bounced,{at},email,soft", f"dee,bounced,{at},email", f"eve,clicked,{at},email",
        f"fay,unsubscribed,{at}",
    )  # fmt: skip
    assert facts(shop) == [
        ("ann", "email", "commercial", "unsubscribed"),
        ("ben", "email", "", "complained"),
        ("cy", "email", "", "bounced"),
        ("fay", "", "commercial", "unsubscribed"),
    ]
    assert {one.source for one in suppressions_in_force(shop.ledger)} == {"feedback"}
    assert {one.since for one in suppressions_in_force(shop.ledger)} == {datetime(2026, 1, 5, 8, tzinfo=UTC)}


def test_the_same_fact_is_one_row_and_a_correction_lifts_nothing(shop: Shop) -> None:
    load(shop, SUPPRESSIONS, "ann,email,,unsubscribed", "ben")
    load(shop, SUPPRESSIONS, "cy", "ann,email,,unsubscribed")
    load(shop, FEEDBACK, "ann,unsubscribed,2026-01-05T08:00:00Z,email")
    load(shop, SUPPRESSIONS, "cy")
    assert [who for who, *_ in facts(shop)] == ["ann", "ben", "cy"]
    assert row_count(shop) == 3


def test_a_lift_reaches_its_scope_and_no_complaint(shop: Shop) -> None:
    load(
        shop, SUPPRESSIONS,
        "ann", "ben,email,,unsubscribed", "ben,sms,,unsubscribed", "cy,email,,complained", "dee,,,unsubscribed",
        "dee,,,bounced", "eve,email,transactional",
    )  # fmt: skip
    load(
        shop, "suppressions_2026-01-06.csv",
        "ann,,,,,true", "ben,email,,,,true", "cy,,,,,true", "dee,,commercial,,,true", "eve,,commercial,,,true",
    )  # fmt: skip
    assert facts(shop) == [
        ("ben", "sms", "commercial", "unsubscribed"),
        ("cy", "email", "", "complained"),
        ("dee", "", "", "bounced"),
        ("eve", "email", "transactional", "manual"),
    ]


def test_a_file_of_an_earlier_day_lifts_nothing_that_was_said_since(lite: Shop) -> None:
    load(lite, SUPPRESSIONS, "ann,email,,unsubscribed,2026-01-04T08:00:00Z", "ann,email,,,,true")
    load(lite, "feedback_2026-01-08.csv", "ann,unsubscribed,2026-01-08T08:00:00Z,email")
    load(lite, SUPPRESSIONS, "ben", "ann,email,,,,true")
    assert [who for who, *_ in facts(lite)] == ["ann", "ben"]


def test_a_slip_in_the_date_of_a_lift_does_not_reach_into_years_to_come(lite: Shop) -> None:
    load(lite, SUPPRESSIONS, "ann", "ann,,,,2062-01-05T08:00:00Z,true")
    assert facts(lite) == []
    load(lite, "feedback_2026-01-08.csv", "ann,unsubscribed,2026-01-08T08:00:00Z,email")
    assert [who for who, *_ in facts(lite)] == ["ann"]


def test_rows_of_one_file_count_in_their_order(lite: Shop) -> None:
    load(lite, SUPPRESSIONS, "ann", "ann,,,,,true", "ben", "ben,,,,,true", "ben")
    assert [who for who, *_ in facts(lite)] == ["ben"]


def test_files_of_one_load_count_in_the_order_of_their_days(lite: Shop) -> None:
    drop(lite, "feedback_2026-01-07.csv", "ann,unsubscribed,2026-01-07T08:00:00Z,email")
    drop(lite, "suppressions_2026-01-06.csv", "ann,,,,,true", "ben,,,,,true")
    drop(lite, SUPPRESSIONS, "ben")
    lite.load()
    assert [who for who, *_ in facts(lite)] == ["ann"]


_SAID = (
    Suppress("k", "email", "commercial", "unsubscribed", datetime(2026, 1, 1, tzinfo=UTC), "file"),
    Suppress("k", "email", "commercial", "unsubscribed", datetime(2026, 1, 3, tzinfo=UTC), "feedback"),
    Lift("k", "", "", datetime(2026, 1, 2, tzinfo=UTC)),
)


@pytest.mark.parametrize("order", list(itertools.permutations(_SAID)))
def test_what_was_said_last_counts_in_whatever_order_it_comes(order: Sequence[Change], tmp_path: Path) -> None:
    with Ledger(Settings(home=tmp_path)) as ledger:
        for _ in range(2):
            with ledger.writing() as connection:
                apply_changes(connection, order)
        assert [one.reason for one in suppressions_in_force(ledger)] == ["unsubscribed"]
        with ledger.writing() as connection:
            apply_changes(connection, [Lift("k", "", "", datetime(2026, 1, 4, tzinfo=UTC)), *order])
        assert suppressions_in_force(ledger) == []


def test_a_crash_after_adoption_loses_no_suppression(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*arguments: Any) -> Any:
        adoption = adopt_files(*arguments)
        if adoption.files:
            raise RuntimeError("the machine stops here")
        return adoption

    drop(shop, SUPPRESSIONS, "ann")
    with monkeypatch.context() as patch:
        patch.setattr(load_module, "adopt_files", crash)
        with pytest.raises(RuntimeError):
            shop.load()
    assert [who for who, *_ in facts(shop)] == ["ann"]
    assert len(shop.files()) == 1


def test_a_crash_while_suppressions_are_written_leaves_the_file_unread(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(shop, SUPPRESSIONS, "ann")
    with monkeypatch.context() as patch:
        patch.setattr("pp_pipeline.ledger.suppressions.apply_changes", _fail)
        with pytest.raises(RuntimeError):
            shop.load()
    assert (shop.files(), facts(shop)) == ([], [])
    shop.load()
    assert [who for who, *_ in facts(shop)] == ["ann"]


def test_a_corrected_feed_reads_what_it_did_not_before(lite: Shop) -> None:
    feed = {"feed": "events", "merchant": "main", "kind": "feedback", "files": "events_{date}.csv"}
    lite.merchants = {"main": merchant(feeds=[Feed.model_validate(feed)])}
    lite.drop("events_2026-01-05.csv", "email,event,occurred_at,medium\nann@example.com,unsubscribed,2026-01-05,sms\n")
    lite.load()
    lite.merchants = {"main": merchant(feeds=[Feed.model_validate(feed | {"columns": {"channel": "medium"}})])}
    lite.load()
    assert facts(lite) == [("ann", "", "commercial", "unsubscribed"), ("ann", "sms", "commercial", "unsubscribed")]


def _fail(*_: object) -> None:
    raise RuntimeError("the machine stops here")


# The guard, after a real load


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Three messages to persons 0 to 2, by the keys that landing makes of their addresses."""
    world = World.make(tmp_path)
    world.plan(DAY, 3)
    world.seal()
    for number in range(3):
        for table in ("planned_messages", "external_events", "order_versions"):
            world.execute(
                f"update {table} set contact_key = ? where order_number = ?", (person(world, number), f"A{number}")
            )
    world.seal()
    return world


def person(world: World, number: int) -> str:
    return contact_key(contact_secret(world.settings), "main", f"person{number}@example.com")


def land(world: World, name: str, text: str) -> None:
    world.settings.inbox.mkdir(exist_ok=True)
    (world.settings.inbox / name).write_text(text)
    with world.ledger as ledger:
        result = load_days(
            world.settings, ledger, world.warehouse.connect, DAY, DAY, load_merchants(world.settings), today=DAY
        )
    assert not result.refused


def test_whom_a_file_names_is_not_written_to_at_the_next_sending(world: World) -> None:
    land(world, f"suppressions_{DAY}.csv", "email\nperson0@example.com\n")
    land(world, f"feedback_{DAY}.csv", f"email,event,occurred_at\nPerson1@example.com,unsubscribed,{DAY}\n")
    world.send()
    assert world.deliveries() == [
        (key_of(0), "skipped", "suppressed"),
        (key_of(1), "skipped", "suppressed"),
        (key_of(2), "sent", ""),
    ]


def test_who_unsubscribed_still_gets_transactional_messages_and_who_was_lifted_gets_all(world: World) -> None:
    path = world.conversation_folder / "conversation.yml"
    path.write_text(path.read_text() + "kind: transactional\n")
    rows = f"person0@example.com,unsubscribed,{DAY}\nperson1@example.com,complained,{DAY}\n"
    land(world, f"feedback_{DAY}.csv", f"email,event,occurred_at\n{rows}")
    rows = "person2@example.com,\nperson2@example.com,true\n"
    land(world, f"suppressions_{DAY}.csv", f"email,is_lifted\n{rows}")
    world.send()
    assert [state for _, state, _ in world.deliveries()] == ["sent", "skipped", "sent"]


# The command


@pytest.fixture
def pp(lite: Shop, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs `pp suppressions`; it has to end with `code`."""
    monkeypatch.setenv("PP_HOME", str(lite.settings.home))

    def run(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, ["suppressions", *arguments], catch_exceptions=False)
        assert result.exit_code == code, result.output
        return " ".join(result.output.split())

    return run


def test_the_list_counts_and_shows_no_address(lite: Shop, pp: Callable[..., str]) -> None:
    load(lite, SUPPRESSIONS, "ann", "ben", "cy,email,,complained")
    assert "@" not in pp() and "3 contacts suppressed" in pp()
    assert json.loads(pp("--json")) == {
        "contacts": 3,
        "suppressions": [
            {"reason": "complained", "channel": "email", "kind": "", "source": "file", "count": 1},
            {"reason": "manual", "channel": "", "kind": "", "source": "file", "count": 2},
        ],
    }


def test_an_address_is_added_and_lifted_and_a_file_of_before_does_not_bring_it_back(
    lite: Shop, pp: Callable[..., str]
) -> None:
    load(lite, SUPPRESSIONS, "ann,email,,unsubscribed", "cy,email,,complained")
    pp("--add", " Ben@Example.com", "--channel", "sms", "--kind", "commercial")
    assert ("ben", "sms", "commercial", "manual") in facts(lite)
    assert "is not suppressed" in pp("--lift", "ben@example.com")
    pp("--lift", "ann@example.com", "--channel", "email")
    load(lite, SUPPRESSIONS, "ann,email,,unsubscribed", "cy,email,,complained", "dee")
    assert [who for who, *_ in facts(lite)] == ["cy", "dee"]
    assert "A complaint is never lifted" in pp("--lift", "cy@example.com", code=1)
    assert [who for who, *_ in facts(lite)] == ["cy", "dee"]


def test_a_lift_by_command_holds_against_a_clock_that_is_ahead(lite: Shop, pp: Callable[..., str]) -> None:
    load(lite, SUPPRESSIONS, "ann,,,,2062-01-05T08:00:00Z")
    pp("--lift", "ann@example.com")
    assert facts(lite) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--add", "nobody"], "that is not an e-mail address"),
        (["--add", "ann@example.com", "--channel", "fax"], "--channel can be email or sms, not 'fax'"),
        (["--lift", "ann@example.com", "--kind", "any"], "--kind can be commercial or transactional"),
        (["--add", "ann@example.com", "--merchant", "other"], "there is no merchant other"),
        (["--add", "ann@example.com", "--lift", "ann@example.com"], "one of --export, --add and --lift"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: list[str], words: str, pp: Callable[..., str]) -> None:
    assert words in pp(*arguments, code=2)


def test_an_export_holds_addresses_for_its_owner_only(lite: Shop, pp: Callable[..., str], tmp_path: Path) -> None:
    load(lite, SUPPRESSIONS, "ann,,,,2026-01-04T08:00:00Z", "ben,email,,complained")
    path = tmp_path / "out.csv"
    pp("--export", str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["merchant"], row["email"], row["channel"], row["kind"], row["reason"]) for row in rows] == [
        ("main", "ann@example.com", "", "", "manual"),
        ("main", "ben@example.com", "email", "", "complained"),
    ]
    assert rows[0]["since"] == "2026-01-04T08:00:00+00:00"
    assert "is there already" in pp("--export", str(path), code=2)
    pp("--add", "never_seen@example.com")
    assert "1 contact has no address" in pp("--export", str(tmp_path / "again.csv"), code=1)


def test_a_ledger_of_before_keeps_its_suppressions(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    created_at = datetime(2026, 1, 1, tzinfo=UTC)
    engine = create_engine(settings.ledger_url)
    with engine.begin() as connection:
        migrate(connection, "0001")
        for _ in range(2):
            connection.exec_driver_sql(
                "insert into suppressions (contact_key, reason, created_at) values ('k', 'manual', ?)",
                (created_at.replace(tzinfo=None).isoformat(" "),),
            )
    engine.dispose()
    with Ledger(settings) as ledger:
        assert [(one.contact_key, one.since) for one in suppressions_in_force(ledger)] == [("k", created_at)]
        with ledger.writing() as connection:
            apply_changes(connection, [Lift("k", "", "", created_at)])
        assert suppressions_in_force(ledger) == []
