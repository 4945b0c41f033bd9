"""A load that is killed leaves the day as it was, and the next load brings what was sent, once.

A process of its own loads and kills itself with SIGKILL at a named point: nothing can be tidied up after that.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pp_pipeline.settings import Settings
from pp_pipeline_tests.landing_shop import Shop, csv_of

# Where the process dies: before or after the call that is named.
POINTS = {
    "while the archive is written": ("pp_pipeline.landing.archive.os.fsync", "before"),
    "before the adoption is recorded": ("pp_pipeline.landing.adoption.record_files", "before"),
    "after the adoption is recorded": ("pp_pipeline.landing.adoption.record_files", "after"),
    "before the days are written": ("pp_pipeline.landing.load.write_days", "before"),
    "between two tables": ("pp_pipeline.warehouse.Connection.insert", "after"),
    "before the hashes are written": ("pp_pipeline.landing.writing._write_chain", "before"),
    "before the commit": ("pp_pipeline.landing.load.write_days", "after"),
}
_ADOPTED = {"after the adoption is recorded", "before the days are written", "between two tables",
            "before the hashes are written", "before the commit"}  # fmt: skip
_CHILD = """
import os, signal, sys
from datetime import date
from importlib import import_module

from pp_pipeline.landing.load import load_days
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Warehouse
from pp_pipeline_tests.landing_shop import merchant

home, target, url, place, when = sys.argv[1:]
path, names = place, []
while True:  # the longest part of the place that is a module, then attributes
    path, _, name = path.rpartition(".")
    names.insert(0, name)
    try:
        owner = import_module(path)
        break
    except ImportError:
        continue
for name in names[:-1]:
    owner = getattr(owner, name)
original = getattr(owner, names[-1])

def dying(*args, **kwargs):
    if when == "after":
        original(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(owner, names[-1], dying)
settings = Settings(home=home, **({"target": "postgres", "warehouse_url": url} if url else {}))
with Ledger(settings) as ledger:
    load_days(settings, ledger, Warehouse(settings).connect, date(2026, 1, 5), date(2026, 1, 6),
              {"main": merchant()}, today=date(2026, 1, 31))
print("it did not die")
"""


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

    place, when = POINTS[point]
    url = shop.settings.warehouse_url
    command = [sys.executable, "-c", _CHILD, str(shop.settings.home), shop.settings.target, url, place, when]
    child = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ.copy())
    assert child.returncode == -signal.SIGKILL, child.stdout + child.stderr

    assert (shop.orders(), shop.landed()) == (orders, landed)
    assert shop.rows("order_number", "payment_rows") == []
    accepted = [record.name for record in shop.files() if record.is_accepted]
    assert len(accepted) == (3 if point in _ADOPTED else 1)

    shop.load(5, 6)
    assert [number for *_, number in shop.orders()] == ["A2", "A3", "A4"]
    assert shop.rows("order_number", "payment_rows") == [("A1",)]
    assert len([record for record in shop.files() if record.is_accepted]) == 3
