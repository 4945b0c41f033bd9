"""External events, and the messages that conversations plan on them."""

import dagster as dg

from pp_pipeline.conversations.loading import conversation_messages as messages_of
from pp_pipeline.conversations.tables import CREATE_CONVERSATION_MESSAGES
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
        frame = messages_of(location.conversations)
        with location.warehouse.connect() as connection:
            connection.execute(CREATE_CONVERSATION_MESSAGES)
            connection.replace_table("conversation_messages", frame)
        return dg.MaterializeResult(
            metadata={"conversations": len(set(frame["conversation"])), "dagster/row_count": len(frame)}
        )

    return [conversation_messages, dbt_step(location, "conversations")]
