"""The one daily schedule: today, and in the same pass every earlier day that no longer holds."""

import dagster as dg

from pp_pipeline.build_range import build_range
from pp_pipeline.defs.jobs import DAILY, range_tags
from pp_pipeline.defs.location import Location
from pp_pipeline.warehouse import Warehouse, WarehouseError

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
        try:
            with location.ledger() as ledger:
                first = build_range(
                    location.settings,
                    ledger,
                    Warehouse(location.settings, LOCK_WAIT_SECONDS),
                    location.books,
                    location.merchants,
                    today,
                    today,
                ).first
        except WarehouseError:
            # Somebody builds right now. Today is built all the same; a check names what else no longer holds.
            first = today
        return dg.RunRequest(run_key=f"daily-{today}", tags=range_tags(first, today))

    return daily
