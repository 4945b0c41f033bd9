"""A ledger's backup from before somebody was forgotten: putting it back brings nobody back (DESIGN 5 and 6)."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from pp_pipeline.commands.forget import write_tombstone
from pp_pipeline.contact_keys import contact_key, contact_secret
from pp_pipeline.landing.archive import ArchiveError, archived_file
from pp_pipeline.landing.tables import ROW_TABLES
from pp_pipeline.ledger import schema
from pp_pipeline.ledger.backups import back_up, holding, opened_backup, restore
from pp_pipeline.sending.known_secret import SECRET_FACT
from pp_pipeline.settings import Settings, utc_now
from pp_pipeline_tests.forgetting_cases import ANN
from pp_pipeline_tests.landing_shop import Shop, csv_of
from pp_pipeline_tests.test_forgetting_files import people_left
from pp_pipeline_tests.test_forgetting_kill import FILES, PEOPLE, files_with_people, rounds

ORDERS = "orders_2026-01-06.csv"


@pytest.fixture(params=["sqlite", "postgres"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    """Loaded; its ledger is on each of the two databases."""
    url = request.getfixturevalue("postgres_database").url if request.param == "postgres" else ""
    opened = Shop(Settings(home=tmp_path / "home", ledger_url=url))
    for name, content in FILES.items():
        opened.drop(name, content)
    opened.load()
    yield opened
    opened.ledger.close()


def forget(shop: Shop, address: str = ANN) -> list[tuple[str, str]]:
    """What is left in files after it."""
    write_tombstone(shop.ledger, contact_key(contact_secret(shop.settings), "main", address))
    return rounds(shop.settings, shop.ledger).run(writes=True).stuck


def put_back(shop: Shop, file: Path) -> None:
    with opened_backup(file) as backup:
        with shop.ledger.reading() as connection:
            stood = holding(connection, SECRET_FACT)
        restore(shop.ledger, backup, stood, SECRET_FACT, utc_now())


def contents(shop: Shop) -> dict[str, list[tuple[Any, ...]]]:
    return {table: shop.rows("*", table) for table in ROW_TABLES}


def test_somebody_forgotten_since_the_backup_stays_so(shop: Shop, tmp_path: Path) -> None:
    back_up(shop.ledger, tmp_path / "before.sqlite", utc_now())
    assert forget(shop) == []
    shop.load()
    expected = contents(shop)
    for path in shop.settings.inbox.iterdir():  # the days have to come out of the archive
        path.unlink()

    put_back(shop, tmp_path / "before.sqlite")
    with shop.ledger.reading() as connection:
        named = set(connection.scalars(select(schema.files.c.sha256)))
    assert named == {path.name for path in shop.settings.archive.iterdir()}
    assert forget(shop, "cy@example.com") == []

    put_back(shop, tmp_path / "before.sqlite")
    for name, content in FILES.items():  # the shop sends them again
        shop.drop(name, content)
    shop.load()
    assert files_with_people(shop.settings) == []
    for table, rows in contents(shop).items():
        assert people_left(repr(rows).encode(), *PEOPLE, "cy@example.com") == [], table
        assert len(rows) <= len(expected[table])


def test_a_content_that_no_day_needs_and_that_is_gone_does_not_end_a_forgetting(shop: Shop) -> None:
    before = {one.sha256 for one in shop.files()}
    shop.drop(ORDERS, csv_of({"order_number": "A2", "email": ANN}))
    shop.load()
    (superseded,) = [one.sha256 for one in shop.files() if one.name == ORDERS and one.sha256 in before]
    archived_file(shop.settings, superseded).unlink()
    (left,) = forget(shop)
    assert left[0] == f"archive/{superseded}"
    assert "restore it from a backup, and forget again" in left[1]
    assert files_with_people(shop.settings) == []

    in_force = next(one for one in reversed(shop.files()) if one.name == ORDERS)
    assert in_force.file_date == date(2026, 1, 6)
    archived_file(shop.settings, in_force.sha256).unlink()
    with pytest.raises(ArchiveError, match="restore it from a backup"):
        forget(shop)
