"""Roads: how a merchant's messages, events and snapshots leave, as its file declares them.

Without a declaration they are written to the outbox, and nothing leaves the machine. A road names the environment
variables that hold its secrets (`PP_SECRET_<NAME>`), never a secret itself.
"""

import re
from ipaddress import ip_address
from typing import Annotated, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BaseModel, Field, field_validator, model_validator

_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
_SECRET_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,49}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_PORTS = {"tls": 465, "starttls": 587, "none": 25}

PerSecond = Annotated[int, Field(ge=1, le=1000)]
Seconds = Annotated[float, Field(gt=0, le=120)]


def checked_name(name: str) -> str:
    """A name as merchants, relays, events and segments have it.

    Raises:
        ValueError: it is written otherwise.
    """
    if not _NAME.fullmatch(name):
        raise ValueError("a name is written in lower case letters, digits and _, such as loyal_buyers")
    return name


def _checked_secret_name(value: str) -> str:
    """The name of a variable. Whatever else stands there may be the secret itself, so it is not shown."""
    if not _SECRET_NAME.fullmatch(value):
        raise ValueError(
            "write the NAME of the secret in capital letters, digits and _, and put the secret itself into the "
            "environment variable PP_SECRET_NAME"
        )
    return value


Name = Annotated[str, AfterValidator(checked_name)]
SecretName = Annotated[str, AfterValidator(_checked_secret_name)]


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself, so that what goes there needs no encryption."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class _Road(BaseModel, frozen=True, extra="forbid"):
    """What channels and relays have in common."""

    per_second: PerSecond = Field(default=10, description="how many deliveries go in a second at most")
    timeout_seconds: Seconds = Field(default=30, description="how long one delivery may take, all in all")
    via: str

    @property
    def leaves_the_machine(self) -> bool:
        """Whether this is more than the outbox: in live mode its deliveries count as `live`."""
        return self.via != "outbox"

    def _check_unused(self, names: set[str], via: str) -> None:
        """Fields that only count with another `via` were meant to count."""
        if unused := sorted((names | {"per_second", "timeout_seconds"}) & self.model_fields_set):
            raise ValueError(f"{unused[0]} is of no use with the outbox; write via: {via}, or leave it out")


class ChannelRoad(_Road, frozen=True):
    """By which server messages of one channel leave."""

    via: Literal["outbox", "smtp"] = Field(default="outbox", description="outbox: files; smtp: a mail server")
    host: str = Field(default="", description="name of the mail server")
    port: int | None = Field(default=None, ge=1, le=65535, description="default: 465 for tls, 587 starttls, 25 none")
    security: Literal["tls", "starttls", "none"] = Field(default="starttls", description="none: only on this machine")
    username: str = Field(default="", description="who logs in; without it nobody does")
    password: SecretName = Field(default="", repr=False, description="NAME of the variable PP_SECRET_NAME with it")

    @field_validator("host")
    @classmethod
    def _check_host(cls, value: str) -> str:
        if not _HOST.fullmatch(value) and not is_loopback(value):
            raise ValueError("a host is a name such as smtp.example.com; the port has a field of its own")
        return value

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.via == "outbox":
            self._check_unused({"host", "port", "security", "username", "password"}, "smtp")
            return self
        if not self.host:
            raise ValueError("host is missing; via: smtp needs the name of the mail server")
        if bool(self.username) != bool(self.password):
            raise ValueError("username and password go together; write both, or neither")
        if self.security == "none" and not is_loopback(self.host):
            raise ValueError("security: none is for a server on this machine (localhost); write tls or starttls")
        return self

    @property
    def port_number(self) -> int:
        """The port, or the usual one."""
        return self.port or _PORTS[self.security]


class Relay(_Road, frozen=True):
    """An outside platform and what it takes of one merchant (DESIGN 2)."""

    relay: Name = Field(description="name of the relay")
    events: tuple[str, ...] = Field(default=(), description="external events that it takes")
    segments: tuple[str, ...] = Field(default=(), description="segments whose snapshots it takes")
    via: Literal["outbox", "webhook"] = Field(default="outbox", description="outbox: files; webhook: signed requests")
    url: str = Field(default="", repr=False, description="where requests go; may be known to few, so it is not shown")
    secret: SecretName = Field(default="", repr=False, description="NAME of the variable PP_SECRET_NAME to sign by")

    @field_validator("events", "segments")
    @classmethod
    def _check_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            checked_name(name)
        if len(set(value)) < len(value):
            raise ValueError("a name stands twice; write each once")
        return value

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        parts = _url_parts(value)
        if parts.username is not None or parts.password is not None:
            raise ValueError("a link holds no user or password; requests are signed with the secret instead")
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            raise ValueError("http:// is for a server on this machine (localhost); write https://")
        return value

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.via == "outbox":
            self._check_unused({"url", "secret"}, "webhook")
            return self
        for name in ("url", "secret"):
            if not getattr(self, name):
                raise ValueError(f"{name} is missing; via: webhook needs url and secret")
        return self


class InboundWebhook(BaseModel, frozen=True, extra="forbid"):
    """Who may tell `pp serve` what became of messages, and in which form (docs/serving.md)."""

    source: Name = Field(description="its name: the last part of the address that it posts to")
    secret: SecretName = Field(repr=False, description="NAME of the variable PP_SECRET_NAME that holds its secret")
    format: Literal["plain", "postmark", "sendgrid", "sms"] = Field(default="plain", description="of what it posts")
    proof: Literal["signature", "password"] = Field(
        default="signature", description="signature: PP-Signature; password: HTTP Basic, for who can't sign so"
    )


def _url_parts(url: str) -> SplitResult:
    """The parts of a link that can be called.

    Raises:
        ValueError: it can't; the text does not show it.
    """
    fault = "not a link such as https://hooks.example.com/pp"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(fault) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or parts.fragment:
        raise ValueError(fault)
    if not re.fullmatch(r"[!-~]+", url):
        raise ValueError(fault)
    return parts
