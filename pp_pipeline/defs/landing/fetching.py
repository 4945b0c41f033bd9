"""Fetching from a remote inbox, where PP_INBOX_URL names one: a job of its own, so that no sensor uses the network."""

import dagster as dg

from pp_pipeline.defs.location import Location
from pp_pipeline.landing.fetching import fetch_files
from pp_pipeline.landing.remote import FetchError

FETCHING = "fetch_files"
FETCH = "fetch"  # its only op; Dagster loads no location where an op is named like a job
EVERY_MINUTES = 15


def jobs(location: Location) -> list[dg.JobDefinition]:
    """The job that fetches; none without a remote inbox."""
    if not location.settings.inbox_url:
        return []

    @dg.op(name=FETCH, description="Brings new and changed files of the remote inbox into the local one.")
    def fetch(context: dg.OpExecutionContext) -> None:
        try:
            result = fetch_files(
                location.settings,
                progress=lambda what, done, of: context.log.info(f"{what}: {done} of {of}"),
            )
        except FetchError as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        context.add_output_metadata(
            {
                "from": result.url,
                "files fetched": list(result.fetched),
                "files unchanged": result.unchanged,
                "files still being written": list(result.left_for_later),
                "files removed": list(result.removed),
                "files gone there and not taken in yet": list(result.kept),
                "refused": [reason for _, reason in result.refused],
            }
        )
        for _, reason in result.refused:
            context.log.warning(reason)

    @dg.job(
        name=FETCHING,
        description="Fetches files from PP_INBOX_URL; order_file_sensor then sees them in the inbox.",
        executor_def=dg.in_process_executor,
    )
    def fetch_job() -> None:
        fetch()

    return [fetch_job]


def schedules(location: Location) -> list[dg.ScheduleDefinition]:
    """Every quarter of an hour; none without a remote inbox."""
    if not location.settings.inbox_url:
        return []
    return [
        dg.ScheduleDefinition(
            name="fetch_schedule",
            job_name=FETCHING,
            cron_schedule=f"*/{EVERY_MINUTES} * * * *",
            description="Fetches files from PP_INBOX_URL.",
        )
    ]
