"""`pp forget` that is killed: landing holds the person out from the tombstone on, and a second run completes it.

A process of its own kills itself with SIGKILL at a named point: nothing can be tidied up after that.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pp_pipeline.cli import app
from pp_pipeline.commands.forget import write_tombstone
from pp_pipeline.contact_keys import contact_key, contact_secret
from pp_pipeline.forgetting import files as forgetting_files
from pp_pipeline.forgetting import outbox
from pp_pipeline.forgetting.files import FileRounds
from pp_pipeline.forgetting.known import Erasure
from pp_pipeline.forgetting.searching import Search
from pp_pipeline.landing import archive, load
from pp_pipeline.landing.archive import archived_file, hash_of
from pp_pipeline.landing.tables import ROW_TABLES
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Warehouse
from pp_pipeline_tests import forgetting_cases as cases
from pp_pipeline_tests.forgetting_cases import ANN
from pp_pipeline_tests.killing import Spot, die_at, is_killed
from pp_pipeline_tests.landing_shop import Shop, merchant
from pp_pipeline_tests.pipeline import copy_checkout
from pp_pipeline_tests.test_forgetting import FILES as ALL_FILES
from pp_pipeline_tests.test_forgetting import FIRST, PEOPLE, TODAY
from pp_pipeline_tests.test_forgetting_files import people_left

FILES = {
    "orders_2026-01-06.csv": cases.csv_bytes(cases.ORDERS),
    "orders_2026-01-07.parquet": cases.parquet_bytes(cases.ORDERS[:4]),
    "contacts_2026-01-06.jsonl": cases.json_bytes(cases.CONTACTS),
    "shipments_2026-01-05.csv": cases.csv_bytes(cases.SHIPMENTS),
}
# Where the process dies, and at the how-manieth time that it comes there. `make test` dies at the quick ones.
POINTS = {
    "after the orders are noted": (Spot(Erasure, "note_orders", "after"), 1),
    "while the archive is written": (Spot(os, "fsync", "before"), 2),
    "before the redaction is noted": (Spot(Erasure, "note_redaction", "before"), 1),
    "after the redaction is noted": (Spot(Erasure, "note_redaction", "after"), 1),
    "before the old content goes": (Spot(archive, "drop", "before"), 2),
    "before the inbox": (Spot(forgetting_files, "replace_in_inbox", "before"), 1),
    "while the inbox is written": (Spot(shutil, "copymode", "before"), 2),
    "between two files of the inbox": (Spot(forgetting_files, "replace_in_inbox", "after"), 1),
}
QUICK = {"after the redaction is noted", "between two files of the inbox"}


def rounds(settings: Settings, ledger: Ledger) -> FileRounds:
    erasure = Erasure(ledger, contact_secret(settings))
    return FileRounds(settings, ledger, {"main": merchant()}, erasure, Search([ANN]), lambda *_: None)


def _redact_and_die(settings: Settings, point: str) -> None:
    with Ledger(settings) as ledger:
        work = rounds(settings, ledger)
        die_at(*POINTS[point])
        work.run(writes=True)


def files_with_people(settings: Settings) -> list[str]:
    return [
        path.name
        for path in settings.home.rglob("*")
        if path.is_file() and not path.name.startswith("warehouse") and people_left(path.read_bytes(), *PEOPLE)
    ]


def contents(shop: Shop) -> dict[str, list[tuple[object, ...]]]:
    return {table: shop.rows("*", table) for table in ROW_TABLES}


def forgotten_shop(home: Path) -> Shop:
    """Loaded, with the tombstone, before any file was touched."""
    shop = Shop(Settings(home=home))
    shop.settings.secret_file.write_text("a secret of the tests, the same each time")
    for name, content in FILES.items():
        shop.drop(name, content)
    shop.load()
    write_tombstone(shop.ledger, contact_key(contact_secret(shop.settings), "main", ANN))
    return shop


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    opened = forgotten_shop(tmp_path / "home")
    yield opened
    opened.ledger.close()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[object, ...]]]:
    """The tables where nobody was killed."""
    whole = forgotten_shop(tmp_path_factory.mktemp("whole") / "home")
    found = rounds(whole.settings, whole.ledger).run(writes=True)
    assert (found.contents, found.inbox, found.stuck) == (4, 4, [])
    assert found.days == {date(2026, 1, day) for day in (5, 6, 7)}
    whole.load()
    tables = contents(whole)
    whole.ledger.close()
    return tables


@pytest.mark.parametrize(
    "point", [point if point in QUICK else pytest.param(point, marks=pytest.mark.heavy) for point in POINTS]
)
def test_killed_among_the_files_a_second_run_completes_it(
    point: str, shop: Shop, expected: dict[str, list[tuple[object, ...]]]
) -> None:
    before = shop.files()
    assert is_killed(_redact_and_die, shop.settings, point)
    assert files_with_people(shop.settings), "all was done before the end"

    shop.load()  # one in between makes no correction of it

    found = rounds(shop.settings, shop.ledger).run(writes=True)
    assert found.stuck == []
    assert files_with_people(shop.settings) == []
    after = shop.files()
    assert [(one.name, one.adopted_at, one.outcome) for one in after] == [
        (one.name, one.adopted_at, one.outcome) for one in before
    ], "nothing looks like a correction of the shop's"
    for record in after:
        assert hash_of(archived_file(shop.settings, record.sha256).read_bytes()) == record.sha256
        assert hash_of((shop.settings.inbox / record.name).read_bytes()) == record.sha256
    assert len(list(shop.settings.archive.iterdir())) == len(FILES)
    shop.load()
    assert contents(shop) == expected
    again = rounds(shop.settings, shop.ledger).run(writes=True)
    assert (again.contents, again.inbox, again.rows) == (0, 0, 0)


def _is_of_the_warehouse(path: Path, *_: object) -> bool:
    return path.name.startswith("warehouse")


def _writes(*given: object) -> bool:
    return given[-1] is True  # the command looks through the outbox first


# Later steps, in the command: what was killed, and what must be complete before the second run already.
LATER = {
    "within the load": Spot(load, "write_days", "before"),
    "before the new warehouse is in its place": Spot(shutil, "copymode", "before", _is_of_the_warehouse),
    "among the outbox": Spot(outbox, "_forget_lines", "before", _writes),
}


def _forget_and_die(environment: Mapping[str, str], point: str) -> None:
    os.environ.update(environment)
    die_at(LATER[point])
    app(["forget", ANN, "--yes", "--today", TODAY])


@pytest.fixture(scope="module")
def sent_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with checkout and home, in which messages went to the outbox."""
    folder = tmp_path_factory.mktemp("sent")
    copy_checkout(folder / "checkout")
    (folder / "home/inbox").mkdir(parents=True)
    for name, content in ALL_FILES.items():
        if "export" not in name:
            (folder / "home/inbox" / name).write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        use(folder, patch)
        pp("run", "--from", FIRST, "--to", TODAY, "--today", TODAY, "--send")
    return folder


def places(folder: Path) -> dict[str, str]:
    """The variables by which a command finds the home and the checkout of a folder."""
    folders = {"PP_HOME": "home", "PP_CHECKOUT": "checkout", "DAGSTER_HOME": "home/dagster"}
    return {name: str(folder / path) for name, path in folders.items()}


def use(folder: Path, patch: pytest.MonkeyPatch) -> None:
    for name, path in places(folder).items():
        patch.setenv(name, path)


def pp(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.heavy
@pytest.mark.parametrize("point", LATER)
def test_killed_later_a_second_run_completes_it(
    point: str, sent_shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(sent_shop, tmp_path / "copy")
    use(tmp_path / "copy", monkeypatch)
    assert is_killed(_forget_and_die, places(tmp_path / "copy"), point)
    settings = Settings.from_environment()
    assert files_with_people(settings), "the outbox comes last"
    assert "Forgotten." in pp("forget", ANN, "--yes", "--today", TODAY)
    assert files_with_people(settings) == []
    assert people_left(settings.warehouse_file.read_bytes(), *PEOPLE) == []
    assert not [path.name for path in settings.home.iterdir() if "fresh" in path.name]
    with Warehouse(settings).connect() as connection:
        for table in connection.rows("select table_name from information_schema.tables"):
            rows = connection.rows(f'select * from "{table[0]}"')
            assert people_left(repr(rows).encode(), *PEOPLE) == [], table
