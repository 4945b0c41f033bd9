"""Events and what came of them: who takes them, and why a conversation planned no message."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.exits import exits_of
from pp_pipeline.conversations.takers import relays_of, takers_of
from pp_pipeline.merchants import Merchant
from pp_pipeline.why.history import EventRow, MessageRow, RunRow, VersionRow, in_force
from pp_pipeline.why.story import Event, NoMessage


@dataclass(frozen=True)
class EventTeller:
    """Tells of the events of one merchant's orders.

    Attributes:
        messages, runs: the messages and runs of the contacts of these orders.
        orders: the versions of the orders.
    """

    merchant: Merchant
    conversations: Sequence[Conversation]
    messages: Sequence[MessageRow]
    runs: Sequence[RunRow]
    orders: Mapping[str, Sequence[VersionRow]]

    def relays(self, event_name: str) -> list[str]:
        """The relays that take an event."""
        return relays_of(event_name, self.merchant)

    def event(self, row: EventRow) -> Event:
        """An event, and who takes it."""
        takers = takers_of(row.event_name, self.merchant, self.conversations)
        fired = f", fired by the conversation {row.conversation}" if row.conversation else ""
        return Event(
            on=row.occurred_on,
            text=f"event {row.event_name} ({row.event_id[:12]}){fired}" + ("" if takers else ": nobody takes it"),
            event_id=row.event_id,
            event_name=row.event_name,
            campaign=row.campaign,
            conversation=row.conversation,
            takers=takers,
        )

    def no_messages(self, row: EventRow) -> list[NoMessage]:
        """The conversations that take an event and planned nothing for it."""
        found = []
        for conversation in self._conversations(row):
            name = conversation.conversation
            own = [message for message in self.messages if message.conversation == name]
            if any(message.event_id == row.event_id for message in own):
                continue
            text = f"no message of {name}: {self._why_none(row, conversation)}"
            found.append(NoMessage(on=row.occurred_on, text=text, event_id=row.event_id, conversation=name))
        return found

    def _conversations(self, row: EventRow) -> list[Conversation]:
        return [one for one in self.conversations if row.event_name in one.events]

    def _why_none(self, row: EventRow, conversation: Conversation) -> str:
        if conversation.live_from is not None and row.occurred_on < conversation.live_from:
            return f"it is live from {conversation.live_from}"
        version = in_force(self.orders.get(row.order_number or "", ()), row.occurred_on)
        if version is not None:
            exits = exits_of(version.status, version.returned_lines, version.refunded_cents)
            if ends := [word for word in conversation.exit_words if word in exits]:
                return f"its order is {ends[0].replace('_', ' ')}, which ends it (exit_when)"
        run_key = _run_key(row, conversation)
        if run_key is None:
            return f"it is about one {conversation.scope}, and the event names none"
        runs = [run for run in self.runs if (run.conversation, run.run_key) == (conversation.conversation, run_key)]
        if any(run.event_id == row.event_id for run in runs):
            return "a run of it began, and nothing of that run was due so far"
        earlier = [run for run in runs if run.begun_on <= row.occurred_on]
        if not earlier:
            return "the plan holds none; if its files changed since, `pp run` plans anew"
        last = earlier[-1]
        if last.begun_on == row.occurred_on:
            return f"order {last.order_number} counts that day, one event a day does"
        if conversation.entries == "once":
            return f"a contact enters it once, and did on {earlier[0].begun_on} with order {earlier[0].order_number}"
        return f"the run that began on {last.begun_on} with order {last.order_number} went on, and was not pulled"


def _run_key(row: EventRow, conversation: Conversation) -> str | None:
    """As dbt/macros/run_candidates.sql makes it; None where the event says less than the scope asks for."""
    parts = {
        "contact": [row.contact_key],
        "order": [row.contact_key, row.order_number],
        "line": [row.contact_key, row.order_number, row.sku],
    }[conversation.scope]
    return ":".join(str(part) for part in parts) if None not in parts else None
