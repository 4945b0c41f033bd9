"""One queue per campaign; each shows how many wait and what left, with reasons."""

from collections.abc import Mapping, Sequence
from datetime import date

import dagster as dg

from pp_pipeline.campaigns.queues import describe_days, queue_days
from pp_pipeline.defs.dbt_steps import DayMetadata, dbt_step
from pp_pipeline.defs.location import Location


def assets(location: Location) -> list[dg.AssetsDefinition]:
    """The assets of the step `campaigns`."""
    return [dbt_step(location, "campaigns", report_queues)]


def report_queues(location: Location, models: Sequence[str], first: date, last: date) -> Mapping[str, DayMetadata]:
    """Metadata by queue and day: counts of waiting, entered, moved and left orders."""
    queues = [campaign.queue for campaign in location.campaigns if campaign.queue in models]
    with location.warehouse.connect() as connection:
        return {
            queue: {
                day: {
                    "waiting": counts.waiting,
                    "entered": counts.entered,
                    "moved": counts.moved,
                    "left": describe_days([counts]),
                    **{f"left {reason}": count for reason, count in counts.left.items()},
                }
                for day, counts in queue_days(connection, queue, first, last).items()
            }
            for queue in queues
        }
