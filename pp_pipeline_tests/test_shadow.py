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
from pp_pipeline_tests.shadow_shop import FILES, FIRST, LAST, Contents, ShadowShop, contents, file_text, january

CORRECTED = ["A2 ann 2026-01-05 - canceled", "H1 hal 2026-01-05 - processing"]


CHANGES = {"thank_you": {"wait_days": 4}, "loyal_customers": {"wait_days": 3, "audience": "order_count >= 1"}}

Corrected = tuple[ShadowShop, Contents]
"""A shop that was built through the last day, whose file of the 5th was corrected then; and what it held before."""


def corrected(shop: ShadowShop) -> Corrected:
    shop.build()
    before = contents(shop.settings)
    shop.write_file(5, CORRECTED)
    shop.build()
    return shop, before


@pytest.fixture(scope="module")
def duckdb_corrected(tmp_path_factory: pytest.TempPathFactory) -> Corrected:
    return corrected(ShadowShop.make(tmp_path_factory.mktemp("real")))


@pytest.fixture(scope="module")
def postgres_corrected(
    postgres_module_database: PostgresDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Corrected:
    """Warehouse and ledger on PostgreSQL."""
    database = postgres_module_database
    return corrected(ShadowShop.make(tmp_path_factory.mktemp("real"), database.url, database.sqlalchemy_url))


@pytest.fixture(scope="module")
def duckdb_shop(duckdb_corrected: Corrected) -> ShadowShop:
    return duckdb_corrected[0]


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """What a fresh home on DuckDB holds that only ever saw the corrected files and the changed campaigns."""
    shop = ShadowShop.make(tmp_path_factory.mktemp("fresh"), files=FILES | {5: CORRECTED})
    for name, parameters in CHANGES.items():
        shop.write_campaign(name, **parameters)
    shop.build()
    return contents(shop.settings)


@pytest.mark.parametrize("target", ["duckdb", pytest.param("postgres", marks=pytest.mark.heavy)])
def test_another_configuration_gives_what_a_fresh_home_gives(
    target: str, changed: Contents, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    shop: ShadowShop = request.getfixturevalue(f"{target}_corrected")[0]
    other = shop.other_checkout(tmp_path / "other")
    for name, parameters in CHANGES.items():
        shop.write_campaign(name, other, **parameters)
    before, told = shop.everything(), list[str]()
    with shadow_home(shop.settings, first=LAST, last=LAST, checkout=other, say=told.append) as shadow:
        assert contents(shadow) == changed
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
    shop, expected = request.getfixturevalue(f"{target}_corrected")
    name = f"orders_{january(5)}.csv"
    with Ledger(shop.settings) as ledger:
        records = [record for record in all_records(ledger) if record.name == name]
    assert len(records) == 2 and records[1].adopted_at
    path = tmp_path / "again.csv"
    path.write_text(file_text(FILES[5]))
    before = shop.everything()
    with shadow_home(
        shop.settings, first=LAST, last=LAST, known_at=records[1].adopted_at - timedelta(microseconds=1)
    ) as shadow:
        assert contents(shadow) == expected
    for content in (records[0].sha256, str(path)):  # from the orders on all is the same
        with shadow_home(
            shop.settings, first=LAST, last=LAST, contents={name: content}, models=["order_lines"]
        ) as shadow:
            found = contents(shadow)
            assert all(found[table] == expected[table] for table in ("order_versions", "order_lines")), content
    with shadow_home(shop.settings, first=LAST, last=LAST, known_at=records[1].adopted_at) as shadow:
        assert contents(shadow) == contents(shop.settings)
    assert shop.everything() == before


@pytest.mark.heavy
def test_days_to_come_bring_nothing_and_release_what_waits(duckdb_shop: ShadowShop, tmp_path: Path) -> None:
    ahead = LAST + timedelta(days=6)
    expected = ShadowShop.make(tmp_path / "fresh", files=FILES | {5: CORRECTED})
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
