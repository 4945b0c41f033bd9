"""`pp forget` in a small shop: files of several formats, a message that went to the outbox, and a long search after."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pp_pipeline.cli import app
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Warehouse
from pp_pipeline_tests import forgetting_cases as cases
from pp_pipeline_tests.forgetting_cases import ANN, csv_bytes, json_bytes, parquet_bytes
from pp_pipeline_tests.pipeline import copy_checkout
from pp_pipeline_tests.postgres_server import PostgresDatabase
from pp_pipeline_tests.test_forgetting_files import people_left

FIRST, TODAY = "2026-07-06", "2026-07-08"
PEOPLE = (ANN, "Annabel", "Quistgaard", "+12125550142", "14 Larch Lane")
_FEEDS = """
feeds:
  - feed: shop_orders
    export: shopify
    files: "orders_export_{date}.xlsx"
"""


def july(table: cases.Table) -> list[list[str]]:
    """The table, its dates half a year later."""
    return [[cell.replace("2026-01-0", "2026-07-0") for cell in row] for row in table]


FILES: dict[str, bytes] = {
    "orders_2026-07-06.csv": csv_bytes(july(cases.ORDERS), "utf-8"),
    "orders_2026-07-07.parquet": parquet_bytes(july(cases.ORDERS[:4])),
    "orders_export_2026-07-06.xlsx": cases.workbook_of(july(cases.SHOPIFY)),
    "contacts_2026-07-06.jsonl.gz": gzip.compress(json_bytes(cases.CONTACTS)),
    "feedback_2026-07-07.jsonl": json_bytes(july(cases.FEEDBACK), escaped=False),
    "suppressions_2026-07-08.csv.gz": gzip.compress(csv_bytes([["email", "reason"], ["cy@example.com", "manual"]])),
    "shipments_2026-07-08.parquet": parquet_bytes(july(cases.SHIPMENTS)),
}


@dataclass(frozen=True)
class Shop:
    """A home and the commands in it."""

    settings: Settings

    def pp(self, *arguments: str, code: int = 0, answer: str = "") -> str:
        """What a command says; it has to end with `code`."""
        result = CliRunner().invoke(app, list(arguments), input=answer, catch_exceptions=False)
        assert result.exit_code == code, result.output
        assert people_left(result.output.encode(), *PEOPLE) == []
        return " ".join(result.output.split())

    def drop(self, files: dict[str, bytes]) -> None:
        self.settings.inbox.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (self.settings.inbox / name).write_bytes(content)

    def build(self, *options: str) -> None:
        self.pp("run", "--from", FIRST, "--to", TODAY, "--today", TODAY, *options)

    def who_is_where(self) -> dict[str, list[str]]:
        """The files of the home, and the tables, that hold something of the person."""
        found = {}
        for path in self.settings.home.rglob("*"):
            if path.is_file() and (words := people_left(path.read_bytes(), *PEOPLE)):
                found[str(path.relative_to(self.settings.home))] = words
        for table, rows in self.tables().items():
            if words := people_left("\n".join(map(str, rows)).encode(), *PEOPLE):
                found[table] = words
        return found

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every table and view, sorted; without what says when or out of which content a day was built."""
        found = {}
        with Warehouse(self.settings).connect() as connection:
            names = connection.rows(
                "select table_name from information_schema.tables where table_schema = current_schema()"
            )
            for (name,) in names:
                found[name] = sorted(connection.rows(f'select * from "{name}"'), key=repr)
        return found


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    copy_checkout(folder)
    with (folder / "pp_pipeline/merchants/main.yml").open("a") as file:
        file.write(_FEEDS)
    return folder


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.heavy)])
def shop(
    request: pytest.FixtureRequest, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    yield open_shop(request.param, tmp_path / "home", checkout, request, monkeypatch)


def open_shop(
    target: str, home: Path, checkout: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Shop:
    values = {"PP_HOME": str(home), "PP_CHECKOUT": str(checkout), "DAGSTER_HOME": str(home / "dagster"),
              "PP_SECRET": "a secret of the tests, the same each time"}  # fmt: skip
    if target == "postgres":
        database: PostgresDatabase = request.getfixturevalue("postgres_database")
        values |= {"PP_TARGET": "postgres", "PP_WAREHOUSE_URL": database.url, "PP_WAREHOUSE_SCHEMA": home.name,
                   "PP_LEDGER_URL": database.sqlalchemy_url if home.name == "home" else ""}  # fmt: skip
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return Shop(Settings.from_environment())


def forget_after_sending(shop: Shop, today: str) -> None:
    """Messages and events went to the person, who is then forgotten on some day."""
    shop.drop(FILES)
    shop.build("--send")
    shop.pp("render", "thank_you", "--contact", ANN)
    before = shop.who_is_where()
    assert "rendered/thank_you-thank_you.html" in before
    assert any(name.endswith(".eml") for name in before)
    assert any(name.startswith("outbox/events/") for name in before)
    assert {"order_versions", "contact_rows", "planned_messages"} <= shop.tables().keys()
    mails = len(list(shop.settings.outbox.rglob("*.eml")))

    told = shop.pp("forget", ANN, "--dry-run", "--today", today)
    assert "6 archived contents and 6 files of the inbox" in told
    assert shop.who_is_where() == before

    shop.pp("forget", "-", "--today", TODAY, answer=f"{ANN.upper()}\n", code=1)  # nobody answered the question
    assert shop.who_is_where() == before
    note = shop.settings.inbox / "note.txt"
    note.write_text(f"for {ANN}")
    told = shop.pp("forget", "-", "--yes", "--today", today, answer=f"{ANN.upper()}\n", code=1)
    assert "inbox/note.txt: holds the address, and no feed takes it; delete it" in told
    assert shop.who_is_where() == {"inbox/note.txt": [ANN]}
    note.unlink()
    assert "Forgotten." in shop.pp("forget", ANN, "--yes", "--today", today)
    assert shop.who_is_where() == {}
    assert "forgotten" in shop.pp("suppressions")
    assert 0 < len(list(shop.settings.outbox.rglob("*.eml"))) < mails


def test_somebody_forgotten_is_nowhere(shop: Shop) -> None:
    forget_after_sending(shop, FIRST)  # a day before the newest ones, which hold the person, too


@pytest.mark.heavy
def test_somebody_forgotten_stays_so(
    shop: Shop, checkout: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_after_sending(shop, TODAY)
    redacted = {path.name: path.read_bytes() for path in shop.settings.inbox.iterdir()}
    tables = shop.tables()
    shop.drop(FILES)  # the shop sends everything again
    shop.build()
    assert shop.who_is_where() == {}
    assert {path.name: path.read_bytes() for path in shop.settings.inbox.iterdir()} == redacted
    assert shop.tables() == tables
    assert "0 archived contents and 0 files of the inbox" in shop.pp("forget", ANN, "--dry-run", "--today", TODAY)
    shop.pp("suppressions", "--lift", ANN, code=1)

    shop.drop({"orders_2026-07-08.csv": csv_bytes(july(cases.ORDERS))})  # and something new
    shop.build()
    assert shop.who_is_where() == {}

    fresh = open_shop(shop.settings.target, tmp_path / "fresh", checkout, request, monkeypatch)
    fresh.drop({**redacted, "orders_2026-07-08.csv": (shop.settings.inbox / "orders_2026-07-08.csv").read_bytes()})
    fresh.build()
    found, expected = shop.tables(), fresh.tables()
    assert found.keys() == expected.keys()
    different = [name for name in found if found[name] != expected[name]]
    assert different == []
