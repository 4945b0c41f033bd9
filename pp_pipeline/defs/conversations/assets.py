"""External events, and the messages that conversations plan on them."""

from collections.abc import Mapping, Sequence
from datetime import date

import dagster as dg

from pp_pipeline.conversations.tables import write_conversation_tables
from pp_pipeline.defs.dbt_steps import DayMetadata, dbt_step
from pp_pipeline.defs.location import SINGLE_RUN, Location
from pp_pipeline.landing.days import days_between
from pp_pipeline.pages.links import why_not_url


def assets(location: Location) -> list[dg.AssetsDefinition]:
    """The assets of the step `conversations`."""

    @dg.asset(
        group_name="conversations",
        partitions_def=location.days,
        backfill_policy=SINGLE_RUN,
        kinds={"yaml"},
    )
    def conversation_programs() -> dg.MaterializeResult:
        """The conversation files as tables for SQL: every way that a run can take, rolled out day by day.

        They are small and written whole: a configuration has no effective date.
        """
        with location.warehouse.connect() as connection:
            write_conversation_tables(connection, location.conversations)
        return dg.MaterializeResult(metadata={"conversations": len(location.conversations)})

    return [conversation_programs, dbt_step(location, "conversations", report_plan)]


def report_plan(location: Location, models: Sequence[str], first: date, last: date) -> Mapping[str, DayMetadata]:
    """Metadata by model and day: of the plan, the page that tells why somebody is not in it."""
    port = location.settings.pages_port
    links = {day: {"why not": dg.MetadataValue.url(why_not_url(port, "", day))} for day in days_between(first, last)}
    return {model: links for model in models if model == "planned_messages"}
