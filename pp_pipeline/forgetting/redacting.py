"""A content without the people who are forgotten, in the same format (DESIGN 6).

Landing's own reading says which rows are theirs, so what lands and what is taken out never differ: the line of a row
is the line in the file. Of such a row the facts of the order stay, its address becomes `forgotten`, every other cell
goes blank. In all other rows an address of somebody forgotten is replaced wherever it stands.
"""

import gzip
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pp_pipeline.forgetting.formats import Changes
from pp_pipeline.forgetting.formats.csv_text import rewrite_csv
from pp_pipeline.forgetting.formats.json_lines import rewrite_json_lines
from pp_pipeline.forgetting.formats.parquet import rewrite_parquet
from pp_pipeline.forgetting.formats.workbook import mentions_somebody, rewrite_workbook
from pp_pipeline.forgetting.known import Erasure
from pp_pipeline.forgetting.mentions import Mentions
from pp_pipeline.forgetting.order_facts import kept_cells
from pp_pipeline.forgetting.words import FORGOTTEN
from pp_pipeline.landing.file_names import format_of
from pp_pipeline.landing.formats import BrokenShape, open_rows
from pp_pipeline.landing.formats.compression import GZIP_MAGIC, unwrapped
from pp_pipeline.landing.shapes import FileShape

if TYPE_CHECKING:
    import pandas

    from pp_pipeline.landing.judging import FileContent


def orders_of_forgotten(rows: "pandas.DataFrame", erasure: Erasure) -> Iterator[tuple[str, str]]:
    """Merchant and number of the orders in typed order rows whose contact is forgotten."""
    if "order_file_line" not in rows:  # feedback and the like may name an order of somebody else
        return
    found: Any = rows.loc[_of_forgotten(rows, erasure)]
    for merchant, number in zip(cells_of(found, "merchant"), cells_of(found, "order_number"), strict=True):
        if merchant and number:
            yield merchant, number


def _of_forgotten(rows: Any, erasure: Erasure) -> Any:
    """Which rows have a contact who is forgotten."""
    return rows["contact_key"].isin(list(erasure.contacts))


def cells_of(rows: "pandas.DataFrame", name: str) -> list[Any]:
    """The values of a column, None where one is missing or the rows don't have it."""
    if name not in rows:
        return [None] * len(rows)
    column: Any = rows[name]
    return column.astype(object).where(column.notna(), None).tolist()


def without_forgotten(source: "FileContent", rows: "pandas.DataFrame", erasure: Erasure) -> "FileContent":
    """The content without the people who are forgotten; the very same object where none is in it.

    Args:
        source: a content that landing could read.
        rows: what it read, typed, before any row was judged or dropped.
        erasure: who is forgotten. The orders of this and of other files are noted in it before.
    """
    shape = FileShape(source.name, source.file_date, len(source.content))
    plain = unwrapped(source.name, source.content, shape)
    people = _People(source, rows, erasure)
    try:
        changes = _changes(source, people)
    except BrokenShape:  # a judged content can be read; should it not, landing refuses it
        return source
    is_book = format_of(source.name, source.feed) == "xlsx"
    if not changes and not (is_book and people.is_of_one_merchant and mentions_somebody(plain, people.clean)):
        return source
    content = _rewritten(source, plain, shape, changes, people.clean)
    if source.content.startswith(GZIP_MAGIC):
        content = gzip.compress(content, mtime=0)
    return replace(source, content=content, sha256=hashlib.sha256(content).hexdigest())


def _rewritten(
    source: "FileContent", plain: bytes, shape: FileShape, changes: Changes, clean: Callable[[str], str]
) -> bytes:
    match format_of(source.name, source.feed):
        case "csv":
            return rewrite_csv(plain, source.feed, shape, changes)
        case "jsonl":
            return rewrite_json_lines(plain, source.feed, changes)
        case "parquet":
            return rewrite_parquet(plain, changes, clean)
        case _:
            return rewrite_workbook(plain, changes, clean)


class _People:
    """Whose the rows of a file are: by line, the merchant, and whether the contact is forgotten."""

    def __init__(self, source: "FileContent", rows: "pandas.DataFrame", erasure: Erasure) -> None:
        lines = cells_of(rows, source.kind.file_columns[1])
        merchants = cells_of(rows, "merchant")
        default = next(filter(None, merchants), source.feed.merchant or "main")
        self.is_of_one_merchant = len(set(merchants)) < 2
        self._erasure = erasure
        self._mentions: dict[str, Mentions] = {}
        self._default = self._of(default)
        self._by_line = (
            {}
            if self.is_of_one_merchant
            else {line: self._of(merchant or default) for line, merchant in zip(lines, merchants, strict=True)}
        )
        self.lines = set(self._lines(rows, lines, merchants))

    def mentions(self, line: int) -> Mentions:
        """What knows the forgotten contacts of the row's merchant."""
        return self._by_line.get(line, self._default)

    def clean(self, text: str) -> str:
        """A text that stands in no row, without addresses."""
        return self._default.without(text)

    def _of(self, merchant: str) -> Mentions:
        return self._mentions.setdefault(merchant, Mentions(self._erasure, merchant))

    def _lines(self, rows: "pandas.DataFrame", lines: Sequence[int], merchants: Sequence[Any]) -> Iterator[int]:
        """Rows of a forgotten contact; rows that name no contact, of an order that is known as one's."""
        contactless = range(len(lines))
        if "contact_key" in rows:
            for place in _of_forgotten(rows, self._erasure).to_numpy().nonzero()[0]:
                yield lines[place]
            contactless = [place for place, key in enumerate(cells_of(rows, "contact_key")) if key is None]
        numbers = cells_of(rows, "order_number")
        for place in contactless:
            merchant, number = merchants[place], numbers[place]
            if merchant and number and self._erasure.is_order(merchant, number):
                yield lines[place]


def _changes(source: "FileContent", people: _People) -> Changes:
    shape = FileShape(source.name, source.file_date, len(source.content))
    blocks = open_rows(source.name, source.content, source.feed, shape)
    kept = kept_cells(source.feed, next(blocks)[0][0])
    found = {}
    for rows, lines in blocks:
        for row, line in zip(rows, lines, strict=True):
            if line in people.lines:
                cells = _of_person(row, kept, people.mentions(line))
            else:
                cells = _without_mentions(row, people.mentions(line))
            if cells is not row and (changed := _differences(row, cells)):
                found[line] = changed
    return found


def _without_mentions(row: list[str], mentions: Mentions) -> list[str]:
    for cell in row:  # mostly none: a million rows pass here
        if ("@" in cell or "%40" in cell) and mentions.without(cell) != cell:
            return [mentions.without(text) for text in row]
    return row


def _of_person(row: Sequence[str], kept: dict[int, Callable[[str], str]], mentions: Mentions) -> list[str]:
    cells = []
    for place, cell in enumerate(row):
        if place in kept:
            cells.append(mentions.without(kept[place](cell)))
        else:
            is_address = cell.strip() == FORGOTTEN or mentions.is_address(cell)
            cells.append(FORGOTTEN if is_address else "")
    return cells


def _differences(row: Iterable[str], cells: Iterable[str]) -> dict[int, str]:
    return {place: new for place, (old, new) in enumerate(zip(row, cells, strict=True)) if new != old}
