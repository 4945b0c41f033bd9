"""What the roads of channels (channel_roads.py) and of relays (relay_roads.py) have in common.

Without a declaration all is written to the outbox, and nothing leaves the machine. A road names the environment
variables that hold its secrets (`PP_SECRET_<NAME>`), never a secret itself.
"""

import re
from email.headerregistry import Address
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field

_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
_SECRET_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,49}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")

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


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself, so that what goes there needs no encryption."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def url_parts(url: str) -> SplitResult:
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


def _checked_url(value: str) -> str:
    """Where requests go. It may be known to few, so no fault shows it."""
    parts = url_parts(value)
    if parts.username is not None or parts.password is not None:
        raise ValueError("a link holds no user or password; the secret has a field of its own")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("http:// is for a server on this machine (localhost); write https://")
    return value


def checked_email(value: str) -> str:
    """An address that messages are from, or answers go to: one that no header takes would keep every message back.

    Raises:
        ValueError: it is none.
    """
    try:
        if _EMAIL.fullmatch(value):
            Address(addr_spec=_NOT_ASCII.sub("x", value))  # the parser knows plain ASCII only
            return value
    except Exception:  # it raises many kinds, some of them by accident
        pass
    raise ValueError("not an e-mail address, such as shop@example.com")


Name = Annotated[str, AfterValidator(checked_name)]
SecretName = Annotated[str, AfterValidator(_checked_secret_name)]
Url = Annotated[str, AfterValidator(_checked_url)]
