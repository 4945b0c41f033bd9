"""Events and what came of them: who takes them, and why a conversation did not begin a run by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.takers import relays_of, takers_of
from pp_pipeline.merchants import Merchant
from pp_pipeline.why.entries import Event, NoMessage
from pp_pipeline.why.history import EventRow
from pp_pipeline.why.positions import leaving_words
from pp_pipeline.why.runs import Leaving, Possible, Run, Runs

_NOT_BUILT = "the plan holds none; if its files changed since, `pp run` plans anew"


@dataclass(frozen=True)
class EventTeller:
    """Tells of the events of one merchant's orders.

    Attributes:
        runs: the runs of the contacts of these orders, and the events that might have begun one.
    """

    merchant: Merchant
    conversations: Sequence[Conversation]
    runs: Runs

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
            contact_key=row.contact_key,
            event_id=row.event_id,
            event_name=row.event_name,
            campaign=row.campaign,
            conversation=row.conversation,
            takers=takers,
        )

    def no_messages(self, row: EventRow) -> list[NoMessage]:
        """The conversations that take an event and began no run by it."""
        found = []
        for conversation in self._conversations(row):
            name = conversation.conversation
            possible = self.runs.possible_of(row.event_id, name)
            if any(one.has_begun for one in possible):
                continue
            text = f"conversation {name}: ignored {row.event_name}: {self._why_ignored(row, conversation, possible)}"
            found.append(
                NoMessage(
                    on=row.occurred_on,
                    text=text,
                    contact_key=row.contact_key,
                    event_id=row.event_id,
                    conversation=name,
                )
            )
        return found

    def _conversations(self, row: EventRow) -> list[Conversation]:
        return self._takers.get(row.event_name, [])

    @cached_property
    def _takers(self) -> dict[str, list[Conversation]]:
        found: dict[str, list[Conversation]] = {}
        for conversation in self.conversations:
            for event in conversation.events:
                found.setdefault(event, []).append(conversation)
        return found

    def _why_ignored(self, row: EventRow, conversation: Conversation, possible: Sequence[Possible]) -> str:
        """The first reason of DESIGN 4, "Each day", 2."""
        on = row.occurred_on
        if conversation.live_from is not None and on < conversation.live_from:
            return f"it is live from {conversation.live_from}"
        if not possible:
            return _NOT_BUILT
        key = possible[0].key(conversation.scope)
        if key is None:
            return f"it is about one {conversation.scope}, and the event names none"
        at_once = [word for one in possible for day, word in self.runs.endings.get(one.run_id, ()) if day <= on]
        if at_once:
            return f"it would end at once, {leaving_words(Leaving(on, at_once[0]))}"
        runs = [run for run in self.runs.of_key(conversation, key) if run.begin.begun_on <= on]
        if runs and runs[-1].begin.begun_on == on:
            return f"{_by(runs[-1])} counts that day, one event a day does"
        if runs and runs[-1].is_inside(on):
            return self._why_not_pulled(runs[-1], possible[0])
        if runs and conversation.entries == "once":
            return f"a contact enters it once, and did on {runs[0].begin.begun_on} {_with(runs[0])}"
        return _NOT_BUILT

    def _why_not_pulled(self, run: Run, possible: Possible) -> str:
        begin = run.begin
        inside = f"the run that began on {begin.begun_on} {_with(run)} went on"
        yesterday = date.fromordinal(possible.begun_on.toordinal() - 1)
        stay = run.stay_on(yesterday)
        rank = stay.rank if stay else run.thread.rank
        if possible.rank <= rank:
            return f"{inside}, it stood at rank {rank} and only a higher one than that pulls (this is {possible.rank})"
        return f"{inside}, its order is newer than {possible.order_number}"


def _by(run: Run) -> str:
    return f"order {run.begin.order_number}" if run.begin.order_number else run.begin.event_name


def _with(run: Run) -> str:
    return f"with order {run.begin.order_number}" if run.begin.order_number else f"by {run.begin.event_name}"
