"""What becomes of the links in a rendered message: campaign tags, and tracking links (docs/links.md).

Only links to the shop's own hosts are touched, and of these not the ones that unsubscribe. A link keeps what it has:
query, fragment, percent-encoding, and a tag of the same name. HTML is read by its own rules for tags and attributes:
what only looks like a link, in a comment, a style or another attribute, stays as it is, and so does all else.
"""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, unquote_plus, urljoin, urlsplit

from markupsafe import escape

from pp_pipeline.link_policy import Tracking
from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.planned import PlannedMessage
from pp_pipeline.serving.link_tokens import TrackedLink, can_be_tracked, make_link_token

# An attribute: a name, and perhaps a value, in quotes or without.
_ATTRIBUTE = r"""[^\s=>/][^\s=>/]*+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)?+)?+"""
_REST_OF_TAG = rf"(?:{_ATTRIBUTE}|[\s/=]++)*+>"
_NO_TAGS_IN = "|".join(rf"<{name}\b.*?(?:</{name}\b|\Z)" for name in ("script", "style", "title", "textarea"))
# All up to the next tag that may hold a link is passed over in one piece: ten times as fast as tag by tag. What is not
# closed before the end, a tag or a comment, reaches to the end.
_PASSED_OVER = rf"[^<]++|{_NO_TAGS_IN}|<(?!a(?:rea)?[\s/])[a-z][^\s/>]*+{_REST_OF_TAG}|<!--.*?(?:-->|\Z)|<(?![a-z]|!--)"
_UP_TO_LINK = re.compile(rf"(?:{_PASSED_OVER})*+(?:(<a(?:rea)?[\s/]{_REST_OF_TAG})|.*\Z)", re.IGNORECASE | re.DOTALL)
_ATTRIBUTES = re.compile(r"""([^\s=>/][^\s=>/]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"'][^\s>]*))?)?""")
_REFERENCE = re.compile(r"&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*);")
# No user and no backslash: programs differ in where those say that a link leads.
_LINK = re.compile(r"https?://([a-z0-9.-]+)(?::[0-9]+)?(?:[/?#][^\s\\]*)?", re.IGNORECASE)
_IN_TEXT = re.compile('https?://[^\\s<>"\u201c\u201d\u2019\u00ab\u00bb]+', re.IGNORECASE)  # up to any closing quote
# Of links that are signed as a whole, which a further tag would break.
_SIGNATURES = frozenset(("sig", "sign", "signature", "hmac", "x-amz-signature", "x-goog-signature"))
_LONGEST_IN_TEXT = 8_000  # no program follows longer ones
_ENDS_SENTENCE = ".,;:!?'*_"
_BRACKETS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True)
class LinkRule:
    """What becomes of the links of one message.

    Attributes:
        hosts: the shop's, each with those below it.
        tags: names and percent-encoded values.
        untouched: beginnings of addresses that stay as they are.
        track: gives the tracking link of a link; None where links are not tracked.
    """

    hosts: tuple[str, ...]
    tags: tuple[tuple[str, str], ...]
    untouched: tuple[str, ...] = ()
    track: Callable[[str], str] | None = None

    def applied(self, url: str) -> str:
        """The link that takes the place of one."""
        found = _LINK.fullmatch(url)
        if not found or not url.isprintable():
            return url
        host = f".{found[1].lower()}"
        if not any(host.endswith(f".{own}") for own in self.hosts) or any(_is_at(url, page) for page in self.untouched):
            return url
        tagged = self._tagged(url)
        return self.track(tagged) if self.track and can_be_tracked(tagged) else tagged

    def _tagged(self, url: str) -> str:
        base, mark, fragment = url.partition("#")
        _, question, query = base.partition("?")
        present = {unquote_plus(part.partition("=")[0]) for part in query.split("&")}
        if not _SIGNATURES.isdisjoint(name.lower() for name in present):
            return url
        added = "&".join(f"{name}={value}" for name, value in self.tags if name not in present)
        if not added:
            return url
        joint = ("" if not query or query.endswith("&") else "&") if question else "?"
        return f"{base}{joint}{added}{mark}{fragment}"


def link_rule(merchant: Merchant, message: PlannedMessage, kind: str, secret: bytes) -> LinkRule:
    """The rule for a message, as the merchant's file has it under `links`."""
    policy = merchant.links
    words = {
        "conversation": message.conversation,
        "template": message.template,
        "campaign": message.campaign or "",
        "step": message.step,
        "channel": message.channel,
    }
    is_email = message.channel == "email"
    wanted = policy.tags if is_email else policy.sms_tags
    values = {name: value.format(**words) for name, value in wanted.items()}
    tracking = policy.tracking if is_email else None  # in a text every letter is paid for
    if tracking and kind != "commercial" and not tracking.transactional:
        tracking = None
    untouched = [merchant.unsubscribe_url, urljoin(merchant.unsubscribe_url, "preferences")]
    if tracking:
        untouched.append(f"{tracking.url}/l")
    return LinkRule(
        hosts=((urlsplit(merchant.site_url).hostname or "").removeprefix("www."), *policy.tagged_hosts),
        tags=tuple((name, quote(value, safe="")) for name, value in values.items() if value),
        untouched=tuple(untouched),
        track=_tracker(tracking, message.key, secret) if tracking else None,
    )


def rewrite_html(content: str, rule: LinkRule) -> str:
    """HTML whose links (`href` of `a` and `area`) are as the rule has them."""
    pieces, end = [], 0
    for found in _UP_TO_LINK.finditer(content):
        if found[1] and (place := _href(found[1])):
            start, stop, written = place
            url = _REFERENCE.sub(lambda reference: html.unescape(reference[0]), written).strip()
            if (new := rule.applied(url)) != url:
                pieces += [content[end : found.start(1) + start], f'"{escape(new)}"']
                end = found.start(1) + stop
    return "".join([*pieces, content[end:]])


def rewrite_text(content: str, rule: LinkRule) -> str:
    """Plain text whose links are as the rule has them. What ends the sentence around a link is no part of it."""

    def replaced(found: re.Match[str]) -> str:
        url = found[0]
        if len(url) > _LONGEST_IN_TEXT:
            return url
        while url[-1] in _ENDS_SENTENCE or _closes_what_is_before(url):
            url = url[:-1]
        return rule.applied(url) + found[0][len(url) :]

    return _IN_TEXT.sub(replaced, content)


def _href(tag: str) -> tuple[int, int, str] | None:
    """Where in a tag the value of its link stands, quotes included, and the value; of two the first counts."""
    start = re.match(r"<[a-z]+", tag, re.IGNORECASE)
    for found in _ATTRIBUTES.finditer(tag, start.end() if start else 0):
        if found[1].lower() == "href":
            if not (group := found.lastindex) or group == 1:
                return None
            quotes = int(group < 4)
            return found.start(group) - quotes, found.end(group) + quotes, found[group]
    return None


def _closes_what_is_before(url: str) -> bool:
    """Whether a link ends with a bracket that was opened before it."""
    opening = _BRACKETS.get(url[-1])
    return opening is not None and url.count(url[-1]) > url.count(opening)


def _is_at(url: str, page: str) -> bool:
    """Whether a link leads to a page, whatever follows of query, fragment or further path."""
    return url.startswith(page) and url[len(page) : len(page) + 1] in ("", "/", "?", "#", "&")


def _tracker(tracking: Tracking, message_id: str, secret: bytes) -> Callable[[str], str]:
    return lambda url: f"{tracking.url}/l/{make_link_token(secret, TrackedLink(message_id, url))}"
