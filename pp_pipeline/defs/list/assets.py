"""The Post Purchase list and the segments."""

import dagster as dg

from pp_pipeline.defs.dbt_steps import dbt_step
from pp_pipeline.defs.location import Location


def assets(location: Location) -> list[dg.AssetsDefinition]:
    """The assets of the step `list`."""
    return [dbt_step(location, "list")]
