"""A load that is killed leaves the day as it was, and the next load brings what was sent, once.

A process of its own loads and kills itself with SIGKILL at a named point: nothing can be tidied up after that.
"""

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from pp_pipeline.landing import adoption, load, writing
from pp_pipeline.landing.load import load_days
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Connection, Warehouse
from pp_pipeline_tests.killing import Spot, die_at, is_killed
from pp_pipeline_tests.landing_shop import Shop, csv_of, merchant

# Where the process dies.
POINTS = {
    "while the archive is written": Spot(os, "fsync", "before"),
    "before the adoption is recorded": Spot(adoption, "record_files", "before"),
    "after the adoption is recorded": Spot(adoption, "record_files", "after"),
    "before the days are written": Spot(load, "write_days", "before"),
    "between two tables": Spot(Connection, "insert", "after"),
    "before the hashes are written": Spot(writing, "_write_chain", "before"),
    "before the commit": Spot(load, "write_days", "after"),
}
_ADOPTED = {"after the adoption is recorded", "before the days are written", "between two tables",
            "before the hashes are written", "before the commit"}  # fmt: skip


def _load_and_die(settings: Settings, point: str) -> None:
    die_at(POINTS[point])
    days = date(2026, 1, 5), date(2026, 1, 6)
    with Ledger(settings) as ledger:
        load_days(settings, ledger, Warehouse(settings).connect, *days, {"main": merchant()}, today=date(2026, 1, 31))


@pytest.fixture
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    settings = Settings(home=tmp_path / "home")
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_database").url
        settings = Settings(home=tmp_path / "home", target="postgres", warehouse_url=url)
    opened = Shop(settings)
    yield opened
    opened.ledger.close()


# What is no matter of the warehouse dies the same death beside either.
_OF_THE_WAREHOUSE = ("before the days are written", "between two tables", "before the commit")


@pytest.mark.parametrize(
    ("shop", "point"),
    [*(("duckdb", point) for point in POINTS), *(("postgres", point) for point in _OF_THE_WAREHOUSE)],
    indirect=["shop"],
)
def test_a_killed_load_leaves_the_day_as_it_was(shop: Shop, point: str) -> None:
    former = [{"order_number": "A1"}, {"order_number": "A2"}]
    shop.drop("orders_2026-01-05.csv", csv_of(*former))
    shop.load(5, 6)
    orders, landed = shop.orders(), shop.landed()
    shop.drop("orders_2026-01-05.csv", csv_of({"order_number": "A2"}, {"order_number": "A3"}, {"order_number": "A4"}))
    shop.drop("payments_2026-01-06.csv", "order_number,paid_at\nA1,2026-01-06\n")

    assert is_killed(_load_and_die, shop.settings, point)

    assert (shop.orders(), shop.landed()) == (orders, landed)
    assert shop.rows("order_number", "payment_rows") == []
    accepted = [record.name for record in shop.files() if record.is_accepted]
    assert len(accepted) == (3 if point in _ADOPTED else 1)

    shop.load(5, 6)
    assert [number for *_, number in shop.orders()] == ["A2", "A3", "A4"]
    assert shop.rows("order_number", "payment_rows") == [("A1",)]
    assert len([record for record in shop.files() if record.is_accepted]) == 3
