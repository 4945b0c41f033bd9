"""What of messages somebody should look at again: templates, and the content that they show.

Nothing of it is wrong: `pp render`, the gallery and a check tell it, and it stops nothing.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.wordings import wordings_of
from pp_pipeline.merchants import Merchant
from pp_pipeline.messages.content import FOLDER, Contents
from pp_pipeline.messages.content_files import Entry
from pp_pipeline.messages.product_changes import ProductChanges, read_product_changes
from pp_pipeline.messages.render import MAX_HTML_BYTES
from pp_pipeline.messages.templates import MJML, SMS, TEXT, Templates, templates_of
from pp_pipeline.warehouse import Connection

_END_OF_LINK = r"""/?(?=[\s"')\]<]|$)"""
_SITE = r"\{\{-?\s*merchant\.site_url\s*-?\}\}"


@dataclass(frozen=True)
class ReviewWarning:
    """Something to look at, and where."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


def review_warnings(
    conversations_dir: Path,
    conversations: Sequence[Conversation],
    merchants: Mapping[str, Merchant],
    today: date,
    connection: Connection | None,
) -> list[ReviewWarning]:
    """What wants to be looked at.

    Args:
        connection: a warehouse, for what the products feed said since; None where there is none.
    """
    contents = templates_of(conversations_dir).contents
    files = contents.files.values()
    skus = {sku for file in files for sku in file.products}
    categories = {name for file in files for name in file.categories}
    changes = read_product_changes(connection, skus, categories) if connection else ProductChanges()
    return [
        *template_warnings(conversations_dir, conversations, merchants, today),
        *content_warnings(contents, changes, [merchant.site_url for merchant in merchants.values()], today),
    ]


def template_warnings(
    conversations_dir: Path,
    conversations: Sequence[Conversation],
    merchants: Mapping[str, Merchant],
    today: date,
) -> list[ReviewWarning]:
    """Templates past their day of review, with a bare home link, or too long; of conversations that can be loaded.

    Args:
        today: a template whose `review_by` is before it is told.
    """
    templates = templates_of(conversations_dir)
    homes = [_SITE, *(re.escape(merchant.site_url.rstrip("/")) for merchant in merchants.values())]
    bare = re.compile(f"({'|'.join(homes)}){_END_OF_LINK}")
    found: list[ReviewWarning] = []
    own, shared = set[str](), set[str]()
    for wording in wordings_of(conversations):
        forms = (SMS,) if wording.channel == "sms" else (MJML, TEXT)
        for name in [name for form in forms for name in templates.variants(wording.name, form)]:
            own.add(name)
            shared |= set(_files(templates, wording.name, name))
            warnings = _of_template(templates, wording.name, name, bare, today)
            found += [ReviewWarning(name, line, text) for line, text in warnings]
    for name in sorted(shared - own):
        found += [ReviewWarning(name, line, text) for line, text in _past_review(templates, name, today)]
    return found


def _files(templates: Templates, message: str, name: str) -> Sequence[str]:
    """What a file is made of, itself included."""
    if name.endswith(f".{MJML}.j2"):
        return templates.email_file(message, name).files
    return templates.sms_file(message, name).files if name.endswith(f".{SMS}.j2") else ()


def _past_review(templates: Templates, name: str, today: date) -> Iterator[tuple[int, str]]:
    day, line = templates.review_by(name)
    if day is not None and day < today:
        yield line, f"was to be reviewed by {day}; read it again, then write a later day"


def content_warnings(
    contents: Contents, changes: ProductChanges, site_urls: Sequence[str], today: date
) -> Iterator[ReviewWarning]:
    """Entries past their day of review, older than the product data they speak of, or with a bare home link."""
    for name, file in contents.files.items():
        for place, entry in file.entries():
            line = contents.sources[name].line(place)
            for text in _of_entry(place, entry, changes, site_urls, today):
                yield ReviewWarning(f"{FOLDER}/{name}.yml", line, f"{' '.join(place)}: {text}")


def _of_template(
    templates: Templates, message: str, name: str, bare: re.Pattern[str], today: date
) -> Iterator[tuple[int, str]]:
    """Line and text of each."""
    yield from _past_review(templates, name, today)
    for number, text in enumerate(templates.read(name).splitlines(), 1):
        if bare.search(text):
            yield number, "links to the home page alone; lead to what the message speaks of"
    if name.endswith(f".{MJML}.j2"):
        size = len(templates.email_file(message, name).html.source.encode())
        if size > MAX_HTML_BYTES:
            yield 1, f"is {size // 1024} kB of HTML before any value; mail programs cut off what is over 100 kB"


def _of_entry(
    place: Sequence[str], entry: Entry, changes: ProductChanges, site_urls: Sequence[str], today: date
) -> Iterator[str]:
    if entry.review_by and entry.review_by < today:
        yield f"was to be reviewed by {entry.review_by}; read it again, then write a later day"
    known: Mapping[str, date] = {"products": changes.by_sku, "categories": changes.by_category}.get(place[0], {})
    changed_on = known.get(place[-1])
    if entry.reviewed_on and changed_on and entry.reviewed_on < changed_on:
        yield (
            f"is older than the product data it speaks of: reviewed on {entry.reviewed_on}, and the products feed said "
            f"something new on {changed_on}"
        )
    homes = {url.rstrip("/") for url in site_urls} | {""}
    if any(text.link and text.link.rstrip("/") in homes for text in (entry, *entry.locales.values())):
        yield "links to the home page alone; lead to what the text speaks of"
