"""Backups of the ledger: one format for both databases, taken beside a writer, put back whole (DESIGN 5)."""

import sqlite3
import stat
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, insert, select

from pp_pipeline.forgetting.words import FORGOTTEN
from pp_pipeline.ledger import schema
from pp_pipeline.ledger.backups import back_up, holding, opened_backup, restore
from pp_pipeline.ledger.inspecting import BACKUP_FACT
from pp_pipeline.ledger.store import Ledger, LedgerError
from pp_pipeline.ledger.suppressions import Change, Lift, Suppress, apply_changes, suppressions_in_force
from pp_pipeline.ledger.witness import RESTORED_FACT
from pp_pipeline.sending.known_secret import SECRET_FACT
from pp_pipeline.settings import Settings, utc_now
from pp_pipeline_tests.killing import context
from pp_pipeline_tests.ledger_words import everything, lay_aside, lose, outbox, pp, records
from pp_pipeline_tests.sending_world import DAY, World

NOW = datetime(2026, 7, 10, 12, 30, 15, 123456, tzinfo=UTC)
SECRET = "a secret of enough characters"
OWN_FACTS = (BACKUP_FACT, RESTORED_FACT)


def make(kind: str, folder: Path, request: pytest.FixtureRequest) -> World:
    """An installation whose ledger is on one of the two databases."""
    url = request.getfixturevalue("postgres_server").create_database().url if kind == "postgres" else ""
    return World.make(folder, ledger_url=url, secret=SECRET)


@pytest.fixture(params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    return make(request.param, tmp_path / "world", request)


@pytest.fixture
def lite(tmp_path: Path) -> World:
    return World.make(tmp_path / "world", secret=SECRET)


def fill(world: World) -> None:
    """Something in every table, moments with microseconds, and umlauts."""
    world.plan(DAY, 3)
    world.plan_events(DAY, 2)
    world.run()
    with world.ledger as ledger, ledger.writing() as connection:
        connection.execute(insert(schema.coupons).values(pool="spring", code="Ä-1", imported_at=NOW))
        suppression = {
            "contact_key": "c1",
            "reason": "manual",
            "created_at": NOW,
            "stated_at": NOW,
            "source": "command",
        }
        connection.execute(insert(schema.suppressions).values(**suppression))
        connection.execute(insert(schema.switches).values(name="pause:campaign:x", is_on=True, changed_at=NOW))
        accepted = {"name": "orders.csv", "file_date": DAY, "sha256": "00", "size": 2**40, "outcome": "accepted"}
        accepted |= {"row_count": 1, "quarantined_count": 0, "first_seen_at": NOW, "adopted_at": NOW}
        connection.execute(insert(schema.files).values(**accepted))


@pytest.mark.parametrize("source", ["sqlite", "postgres"])
@pytest.mark.parametrize("into", ["sqlite", "postgres"])
def test_a_backup_is_put_back_whole_on_either_database(
    source: str, into: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    one, other = make(source, tmp_path / "one", request), make(into, tmp_path / "other", request)
    fill(one)
    file = tmp_path / "ledger-backup.sqlite"
    pp(one, "ledger", "backup", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [file.name]
    before = file.read_bytes()
    other.plan(DAY, 1, start=50)  # what stood is put aside
    other.run()
    stood = everything(other)

    assert "nothing was restored" in pp(other, "ledger", "restore", str(file), code=1, answer="n\n")
    assert everything(other) == stood
    assert "Nothing is sent before `pp ledger accept`" in pp(
        other, "ledger", "restore", str(file), code=0, answer="y\n"
    )
    restored = everything(one, OWN_FACTS)
    assert everything(other, OWN_FACTS) == restored
    assert file.read_bytes() == before
    assert records(other, "ledger", code=1)["last_backup_at"] is not None

    # As this ledger knows what went by the other home, only a person lets it go on.
    other.plan(DAY, 3, start=60)
    assert other.run().sent_count == 0
    pp(other, "ledger", "accept", "--by", "ann", "--yes")
    assert other.run().sent_count == 4  # number 50 is not known to what was restored
    with other.ledger as ledger, ledger.reading() as connection:
        ids = list(connection.scalars(select(schema.claims.c.id).order_by(schema.claims.c.id)))
    assert ids == list(range(1, len(ids) + 1))

    [kept] = other.settings.home.glob("ledger-before-restore-*.sqlite")
    pp(other, "ledger", "restore", str(kept), "--yes")
    assert everything(other, OWN_FACTS) == {
        name: sorted((row for row in rows if row[0] not in OWN_FACTS), key=repr) for name, rows in stood.items()
    } | {"suppressions": restored["suppressions"]}  # whoever was suppressed by what stood stays so


def test_nobody_can_be_written_to_again_by_restoring(world: World, tmp_path: Path) -> None:
    def say(change: Change) -> None:
        with world.ledger as ledger, ledger.writing() as connection:
            apply_changes(connection, [change])

    def since() -> list[tuple[str, datetime]]:
        with world.ledger as ledger:
            return [(one.contact_key, one.since) for one in suppressions_in_force(ledger)]

    file, days = tmp_path / "backup.sqlite", [NOW + timedelta(days=number) for number in range(5)]
    say(Suppress("before", "", "", "manual", days[0], "command"))
    say(Suppress("lifted", "", "", "manual", days[0], "command"))
    say(Lift("lifted", "", "", days[1]))
    pp(world, "ledger", "backup", str(file))
    say(Suppress("lifted", "", "", "manual", days[2], "command"))
    say(Suppress("new", "email", "", "manual", days[2], "command"))
    say(Suppress("new", "email", "", "manual", days[4], "command"))
    say(Suppress("gone", "", "", FORGOTTEN, days[3], "command"))
    before = since()
    told = records(world, "ledger", "restore", str(file), "--yes")
    assert (told["kept_forgotten"], told["kept_suppressions"]) == (1, 3)
    assert sorted(since()) == sorted(before)
    say(Lift("new", "", "", days[3]))
    assert "new" in dict(since()), "it was said again after that"


@pytest.mark.parametrize("is_lost", [True, False])
def test_restoring_in_place_of_a_lost_ledger_says_to_forget_again(is_lost: bool, lite: World, tmp_path: Path) -> None:
    fill(lite)
    pp(lite, "ledger", "backup", str(tmp_path / "backup.sqlite"))
    if is_lost:
        lose(lite)
    told = pp(lite, "ledger", "restore", str(tmp_path / "backup.sqlite"), "--yes")
    assert ("forget them again (`pp forget`)" in told) == is_lost
    assert ("0 other suppressions." if is_lost else "1 other suppression.") in told


def test_a_backup_never_takes_the_place_of_a_file(lite: World, tmp_path: Path) -> None:
    file = tmp_path / "there.sqlite"
    file.write_text("mine")
    assert "is ever overwritten" in pp(lite, "ledger", "backup", str(file), code=2)
    assert file.read_text() == "mine"
    assert "can't be written" in pp(lite, "ledger", "backup", str(tmp_path / "no" / "folder.sqlite"), code=2)
    assert records(lite, "ledger")["last_backup_at"] is None


def no_file(_world: World, _file: Path) -> None:
    return


def no_database(_world: World, file: Path) -> None:
    file.write_text("order_number,email\n")


def another_database(_world: World, file: Path) -> None:
    with closing(sqlite3.connect(file)) as raw:
        raw.execute("create table deliveries (id integer)")


def damaged(world: World, file: Path) -> None:
    lay_aside(world, file)
    content = bytearray(file.read_bytes())
    content[4096:12288] = b"\x55" * 8192
    file.write_bytes(content)


def newer(world: World, file: Path) -> None:
    lay_aside(world, file)
    with closing(sqlite3.connect(file)) as raw:
        raw.execute(f"update {schema.VERSION_TABLE} set version_num = '9999'")
        raw.commit()


def of_another_secret(world: World, file: Path) -> None:
    other = World.make(file.parent / "other", secret="another secret of enough characters")
    other.plan(DAY, 1)
    other.run()
    lay_aside(other, file)


@pytest.mark.parametrize(
    ("make_file", "words"),
    [
        (no_file, "can't be read"),
        (no_database, "is no backup of a ledger"),
        (another_database, "lacks the ledger's tables"),
        (damaged, "is damaged"),
        (newer, "written by a newer version"),
        (of_another_secret, "is of another contact secret"),
    ],
)
def test_what_is_no_sound_backup_of_this_ledger_is_refused(
    lite: World, tmp_path: Path, make_file: object, words: str
) -> None:
    fill(lite)
    file = tmp_path / "backup.sqlite"
    assert callable(make_file)
    make_file(lite, file)
    stood = everything(lite)
    assert words in pp(lite, "ledger", "restore", str(file), "--yes", code=2)
    assert everything(lite) == stood
    assert records(lite, "ledger")["lacking"] == []


def test_a_home_without_its_secret_is_told_to_bring_it(tmp_path: Path) -> None:
    one = World.make(tmp_path / "one")
    one.plan(DAY, 1)
    one.run()
    pp(one, "ledger", "backup", str(tmp_path / "backup.sqlite"))
    other = World.make(tmp_path / "other")
    assert "put its secret.key into the home first" in pp(
        other, "ledger", "restore", str(tmp_path / "backup.sqlite"), "--yes", code=2
    )
    assert not other.settings.secret_file.exists()
    other.settings.secret_file.write_bytes(one.settings.secret_file.read_bytes())
    pp(other, "ledger", "restore", str(tmp_path / "backup.sqlite"), "--yes")
    assert outbox(other) == {}


def test_what_is_written_while_a_person_thinks_is_not_lost(world: World, tmp_path: Path) -> None:
    fill(world)
    lay_aside(world, tmp_path / "backup.sqlite")
    with world.ledger as ledger, opened_backup(tmp_path / "backup.sqlite") as backup:
        with ledger.reading() as connection:
            stood = holding(connection, SECRET_FACT)
        world.plan(DAY + timedelta(days=1), 1, start=30)
        world.run(DAY + timedelta(days=1), DAY + timedelta(days=1), today=DAY + timedelta(days=1))
        with pytest.raises(LedgerError, match="written to meanwhile"):
            restore(ledger, backup, stood, SECRET_FACT, utc_now())
    assert world.states_of_deliveries() == {"sent": 6}


def write_claims(settings: Settings, begun: object, end: object) -> None:
    """Claims of five deliveries each, one after the other, until told to end."""
    with Ledger(settings) as ledger:
        while not end.is_set():  # type: ignore[attr-defined]
            token = uuid4().hex
            row = {"target": "live", "kind": "message", "state": "claimed", "claimed_at": NOW, "lease_until": NOW}
            with ledger.writing() as connection:
                rows = [row | {"key": f"{token}{number}", "claim": token} for number in range(5)]
                connection.execute(insert(schema.deliveries), rows)
                claim = {"token": token, "target": "live", "claimed_at": NOW, "delivery_count": 5}
                connection.execute(insert(schema.claims).values(**claim))
            begun.set()  # type: ignore[attr-defined]


def test_a_backup_beside_a_writer_is_of_one_moment(world: World, tmp_path: Path) -> None:
    world.ledger.close()
    begun, end = context().Event(), context().Event()
    writer = context().Process(target=write_claims, args=(world.settings, begun, end))
    writer.start()
    try:
        assert begun.wait(60)
        counts = []
        for number in range(4):
            file = tmp_path / f"{number}.sqlite"
            with world.ledger as ledger:
                back_up(ledger, file, utc_now())
            with closing(sqlite3.connect(file)) as raw:
                claimed, of_claims = raw.execute(
                    "select (select count(*) from deliveries), (select sum(delivery_count) from claims)"
                ).fetchone()
            assert claimed == of_claims
            counts.append(claimed)
    finally:
        end.set()
        writer.join(60)
    assert writer.exitcode == 0
    with world.ledger as ledger, ledger.reading() as connection:
        assert connection.execute(select(func.count()).select_from(schema.deliveries)).scalar_one() >= counts[-1] > 0
    assert counts == sorted(counts)


def test_a_backup_of_an_older_version_is_brought_up_to_date(lite: World, tmp_path: Path) -> None:
    from pp_pipeline.ledger import store

    old = tmp_path / "old.sqlite"
    engine = store.create_engine(f"sqlite:///{old}")
    with engine.begin() as connection:
        store.migrate(connection, "0003")
        connection.exec_driver_sql(
            "insert into batches (kind, name, merchant, day, version, hash, row_count, new_count, sent_count, "
            "unplanned_count, sealed_at) values ('messages', 'hello', 'main', '2026-07-10', 1, 'abcd', 1, 1, 0, 0, "
            "'2026-07-10 12:00:00')"
        )
    engine.dispose()
    pp(lite, "ledger", "restore", str(old), "--yes")
    with lite.ledger as ledger, ledger.reading() as connection:
        assert connection.execute(select(schema.batches.c.hash, schema.batches.c.day)).all() == [
            ("abcd", date(2026, 7, 10))
        ]
        assert connection.execute(select(schema.releases.c.target)).all() == [("rehearsal",)]
