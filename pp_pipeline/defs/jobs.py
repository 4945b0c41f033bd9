"""Two jobs: everything from order files to batches, and sending. Not one per campaign."""

from datetime import date
from typing import Any

import dagster as dg

DAILY = "daily"
SENDING = "sending"
DELIVERIES = dg.AssetSelection.assets("deliveries")


def daily_job() -> Any:
    """From order files to sealed batches, for one day or a range in one pass."""
    return dg.define_asset_job(
        DAILY,
        selection=dg.AssetSelection.all() - DELIVERIES,
        description="Lands order files and builds everything up to the sealed batches. A range of days is one pass.",
    )


def sending_job() -> Any:
    """Delivers what the batches of a day (or a range) allow."""
    return dg.define_asset_job(
        SENDING,
        selection=DELIVERIES,
        description="Hands released events, segment snapshots and messages on, each once (the ledger decides).",
    )


def range_tags(first: date, last: date) -> dict[str, str]:
    """The run tags that make Dagster build a range of partitions in one run."""
    return {
        "dagster/asset_partition_range_start": first.isoformat(),
        "dagster/asset_partition_range_end": last.isoformat(),
    }
