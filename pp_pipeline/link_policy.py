"""A merchant's policy for links in messages: campaign tags, and tracking links under a name of its own.

It stands in the merchant's file under `links`; everything in it may be left out (docs/links.md).
"""

import re
from collections.abc import Mapping
from string import Formatter
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, field_validator

from pp_pipeline.roads import is_loopback

TAG_WORDS = ("conversation", "template", "campaign", "step", "channel")
"""What a tag's value may speak of, in braces."""
_TAG_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,49}")
_HOST = re.compile(r"([a-z0-9-]+\.)+[a-z0-9-]+")
_BEGINNING = re.compile(r"(https?)://([A-Za-z0-9.-]+)(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]*)?")
_TAGS = {
    "utm_source": "post_purchase",
    "utm_medium": "{channel}",
    "utm_campaign": "{conversation}",
    "utm_content": "{template}",
}
_ROBOTS = (
    "bot", "crawler", "spider", "slurp", "preview", "prefetch", "scanner", "monitor", "headless", "facebookexternalhit",
    "whatsapp", "curl/", "wget/", "python", "java/", "okhttp", "go-http-client",
)  # fmt: skip


def _checked_tags(tags: Mapping[str, str]) -> Mapping[str, str]:
    """Tags whose names can stand in a link, and whose values speak only of what is known.

    Raises:
        ValueError: another name or value; the text says what is allowed.
    """
    for name, value in tags.items():
        if not _TAG_NAME.fullmatch(name):
            raise ValueError("a tag is named in letters, digits, _ . and -, such as utm_source")
        try:
            parts = [(word, conversion, form) for _, word, form, conversion in Formatter().parse(value)]
        except ValueError:
            parts = [("{", None, None)]
        for word, conversion, form in parts:
            if word is not None and (word not in TAG_WORDS or conversion or form):
                allowed = ", ".join(f"{{{known}}}" for known in TAG_WORDS)
                raise ValueError(f"the value of {name} may use {allowed} and nothing else in braces")
    return tags


Tags = Annotated[Mapping[str, str], AfterValidator(_checked_tags)]


class Tracking(BaseModel, frozen=True, extra="forbid"):
    """Links that lead through `pp serve`, which takes the click down and hands on to the shop."""

    url: str = Field(description="where the proxy hands on /l/ to pp serve, such as https://go.example.com")
    transactional: bool = Field(default=False, description="links in transactional messages, too")
    days: int = Field(default=90, ge=1, strict=True, description="later clicks are handed on, and not taken down")
    robots: tuple[str, ...] = Field(
        default=_ROBOTS, description="parts of the names of programs (user agents) whose visits are no clicks"
    )

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        parts = _BEGINNING.fullmatch(value)
        if not parts:
            raise ValueError("write the beginning of a link, such as https://go.example.com, without a user or a ?")
        if parts[1] == "http" and not is_loopback(parts[2]):
            raise ValueError("http:// is for a server on this machine (localhost); write https://")
        return value.rstrip("/")

    @field_validator("robots")
    @classmethod
    def _check_robots(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not word.strip() for word in value):
            raise ValueError("a word is blank, and would stand for every program; take it away")
        return tuple(word.lower() for word in value)


class LinkPolicy(BaseModel, frozen=True, extra="forbid"):
    """All of it, of one merchant."""

    tags: Tags = Field(default=_TAGS, description="campaign tags of links in e-mails, by name; {}: none")
    sms_tags: Tags = Field(default_factory=dict, description="the same in texts, where every letter is paid for")
    tagged_hosts: tuple[str, ...] = Field(
        default=(), description="further hosts of the shop, each with those below it, beside that of site_url"
    )
    tracking: Tracking | None = Field(default=None, description="links through pp serve; without it there are none")

    @field_validator("tagged_hosts")
    @classmethod
    def _check_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        hosts = tuple(host.lower() for host in value)
        if not all(_HOST.fullmatch(host) for host in hosts):
            raise ValueError("a host is written like shop.example.com, without https:// and without *")
        return hosts
