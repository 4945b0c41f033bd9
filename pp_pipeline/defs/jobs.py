"""Two jobs: everything from order files to batches, and sending. Not one per campaign."""

from datetime import UTC, date, datetime, timedelta
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


_Status = dg.DagsterRunStatus
_FAILED = [_Status.FAILURE, _Status.CANCELED]
_LONGEST = timedelta(hours=1)
_UNDER_WAY = [_Status.QUEUED, _Status.NOT_STARTED, _Status.STARTING, _Status.STARTED]


def failed_runs(instance: dg.DagsterInstance, tags: dict[str, str]) -> int:
    """How many runs with these tags failed: a run key is launched once for ever, so a retry needs another."""
    return instance.get_runs_count(dg.RunsFilter(tags=tags, statuses=_FAILED))


def last_run_failed(instance: dg.DagsterInstance, job: str) -> bool:
    """Whether the newest run of a job went wrong."""
    return any(run.status in _FAILED for run in instance.get_runs(dg.RunsFilter(job_name=job), limit=1))


def is_under_way(instance: dg.DagsterInstance, job: str, tag: str) -> bool:
    """Whether a run of a job that has a tag waits or runs. One of more than an hour ago is not counted: a run whose
    process was killed looks like a running one for ever."""
    since = datetime.now(UTC) - _LONGEST
    filters = dg.RunsFilter(job_name=job, statuses=_UNDER_WAY, created_after=since)
    return any(tag in run.tags for run in instance.get_runs(filters))


def ended_and_running(instance: dg.DagsterInstance, tags: dict[str, str]) -> tuple[int, int]:
    """How many runs with these tags have ended, and how many are waiting or running."""
    under_way = instance.get_runs_count(dg.RunsFilter(tags=tags, statuses=_UNDER_WAY))
    return instance.get_runs_count(dg.RunsFilter(tags=tags)) - under_way, under_way
