"""Runs of Dagster that failed and were not made good, and the newest runs. Read from Dagster's own storage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

from pp_pipeline.alerting.trouble import Trouble
from pp_pipeline.defs.jobs import DAILY, SENDING

FAILED = "failed"
DAYS_LOOKED_AT = 14
_MOST_RUNS = 500
_MOST_FAILURES = 20
_BACKFILL = "__ASSET_JOB"
_ENDED = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS]


@dataclass(frozen=True)
class RunRow:
    """One run: `first` and `last` are the days that it was asked for, '' for jobs without days."""

    run_id: str
    job: str
    status: str
    first: str
    last: str
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def has_failed(self) -> bool:
        """Whether it ended with an error."""
        return self.status == dg.DagsterRunStatus.FAILURE.value

    def makes_good(self, failed: "RunRow") -> bool:
        """Whether this, a later run that succeeded, did what a failed one was asked for. The daily job does what is
        materialized from the asset graph, too."""
        stands_for = self.job == failed.job or (failed.job == _BACKFILL and self.job == DAILY)
        return stands_for and self.first <= failed.first and failed.last <= self.last


def newest_run(instance: dg.DagsterInstance, job: str) -> RunRow | None:
    """The newest run of a job, also one that has not ended."""
    records = instance.get_run_records(dg.RunsFilter(job_name=job), limit=1)
    return _row(records[0]) if records else None


def failed_troubles(instance: dg.DagsterInstance, now: datetime) -> list[Trouble]:
    """A trouble for each job and step that failed in the last two weeks and was not made good by a later run.

    An error's text is left out: it may come from a database, and hold what stands in its rows.
    """
    since = now - timedelta(days=DAYS_LOOKED_AT)
    filters = dg.RunsFilter(statuses=_ENDED, created_after=since)
    runs = [_row(record) for record in instance.get_run_records(filters, limit=_MOST_RUNS)]  # newest first
    standing = [
        run
        for place, run in enumerate(runs)
        if run.has_failed and not any(not later.has_failed and later.makes_good(run) for later in runs[:place])
    ]
    by_cause: dict[tuple[str, str], list[RunRow]] = {}
    for run in standing[:_MOST_FAILURES]:
        by_cause.setdefault((run.job, ", ".join(_failed_steps(instance, run.run_id))), []).append(run)
    return [_trouble(job, steps, some) for (job, steps), some in by_cause.items()]


def _trouble(job: str, steps: str, runs: Sequence[RunRow]) -> Trouble:
    newest = runs[0]
    times = f"{len(runs)} runs" if len(runs) > 1 else "a run"
    days = newest.first if newest.first == newest.last else f"{newest.first} to {newest.last}"
    of_days = f" for {days}" if days else ""
    at = f" in {steps}" if steps else ""
    name = "materializing assets" if job == _BACKFILL else f"the job {job}"
    text = f"{times} of {name}{of_days} failed{at} (run {newest.run_id[:8]})"
    again = {
        SENDING: f"`pp send --from {newest.first} --to {newest.last}`",
        DAILY: f"`pp run --from {newest.first} --to {newest.last}`",
    }.get(job, "run it again")
    return Trouble(
        FAILED, (f"{job} {steps}".strip(),), text, f"See the run in Dagster (`pp ui`), mend it, then {again}"
    )


def _failed_steps(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    return sorted({entry.step_key for entry in entries if entry.step_key})


def _row(record: dg.RunRecord) -> RunRow:
    run = record.dagster_run
    day = run.tags.get("dagster/partition", "")
    return RunRow(
        run_id=run.run_id,
        job=run.job_name,
        status=run.status.value,
        first=run.tags.get("dagster/asset_partition_range_start", day),
        last=run.tags.get("dagster/asset_partition_range_end", day),
        started_at=_moment(record.start_time),
        ended_at=_moment(record.end_time),
    )


def _moment(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
