"""`pp campaign new` and `pp segment new`: questions, then a dbt model (docs/campaigns.md)."""

from collections.abc import Mapping
from typing import Any

from pp_pipeline.campaigns.conditions import LIST_COLUMNS, ORDER_COLUMNS, ConditionError, check_condition
from pp_pipeline.campaigns.parameters import Campaign, parameter_problem
from pp_pipeline.commands.new_asking import Session, begin
from pp_pipeline.commands.new_ending import end
from pp_pipeline.commands.output import guarded
from pp_pipeline.conversations.across import faults_across
from pp_pipeline.conversations.takers import takers_of
from pp_pipeline.settings import parse_day
from pp_pipeline.starting.audiences import audience_problem
from pp_pipeline.starting.campaign_recipes import CAMPAIGN_RECIPES, EVERYONE, CampaignRecipe
from pp_pipeline.starting.models import campaign_draft, segment_draft
from pp_pipeline.starting.outlook import can_look_ahead

_DATE_BASES = {
    "order_date": "the day of the order",
    "ship_date": "the day on which it was shipped",
    "delivered_date": "the day on which it was delivered",
}
_SHIP_TRIGGERS = {
    "ship_date_only": "orders without a ship date wait for one",
    "ship_date_or_status": "the day on which an order is first known as shipped stands in",
}
_REPEATS = {
    "each": "each order counts by itself",
    "restart": "a newer order of the contact begins the wait anew",
    "first": "only a contact's first order counts",
}
_HELPERS = "bought_sku('A', within_days=30), bought_category('Pens', within_days=90)"
_LIST = f"SQL over the contact on the Post Purchase list: {', '.join(LIST_COLUMNS)}; {_HELPERS}"
_AUDIENCE = f"""Who it is for, or {EVERYONE}: {_LIST}, in_segment('name');
and over the order: order.{", order.".join(ORDER_COLUMNS)}"""
_NO_EFFECTIVE_DATE = (
    "A campaign has no effective date: it counts for all days that were ever built. Orders enter from this day on"
)
_BACK = "Orders dated so many days before that day enter too; 0: nobody who ordered before is written to"
_STATED = (
    "event", "merchant", "wait_days", "date_basis", "ship_trigger", "transit_days", "repeat_orders", "active_from",
    "back_populate_days", "hold_statuses", "audience",
)  # fmt: skip
_UNSAID = {"ship_trigger": "ship_date_only", "repeat_orders": "each", "back_populate_days": 0}
"""What a file need not say."""


@guarded
def new_campaign(options: Mapping[str, str | None], today: str | None, yes: bool, as_json: bool) -> int:
    """Ask, check, preview, and write a campaign; the arguments are those of `begin`.

    Returns 0 if it was written, 1 if the person said no.
    """
    session = begin(options, today, yes, as_json)
    configuration = session.configuration
    recipes = {name: recipe.about for name, recipe in CAMPAIGN_RECIPES.items()}
    word = session.asker.choice("recipe", "Recipe", recipes, default="plain")
    recipe = CAMPAIGN_RECIPES[word]
    name = session.asker.name(configuration.settings, "campaign", word)
    parameters = _Questions(session, name).parameters(recipe)
    draft = campaign_draft(name, recipe.comment(parameters), parameters)
    event, merchant = parameters["event"], configuration.merchants[parameters["merchant"]]
    steps = []
    if not takers_of(event, merchant, configuration.conversations):
        steps = [f"nobody takes its event yet; `pp conversation new --trigger {event}` writes what it leads to"]
    return end(session, draft, steps)


@guarded
def new_segment(options: Mapping[str, str | None], today: str | None, yes: bool, as_json: bool) -> int:
    """Ask, check, show the members, and write a segment; takes and returns what `new_campaign` does."""
    session = begin(options, today, yes, as_json)
    name = session.asker.name(session.configuration.settings, "segment", "")
    condition = session.asker.answer("condition", "Condition", _condition_problem, about=f"Who is in it: {_LIST}")
    step = f"use it: in_segment('{name}') in an audience, {{segment: {name}}} in a conversation, or send it to a relay"
    return end(session, segment_draft(name, condition), [step])


def _condition_problem(condition: str) -> str:
    try:
        check_condition(condition, segments=(), with_order=False)
    except ConditionError as error:
        return str(error)
    return ""


class _Questions:
    """The questions of a campaign. Each answer is judged with those before it, in the words of the load."""

    def __init__(self, session: Session, name: str) -> None:
        self._configuration, self._asker, self._name = session.configuration, session.asker, name
        self._today = session.today
        self._segments = session.configuration.project.segment_names()
        self._given: dict[str, Any] = {}

    def parameters(self, recipe: CampaignRecipe) -> dict[str, Any]:
        """The parameters that the file states, in their order."""
        merchants = sorted(self._configuration.merchants)
        default = "main" if "main" in merchants else merchants[0]
        if len(merchants) == 1 and self._asker.given.get("merchant") is None:
            self._given["merchant"] = default
        else:
            self._ask("merchant", "Merchant", default, f"Whose orders: {', '.join(merchants)}")
        self._choose("date_basis", "Days count from", _DATE_BASES, recipe.date_basis)
        wait = None if recipe.wait_days is None else str(recipe.wait_days)
        self._ask("wait_days", "Days to wait", wait, "From that date to the day on which the event fires")
        if self._given["date_basis"] == "ship_date":
            self._choose("ship_trigger", "Without a ship date", _SHIP_TRIGGERS, recipe.ship_trigger)
        if self._given["date_basis"] == "delivered_date":
            self._ask("transit_days", "Days in transit", "5", "Where no delivery is known: ship date + these days")
        self._choose("repeat_orders", "Further orders", _REPEATS, recipe.repeat_orders)
        self._given["active_from"] = self._asker.day("active-from", "Active from", str(self._today), _NO_EFFECTIVE_DATE)
        self._ask("back_populate_days", "Days before it", "0", _BACK)
        self._ask("audience", "Audience", recipe.audience, _AUDIENCE)
        self._ask("event", "Event", self._name, "The external event that fires: conversations and relays begin with it")
        given = self._given | recipe.fixed
        return {key: given[key] for key in _STATED if given.get(key) not in (None, _UNSAID.get(key))}

    def _ask(self, parameter: str, question: str, default: str | None, about: str) -> None:
        def check(text: str) -> str:
            return self._problem(parameter, _value(parameter, text))

        text = self._asker.answer(_option(parameter), question, check, default=default, about=about)
        self._given[parameter] = _value(parameter, text)

    def _choose(self, parameter: str, question: str, choices: Mapping[str, str], default: str) -> None:
        self._given[parameter] = self._asker.choice(_option(parameter), question, choices, default=default)

    def _problem(self, parameter: str, value: Any) -> str:
        configuration, given = self._configuration, self._given | {parameter: value}
        if problem := parameter_problem(parameter, given, configuration.merchants, self._segments):
            return problem
        if parameter == "audience" and value is not None and can_look_ahead(configuration.settings):
            return audience_problem(configuration, given["merchant"], value, self._today)
        if parameter != "event":
            return ""
        # The last question: by now all is known that another campaign or conversation could rival.
        known = given | {"name": self._name, "active_from": parse_day(given["active_from"])}
        new = Campaign.model_construct(**{"active_to": None, "audience": None, **known})
        faults = faults_across(configuration.conversations, [*configuration.campaigns, new], self._segments)
        return "\n".join(f"{fault.file}: {fault.path[0]}: {fault.text}" for fault in faults)


def _option(parameter: str) -> str:
    return parameter.replace("_", "-")


def _value(parameter: str, text: str) -> Any:
    """An answer as the parameter: days as numbers, and no condition for everyone. What is no number is left as it is,
    for the check to name."""
    if parameter == "audience":
        return None if text == EVERYONE else text
    return int(text) if parameter.endswith("_days") and text.isdecimal() else text
