"""Recipes for campaigns (docs/campaigns.md): the defaults of what is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

EVERYONE = "everyone"
"""What stands for no audience where one is asked for."""


@dataclass(frozen=True)
class CampaignRecipe:
    """What a campaign begins with.

    Attributes:
        about: for the person who chooses.
        wait_days, date_basis, ship_trigger, repeat_orders: defaults of the questions; None: there is none.
        audience: likewise; `everyone` for no condition.
        fixed: parameters that nobody is asked for.
    """

    about: str
    wait_days: int | None
    date_basis: str = "order_date"
    ship_trigger: str = "ship_date_only"
    repeat_orders: str = "each"
    audience: str | None = EVERYONE
    fixed: dict[str, Any] = field(default_factory=dict)

    def comment(self, parameters: Mapping[str, Any]) -> str:
        """The comment in the file; '' where the answers made something else of it."""
        basis, repeat = parameters["date_basis"], parameters.get("repeat_orders", "each")
        is_same = self.wait_days is not None and (basis, repeat) == (self.date_basis, self.repeat_orders)
        return self.about if is_same else ""


CAMPAIGN_RECIPES: Mapping[str, CampaignRecipe] = {
    "thank_you": CampaignRecipe(
        "Some days after each order: time to say thank you. An order on hold waits.",
        wait_days=3,
        fixed={"hold_statuses": ["hold"]},
    ),
    "review_request": CampaignRecipe(
        "Some days after each order was shipped: time to ask what the customer thinks of it.",
        wait_days=10,
        date_basis="ship_date",
        ship_trigger="ship_date_or_status",
    ),
    "second_order": CampaignRecipe(
        "A while after a contact's first order, if no other came: time for the second.",
        wait_days=30,
        repeat_orders="first",
        audience="order_count = 1",
    ),
    "replenish": CampaignRecipe(
        "When what was bought is used up: held after the newest order; a newer one begins the wait anew.",
        wait_days=30,
        repeat_orders="restart",
        audience=None,
    ),
    "win_back": CampaignRecipe(
        "Who has not ordered for long: held after the newest order; a newer one begins the wait anew.",
        wait_days=90,
        repeat_orders="restart",
    ),
    "plain": CampaignRecipe("Every order, a number of days after a date of it.", wait_days=None),
}
