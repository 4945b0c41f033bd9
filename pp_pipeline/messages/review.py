"""What of templates and content somebody should look at again: it is told, and stops nothing."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from pp_pipeline.merchants import Merchant
from pp_pipeline.messages.content import FOLDER, Contents
from pp_pipeline.messages.content_files import Entry
from pp_pipeline.messages.product_changes import ProductChanges, read_product_changes
from pp_pipeline.messages.templates import Templates
from pp_pipeline.warehouse import Connection


def review_warnings(
    templates: Templates, merchants: Mapping[str, Merchant], today: date, connection: Connection | None
) -> dict[str, list[str]]:
    """What to look at, by the file that it is about, each with its line.

    Args:
        connection: a warehouse, for what the products feed said since; None where there is none.
    """
    contents = templates.contents
    changes = _changes(contents, connection) if connection else ProductChanges()
    site_urls = [merchant.site_url for merchant in merchants.values()]
    found: dict[str, list[str]] = {}
    for file, line, text in content_warnings(contents, changes, site_urls, today):
        found.setdefault(file, []).append(f"{file}:{line}: {text}")
    return found


def content_warnings(
    contents: Contents, changes: ProductChanges, site_urls: Sequence[str], today: date
) -> Iterator[tuple[str, int, str]]:
    """File, line and what is the matter: past its day of review, older than the product data it speaks of, linking to
    a bare home page."""
    for name, file in contents.files.items():
        for place, entry in file.entries():
            line = contents.sources[name].line(place)
            for text in _of_entry(place, entry, changes, site_urls, today):
                yield f"{FOLDER}/{name}.yml", line, f"{' '.join(place)}: {text}"


def _changes(contents: Contents, connection: Connection) -> ProductChanges:
    """When the products feed last said something new of what the content speaks of."""
    files = contents.files.values()
    skus = {sku for file in files for sku in file.products}
    return read_product_changes(connection, skus, {category for file in files for category in file.categories})


def _of_entry(
    place: Sequence[str], entry: Entry, changes: ProductChanges, site_urls: Sequence[str], today: date
) -> Iterator[str]:
    if entry.review_by and entry.review_by < today:
        yield f"was to be reviewed by {entry.review_by}"
    known: Mapping[str, date] = {"products": changes.by_sku, "categories": changes.by_category}.get(place[0], {})
    changed_on = known.get(place[-1])
    if entry.reviewed_on and changed_on and entry.reviewed_on < changed_on:
        yield f"was reviewed on {entry.reviewed_on}, and the products feed said something new on {changed_on}"
    homes = {url.rstrip("/") for url in site_urls} | {""}
    for text in (entry, *entry.locales.values()):
        if text.link and text.link.rstrip("/") in homes:
            yield "links to a bare home page"
