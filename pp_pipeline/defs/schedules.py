"""The schedules: today, and in the same pass every earlier day that no longer holds; once a day, or hour by hour."""

from datetime import date

import dagster as dg

from pp_pipeline.build_range import BuildRange, build_range
from pp_pipeline.defs.jobs import DAILY, last_run_failed, range_tags
from pp_pipeline.defs.location import Location
from pp_pipeline.warehouse import Warehouse, WarehouseError

HOUR = 6
LOCK_WAIT_SECONDS = 20.0


def schedules(location: Location) -> list[dg.ScheduleDefinition]:
    """Both run the daily job, by the clock of the days' zone; one of them will do.

    `daily_schedule` goes with `order_file_sensor`, which runs the job at each file besides. `hourly_schedule` stands
    for both where files come many times an hour: what came in since goes in one run.
    """

    @dg.schedule(
        name="daily_schedule",
        job_name=DAILY,
        cron_schedule=f"0 {HOUR} * * *",
        execution_timezone=location.zone,
        description="Builds today, and with it every earlier day that is missing or no longer holds, in one pass.",
    )
    def daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        today = context.scheduled_execution_time.date()
        days = _days(location, today)
        return dg.RunRequest(run_key=f"daily-{today}", tags=range_tags(days.first, today))

    @dg.schedule(
        name="hourly_schedule",
        job_name=DAILY,
        cron_schedule="0 * * * *",
        execution_timezone=location.zone,
        description="As daily_schedule, every hour in which there is something to build: a new day, new or changed "
        "files, days that no longer hold, or a run that failed.",
    )
    def hourly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        at = context.scheduled_execution_time
        days = _days(location, at.date())
        if days.is_there and not days.reasons and not last_run_failed(context.instance, DAILY):
            return dg.SkipReason("no new or changed files since today was built, and every day holds")
        return dg.RunRequest(run_key=f"hourly-{at.isoformat()}", tags=range_tags(days.first, at.date()))

    return [daily, hourly]


def _days(location: Location, today: date) -> BuildRange:
    """The days to build with today; today alone while somebody builds: a check names what else no longer holds."""
    try:
        with location.ledger() as ledger:
            return build_range(
                location.settings,
                ledger,
                Warehouse(location.settings, LOCK_WAIT_SECONDS),
                location.books,
                location.merchants,
                today,
                today,
            )
    except WarehouseError:
        return BuildRange(today, today, today)
