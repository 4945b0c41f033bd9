"""`pp conversation new`: questions, then a folder with conversation.yml and its messages (docs/conversations.md)."""

from collections.abc import Mapping, Sequence
from datetime import date

from pp_pipeline.commands.new_asking import Asker, begin
from pp_pipeline.commands.new_ending import end
from pp_pipeline.commands.output import guarded
from pp_pipeline.configuration import Configuration
from pp_pipeline.conversations.across import problems_across
from pp_pipeline.conversations.loading import ConversationError, load_conversations
from pp_pipeline.conversations.steps import Wait
from pp_pipeline.conversations.takers import EventWay, event_ways
from pp_pipeline.starting.conversation_recipes import CONVERSATION_RECIPES, Begun, about
from pp_pipeline.starting.drafts import draft_checkout

_ORDERS = ("orders",)
_LIVE_FROM = "Events before this day begin nothing, so that nobody is written to about old orders"
_PURPOSE = "Its flow_type: two conversations of one purpose that begin with the same orders are refused"


@guarded
def new_conversation(options: Mapping[str, str | None], today: str | None, yes: bool, as_json: bool) -> int:
    """Ask, check, preview, and write a conversation; the arguments are those of `begin`.

    Returns 0 if it was written, 1 if the person said no.
    """
    session = begin(options, today, yes, as_json)
    configuration, asker, day = session.configuration, session.asker, session.today
    recipes = {name: about(name) for name in CONVERSATION_RECIPES}
    recipe = asker.choice("recipe", "Recipe", recipes, default="plain")
    name = asker.name(configuration.settings, "conversation", recipe)
    ways = event_ways(configuration.campaigns, configuration.conversations, configuration.merchants)
    event = _event(asker, [way for way in ways if way.fired_by])
    waited = any(way.event == event and way.fired_by != _ORDERS for way in ways)
    wait_days = asker.answer(
        "wait-days",
        "Days to wait",
        _wait_problem,
        default="0" if waited else str(CONVERSATION_RECIPES[recipe]),
        about="From the event to the first message; 0 where a campaign waited before",
    )
    live_from = date.fromisoformat(asker.day("live-from", "Live from", day.isoformat(), _LIVE_FROM))

    def begun(purpose: str) -> Begun:
        return Begun(recipe, name, event, int(wait_days), purpose, live_from)

    purpose = asker.answer(
        "flow-type",
        "Purpose",
        lambda text: _problem(configuration, begun(text), day),
        default=name if recipe == "plain" else recipe,
        about=_PURPOSE,
    )
    steps = [
        f"read the messages and make them yours; `pp render {name}` shows them",
        f"`pp conversation {name}` shows the steps, `pp preview --conversation {name}` whom it reaches",
    ]
    return end(session, begun(purpose).draft(day), steps)


def _event(asker: Asker, ways: Sequence[EventWay]) -> str:
    """The event that begins it. Suggested is a campaign's that no conversation takes yet."""
    fired_by = {way.event: ", ".join(way.fired_by) for way in ways}
    taken = {way.event: way.conversations for way in ways}
    choices = {
        event: f"from {whose}" + (f"; taken by {', '.join(taken[event])}" if taken[event] else "")
        for event, whose in fired_by.items()
    }
    free = [way.event for way in ways if way.fired_by != _ORDERS and not way.conversations]
    return asker.choice("trigger", "Event that begins it", choices, default=free[0] if free else None)


def _wait_problem(text: str) -> str:
    try:
        Wait(days=int(text), at="10:00")
    except ValueError:
        return f"'{text}' is not allowed; allowed: whole days, 0 to 3660"
    return ""


def _problem(configuration: Configuration, begun: Begun, today: date) -> str:
    """What is wrong with the whole, in the words of the load; it is read from a copy of the checkout."""
    settings = configuration.settings
    with draft_checkout(settings, begun.draft(today)) as checkout:
        copy = settings.model_copy(update={"checkout": checkout})
        try:
            conversations = load_conversations(copy.conversations_dir, configuration.merchants)
        except ConversationError as error:
            return str(error)
        segments = configuration.project.segment_names()
        return "\n".join(problems_across(copy, conversations, configuration.campaigns, segments))
