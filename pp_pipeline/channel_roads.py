"""Roads of channels: by which server or provider a merchant's e-mails and texts leave, as its file declares them.

    channels:
      email: {via: postmark, api_key: POSTMARK_MAIN}
      sms: {via: twilio, account: AC0123456789abcdef0123456789abcdef, token: TWILIO_MAIN}

`via` says which shape a declaration has, and each channel has some of them. A road names the environment variables that
hold its secrets (`PP_SECRET_<NAME>`), never a secret itself.
"""

import re
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, Discriminator, Field, Tag, field_validator, model_validator

from pp_pipeline.roads import HOST, PerSecond, Seconds, SecretName, Url, is_loopback

Provider = Literal["postmark", "sendgrid", "mailgun", "mailjet", "brevo", "sparkpost", "resend"]
PROVIDERS: tuple[Provider, ...] = get_args(Provider)
"""E-mail providers that take a message by HTTPS with an API key, and a mark by which their webhooks name it again."""

_PORTS = {"tls": 465, "starttls": 587, "none": 25}
_OF_ONE_PROVIDER = {"secret_key": "mailjet", "sender_domain": "mailgun", "message_stream": "postmark"}


class _LiveRoad(BaseModel, frozen=True, extra="forbid"):
    """What the roads that leave the machine have in common."""

    per_second: PerSecond = Field(default=10, description="how many messages go in a second at most")
    timeout_seconds: Seconds = Field(default=30, description="how long one message may take, all in all")


class OutboxRoad(BaseModel, frozen=True, extra="forbid"):
    """Files in the outbox: nothing leaves the machine."""

    via: Literal["outbox"] = "outbox"

    @model_validator(mode="before")
    @classmethod
    def _check_unused(cls, value: Any) -> Any:
        """Fields that only count with another `via` were meant to count."""
        if isinstance(value, dict) and (unused := sorted(str(name) for name in value if name != "via")):
            raise ValueError(f"{unused[0]} is of no use with the outbox; write by which via it goes, or leave it out")
        return value


class SmtpRoad(_LiveRoad, frozen=True):
    """A mail server."""

    via: Literal["smtp"] = "smtp"
    host: str = Field(description="name of the mail server")
    port: int | None = Field(default=None, ge=1, le=65535, description="default: 465 for tls, 587 starttls, 25 none")
    security: Literal["tls", "starttls", "none"] = Field(default="starttls", description="none: only on this machine")
    username: str = Field(default="", description="who logs in; without it nobody does")
    password: SecretName = Field(default="", repr=False, description="NAME of the variable PP_SECRET_NAME with it")

    @field_validator("host")
    @classmethod
    def _check_host(cls, value: str) -> str:
        if not HOST.fullmatch(value) and not is_loopback(value):
            raise ValueError("a host is a name such as smtp.example.com; the port has a field of its own")
        return value

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if bool(self.username) != bool(self.password):
            raise ValueError("username and password go together; write both, or neither")
        if self.security == "none" and not is_loopback(self.host):
            raise ValueError("security: none is for a server on this machine (localhost); write tls or starttls")
        return self

    @property
    def port_number(self) -> int:
        """The port, or the usual one."""
        return self.port or _PORTS[self.security]


class ProviderRoad(_LiveRoad, frozen=True):
    """An e-mail provider, by its HTTP interface."""

    via: Provider
    api_key: SecretName = Field(repr=False, description="NAME of the variable PP_SECRET_NAME with it")
    secret_key: SecretName = Field(default="", repr=False, description="mailjet: NAME of the variable with its second")
    sender_domain: str = Field(default="", description="mailgun: the domain there; default: that of the sender")
    message_stream: str = Field(default="", description="postmark: the stream of commercial messages")
    url: Url = Field(default="", repr=False, description="of another region or a stand-in; default: the provider's own")

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.via == "mailjet" and not self.secret_key:
            raise ValueError("secret_key is missing; via: mailjet needs api_key and secret_key")
        for name, provider in _OF_ONE_PROVIDER.items():
            if getattr(self, name) and self.via != provider:
                raise ValueError(f"{name} is for via: {provider} only; leave it out")
        return self

    @field_validator("sender_domain")
    @classmethod
    def _check_domain(cls, value: str) -> str:
        if not HOST.fullmatch(value):
            raise ValueError("a domain is a name such as mail.example.com")
        return value


class TwilioRoad(_LiveRoad, frozen=True):
    """Texts by Twilio."""

    via: Literal["twilio"] = "twilio"
    account: str = Field(description="the Account SID")
    token: SecretName = Field(repr=False, description="NAME of the variable PP_SECRET_NAME with the Auth Token")
    url: Url = Field(default="", repr=False, description="of another region or a stand-in; default: Twilio's own")

    @field_validator("account")
    @classmethod
    def _check_account(cls, value: str) -> str:
        if not re.fullmatch(r"AC[0-9a-f]{32}", value):
            raise ValueError("an Account SID is AC and 32 digits and letters up to f, as Twilio's console shows it")
        return value


def _shape(value: Any) -> str:
    """Which shape a declaration has, by its `via`."""
    via = value.get("via", "outbox") if isinstance(value, dict) else getattr(value, "via", "outbox")
    return "provider" if via in PROVIDERS else str(via)


EmailRoad = Annotated[
    Annotated[OutboxRoad, Tag("outbox")] | Annotated[SmtpRoad, Tag("smtp")] | Annotated[ProviderRoad, Tag("provider")],
    Discriminator(_shape, "via", f"via is not known; allowed are outbox, smtp, {', '.join(PROVIDERS)}"),
]
SmsRoad = Annotated[
    Annotated[OutboxRoad, Tag("outbox")] | Annotated[TwilioRoad, Tag("twilio")],
    Discriminator(_shape, "via", "via is not known; allowed are outbox, twilio"),
]
ChannelRoad = OutboxRoad | SmtpRoad | ProviderRoad | TwilioRoad


class Channels(BaseModel, frozen=True, extra="forbid"):
    """How messages leave, by channel."""

    email: EmailRoad = OutboxRoad()
    sms: SmsRoad = OutboxRoad()

    def road(self, channel: str) -> ChannelRoad:
        """The road of one of CHANNELS."""
        return getattr(self, channel)


CHANNELS = tuple(Channels.model_fields)
CHANNEL_ROADS: dict[str, type[BaseModel]] = {
    "email.outbox": OutboxRoad, "email.smtp": SmtpRoad, "email.provider": ProviderRoad,
    "sms.outbox": OutboxRoad, "sms.twilio": TwilioRoad,
}  # fmt: skip
"""The shapes of a declaration, by channel."""
