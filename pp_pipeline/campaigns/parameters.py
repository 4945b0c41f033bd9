"""Campaigns as typed objects, checked when the program loads (DESIGN 3, 9).

A campaign is one dbt model, `dbt/models/campaigns/queue_<name>.sql`, that calls the macro
`campaign(...)`. The macro fills in the defaults and leaves the parameters in the manifest; here
they are judged, so that a wrong one stops the load with the campaign, the parameter and what is
allowed, and never reaches a queue.
"""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from pp_pipeline.campaigns.conditions import ConditionError, check_condition

Status = Literal[
    "not_set", "misc", "pre_order", "back_order", "pending", "hold", "processing", "shipped", "completed",
    "returned", "canceled", "unknown", "closed",
]  # fmt: skip
Days = Annotated[int, Field(ge=0, le=3650, strict=True)]


class CampaignError(ValueError):
    """One or more campaigns or segments are wrong; the text names which, the parameter, and what is allowed."""


class Campaign(BaseModel):
    """The parameters of one campaign (DESIGN 3, "A campaign has")."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    config_hash: str
    event: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="lower-case letters, digits and _")
    merchant: str = Field(description="a merchant with a file in pp_pipeline/merchants/")
    wait_days: Days = Field(description="whole days, 0 or more")
    date_basis: Literal["order_date", "ship_date", "delivered_date"]
    ship_trigger: Literal["ship_date_only", "ship_date_or_status"]
    transit_days: Days | None = Field(description="whole days, 0 or more, only with date_basis = 'delivered_date'")
    active_from: date = Field(description="a day, 'YYYY-MM-DD'")
    active_to: date | None = Field(description="a day, 'YYYY-MM-DD', not before active_from; or left out")
    back_populate_days: Days = Field(description="whole days, 0 or more")
    repeat_orders: Literal["each", "restart", "first"]
    max_days_late: Days = Field(description="whole days, 0 or more")
    stop_statuses: list[Status]
    hold_statuses: list[Status]
    audience: str | None = Field(description="a condition in SQL, or left out for everyone")

    @field_validator("merchant")
    @classmethod
    def _known_merchant(cls, value: str, info: ValidationInfo) -> str:
        merchants = (info.context or {}).get("merchants")
        if merchants is not None and value not in merchants:
            raise ValueError(f"there is no merchant '{value}'; known are {', '.join(sorted(merchants))}")
        return value

    @field_validator("audience")
    @classmethod
    def _sound_audience(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None:
            try:
                check_condition(value, segments=(info.context or {}).get("segments"), with_order=True)
            except ConditionError as error:
                raise ValueError(str(error)) from None
        return value

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        if self.active_to is not None and self.active_to < self.active_from:
            raise ValueError(f"active_to ({self.active_to}) lies before active_from ({self.active_from})")
        if self.transit_days is not None and self.date_basis != "delivered_date":
            raise ValueError("transit_days is only for date_basis = 'delivered_date'")
        both = sorted(set(self.stop_statuses) & set(self.hold_statuses))
        if both:
            raise ValueError(f"{', '.join(both)} stands in stop_statuses and in hold_statuses; keep one")
        return self

    @property
    def queue(self) -> str:
        """The name of the campaign's model, table and asset."""
        return f"queue_{self.name}"

    @property
    def is_customers_of_last_days(self) -> bool:
        """`wait_days = 0` means "ordered in the last 10 days" and carries a warning wherever it is shown."""
        return self.wait_days == 0

    def summary(self) -> str:
        """One sentence on who is held how long, and what fires."""
        basis = {"order_date": "order date", "ship_date": "ship date", "delivered_date": "delivery"}[self.date_basis]
        if self.date_basis == "ship_date" and self.ship_trigger == "ship_date_or_status":
            basis = "ship date (or the day an order is known as shipped)"
        repeat = {
            "each": "each order counts by itself",
            "restart": "a newer order restarts the wait",
            "first": "only a contact's first order counts",
        }[self.repeat_orders]
        if self.is_customers_of_last_days:
            text = f"Takes the orders of the last 10 days by {basis} of merchant `{self.merchant}`"
        else:
            text = f"Holds the orders of merchant `{self.merchant}` until {self.wait_days} days after the {basis}"
        end = f" to {self.active_to}" if self.active_to else ""
        text += f", then fires `{self.event}`; {repeat}. Active from {self.active_from}{end}."
        if self.audience:
            text += f" Audience: `{self.audience}`."
        return text


def load_campaigns(
    manifest: Mapping[str, Any],
    merchants: Collection[str] | None = None,
    segments: Collection[str] | None = None,
) -> list[Campaign]:
    """The campaigns of a dbt manifest, by name.

    Args:
        merchants: names of the merchants that exist; None leaves that open.
        segments: names of the segments that exist; None leaves that open.

    Raises:
        CampaignError: lists every wrong parameter of every campaign.
    """
    campaigns, problems = [], []
    for node in manifest["nodes"].values():
        meta = node["config"].get("meta") or {}
        if node["resource_type"] != "model" or "campaign" not in meta:
            continue
        name = node["name"].removeprefix("queue_")
        given = {"name": name, "config_hash": meta["config_hash"], **meta["campaign"]}
        try:
            campaigns.append(Campaign.model_validate(given, context={"merchants": merchants, "segments": segments}))
        except ValidationError as error:
            problems += [_explain(name, dict(one)) for one in error.errors()]
    if problems:
        raise CampaignError("\n".join(problems))
    return sorted(campaigns, key=lambda campaign: campaign.name)


def parameter_problem(
    parameter: str, given: Mapping[str, Any], merchants: Collection[str], segments: Collection[str]
) -> str:
    """What is wrong with one of the parameters that are given so far, in the words of `load_campaigns`; '' if nothing.

    Args:
        given: parameters of a campaign that is being written; others may still be missing.
    """
    try:
        Campaign.model_validate(given, context={"merchants": merchants, "segments": segments})
    except ValidationError as error:
        return next((_told(dict(one)) for one in error.errors() if one["loc"][:1] == (parameter,)), "")
    return ""


def check_segments(manifest: Mapping[str, Any]) -> None:
    """Judge the conditions of the segments of a dbt manifest.

    Raises:
        CampaignError: lists every wrong condition.
    """
    problems = []
    for node in manifest["nodes"].values():
        condition = ((node["config"].get("meta") or {}).get("segment") or {}).get("condition")
        if node["resource_type"] != "model" or condition is None:
            continue
        try:
            check_condition(condition, segments=(), with_order=False)
        except ConditionError as error:
            name = node["name"].removeprefix("segment_")
            problems.append(f"segment {name} (dbt/models/list/{node['name']}.sql): condition: {error}")
    if problems:
        raise CampaignError("\n".join(sorted(problems)))


def _explain(name: str, error: Mapping[str, Any]) -> str:
    return f"campaign {name} (dbt/models/campaigns/queue_{name}.sql): {_told(error)}"


def _told(error: Mapping[str, Any]) -> str:
    if not error["loc"]:
        return error["msg"].removeprefix("Value error, ")
    parameter = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        known = sorted(set(Campaign.model_fields) - {"name", "config_hash"})
        return f"there is no parameter {parameter}; allowed are {', '.join(known)}"
    if error["type"] == "missing":
        return f"{parameter} is missing; it is {_allowed(parameter)}"
    if error["type"] == "value_error":
        return f"{parameter}: {error['msg'].removeprefix('Value error, ')}"
    return f"{parameter} = {error['input']!r} is not allowed; allowed: {_allowed(parameter, error)}"


def _allowed(parameter: str, error: Mapping[str, Any] | None = None) -> str:
    if error is not None and error["type"] == "literal_error":
        return str(error["ctx"]["expected"])
    return Campaign.model_fields[parameter].description or "see DESIGN 3"
