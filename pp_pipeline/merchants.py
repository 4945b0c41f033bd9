"""The merchants whose orders are landed: one YAML file each, checked when it is loaded.

`pp_pipeline/merchants/<merchant>.yml` states what files alone can't say: the zone of its dates, its
currency, who writes to its shoppers and by which road, whose orders are no purchases, and which relays take
its events.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from pp_pipeline.appearance import Appearance
from pp_pipeline.channel_roads import CHANNEL_ROADS, Channels
from pp_pipeline.inbound_webhooks import InboundWebhook
from pp_pipeline.landing.feeds import Due, Feed, IneligibleRule
from pp_pipeline.link_policy import LinkPolicy
from pp_pipeline.relay_roads import RELAY_ROADS, RelayRoad
from pp_pipeline.roads import Name, checked_email
from pp_pipeline.sending_policy import (
    Blackout,
    Cap,
    ConsentPolicy,
    DailyCeiling,
    EmailConsent,
    QuietHours,
    SendingPolicy,
    Sunset,
    Window,
)
from pp_pipeline.settings import Settings
from pp_pipeline.yaml_file import YamlFile, YamlFileError

Selector = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$")]
Email = Annotated[str, AfterValidator(checked_email)]


class MerchantError(ValueError):
    """A merchant file that can't be used; the text names the file, the field and what is allowed."""


class Merchant(Appearance):
    """One merchant. Frozen, so it can be part of what a result depends on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    merchant: Name = Field(description="name of the merchant: the name of its file")
    zone: str = Field(description="IANA zone of its dates, such as America/New_York")
    currency: str = Field(description="three letters, such as USD")
    sender_name: str = Field(min_length=1, description="who messages are from")
    sender_email: Email = Field(description="address messages are from")
    postal_address: str = Field(min_length=1, description="stands in every commercial message")
    unsubscribe_url: str = Field(description="page where a contact unsubscribes")
    site_url: str = Field(description="the shop")
    ineligible_emails: tuple[str, ...] = Field(
        default=(), description="patterns (* and ?) of addresses whose orders are no purchases"
    )
    country: str = Field(default="", description="two letters: of phone numbers without a country code")
    feeds: tuple[Feed, ...] = Field(default=(), description="files of its own shape; see docs/feeds.md")
    channels: Channels = Field(default=Channels(), description="how messages leave; see docs/channels.md")
    relays: tuple[RelayRoad, ...] = Field(
        default=(), description="outside platforms and what they take; docs/relays.md"
    )
    sending: SendingPolicy = Field(
        default=SendingPolicy(), description="consent, quiet hours, caps, blackouts, warm-up; see docs/guards.md"
    )
    links: LinkPolicy = Field(default=LinkPolicy(), description="campaign tags and tracking; see docs/links.md")
    dkim_selectors: tuple[Selector, ...] = Field(
        default=(), description="DKIM keys of the sender's domain, for `pp doctor`"
    )
    webhooks: tuple[InboundWebhook, ...] = Field(default=(), description="who may tell `pp serve`; see docs/serving.md")

    @field_validator("zone")
    @classmethod
    def _check_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("not a zone of the IANA database; write one such as America/New_York") from None
        return value

    @field_validator("currency")
    @classmethod
    def _check_currency(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Z]{3}", value):
            raise ValueError("a currency is three capital letters, such as USD")
        return value

    @field_validator("country")
    @classmethod
    def _check_country(cls, value: str) -> str:
        if value and not re.fullmatch(r"[A-Z]{2}", value):
            raise ValueError("a country is two capital letters, such as US")
        return value

    @field_validator("feeds")
    @classmethod
    def _check_feeds(cls, value: tuple[Feed, ...]) -> tuple[Feed, ...]:
        names = [feed.feed for feed in value]
        if len(set(names)) < len(names):
            raise ValueError("a feed stands twice; give each a name of its own")
        return value

    @field_validator("unsubscribe_url", "site_url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        if not re.fullmatch(r"https?://\S+", value):
            raise ValueError("a link begins with https:// or http://")
        return value

    @field_validator("ineligible_emails")
    @classmethod
    def _check_patterns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not pattern.strip() for pattern in value):
            raise ValueError("a pattern is blank; write one such as *@marketplace.example.com")
        return tuple(pattern.strip().lower() for pattern in value)

    @field_validator("relays")
    @classmethod
    def _check_relays(cls, value: tuple[RelayRoad, ...]) -> tuple[RelayRoad, ...]:
        names = [relay.relay for relay in value]
        if len(set(names)) < len(names):
            raise ValueError("a relay stands twice; write each once")
        return value

    @field_validator("webhooks")
    @classmethod
    def _check_webhooks(cls, value: tuple[InboundWebhook, ...]) -> tuple[InboundWebhook, ...]:
        sources = [webhook.source for webhook in value]
        if len(set(sources)) < len(sources):
            raise ValueError("a source stands twice; give each a name of its own")
        return value

    def leaves_the_machine(self, what: Literal["channel", "relay"], name: str) -> bool:
        """Whether a channel or relay is more than the outbox: in live mode its deliveries count as `live`."""
        if what == "channel":
            return self.channels.road(name).via != "outbox"
        return any(relay.relay == name and relay.via != "outbox" for relay in self.relays)

    @property
    def zone_info(self) -> ZoneInfo:
        """The zone, ready for arithmetic."""
        return ZoneInfo(self.zone)


def load_merchants(settings: Settings) -> dict[str, Merchant]:
    """All merchants of the checkout, by name, in the order of their names.

    Raises:
        MerchantError: there is none, or a file can't be used; every fault of the file is named.
    """
    paths = sorted(settings.merchants_dir.glob("*.yml"))
    if not paths:
        raise MerchantError("no merchant is declared; write merchants/main.yml (see the one that is shipped)")
    return {path.stem: _load_merchant(path) for path in paths}


def _load_merchant(path: Path) -> Merchant:
    where = f"merchants/{path.name}"
    try:
        file = YamlFile.read(path)
    except YamlFileError as error:
        raise MerchantError(f"merchants/{error}") from None
    if not isinstance(file.content, dict):
        raise MerchantError(f"{where}: holds no fields; required are {_names(Merchant, required=True)}")
    values = {str(name): value for name, value in file.content.items()}
    if values.setdefault("merchant", path.stem) != path.stem:
        raise MerchantError(f"{where}: merchant is not the file's name; write {path.stem} or leave it out")
    if isinstance(values.get("feeds"), list):  # a feed belongs to the merchant that declares it
        values["feeds"] = [
            {**feed, "merchant": path.stem} if isinstance(feed, dict) and "merchant" not in feed else feed
            for feed in values["feeds"]
        ]
    try:
        return Merchant.model_validate(values)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        raise MerchantError(
            "\n".join(f"{where}:{file.line(_place(fault['loc']))}: {_fault(fault)}" for fault in faults)
        ) from None


def _fault(fault: Any) -> str:
    """One fault in the words of whoever wrote the file: the field, what is wrong, what is allowed."""
    field = ".".join(str(part) for part in _place(fault["loc"]))
    model: type[BaseModel] = Merchant
    names = [part for part in fault["loc"][:-1] if isinstance(part, str)]
    for before, part in pairwise(["", *names]):  # into the field where the fault stands
        model = _PARTS.get(f"{before}.{part}") or _PARTS.get(part, model)
    if fault["type"] == "missing":
        return f"{field} is missing; required are {_names(model, required=True)}"
    if fault["type"] == "extra_forbidden":
        allowed = _names(model, required=False)
        return f"{field} is not known; allowed are {allowed}"
    return f"{field}: {_FORMS.get(fault['type']) or fault['msg'].removeprefix('Value error, ')}"


_FIELDS, _LIST = "write fields under it, such as {one: value, another: value}", "write a list, such as [one, another]"
_FORMS = {
    "string_type": "write a text, in quotes where it looks like a number or a day",
    "int_type": "write a whole number, without quotes",
    "model_type": _FIELDS, "dict_type": _FIELDS, "mapping_type": _FIELDS, "tuple_type": _LIST, "list_type": _LIST,
}  # fmt: skip
"""What to write where a value is of another kind than its field."""


def _place(location: Sequence[str | int]) -> list[str | int]:
    """Where a fault stands in the file: which shape a part has (`_SHAPES`) is no place."""
    place: list[str | int] = []
    before = ""
    for part in location:
        if f"{before}.{part}" not in _SHAPES:
            place.append(part)
        before = part if isinstance(part, str) else before
    return place


_SHAPES: dict[str, type[BaseModel]] = CHANNEL_ROADS | {f"relays.{via}": shape for via, shape in RELAY_ROADS.items()}
_PARTS: dict[str, type[BaseModel]] = {
    "channels": Channels, **_SHAPES, "webhooks": InboundWebhook, "feeds": Feed, "due": Due,
    "ineligible": IneligibleRule,
    "sending": SendingPolicy, "consent": ConsentPolicy, "consent.email": EmailConsent,
    "quiet_hours": QuietHours, "window": Window,
    "caps": Cap, "discount_cap": Cap, "blackouts": Blackout, "daily_ceiling": DailyCeiling,
    "sunset": Sunset,
}  # fmt: skip


def _names(model: type[BaseModel], required: bool) -> str:
    """The fields that have to be there, or may be; the file's name says the merchant."""
    fields = {field.alias or name: field for name, field in model.model_fields.items() if name != "merchant"}
    return ", ".join(name for name, field in fields.items() if field.is_required() or not required)


def zone_of_days(merchants: Mapping[str, Merchant]) -> str:
    """The zone in which days begin and end: the merchants', where they agree, else UTC."""
    zones = {merchant.zone for merchant in merchants.values()}
    return zones.pop() if len(zones) == 1 else "UTC"
