"""What is not wrong with a template but wants to be looked at: shown by `pp render`, the gallery and a check."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.merchants import Merchant
from pp_pipeline.messages.render import MAX_HTML_BYTES
from pp_pipeline.messages.templates import MJML, SMS, TEXT, Templates, templates_of

_END_OF_LINK = r"""/?(?=[\s"')\]<]|$)"""
_SITE = r"\{\{-?\s*merchant\.site_url\s*-?\}\}"


@dataclass(frozen=True)
class TemplateWarning:
    """Something to look at: of which message (`conversation/template`), in which file and line."""

    message: str
    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


def template_warnings(
    conversations_dir: Path,
    conversations: Sequence[Conversation],
    merchants: Mapping[str, Merchant],
    today: date,
) -> list[TemplateWarning]:
    """What wants to be looked at in the templates of conversations that can be loaded.

    Args:
        today: a template whose `review_by` is before it is told.
    """
    templates = templates_of(conversations_dir)
    homes = [_SITE, *(re.escape(merchant.site_url.rstrip("/")) for merchant in merchants.values())]
    bare = re.compile(f"({'|'.join(homes)}){_END_OF_LINK}")
    found: list[TemplateWarning] = []
    for conversation in conversations:
        message = f"{conversation.conversation}/{conversation.message.template}"
        forms = (SMS,) if conversation.message.channel == "sms" else (MJML, TEXT)
        for name in [name for form in forms for name in templates.variants(message, form)]:
            warnings = _warnings(templates, message, name, bare, today)
            found += [TemplateWarning(message, name, line, text) for line, text in warnings]
    return found


def _warnings(
    templates: Templates, message: str, name: str, bare: re.Pattern[str], today: date
) -> Iterator[tuple[int, str]]:
    """Line and text of each."""
    day, line = templates.review_by(name)
    if day is not None and day < today:
        yield line, f"was to be reviewed by {day}; read it again, then write a later day"
    for number, text in enumerate(templates.read(name).splitlines(), 1):
        if bare.search(text):
            yield number, "links to the home page alone; lead to what the message speaks of"
    if name.endswith(f".{MJML}.j2"):
        size = len(templates.email_file(message, name).html.source.encode())
        if size > MAX_HTML_BYTES:
            yield 1, f"is {size // 1024} kB of HTML before any value; mail programs cut off what is over 100 kB"
