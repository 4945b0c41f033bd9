"""Relays: which outside platform takes which events and segment snapshots of a merchant, as its file declares them.

    relays:
      - {relay: my_platform, via: webhook, url: "https://hooks.example.com/pp", secret: MY_HOOK, events: [purchase]}

`via` says which shape a declaration has; docs/relays.md says how each is set up. A relay names the environment
variables that hold its secrets (`PP_SECRET_<NAME>`), never a secret itself.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, Discriminator, Field, Tag, model_validator

from pp_pipeline.roads import Name, PerSecond, Seconds, SecretName, Url

ProfileValue = Literal["event_id", "event_name", "campaign", "order_number", "sku", "occurred_on"]
ConsentBasis = Literal["explicit", "soft_opt_in", "implied"]
PlatformId = Annotated[int, Field(ge=1, strict=True)]
_KLAVIYO_REVISION = "2026-10-15"


def _without_twins(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("a name stands twice; write each once")
    return names


def _checked_folder(value: str) -> str:
    if not Path(value).is_absolute():
        raise ValueError("write the whole path of the folder, such as /srv/audiences")
    return value


Names = Annotated[tuple[Name, ...], AfterValidator(_without_twins)]
Folder = Annotated[str, AfterValidator(_checked_folder)]


class _Road(BaseModel, frozen=True, extra="forbid"):
    """What all relays have in common. A kind that takes no events, or no segments, says in `hint` what does."""

    hint: ClassVar[Mapping[str, str]] = {}

    relay: Name = Field(description="name of the relay")

    @model_validator(mode="before")
    @classmethod
    def _check_hints(cls, value: Any) -> Any:
        for name, hint in cls.hint.items():
            if isinstance(value, dict) and name in value:
                raise ValueError(f"{name} is of no use with via: {value.get('via', 'outbox')}; {hint}")
        return value


class _HttpRoad(_Road, frozen=True):
    """A relay that is told by HTTP."""

    per_second: PerSecond = Field(default=10, description="how many deliveries go in a second at most")
    timeout_seconds: Seconds = Field(default=30, description="how long one delivery may take, all in all")


class PlatformRoad(_HttpRoad, frozen=True):
    """A platform that takes events alone, and writes to contacts by them."""

    hint = {"segments": "declare a relay of another kind for them (webhook, audience_file, members_file)"}
    segments: ClassVar[tuple[str, ...]] = ()

    events: Names = Field(default=(), description="external events that it takes")
    also_here: Names = Field(default=(), description="of these: what conversations here may write about as well")
    url: Url | None = Field(default=None, repr=False, description="of a stand-in; without it the platform's own")

    @model_validator(mode="after")
    def _check_also_here(self) -> Self:
        if unknown := sorted(set(self.also_here) - set(self.events)):
            raise ValueError(f"also_here: {unknown[0]} is not among the events")
        return self


class OutboxRoad(_Road, frozen=True):
    """Files under PP_HOME/outbox; nothing leaves the machine."""

    hint = dict.fromkeys(
        ("url", "secret", "per_second", "timeout_seconds"), "write via: webhook (or another platform), or leave it out"
    )

    via: Literal["outbox"] = Field(default="outbox", description="files")
    events: Names = Field(default=(), description="external events that it takes")
    segments: Names = Field(default=(), description="segments whose snapshots it takes")


class WebhookRoad(_HttpRoad, frozen=True):
    """Signed requests to an address."""

    via: Literal["webhook"] = Field(description="signed requests")
    events: Names = Field(default=(), description="external events that it takes")
    segments: Names = Field(default=(), description="segments whose snapshots it takes")
    url: Url = Field(repr=False, description="where requests go; may be known to few, so it is not shown")
    secret: SecretName = Field(repr=False, description="NAME of the variable PP_SECRET_NAME to sign by")


class ListrakRoad(PlatformRoad, frozen=True):
    """Listrak: events are raised on contacts of a list, which start its conversations."""

    via: Literal["listrak"] = Field(description="Listrak's e-mail API")
    client_id: str = Field(min_length=1, description="of an integration of type Email")
    client_secret: SecretName = Field(repr=False, description="NAME of the variable PP_SECRET_NAME with its secret")
    list_id: PlatformId = Field(description="the list whose contacts events are raised on")
    event_ids: dict[Name, PlatformId] = Field(description="by event: its id at Listrak")
    list_ids: dict[Name, PlatformId] = Field(default_factory=dict, description="by event: its list, where another")
    profile_fields: dict[ProfileValue, PlatformId] = Field(
        default_factory=dict, description="what of an event is written to which profile field (its id)"
    )

    @model_validator(mode="after")
    def _check_events(self) -> Self:
        if self.event_ids.keys() != set(self.events):
            odd = sorted(self.event_ids.keys() ^ set(self.events))[0]
            raise ValueError(f"{odd} stands in one of events and event_ids only; write each event in both")
        if unknown := sorted(self.list_ids.keys() - set(self.events)):
            raise ValueError(f"list_ids: {unknown[0]} is not among the events")
        if len(set(self.profile_fields.values())) < len(self.profile_fields):
            raise ValueError("profile_fields: a field stands twice; write each once")
        return self

    def list_of(self, event_name: str) -> int:
        """The list on which an event is raised."""
        return self.list_ids.get(event_name, self.list_id)


class KlaviyoRoad(PlatformRoad, frozen=True):
    """Klaviyo: events that start its flows."""

    via: Literal["klaviyo"] = Field(description="Klaviyo's events API")
    api_key: SecretName = Field(repr=False, description="NAME of the variable PP_SECRET_NAME with a private key")
    revision: str = Field(
        default=_KLAVIYO_REVISION, pattern=r"^\d{4}-\d{2}-\d{2}$", description="of Klaviyo's API, as a date"
    )


class _FilesRoad(_Road, frozen=True):
    """Files of segments in a folder."""

    hint = {"events": "declare a relay of another kind for them (webhook, listrak, klaviyo)"}
    events: ClassVar[tuple[str, ...]] = ()

    segments: Names = Field(description="segments whose members are written")
    folder: Folder = Field(description="where files are written, as a whole path")


class AudienceFileRoad(_FilesRoad, frozen=True):
    """Hashed addresses of a segment's members, as ad platforms take them."""

    via: Literal["audience_file"] = Field(description="files for ad platforms")
    format: Literal["google", "meta"] = Field(description="whose columns")
    consent: ConsentBasis = Field(
        default="explicit", description="the weakest consent to commercial e-mail that will do"
    )

    def is_enough(self, basis: str) -> bool:
        """Whether a recorded consent will do."""
        order = get_args(ConsentBasis)
        return basis in order[: order.index(self.consent) + 1]


class MembersFileRoad(_FilesRoad, frozen=True):
    """A segment's members of now, for messages on the shop's own pages."""

    via: Literal["members_file"] = Field(description="a file for messages on the shop's pages")
    identifier: Literal["contact_key", "email_sha256"] = Field(
        default="contact_key", description="how members are named"
    )


RELAY_ROADS: Mapping[str, type[_Road]] = {
    "outbox": OutboxRoad,
    "webhook": WebhookRoad,
    "listrak": ListrakRoad,
    "klaviyo": KlaviyoRoad,
    "audience_file": AudienceFileRoad,
    "members_file": MembersFileRoad,
}
"""The shapes of a declaration, by the word of `via`."""


def _via(value: Any) -> str | None:
    """Which shape a declaration has; None for none of them."""
    via = value.get("via", "outbox") if isinstance(value, dict) else getattr(value, "via", None)
    return via if isinstance(via, str) and via in RELAY_ROADS else None


RelayRoad = Annotated[
    Annotated[OutboxRoad, Tag("outbox")]
    | Annotated[WebhookRoad, Tag("webhook")]
    | Annotated[ListrakRoad, Tag("listrak")]
    | Annotated[KlaviyoRoad, Tag("klaviyo")]
    | Annotated[AudienceFileRoad, Tag("audience_file")]
    | Annotated[MembersFileRoad, Tag("members_file")],
    Discriminator(_via, "via", f"via is not known; allowed are {', '.join(RELAY_ROADS)}"),
]
"""An outside platform and what it takes of one merchant (DESIGN 2)."""
