"""Who has shown interest, and when last: read set-based from the landed feedback, for the sunset rule (DESIGN 5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from pp_pipeline.sending.plan import marks
from pp_pipeline.warehouse import Connection

# What somebody does of his own. What happens to a message (delivered, bounced) is none, nor are words against it.
_ENGAGING = ("opened", "clicked", "sms_reply", "review_left", "ticket_opened", "site_action", "preference_set")
# What a merchant who hears of such things hears of sooner or later. Few people answer a text.
_HEARD = ("opened", "clicked")
_BY_A_PERSON = "coalesce(feedback.is_machine_open, false) = false"


@dataclass(frozen=True)
class Engagement:
    """What feedback says of interest."""

    last_on: Mapping[tuple[str, str], date] = field(default_factory=dict)
    """By merchant and contact key: the newest day of an engagement."""
    heard: Mapping[str, Mapping[str, tuple[date, date]]] = field(default_factory=dict)
    """By merchant and channel: the first and the last day of an opening or click by anybody, programs too."""


def read_engagement(connection: Connection, days: list[date]) -> Engagement:
    """The engagement of the contacts of the days' messages, on the newest files."""
    if not connection.table_exists("feedback_rows"):
        return Engagement()
    sql = f"""
        with asked as (
            select distinct merchant, contact_key from planned_messages where due_on in ({marks(days)})
        )
        select feedback.merchant, feedback.contact_key, max(feedback.occurred_on)
        from feedback_rows as feedback
        inner join asked on feedback.merchant = asked.merchant and feedback.contact_key = asked.contact_key
        where feedback.event in ({_quoted(_ENGAGING)}) and {_BY_A_PERSON}
        group by feedback.merchant, feedback.contact_key
    """
    last_on = {(merchant, contact_key): day for merchant, contact_key, day in connection.rows(sql, days)}
    sql = f"""
        select merchant, coalesce(channel, 'email'), min(occurred_on), max(occurred_on)
        from feedback_rows
        where event in ({_quoted(_HEARD)})
        group by merchant, coalesce(channel, 'email')
    """
    heard: dict[str, dict[str, tuple[date, date]]] = {}
    for merchant, channel, first, last in connection.rows(sql, []):
        heard.setdefault(merchant, {})[channel] = (first, last)
    return Engagement(last_on, heard)


def _quoted(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)
