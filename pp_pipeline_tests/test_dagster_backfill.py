"""A backfill from the asset graph, as a person launches it in the UI: real webserver, real daemon, real runs."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from pp_pipeline.defs.jobs import DAILY
from pp_pipeline.defs.location import Location
from pp_pipeline_tests.dagster_home import Installation, install, instance_of
from pp_pipeline_tests.dagster_server import ask, until, user_interface

_LAUNCH = """
mutation ($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
_STATUS = """
query ($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    ... on PartitionBackfill { status runs { status tags { key value } } }
  }
}
"""


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """Four days of orders up to today, built."""
    installation = install(tmp_path)
    today = Location(installation.settings).today()
    for number, name in ((3, "A1"), (1, "B1")):
        day = today - timedelta(days=number)
        installation.write_orders(f"{day}", f"{name},ann@example.com,{day}T10:00:00,,processing")
    with instance_of(installation) as instance:
        assert installation.run(DAILY, today - timedelta(days=3), today, instance).success
    return installation


@pytest.fixture
def server(installation: Installation) -> Iterator[str]:
    """The address of `pp ui`."""
    with user_interface(installation.settings) as address:
        yield address


@pytest.mark.heavy
def test_one_corrected_day_is_backfilled_to_today_without_a_run_per_day(
    installation: Installation, server: str
) -> None:
    today = Location(installation.settings).today()
    day = today - timedelta(days=3)
    installation.write_orders(f"{day}", f"A1,ann@example.com,{day}T10:00:00,,canceled")
    assets = [node["assetKey"] for node in ask(server, "{assetNodes{assetKey{path}}}")["assetNodes"]]
    chosen = [key for key in assets if key["path"] != ["deliveries"]]
    launched = ask(server, _LAUNCH, params={"partitionNames": [f"{day}"], "assetSelection": chosen})
    backfill = launched["launchPartitionBackfill"]["backfillId"]
    until(lambda: status(server, backfill)["status"] not in ("REQUESTED", "COMPLETING"))
    ended = status(server, backfill)
    assert ended["status"] == "COMPLETED_SUCCESS"
    ranges = {run_range(run) for run in ended["runs"]}
    assert (f"{day}", f"{today}") in ranges
    assert len(ended["runs"]) <= 3, "a range of days is one pass, not a run per day"
    with Location(installation.settings).warehouse.connect() as connection:
        left = connection.rows("select movement_on, reason from queue_win_back where movement = 'left'")
    assert left == []  # A1 never entered: canceled on its own day
    assert ("B1",) in orders_entered(installation, today)


def orders_entered(installation: Installation, today: date) -> list[tuple[Any, ...]]:
    """Orders that entered the win-back queue up to a day."""
    with Location(installation.settings).warehouse.connect() as connection:
        return connection.rows(
            "select order_number from queue_win_back where movement = 'entered' and movement_on <= ?", (today,)
        )


def run_range(run: dict[str, Any]) -> tuple[str | None, str | None]:
    """First and last day of a run, from its tags."""
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}
    one = tags.get("dagster/partition")
    return tags.get("dagster/asset_partition_range_start", one), tags.get("dagster/asset_partition_range_end", one)


def status(server: str, backfill: str) -> dict[str, Any]:
    """How a backfill stands."""
    return ask(server, _STATUS, id=backfill)["partitionBackfillOrError"]
