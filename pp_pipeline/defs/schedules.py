"""The one daily schedule: today, and in the same pass every earlier day that no longer holds."""

import dagster as dg

from pp_pipeline.build_range import build_range
from pp_pipeline.defs.jobs import DAILY, range_tags
from pp_pipeline.defs.location import Location
from pp_pipeline.warehouse import Warehouse

HOUR = 6
LOCK_WAIT_SECONDS = 20.0


def daily_schedule(location: Location) -> dg.ScheduleDefinition:
    """Every morning in the days' zone."""

    @dg.schedule(
        name="daily_schedule",
        job_name=DAILY,
        cron_schedule=f"0 {HOUR} * * *",
        execution_timezone=location.zone,
        description="Builds today, and with it every earlier day that is missing or no longer holds, in one pass.",
    )
    def daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        today = context.scheduled_execution_time.date()
        warehouse = Warehouse(location.settings, LOCK_WAIT_SECONDS)
        with location.ledger() as ledger:
            days = build_range(location.settings, ledger, warehouse, location.books, location.merchants, today, today)
        return dg.RunRequest(run_key=f"daily-{today}", tags=range_tags(days.first, days.last))

    return daily
