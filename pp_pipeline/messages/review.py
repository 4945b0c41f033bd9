"""What of messages somebody should look at again: templates, and the content that they show."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.merchants import Merchant
from pp_pipeline.messages.content import FOLDER, Contents
from pp_pipeline.messages.content_files import Entry
from pp_pipeline.messages.product_changes import ProductChanges, read_product_changes
from pp_pipeline.messages.templates import templates_of
from pp_pipeline.messages.warnings import TemplateWarning, template_warnings
from pp_pipeline.warehouse import Connection


def review_warnings(
    conversations_dir: Path,
    conversations: Sequence[Conversation],
    merchants: Mapping[str, Merchant],
    today: date,
    connection: Connection | None,
) -> list[TemplateWarning]:
    """What wants to be looked at; of content no message is named, as several may show it.

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


def content_warnings(
    contents: Contents, changes: ProductChanges, site_urls: Sequence[str], today: date
) -> Iterator[TemplateWarning]:
    """Entries past their day of review, older than the product data they speak of, or with a bare home link."""
    for name, file in contents.files.items():
        for place, entry in file.entries():
            line = contents.sources[name].line(place)
            for text in _of_entry(place, entry, changes, site_urls, today):
                yield TemplateWarning("", f"{FOLDER}/{name}.yml", line, f"{' '.join(place)}: {text}")


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
