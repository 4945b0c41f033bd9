"""Coupons that an action draws: all messages of the run show one code, drawn at the first of them (DESIGN 4, 5)."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from pp_pipeline.ledger.coupon_stock import import_codes
from pp_pipeline.ledger.coupons import Wanted, look_up
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.sending.coupon_pools import pool_standings
from pp_pipeline.sending.gates import Gates
from pp_pipeline.sending.outlets.outlet import Outcome
from pp_pipeline.settings import Settings
from pp_pipeline_tests.conversation_answers import message_id
from pp_pipeline_tests.postgres_server import PostgresDatabase
from pp_pipeline_tests.sending_world import DAY, World, key_of, read_mail
from pp_pipeline_tests.test_coupons import declare
from pp_pipeline_tests.test_coupons_sending import NOW, SHOWN, LiveChannel, drawn, put

_STEPS = """\
      - id: gift
        action: {draw: {pool: spring, fallback: WELCOME5}}
      - id: greet
        message: {channel: email, template: hello, coupon: {drawn: gift}}
      - wait: {days: 1}
      - id: remind
        message: {channel: email, template: hello, coupon: {drawn: gift}}
"""


@pytest.fixture(params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """An installation whose two messages show what one action draws, its ledger on each of the two databases."""
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres_database").url
    made = World.make(tmp_path, ledger_url=url)
    declare(made, "{pool: spring}", SHOWN)
    file = made.conversation_folder / "conversation.yml"
    file.write_text(file.read_text().partition("      - id: greet")[0] + _STEPS)
    return made


@pytest.fixture
def live(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The same, and what it delivers counts."""
    monkeypatch.setattr(Gates, "target", lambda *_: "live")
    return world.with_settings(environment="production")


def remind(world: World, number: int, occurrence: int = 1) -> str:
    """Plan the second message of a run, which shows what that visit of the action drew; returns its id."""
    key = f"remind{number}.{occurrence}"
    columns = "run_key, conversation, channel, template, variant, merchant, contact_key, event_id, order_number, due_on"
    world.execute(
        f"insert into planned_messages (message_id, step, occurrence, pass, drawn_occurrence, {columns}) "
        f"select ?, 'remind', ?, 1, ?, {columns} from planned_messages where message_id = ?",
        (key, occurrence, occurrence, key_of(number)),
    )
    return key


def visit(number: int, occurrence: int = 1) -> str:
    return message_id("hello", f"thank_you{number:06d}", "gift", occurrence, 1)


def codes(shown: Mapping[str, str]) -> dict[str, str]:
    return {key: text.partition(" ")[0] for key, text in shown.items()}


def test_all_messages_of_a_run_show_one_code(live: World) -> None:
    """In one claim and in several; a later visit of the action draws anew."""
    put(live, "A B C")
    live.plan(DAY, 2)
    second = remind(live, 0)
    channel = LiveChannel()
    live.run(outlets=channel.outlets)
    assert channel.shown() == {key_of(0): "A", second: "A", key_of(1): "B"}
    late, again = remind(live, 1), remind(live, 0, occurrence=2)
    live.run(outlets=channel.outlets)
    assert channel.shown() == {key_of(0): "A", second: "A", key_of(1): "B", late: "B", again: "C"}
    assert drawn(live) == {visit(0): "A", visit(1): "B", visit(0, 2): "C"}


def test_the_message_that_goes_first_draws(live: World) -> None:
    put(live, "A")
    live.plan(DAY, 1)
    second = remind(live, 0)
    channel = LiveChannel([Outcome("failed", "refused"), Outcome("failed", "refused")])
    live.run(outlets=channel.outlets)
    live.plan(DAY, 1, start=5)
    live.run(outlets=channel.outlets)
    assert channel.shown() == {key_of(0): "A", second: "A", key_of(5): "WELCOME5"}


def test_what_expired_before_the_later_message_is_not_shown(live: World) -> None:
    last_day = (NOW + timedelta(days=3)).date()
    put(live, "A", last_day)
    live.plan(DAY, 1)
    live.run(outlets=LiveChannel().outlets)
    put(live, "B")
    second = remind(live, 0)
    channel = LiveChannel()
    live.seal()
    live.send(outlets=channel.outlets, now=lambda: NOW + timedelta(days=5))
    assert channel.shown() == {second: "WELCOME5"}
    assert drawn(live) == {visit(0): "A"}


def test_a_rehearsal_shows_one_made_up_code_in_all_messages(world: World) -> None:
    put(world, "A")
    world.plan(DAY, 1)
    remind(world, 0)
    assert world.run().sent_count == 2
    bodies = [read_mail(path).as_string() for path in world.mails()]
    assert [f"[REHEARSAL-{visit(0)[:8]}]" in body for body in bodies] == [True, True]
    assert drawn(world) == {}


def test_the_pool_of_an_action_is_watched(world: World) -> None:
    with world.ledger as ledger:
        (standing,) = pool_standings(ledger, world.conversations(), DAY)
    assert (standing.name, standing.used_by, standing.state) == ("spring", ["hello.greet", "hello.remind"], "unknown")


_WAITING = """
select count(*) from pg_locks
where locktype = 'advisory' and not granted
and database = (select oid from pg_database where datname = current_database())
"""


def test_two_claims_at_once_draw_one_code_for_one_visit(postgres_database: PostgresDatabase, tmp_path: Path) -> None:
    """The second waits for the pool, and then finds what the first drew."""
    settings = Settings(home=tmp_path, ledger_url=postgres_database.url)
    wanted = [Wanted("visit", "spring", DAY, DAY)]
    with Ledger(settings) as ledger:
        import_codes(ledger, "spring", ["A", "B"], None, NOW)

        def second() -> str:
            with ledger.writing() as connection:
                coupon = look_up(connection, wanted).take("visit")
                assert coupon is not None
                return coupon.code

        with ThreadPoolExecutor(1) as pool:
            with ledger.writing() as connection:
                draws = look_up(connection, wanted)
                assert draws.take("visit") is not None
                draws.write(connection, NOW)
                other = pool.submit(second)
                while not connection.scalar(text(_WAITING)):
                    assert not other.done()
            assert other.result(30) == "A"
