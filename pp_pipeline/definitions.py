"""The Dagster code location: assets of every step, checks, jobs, the schedules and the sensors."""

from collections.abc import Mapping

import dagster as dg

from pp_pipeline.defs.alerting import sensors as alert_sensors
from pp_pipeline.defs.campaigns import assets as campaigns
from pp_pipeline.defs.campaigns import checks as campaign_checks
from pp_pipeline.defs.conversations import assets as conversations
from pp_pipeline.defs.conversations import checks as conversation_checks
from pp_pipeline.defs.event_log import spare_syncs
from pp_pipeline.defs.jobs import daily_job, sending_job
from pp_pipeline.defs.landing import assets as landing
from pp_pipeline.defs.landing import fetching
from pp_pipeline.defs.landing import sensors as landing_sensors
from pp_pipeline.defs.list import assets as list_
from pp_pipeline.defs.location import Location
from pp_pipeline.defs.orders import assets as orders
from pp_pipeline.defs.schedules import schedules
from pp_pipeline.defs.sending import approving
from pp_pipeline.defs.sending import assets as sending
from pp_pipeline.defs.sending import checks as sending_checks
from pp_pipeline.defs.sending import sensors as sending_sensors
from pp_pipeline.settings import Settings


def build_definitions(settings: Settings, loggers: Mapping[str, dg.LoggerDefinition] | None = None) -> dg.Definitions:
    """Everything that Dagster shows for one installation.

    Args:
        loggers: in place of Dagster's console logger.

    Raises:
        CampaignError, ConversationError, MerchantError, DbtError: something that a person wrote is wrong.
    """
    spare_syncs(settings.dagster_home)
    location = Location(settings)
    location.check()
    steps = [landing, orders, list_, campaigns, conversations, sending]
    return dg.Definitions(
        assets=[asset for step in steps for asset in step.assets(location)],
        asset_checks=[
            *campaign_checks.checks(location),
            *conversation_checks.checks(location),
            *sending_checks.checks(location),
        ],
        jobs=[daily_job(), sending_job(), *approving.jobs(location), *fetching.jobs(location)],
        schedules=[*schedules(location), *fetching.schedules(location)],
        sensors=[
            *landing_sensors.sensors(location),
            *sending_sensors.sensors(location),
            *alert_sensors.sensors(location),
        ],
        executor=dg.in_process_executor,
        loggers=loggers,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The code location of the installation that the environment names."""
    return build_definitions(Settings.from_environment())
