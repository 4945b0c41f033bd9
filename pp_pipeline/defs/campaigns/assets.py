"""One queue per campaign; each shows how many wait and what left, with reasons."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg

from pp_pipeline.campaigns.due_picture import due_letters, due_markdown
from pp_pipeline.campaigns.queues import describe_days, queue_days, waiting_by_due_day
from pp_pipeline.defs.dbt_steps import DayMetadata, dbt_step
from pp_pipeline.defs.location import Location
from pp_pipeline.pages.links import why_not_url
from pp_pipeline.warehouse import Connection


def assets(location: Location) -> list[dg.AssetsDefinition]:
    """The assets of the step `campaigns`."""
    return [dbt_step(location, "campaigns", report_queues)]


def report_queues(location: Location, models: Sequence[str], first: date, last: date) -> Mapping[str, DayMetadata]:
    """Metadata by queue and day: counts of waiting, entered, moved and left orders, a link to the page that tells why;
    of the last day a picture too."""
    queues = [campaign.queue for campaign in location.campaigns if campaign.queue in models]
    with location.warehouse.connect() as connection:
        port = location.settings.pages_port
        return {queue: _days_of(connection, queue, first, last, port) for queue in queues}


def _days_of(
    connection: Connection, queue: str, first: date, last: date, pages_port: int
) -> dict[date, dict[str, Any]]:
    days = {
        day: {
            "waiting": counts.waiting,
            "entered": counts.entered,
            "moved": counts.moved,
            "left": describe_days([counts]),
            **{f"left {reason}": count for reason, count in counts.left.items()},
            "why not": dg.MetadataValue.url(why_not_url(pages_port, queue, day)),
        }
        for day, counts in queue_days(connection, queue, first, last).items()
    }
    due = waiting_by_due_day(connection, queue, last)
    days[last]["releases to come"] = due_letters(due, last)
    days[last]["releases to come, drawn"] = dg.MarkdownMetadataValue(due_markdown(due, last))
    return days
