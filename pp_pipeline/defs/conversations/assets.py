"""External events, and the messages that conversations plan on them."""

import dagster as dg

from pp_pipeline.conversations.tables import write_conversation_messages
from pp_pipeline.defs.dbt_steps import dbt_step
from pp_pipeline.defs.location import SINGLE_RUN, Location


def assets(location: Location) -> list[dg.AssetsDefinition]:
    """The assets of the step `conversations`."""

    @dg.asset(
        group_name="conversations",
        partitions_def=location.days,
        backfill_policy=SINGLE_RUN,
        kinds={"yaml"},
    )
    def conversation_messages() -> dg.MaterializeResult:
        """The messages of the conversation files, one row per event that leads to one.

        The table is small and written whole: a configuration has no effective date.
        """
        with location.warehouse.connect() as connection:
            count = write_conversation_messages(connection, location.conversations)
        return dg.MaterializeResult(metadata={"conversations": len(location.conversations), "dagster/row_count": count})

    return [conversation_messages, dbt_step(location, "conversations")]
