"""Coupon pools: codes in, drawn, kept, withdrawn (DESIGN 5). Drawing in a sending: test_coupons_sending.py."""

import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from typer.testing import CliRunner

from pp_pipeline.cli import app
from pp_pipeline.coupon_codes import CouponError, read_codes
from pp_pipeline.defs.location import Location
from pp_pipeline.defs.sending.checks import checks
from pp_pipeline.ledger.coupon_stock import Imported, Withdrawn, import_codes, pools, withdraw
from pp_pipeline.ledger.coupons import Wanted, look_up
from pp_pipeline.ledger.schema import coupons
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.sending.coupon_pools import coupon_warnings, pool_standings
from pp_pipeline.settings import Settings, utc_now
from pp_pipeline_tests.killing import context
from pp_pipeline_tests.postgres_server import PostgresDatabase
from pp_pipeline_tests.sending_world import World

NOW = datetime(2026, 7, 10, 12, tzinfo=UTC)
TODAY = NOW.date()


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A home whose ledger is on each of the two databases."""
    if request.param == "sqlite":
        return Settings(home=tmp_path)
    return Settings(home=tmp_path, ledger_url=request.getfixturevalue("postgres_database").url)


def put(ledger: Ledger, pool: str, codes: str, expires_on: date | None = None, **options: Any) -> Imported:
    return import_codes(ledger, pool, codes.split(), expires_on, NOW, **options)


def draw(ledger: Ledger, messages: str, pool: str = "spring", today: date = TODAY, days: int = 0) -> list[str | None]:
    """The codes that messages get, each as if it were wanted now; drawn in one transaction."""
    wanted = [Wanted(each, pool, today, today + timedelta(days=days)) for each in messages.split()]
    with ledger.writing() as connection:
        draws = look_up(connection, wanted)
        found = [draws.take(each.drawn_for) for each in wanted]
        draws.write(connection, NOW)
    return [each.code if each else None for each in found]


def test_the_oldest_code_goes_first_and_a_retry_keeps_its_code(settings: Settings) -> None:
    with Ledger(settings) as ledger:
        put(ledger, "spring", "C B A")
        put(ledger, "summer", "S")
        assert draw(ledger, "m1 m2") == ["C", "B"]
        assert draw(ledger, "m2 m3 m4 m1") == ["B", "A", None, "C"]
        assert draw(ledger, "m2 m5") == ["B", None]
        assert draw(ledger, "m1", pool="summer") == ["C"]  # the conversation names another pool since
        assert draw(ledger, "m6", pool="summer") == ["S"]


@pytest.mark.parametrize(
    ("expires_on", "days", "found"),
    [
        (None, 3_000, "A"),
        (TODAY, 0, "A"),
        (TODAY - timedelta(days=1), 0, None),
        (TODAY + timedelta(days=7), 7, "A"),
        (TODAY + timedelta(days=6), 7, None),
    ],
)
def test_a_code_has_to_be_good_long_enough(
    settings: Settings, expires_on: date | None, days: int, found: str | None
) -> None:
    with Ledger(settings) as ledger:
        put(ledger, "spring", "A", expires_on)
        assert draw(ledger, "m1", days=days) == [found]


def test_messages_of_one_claim_that_ask_for_different_days_share_no_code(settings: Settings) -> None:
    with Ledger(settings) as ledger:
        put(ledger, "spring", "LONG")
        put(ledger, "spring", "SHORT", TODAY)
        wanted = [Wanted("m1", "spring", TODAY, TODAY), Wanted("m2", "spring", TODAY, TODAY + timedelta(days=5))]
        with ledger.writing() as connection:
            draws = look_up(connection, wanted)
            codes = [each.code for each in (draws.take("m2"), draws.take("m1")) if each]
        assert codes == ["LONG", "SHORT"]


def test_a_drawn_code_that_expired_is_not_shown_again_and_no_other_is_drawn(settings: Settings) -> None:
    with Ledger(settings) as ledger:
        put(ledger, "spring", "A", TODAY)
        put(ledger, "spring", "B")
        assert draw(ledger, "m1") == ["A"]
        assert draw(ledger, "m1", today=TODAY + timedelta(days=1)) == [None]
        assert draw(ledger, "m2") == ["B"]


def test_what_is_not_taken_or_not_committed_stays_in_stock(settings: Settings) -> None:
    with Ledger(settings) as ledger:
        put(ledger, "spring", "A B")
        with pytest.raises(RuntimeError), ledger.writing() as connection:
            draws = look_up(connection, [Wanted("m1", "spring", TODAY, TODAY)])
            draws.take("m1")
            draws.write(connection, NOW)
            raise RuntimeError
        with ledger.writing() as connection:
            draws = look_up(connection, [Wanted("m2", "spring", TODAY, TODAY)])
            draws.write(connection, NOW)
        assert draw(ledger, "m3") == ["A"]


def test_the_ledger_itself_refuses_a_second_code_and_tells_none(settings: Settings) -> None:
    with Ledger(settings) as ledger:
        put(ledger, "spring", "A-SECRET B-SECRET")
        with pytest.raises(IntegrityError) as caught, ledger.writing() as connection:
            connection.execute(coupons.update().values(drawn_for="m1"))
        with pytest.raises(IntegrityError) as twice, ledger.writing() as connection:
            connection.execute(coupons.insert().values(id=1, pool="x", code="C-SECRET"))
    assert "SECRET" not in str(caught.value) + str(twice.value)


@pytest.mark.parametrize("message_count", [60, 400])
def test_processes_that_draw_at_once_share_no_code(settings: Settings, message_count: int) -> None:
    """On PostgreSQL four senders really draw side by side: with codes for all, and with too few for all."""
    with Ledger(settings) as ledger:
        put(ledger, "spring", " ".join(f"C{number}" for number in range(250)))
    with ProcessPoolExecutor(4, mp_context=context()) as pool:
        found = list(pool.map(_draw_in_a_process, [(settings, worker, message_count // 4) for worker in range(4)]))
    codes = [code for part in found for code in part if code]
    assert len(codes) == len(set(codes)) == min(message_count, 250)
    with Ledger(settings) as ledger:
        assert pools(ledger, NOW)["spring"].drawn == len(codes)


def _draw_in_a_process(given: tuple[Settings, int, int]) -> list[str | None]:
    own, worker, count = given
    with Ledger(own) as ledger:
        return [
            code
            for number in range(count // 5)
            for code in draw(ledger, " ".join(f"m{worker}-{number}-{part}" for part in range(5)))
        ]


def test_importing_again_changes_nothing_and_other_pools_keep_their_codes(settings: Settings) -> None:
    with Ledger(settings) as ledger:
        assert put(ledger, "spring", "A B", dry_run=True) == Imported(2, 0)
        assert pools(ledger, NOW) == {}
        assert put(ledger, "spring", "A B") == Imported(2, 0)
        assert draw(ledger, "m1") == ["A"]
        assert put(ledger, "spring", "A B C") == Imported(1, 2)
        assert draw(ledger, "m2 m3 m4") == ["B", "C", None]
        with pytest.raises(CouponError, match=r"nothing was imported: .*\(2 in spring\)") as caught:
            put(ledger, "summer", "D A C")
        assert "D" not in str(caught.value).split()
        assert list(pools(ledger, NOW)) == ["spring"]
        assert put(ledger, "summer", "D A C", allow_shared=True) == Imported(3, 0)


@pytest.mark.parametrize(
    ("stand", "pool", "given", "lines"),
    [
        ("", "p", "A-1 b a-1 c", "2 lines (1, 3)"),
        ("SAVE-1", "p", "x save-1", "1 lines (2)"),
        ("SAVE-1", "q", "x Save-1", "1 lines (2)"),
        ("STRASSE", "p", "x y stra\u00dfe", "1 lines (3)"),
    ],
)
def test_codes_that_differ_only_in_case_are_refused(
    settings: Settings, stand: str, pool: str, given: str, lines: str
) -> None:
    with Ledger(settings) as ledger:
        put(ledger, "p", stand)
        with pytest.raises(CouponError) as told:
            put(ledger, pool, given)
        assert lines in str(told.value)
        assert not any(code in str(told.value) for code in (*stand.split(), *given.split()) if len(code) > 1)
        assert pools(ledger, NOW).keys() == ({"p"} if stand else set())
        assert put(ledger, pool, "x y") == Imported(2, 0)


def test_withdrawn_codes_are_never_drawn_and_drawn_ones_stay(settings: Settings) -> None:
    with Ledger(settings) as ledger:
        put(ledger, "spring", "A B C D")
        draw(ledger, "m1")
        assert withdraw(ledger, "spring", ["A", "C", "X"]) == Withdrawn(1, 1, 1)
        assert draw(ledger, "m1 m2") == ["A", "B"]
        assert withdraw(ledger, "spring", None) == Withdrawn(1, 0, 0)  # C was withdrawn before
        assert draw(ledger, "m3 m1") == [None, "A"]
        stock = pools(ledger, NOW)["spring"]
        assert (stock.in_stock(TODAY), stock.drawn, stock.expired(TODAY), stock.withdrawn) == (0, 2, 0, 2)
        assert put(ledger, "spring", "C") == Imported(0, 1)


_STEPS = st.one_of(
    st.tuples(st.just("import"), st.sets(st.integers(0, 9), min_size=1), st.sampled_from([None, 0, 3])),
    st.tuples(st.just("draw"), st.sets(st.integers(0, 9), min_size=1), st.sampled_from([0, 2])),
    st.tuples(st.just("withdraw"), st.sets(st.integers(0, 9)), st.none()),
    st.tuples(st.just("a day passes"), st.just(frozenset[int]()), st.none()),
)


@given(st.lists(_STEPS, max_size=14))
@hypothesis_settings(max_examples=60)
def test_whatever_happens_a_code_has_one_message_and_a_message_one_code_sqlite(
    tmp_path_factory: pytest.TempPathFactory, steps: Sequence[Any]
) -> None:
    _play(Settings(home=tmp_path_factory.mktemp("home")), steps)


@given(steps=st.lists(_STEPS, max_size=14))
@hypothesis_settings(max_examples=30)
def test_whatever_happens_a_code_has_one_message_and_a_message_one_code_postgres(
    postgres_module_database: PostgresDatabase, tmp_path_factory: pytest.TempPathFactory, steps: Sequence[Any]
) -> None:
    _play(Settings(home=tmp_path_factory.mktemp("home"), ledger_url=postgres_module_database.url), steps)


def _play(own: Settings, steps: Sequence[Any]) -> None:
    """Any sequence of imports, draws, retries, withdrawals and days: what was drawn once never changes."""
    today = TODAY
    kept: dict[str, str] = {}
    with Ledger(own) as ledger:
        with ledger.writing() as connection:
            connection.execute(delete(coupons))
        for word, numbers, value in steps:
            if word == "import":
                expires_on = None if value is None else today + timedelta(days=value)
                put(ledger, "spring", " ".join(f"C{number}" for number in numbers), expires_on)
            elif word == "withdraw":
                withdraw(ledger, "spring", [f"C{number}" for number in numbers] or None)
            elif word == "a day passes":
                today += timedelta(days=2)
            else:
                messages = [f"m{number}" for number in sorted(numbers)]
                for message, code in zip(
                    messages, draw(ledger, " ".join(messages), today=today, days=value), strict=True
                ):
                    if code:
                        assert kept.setdefault(message, code) == code
            with ledger.reading() as connection:
                query = select(coupons.c.drawn_for, coupons.c.code).where(coupons.c.drawn_for.is_not(None))
                rows = [(row.drawn_for, row.code) for row in connection.execute(query)]
            assert dict(rows) == kept
            assert len(rows) == len({code for _, code in rows})


@pytest.mark.parametrize(
    ("content", "column", "codes", "repeated"),
    [
        ("A\nB\r\n\n B \nC", "", ["A", "B", "C"], [4]),
        ("Code\nA\nB\n", "", ["A", "B"], []),
        ("Discount Code\nA\n", "", ["A"], []),
        ("\ufeffname;coupon_code;note\nx;A;\n;B;y\n\nx;A;\n", "", ["A", "B"], [5]),
        ('name,Mine,code\n"a, b",A,1\n', "mine", ["A"], []),
        ("10% off\n", "", ["10% off"], []),
    ],
)
def test_files_of_codes(tmp_path: Path, content: str, column: str, codes: list[str], repeated: list[int]) -> None:
    path = tmp_path / "codes.csv"
    path.write_bytes(content.encode())
    found = read_codes(path, column)
    assert (found.codes, found.repeated_lines) == (codes, repeated)


@pytest.mark.parametrize(
    ("content", "column", "words"),
    [
        (b"", "", "codes.csv: holds no code"),
        (b"code\n", "", "codes.csv: holds no code"),
        (b"A\xff\n", "", "codes.csv: is not UTF-8; save it as UTF-8"),
        (b"A,SECRET\n", "", "codes.csv:1: has 2 columns; say which holds the codes with --column NAME"),
        (b"code,name\nSECRET,x\n", "nothing", "codes.csv:1: has no column 'nothing'"),
        (b"code,code\nSECRET,x\n", "", "codes.csv:1: has 2 columns"),
        (b"code,name\nSECRET,x\n,y\n", "", "codes.csv: 1 lines hold no code (3)"),
        (b"code\nSECRET,x\n", "", "codes.csv: 1 lines hold no code (2)"),
        (b"SECRET\x07\n" * 7, "", "codes.csv: 7 lines hold no code (1, 2, 3, 4, 5, ...)"),
        (b'"SECRET"\n', "", "without quotes"),
        (b"S" * 201, "", "1 lines hold no code (1)"),
        (b'code,name\n"SECRET,x\n', "", "a quote is not closed"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_whole(tmp_path: Path, content: bytes, column: str, words: str) -> None:
    path = tmp_path / "codes.csv"
    path.write_bytes(content)
    with pytest.raises(CouponError) as caught:
        read_codes(path, column)
    assert words in str(caught.value)
    assert "SECRET" not in str(caught.value)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """An installation whose one message draws from the pool spring, for commands."""
    made = World.make(tmp_path)
    declare(made, "{pool: spring, min_days_valid: 7}")
    monkeypatch.setenv("PP_HOME", str(made.settings.home))
    monkeypatch.setenv("PP_CHECKOUT", str(made.settings.checkout))
    return made


def declare(world: World, coupon: str, shown: str = "{{ coupon.code }}") -> None:
    """Give the conversation's message a coupon, and its templates what shows it."""
    file = world.conversation_folder / "conversation.yml"
    file.write_text(file.read_text().replace("template: hello}", f"template: hello, coupon: {coupon}}}"))
    for name in ("hello.txt.j2", "hello.mjml.j2"):
        template = world.conversation_folder / name
        template.write_text(template.read_text().replace("{# body #}", shown + " "))


def pp(*arguments: str, code: int = 0, answer: str = "") -> str:
    result = CliRunner().invoke(app, ["coupons", *arguments], input=answer, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output if "--json" in arguments else " ".join(result.output.split())


def test_the_commands_from_an_unknown_pool_to_withdrawn_codes(world: World, tmp_path: Path) -> None:
    assert "coupon pool spring: no code was ever imported; `pp coupons import spring FILE`" in pp()
    codes = tmp_path / "codes.csv"
    codes.write_text("".join(f"SECRET{number}\n" for number in [*range(60), 3]))
    soon = (utc_now() + timedelta(days=30)).date()
    told = [pp("import", "spring", str(codes), "--dry-run")]
    told.append(pp("import", "spring", str(codes), "--expires", str(soon)))
    assert told[0].startswith("60 new codes would be imported into spring.")
    assert told[1] == "60 new codes imported into spring. 1 line repeats a code of the file: 61."
    told.append(pp("import", "spring", str(codes), "--json"))
    assert json.loads(told[-1]) == {
        "pool": "spring", "new": 0, "known": 60, "repeated": 1, "repeated_lines": [61], "ignored_columns": [],
        "expires_on": None, "dry_run": False,
    }  # fmt: skip
    told.append(pp("--json"))
    assert json.loads(told[-1]) == [
        {
            "pool": "spring", "in_stock": 60, "usable": 60, "drawn": 0, "drawn_lately": 0, "expired": 0,
            "withdrawn": 0, "next_expiry": str(soon), "state": "ok", "used_by": ["hello.greet"],
        }
    ]  # fmt: skip
    table = tmp_path / "table.csv"
    table.write_text("code,expires,note\nSECRET1,2026-01-01,SECRET2\n")
    told.append(pp("import", "spring", str(table)))
    assert "Columns of which nothing is used: expires, note. --expires says the last day of all codes." in told[-1]
    told.append(pp("import", "summer", str(codes), code=2))
    assert "(60 in spring)" in told[-1]
    told.append(pp("expire", "spring", answer="n\n", code=1))
    codes.write_text("SECRET1\nSECRET2\nSECRET99\n")
    told.append(pp("expire", "spring", "--codes", str(codes), "--yes"))
    assert told[-1] == "2 codes of spring withdrawn. 1 code is not in this pool."
    told.append(pp("expire", "spring", "--yes", "--json"))
    assert json.loads(told[-1]) == {"pool": "spring", "withdrawn": 58, "drawn_before": 0, "not_in_pool": 0}
    told.append(pp())
    assert "coupon pool spring: no code in stock" in told[-1]
    assert "SECRET" not in "".join(told)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["import", "Spring!", "x.csv"], "the name of a pool is of lower-case letters"),
        (["import", "spring", "not_there.csv"], "not_there.csv: can't be read"),
        (["import", "spring", "x.csv", "--expires", "2020-01-01"], "--expires 2020-01-01 is past"),
        (["expire", "winter", "--yes"], "no code was ever imported into a pool winter"),
        (["expire", "spring", "--json"], "with it, say --yes"),
    ],
)
def test_what_a_command_cannot_do_is_told_plainly(world: World, arguments: list[str], words: str) -> None:
    assert words in pp(*arguments, code=2)


def test_a_pool_is_low_below_50_and_below_the_draws_of_14_days(world: World) -> None:
    conversations = world.conversations()
    with world.ledger as ledger:
        assert [each.state for each in pool_standings(ledger, conversations, TODAY)] == ["unknown"]
        put(ledger, "spring", " ".join(f"A{number}" for number in range(60)), TODAY + timedelta(days=7))
        put(ledger, "other", "X")
        states = {each.name: each.state for each in pool_standings(ledger, conversations, TODAY)}
        assert states == {"other": "unused", "spring": "ok"}
        tomorrow = TODAY + timedelta(days=1)  # no code is good for 7 days more then
        assert [each.state for each in pool_standings(ledger, conversations, tomorrow)][1] == "empty"
        wanted = [Wanted(f"m{number}", "spring", TODAY, TODAY) for number in range(11)]
        with ledger.writing() as connection:
            draws = look_up(connection, wanted)
            for each in wanted:
                draws.take(each.drawn_for)
            draws.write(connection, utc_now())
        assert coupon_warnings(ledger, conversations, TODAY) == [
            "coupon pool spring is low: 49 codes in stock, 11 drawn in the last 14 days; "
            "`pp coupons import spring FILE` takes in more"
        ]
        assert coupon_warnings(ledger, [], TODAY) == []


def test_the_check_of_deliveries_warns_with_the_pools_name(world: World) -> None:
    location = SimpleNamespace(ledger=lambda: world.ledger, conversations=world.conversations(), today=lambda: TODAY)
    check = cast("Any", checks(cast("Location", location))[0])
    result = check()
    assert (result.passed, result.severity.value) == (False, "WARN")
    assert "coupon pool spring" in result.description
    with world.ledger as ledger:
        put(ledger, "spring", " ".join(f"SECRET{number}" for number in range(50)))
    result = check()
    assert (result.passed, result.description) == (True, "no pool is low")
