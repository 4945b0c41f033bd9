"""The rows that two plans are compared by, read out of a warehouse.

Five kinds of rows, all of one form: what campaigns release, who waits in their queues at the end, what conversations
plan, the events of orders and actions, and the members of segments.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from pp_pipeline.campaigns.queues import waiting_orders
from pp_pipeline.conversations.loading import load_conversations
from pp_pipeline.dbt_project import DbtProject
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Connection

Kind = Literal["campaign", "waiting", "conversation", "event", "segment"]
KINDS: tuple[Kind, ...] = ("campaign", "conversation", "event", "segment", "waiting")
"""In the order in which they are told."""
GOING_OUT: tuple[Kind, ...] = ("campaign", "conversation", "event")
"""Rows that are delivered, or lead to a delivery. A segment's members reach relays as a whole each day: one who joins
would count once a day."""


class PlanRow(NamedTuple):
    """One row of a plan. It holds no address.

    Attributes:
        name: of the campaign, conversation, event or segment.
        key: what it is known by in both plans, whatever its day, its contact or its text: the event id of a release
            or an event, the message id, the order that waits, day and contact of a segment's member.
        day: on which it is released, due, fired or a member; of who waits, the due date.
        text: channel, template and variant of a message; else ''.
        event_id: of a message, the event that began its run; of a release or an event, its own.
        place: of a message, its run key, step, occurrence and pass; else the key. A message that comes from another
            event in the other plan has another id and the same place.
    """

    kind: Kind
    name: str
    key: str
    day: date
    contact_key: str | None
    text: str
    order_number: str | None
    event_id: str | None
    place: str


@dataclass(frozen=True)
class Plan:
    """What an open warehouse plans, for the campaigns and conversations of a checkout."""

    connection: Connection
    campaigns: Sequence[str]
    conversations: Collection[str] = ()

    @classmethod
    def of(cls, settings: Settings, connection: Connection) -> "Plan":
        """The plan of a home, by the configuration of its settings' checkout.

        Raises:
            ConversationError: a conversation can't be used.
        """
        conversations = {str(one.conversation) for one in load_conversations(settings.conversations_dir)}
        return cls(connection, DbtProject(settings).campaign_names(), conversations)

    def begins_on(self) -> date | None:
        """The first day that was ever landed; None before the first."""
        if not self.connection.table_exists("landed_days"):
            return None
        return self.connection.rows("select min(day) from landed_days")[0][0]

    def rows(self, first: date, last: date) -> Iterator[PlanRow]:
        """What is released, planned and fired on the days first..last."""
        for campaign in self._built_campaigns():
            yield from self._rows(
                f"""select 'campaign', '{campaign}', event_id, movement_on, contact_key, '', order_number, event_id,
                        event_id
                    from queue_{campaign} where reason = 'released' and movement_on between ? and ?""",
                first,
                last,
            )
        if self.connection.table_exists("planned_messages"):
            yield from self._rows(
                """select 'conversation', conversation, message_id, due_on, contact_key,
                        trim(channel || ' ' || template || ' ' || variant), order_number, event_id,
                        run_key || ' ' || step || ' ' || cast(occurrence as varchar) || ' ' || cast(pass as varchar)
                    from planned_messages where due_on between ? and ?""",
                first,
                last,
            )
        if self.connection.table_exists("all_events"):
            # What a campaign fires stands among its releases.
            yield from self._rows(
                """select 'event', event_name, event_id, occurred_on, contact_key, '', order_number, event_id, event_id
                    from all_events where campaign is null and occurred_on between ? and ?""",
                first,
                last,
            )

    def members(self, first: date, last: date) -> Iterator[PlanRow]:
        """The members of segments on the days first..last. Nobody moves there: a member has a row for each day."""
        if self.connection.table_exists("segment_snapshots"):
            key = "cast(snapshot_on as varchar) || ' ' || merchant || ' ' || contact_key"
            yield from self._rows(
                f"""select 'segment', segment, {key}, snapshot_on, contact_key, '', null, null, {key}
                    from segment_snapshots where snapshot_on between ? and ?""",
                first,
                last,
            )

    def waiting(self, on: date) -> Iterator[PlanRow]:
        """Who waits in the campaigns' queues at the end of a day; the row's day is the due date."""
        for campaign in self._built_campaigns():
            found = waiting_orders(self.connection, f"queue_{campaign}", on)
            for due_on, order, contact in zip(
                found["due_on"], found["order_number"], found["contact_key"], strict=True
            ):
                yield PlanRow("waiting", campaign, order, due_on, contact, "", order, None, order)

    def _built_campaigns(self) -> Iterator[str]:
        return (name for name in self.campaigns if self.connection.table_exists(f"queue_{name}"))

    def _rows(self, sql: str, first: date, last: date) -> Iterator[PlanRow]:
        return map(PlanRow._make, self.connection.rows(sql, (first, last)))
