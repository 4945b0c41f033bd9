"""The ledger on SQLite and on PostgreSQL: migrations, opening, transactions (DESIGN 5, 9)."""

import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

from pp_pipeline.ledger import schema
from pp_pipeline.ledger.store import Ledger, LedgerError
from pp_pipeline.ledger.switches import set_switch, switch_is_on
from pp_pipeline.settings import Settings
from pp_pipeline_tests.killing import context

NOW = datetime(2026, 7, 10, 12, 30, 15, 123456, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A home whose ledger is on each of the two databases."""
    if request.param == "sqlite":
        return Settings(home=tmp_path)
    return Settings(home=tmp_path, ledger_url=request.getfixturevalue("postgres_database").url)


def delivery(**columns: object) -> dict[str, object]:
    return {
        "target": "rehearsal",
        "key": "m1",
        "kind": "message",
        "state": "claimed",
        "claimed_at": NOW,
        "lease_until": NOW,
        "claim": "t1",
    } | columns


def test_migrations_make_what_the_schema_says(settings: Settings) -> None:
    with Ledger(settings) as ledger, ledger.reading() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "version_table": schema.VERSION_TABLE}
        )
        assert compare_metadata(context, schema.metadata) == []
        found = inspect(connection)
        for table in schema.metadata.tables.values():
            unique = {each["name"] for each in found.get_unique_constraints(table.name)}
            wanted = {each.name for each in table.constraints if each.name and table.name in str(each.name)}
            assert wanted <= unique


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", "pp_pipeline.ledger:migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == schema.HEAD


def test_columns_of_design_9_stand_in_deliveries() -> None:
    named = "key target kind state reason contact_key run_key conversation step occurrence pass claimed_at"
    named += " lease_until settled_at provider_id batch"
    assert set(named.split()) <= set(schema.deliveries.c.keys())


def test_opening_again_keeps_what_stands(settings: Settings) -> None:
    with Ledger(settings) as ledger, ledger.writing() as connection:
        connection.execute(insert(schema.deliveries).values(delivery()))
    with Ledger(settings) as ledger, ledger.reading() as connection:
        assert connection.scalars(select(schema.deliveries.c.key)).all() == ["m1"]


def test_opening_a_ledger_at_head_does_not_import_alembic(tmp_path: Path) -> None:
    Ledger(Settings(home=tmp_path)).close()
    program = (
        "import sys; from pathlib import Path; from pp_pipeline.ledger.store import Ledger;"
        "from pp_pipeline.settings import Settings;"
        f"Ledger(Settings(home=Path({str(tmp_path)!r})));"
        "print([name for name in sys.modules if name.startswith(('alembic', 'pandas'))])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_a_delivery_is_unique_per_target(settings: Settings) -> None:
    with Ledger(settings) as ledger:
        with ledger.writing() as connection:
            connection.execute(insert(schema.deliveries).values(delivery()))
            connection.execute(insert(schema.deliveries).values(delivery(target="live")))
            ledger.insert_new(connection, schema.deliveries, [delivery(claim="t2"), delivery(key="m2")])
        with pytest.raises(IntegrityError), ledger.writing() as connection:
            connection.execute(insert(schema.deliveries).values(delivery()))
        with ledger.reading() as connection:
            claims = connection.execute(
                select(schema.deliveries.c.target, schema.deliveries.c.key, schema.deliveries.c.claim)
            ).all()
    assert sorted(map(tuple, claims)) == [
        ("live", "m1", "t1"),
        ("rehearsal", "m1", "t1"),
        ("rehearsal", "m2", "t1"),
    ]


def test_a_failed_transaction_leaves_nothing(settings: Settings) -> None:
    with Ledger(settings) as ledger:
        with pytest.raises(RuntimeError), ledger.writing() as connection:
            connection.execute(insert(schema.deliveries).values(delivery()))
            raise RuntimeError
        with ledger.reading() as connection:
            assert connection.scalars(select(schema.deliveries.c.key)).all() == []


def test_times_come_back_in_utc_and_naive_ones_are_refused(settings: Settings) -> None:
    summer = timezone(timedelta(hours=2))
    with Ledger(settings) as ledger:
        with ledger.writing() as connection:
            connection.execute(insert(schema.deliveries).values(delivery(settled_at=NOW.astimezone(summer))))
        with ledger.reading() as connection:
            assert connection.scalar(select(schema.deliveries.c.settled_at)) == NOW
        with pytest.raises(Exception, match="with their zone"), ledger.writing() as connection:
            naive = NOW.replace(tzinfo=None)
            connection.execute(insert(schema.deliveries).values(delivery(key="m2", settled_at=naive)))


def test_a_delivery_names_a_batch_that_is_there(settings: Settings) -> None:
    with Ledger(settings) as ledger, pytest.raises(IntegrityError), ledger.writing() as connection:
        connection.execute(insert(schema.deliveries).values(delivery(batch=99)))


def test_a_fact_stays_as_it_was_first_written(settings: Settings) -> None:
    with Ledger(settings) as ledger:
        assert ledger.remember_fact("secret", "a") == "a"
        assert ledger.remember_fact("secret", "b") == "a"


def test_a_switch_is_off_until_it_is_set(settings: Settings) -> None:
    with Ledger(settings) as ledger:
        assert not switch_is_on(ledger, "kill_switch")
        set_switch(ledger, "kill_switch", True)
        assert switch_is_on(ledger, "kill_switch")
        set_switch(ledger, "kill_switch", False)
        assert not switch_is_on(ledger, "kill_switch")


def test_readers_do_not_wait_for_a_writer(settings: Settings) -> None:
    with Ledger(settings) as ledger, ledger.writing() as writing:
        writing.execute(insert(schema.deliveries).values(delivery()))
        with ledger.reading() as connection:
            assert connection.scalars(select(schema.deliveries.c.key)).all() == []


def test_a_claim_on_sqlite_survives_a_power_cut(tmp_path: Path) -> None:
    with Ledger(Settings(home=tmp_path)) as ledger, ledger.reading() as connection:
        assert connection.execute(text("pragma journal_mode")).scalar() == "wal"
        assert connection.execute(text("pragma synchronous")).scalar() == 2
        assert connection.execute(text("pragma foreign_keys")).scalar() == 1


def test_a_ledger_of_a_newer_program_is_refused(settings: Settings) -> None:
    with Ledger(settings) as ledger, ledger.writing() as connection:
        connection.execute(text("update ledger_version set version_num = '9999'"))
    with pytest.raises(LedgerError, match=r"stands at migration 9999.*update the program"):
        Ledger(settings)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://example.com/ledger", "allowed are sqlite and postgresql"),
        ("sqlite://", "must outlive the process"),
        ("nonsense", "no[t]? a database URL"),
        ("postgresql://nobody:secret@127.0.0.1:1/none", "can't be opened"),
    ],
)
def test_an_address_that_cannot_work_is_told_plainly(tmp_path: Path, url: str, words: str) -> None:
    with pytest.raises(LedgerError, match=words) as caught:
        Ledger(Settings(home=tmp_path, ledger_url=url))
    assert "secret" not in str(caught.value)


def test_processes_that_open_a_new_ledger_at_once_agree(settings: Settings) -> None:
    with ProcessPoolExecutor(4, mp_context=context()) as pool:
        counts = list(pool.map(_open_and_write, [(settings, number) for number in range(4)]))
    assert counts == [25, 25, 25, 25]
    with Ledger(settings) as ledger, ledger.reading() as connection:
        assert len(connection.scalars(select(schema.files.c.id)).all()) == 100


def _open_and_write(given: tuple[Settings, int]) -> int:
    settings, number = given
    with Ledger(settings) as ledger:
        for count in range(25):
            with ledger.writing() as connection:
                connection.execute(
                    insert(schema.files).values(
                        name=f"orders_{number}_{count}.csv",
                        file_date=date(2026, 7, 10),
                        sha256="0",
                        size=1,
                        row_count=1,
                        quarantined_count=0,
                        outcome="accepted",
                        first_seen_at=NOW,
                    )
                )
    return 25
