"""Three conversations that fire for one another over one merchant's facts: random worlds, and what the oracle makes of
them one after another (DESIGN 4, "Events fired by an action")."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, NamedTuple

from hypothesis import strategies as st

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline_tests.conversation_facts import Event, Facts
from pp_pipeline_tests.conversation_oracle import ConversationOracle, Planned
from pp_pipeline_tests.conversation_pipeline import FIRST, LAST, Case, ConversationPipeline, fired_id
from pp_pipeline_tests.conversation_worlds import conversation_cases

_NAMES = ("first", "second", "third")
_WAITED_FOR: tuple[dict[str, str], ...] = (
    {},
    {"news": "fired_first"},
    {"news": "fired_second", "shipped": "fired_first"},
)
"""Which event of the drawn conversations becomes one that is fired."""


class Written(NamedTuple):
    """What is planned and fired for a merchant: messages by conversation, and events."""

    messages: list[tuple[str, Planned]]
    events: list[Event]


@dataclass(frozen=True)
class Chain:
    """Three conversations, each of which waits for what those before it fire, and what is known of one merchant."""

    conversations: tuple[dict[str, Any], ...]
    facts: Facts
    merchant: str = "main"

    def in_slot(self, slot: int) -> "Chain":
        """The same at a merchant of its own; see `Case.in_slot`."""
        own = [Case(conversation, self.facts).in_slot(slot) for conversation in self.conversations]
        return Chain(tuple(one.conversation for one in own), own[0].facts, own[0].merchant)

    def expected(self) -> Written:
        """What the oracle plans for one after the other."""
        facts = self.facts
        messages: list[tuple[str, Planned]] = []
        for text in self.conversations:
            conversation = Conversation.model_validate(text)
            planned = ConversationOracle(conversation, facts).plan(FIRST, LAST)
            messages += [(conversation.conversation, one) for one in planned if one.pass_number]
            fired = [self._event(conversation, facts, one) for one in planned if not one.pass_number]
            facts = replace(facts, events=[*facts.events, *fired])
        events = [one for one in facts.events[len(self.facts.events) :] if one.occurred_on <= LAST]
        return Written(sorted(messages), sorted(events, key=str))

    def _event(self, conversation: Conversation, facts: Facts, planned: Planned) -> Event:
        """It is about what the event was about that began the run, and reaches others on the next day."""
        entry = next(event for event in facts.events if event.event_id == planned.event_id)
        fires = next(step.action.fire for step in conversation.steps if step.action and step.id == planned.step) or ""
        about = (conversation.conversation, planned.event_id, planned.step, planned.occurrence)
        return entry._replace(
            event_id=fired_id(self.merchant, fires, *about), name=fires, occurred_on=planned.due_on + timedelta(days=1)
        )

    def found(self, pipeline: ConversationPipeline) -> Written:
        """What the SQL plans."""
        columns = "conversation, due_on, run_key, step, occurrence, pass, event_id, coalesce(not_before, '')"
        messages = f"select {columns} from planned_messages where merchant = ?"
        columns = "event_id, event_name, contact_key, order_number, occurred_on, sku"
        events = f"select {columns} from all_events where merchant = ? and conversation is not null"
        with pipeline.warehouse.connect() as connection:
            rows = connection.rows(messages, (self.merchant,))
            fired = [Event(*row) for row in connection.rows(events, (self.merchant,))]
        return Written(sorted((name, Planned(*row)) for name, *row in rows), sorted(fired, key=str))


@st.composite
def chains(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Chain:
    """Three drawn conversations; facts and reactions are those of the first."""
    cases = [draw(conversation_cases()) for _ in _NAMES]
    texts = tuple(
        _of_chain(case.conversation, name, waited_for)
        for case, name, waited_for in zip(cases, _NAMES, _WAITED_FOR, strict=True)
    )
    return Chain(texts, cases[0].facts)


def _of_chain(conversation: dict[str, Any], name: str, waited_for: dict[str, str]) -> dict[str, Any]:
    """The conversation, with an action at the beginning of its first thread."""
    threads = []
    for place, thread in enumerate(conversation["threads"]):
        trigger, *steps = thread["steps"]
        events = [waited_for.get(event, event) for event in trigger["trigger"]]
        steps = [{**step, "action": {"fire": f"fired_{name}"}} if "action" in step else step for step in steps]
        if place == 0:
            steps.insert(0, {"id": "tell", "action": {"fire": f"fired_{name}"}})
        threads.append({**thread, "steps": [{"trigger": events}, *steps]})
    return {**conversation, "conversation": name, "threads": threads}


def single_days(days: list[int]) -> list[tuple[date, date]]:
    """Ranges of one day each, counted from the first."""
    return [(FIRST + timedelta(days=day), FIRST + timedelta(days=day)) for day in days]
