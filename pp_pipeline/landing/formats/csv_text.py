"""Files of text divided by a character: csv and its like.

Python's strict csv reader, because it knows the physical line of each row and takes line breaks inside cells.
"""

import csv
import io
from collections.abc import Iterator
from typing import Any

from pp_pipeline.landing.feeds import DELIMITERS, Feed
from pp_pipeline.landing.formats.shared import LONGEST_CELL, Block, BrokenShape, trimmed_header
from pp_pipeline.landing.formats.text_bytes import as_utf8, line_at, note_not_utf8
from pp_pipeline.landing.shapes import FileShape

ROWS_AT_ONCE = 20_000


def read_csv(content: bytes, feed: Feed, shape: FileShape) -> Iterator[Block]:
    """First the header alone, then the rows in blocks with the line on which each begins (the header's is 1).

    A line without any character is no row.

    Raises:
        BrokenShape: what the shape says.
    """
    content = as_utf8(content, feed, shape)
    if not content.endswith((b"\n", b"\r")):
        shape.cut_off_line = line_at(content, len(content))
    former_limit = csv.field_size_limit(LONGEST_CELL)
    try:
        yield from _blocks(content, dialect_of(content, feed, shape), shape)
    except UnicodeDecodeError:
        note_not_utf8(content, shape)
        raise BrokenShape from None  # the original holds the content
    finally:
        csv.field_size_limit(former_limit)


def _blocks(content: bytes, dialect: dict[str, Any], shape: FileShape) -> Iterator[Block]:
    lines = csv.reader(_text(content), **dialect)
    begins_on = 1
    rows: list[list[str]] = []
    numbers: list[int] = []
    try:
        first_row = next(lines, [])
        header = trimmed_header(first_row, shape)
        yield [header], [1]
        begins_on = lines.line_num + 1
        width = len(header)
        for row in lines:
            if len(row) != width:
                if row:
                    shape.uneven_line, shape.uneven_fields, shape.header_fields = begins_on, len(row), width
                    raise BrokenShape
            elif row == first_row:
                shape.repeated_header_line = begins_on
                raise BrokenShape
            else:
                rows.append(row)
                numbers.append(begins_on)
            begins_on = lines.line_num + 1
            if len(rows) == ROWS_AT_ONCE:
                yield rows, numbers
                rows, numbers = [], []
        if rows:
            yield rows, numbers
    except csv.Error as error:
        _note_csv_error(str(error), begins_on, lines.line_num, shape)
        raise BrokenShape from None  # the original may hold a part of the row


def dialect_of(content: bytes, feed: Feed, shape: FileShape) -> dict[str, Any]:
    """How the csv reader is to read; notes in the shape what the words of a refusal need."""
    quoting: dict[str, Any] = {"quotechar": feed.quote} if feed.quote else {"quoting": csv.QUOTE_NONE}
    dialect = {"strict": True, "delimiter": feed.delimiter, **quoting}
    if feed.delimiter == "auto":
        candidates = [mark for mark in DELIMITERS if mark != feed.quote]
        dialect["delimiter"] = max(candidates, key=lambda mark: _width(content, dialect | {"delimiter": mark}))
    shape.delimiter, shape.has_quotes = dialect["delimiter"], bool(feed.quote)
    return dialect


def _width(content: bytes, dialect: dict[str, Any]) -> int:
    """How many fields the first line has if it is divided so; of several with the same, the first counts."""
    try:
        return len(next(csv.reader(_text(content), **dialect), []))
    except csv.Error:
        return 0


def _text(content: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", errors="strict", newline="")


def _note_csv_error(message: str, begins_on: int, line: int, shape: FileShape) -> None:
    if "field limit" in message:
        shape.gigantic_cell_line = begins_on
    elif "unexpected end of data" in message:
        shape.open_quote_line = begins_on
    else:
        shape.stray_quote_line = line
