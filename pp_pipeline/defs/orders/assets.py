"""Order versions and order lines: what the files of each day state."""

import dagster as dg

from pp_pipeline.defs.dbt_steps import dbt_step
from pp_pipeline.defs.location import Location


def assets(location: Location) -> list[dg.AssetsDefinition]:
    """The assets of the step `orders`."""
    return [dbt_step(location, "orders")]
