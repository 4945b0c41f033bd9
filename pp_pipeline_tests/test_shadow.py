"""Shadow homes hold what a fresh home would, and leave no trace."""

from datetime import timedelta
from pathlib import Path

import pytest

from pp_pipeline.campaigns.parameters import CampaignError
from pp_pipeline.landing.file_ledger import all_records
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.settings import SettingsError
from pp_pipeline.shadow import ShadowError, shadow_home
from pp_pipeline_tests.postgres_server import PostgresDatabase
from pp_pipeline_tests.shadow_shop import FILES, FIRST, LAST, ShadowShop, contents, file_text, january

CORRECTED = ["A2 ann 2026-01-05 - canceled", "H1 hal 2026-01-05 - processing"]


def built(shop: ShadowShop) -> ShadowShop:
    """Built through the last day; then the file of the 5th was corrected."""
    shop.build()
    shop.write_file(5, CORRECTED)
    shop.build()
    return shop


@pytest.fixture(scope="module")
def duckdb_shop(tmp_path_factory: pytest.TempPathFactory) -> ShadowShop:
    return built(ShadowShop.make(tmp_path_factory.mktemp("real")))


@pytest.fixture(scope="module")
def postgres_shop(postgres_module_database: PostgresDatabase, tmp_path_factory: pytest.TempPathFactory) -> ShadowShop:
    """Warehouse and ledger on PostgreSQL."""
    database = postgres_module_database
    return built(ShadowShop.make(tmp_path_factory.mktemp("real"), database.url, database.sqlalchemy_url))


def fresh(folder: Path, files: dict[int, list[str]] = FILES) -> ShadowShop:
    """A home on DuckDB that only ever saw these files."""
    return ShadowShop.make(folder, files=files)


@pytest.mark.parametrize("target", ["duckdb", "postgres"])
def test_another_configuration_gives_what_a_fresh_home_gives(
    target: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    shop: ShadowShop = request.getfixturevalue(f"{target}_shop")
    other = shop.other_checkout(tmp_path / "other")
    changes = {"thank_you": {"wait_days": 4}, "loyal_customers": {"wait_days": 3, "audience": "order_count >= 1"}}
    expected = fresh(tmp_path / "fresh", FILES | {5: CORRECTED})
    for name, parameters in changes.items():
        shop.write_campaign(name, other, **parameters)
        expected.write_campaign(name, **parameters)
    expected.build()
    before, told = shop.everything(), list[str]()
    with shadow_home(shop.settings, first=LAST, last=LAST, checkout=other, say=told.append) as shadow:
        assert contents(shadow) == contents(expected.settings)
    assert shop.everything() == before
    built = told[-1]
    assert "queue_thank_you" in built and "planned_messages" in built
    assert "queue_win_back" not in built and "order_versions" not in built


def test_nothing_is_built_where_nothing_changed(duckdb_shop: ShadowShop) -> None:
    told = list[str]()
    with shadow_home(duckdb_shop.settings, first=FIRST, last=LAST, say=told.append) as shadow:
        assert told == ["copies the warehouse"]
        assert contents(shadow) == contents(duckdb_shop.settings)


def test_only_what_is_asked_for_is_built(duckdb_shop: ShadowShop, tmp_path: Path) -> None:
    other = duckdb_shop.other_checkout(tmp_path / "other")
    duckdb_shop.write_campaign("thank_you", other, wait_days=4)
    told = list[str]()
    models = ["queue_thank_you"]
    with shadow_home(duckdb_shop.settings, first=LAST, last=LAST, checkout=other, models=models, say=told.append):
        assert told[-1] == f"builds {FIRST} to {LAST}: queue_thank_you"


@pytest.mark.parametrize("target", ["duckdb", pytest.param("postgres", marks=pytest.mark.heavy)])
def test_files_as_they_were_known_and_as_they_are_replaced(
    target: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    shop: ShadowShop = request.getfixturevalue(f"{target}_shop")
    name = f"orders_{january(5)}.csv"
    with Ledger(shop.settings) as ledger:
        records = [record for record in all_records(ledger) if record.name == name]
    assert len(records) == 2 and records[1].adopted_at
    as_first_seen = fresh(tmp_path / "fresh")
    as_first_seen.build()
    expected = contents(as_first_seen.settings)
    path = tmp_path / "again.csv"
    path.write_text(file_text(FILES[5]))
    before = shop.everything()
    asked = [
        {"known_at": records[1].adopted_at - timedelta(microseconds=1)},
        {"contents": {name: records[0].sha256}},
        {"contents": {name: str(path)}},
    ]
    for one in asked:
        with shadow_home(shop.settings, first=LAST, last=LAST, **one) as shadow:
            assert contents(shadow) == expected, one
    with shadow_home(shop.settings, first=LAST, last=LAST, known_at=records[1].adopted_at) as shadow:
        assert contents(shadow) == contents(shop.settings)
    assert shop.everything() == before


@pytest.mark.heavy
def test_days_to_come_bring_nothing_and_release_what_waits(duckdb_shop: ShadowShop, tmp_path: Path) -> None:
    ahead = LAST + timedelta(days=6)
    expected = fresh(tmp_path / "fresh", FILES | {5: CORRECTED})
    expected.build(last=ahead)
    before = duckdb_shop.everything()
    with shadow_home(duckdb_shop.settings, first=LAST, last=ahead) as shadow:
        found = contents(shadow, ahead)
        assert found == contents(expected.settings, ahead)
    assert any(row[6] > LAST for row in found["queue_win_back"])
    assert duckdb_shop.everything() == before


def test_what_can_not_be_built_is_said_and_leaves_nothing(duckdb_shop: ShadowShop, tmp_path: Path) -> None:
    name, broken = f"orders_{january(5)}.csv", tmp_path / "broken.csv"
    broken.write_text("order_number,email\n1,ann@example.com\n")
    before = duckdb_shop.everything()
    for content, error, words in [
        (str(broken), ShadowError, "lacks the columns"),
        ("0" * 64, SettingsError, "the archive holds no content"),
        (str(tmp_path / "nowhere.csv"), SettingsError, "can't be read"),
    ]:
        asked = shadow_home(duckdb_shop.settings, first=LAST, last=LAST, contents={name: content})
        with pytest.raises(error, match=words), asked:
            pass
    other = duckdb_shop.other_checkout(tmp_path / "other")
    (other / "dbt/models/campaigns/queue_thank_you.sql").write_text(
        "{{ campaign(event='x', wait_days=1, active_from='2026-01-01', audience='no_such > 1') }}"
    )
    asked = shadow_home(duckdb_shop.settings, first=LAST, last=LAST, checkout=other)
    with pytest.raises(CampaignError, match="no_such"), asked:
        pass
    assert duckdb_shop.everything() == before
