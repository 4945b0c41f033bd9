"""The warehouse table that conversations are handed to dbt in."""

CREATE_CONVERSATION_MESSAGES = """
create table if not exists conversation_messages (
    conversation varchar not null,
    event_name varchar not null,
    step varchar not null,
    channel varchar not null,
    template varchar not null,
    kind varchar not null,
    scope varchar not null,
    entries varchar not null,
    live_from date,
    exit_canceled boolean not null,
    exit_returned boolean not null
)
"""
