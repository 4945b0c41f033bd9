"""The warehouse table that conversations are handed to dbt in."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.loading import conversation_messages

if TYPE_CHECKING:
    from pp_pipeline.warehouse import Connection

_CREATE = """
create table conversation_messages (
    conversation varchar not null,
    event_name varchar not null,
    step varchar not null,
    channel varchar not null,
    template varchar not null,
    kind varchar not null,
    scope varchar not null,
    entries varchar not null,
    live_from date,
    exit_when varchar not null
)
"""


def write_conversation_messages(connection: "Connection", conversations: Sequence[Conversation]) -> int:
    """Write the table anew, which is small: a configuration has no effective date. Returns its rows."""
    frame = conversation_messages(conversations)
    connection.execute("drop table if exists conversation_messages")
    connection.execute(_CREATE)
    connection.insert("conversation_messages", frame)
    return len(frame)
