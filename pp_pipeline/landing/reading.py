"""Reading one order file of the plain feed: its shape and its typed rows (DESIGN 6 and 9).

Python's strict csv reader, because it knows the physical line of each row and takes line breaks inside cells.
Reading stops where the shape breaks: a file is read whole or not at all. What is wrong is
noted in the `FileShape`; the gate judges it.
"""

import csv
import gc
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pp_pipeline.landing.columns import EARLIEST_FILE_DATE
from pp_pipeline.landing.shapes import FileShape, describe_doubled, describe_missing, describe_unnamed
from pp_pipeline.landing.typed_rows import RowReader

if TYPE_CHECKING:
    import pandas

# Part of every day's content hash. Raise it when the same file would give other rows: days are loaded again.
PARSER_VERSION = 1

LONGEST_CELL = 131_072
_ROWS_AT_ONCE = 20_000
_LINE_END = re.compile(rb"\r\n|\r|\n")
_Block = tuple[list[list[str]], list[int]]


@dataclass(frozen=True)
class FileReading:
    """What reading a file gave: its shape, and its rows with their cells' kinds where they could be read."""

    shape: FileShape
    rows: "pandas.DataFrame | None" = None
    kinds: "pandas.DataFrame | None" = None


class _BrokenShape(Exception):
    """Reading can't go on; the shape says why."""


def read_order_file(name: str, file_date: date, content: bytes, reader: RowReader, today: date) -> FileReading:
    """Read the content of an order file.

    Args:
        name: of the file; stands in what is said about it.
        file_date: the date in its name.
        content: its bytes, whole.
        reader: of its rows.
        today: a file dated later is in the future.
    """
    import pandas

    shape = FileShape(name, file_date, len(content))
    shape.days_too_early = max((EARLIEST_FILE_DATE - file_date).days, 0)
    shape.days_too_late = max((file_date - today).days, 0)
    if content and not content.endswith((b"\n", b"\r")):
        shape.cut_off_line = _line_at(content, len(content))
    frames: list[tuple[pandas.DataFrame, pandas.DataFrame]] = []
    try:
        _look_at_bytes(content, shape)
        blocks = _blocks(content, shape)
        header = next(blocks)[0][0]
        with _no_garbage_collection():
            frames = [reader.read(rows, lines, header) for rows, lines in blocks]
    except _BrokenShape:
        return FileReading(shape)
    except UnicodeDecodeError:
        shape.not_utf8_line = _line_that_is_not_utf8(content)
        return FileReading(shape)
    shape.row_count = sum(len(rows) for rows, _ in frames)
    if not frames:
        return FileReading(shape)
    rows = pandas.concat([rows for rows, _ in frames], ignore_index=True)
    kinds = pandas.concat([kinds for _, kinds in frames], ignore_index=True)
    return FileReading(shape, rows, kinds)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Nothing read here refers to itself, and each collection walks all rows: a third of the reading time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _look_at_bytes(content: bytes, shape: FileShape) -> None:
    if not content:
        shape.row_count = 0
        raise _BrokenShape
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16, which is full of NULs: say what it is
        shape.not_utf8_line = 1
        raise _BrokenShape
    nul = content.find(b"\0")
    if nul >= 0:
        shape.nul_line = _line_at(content, nul)
        raise _BrokenShape


def _blocks(content: bytes, shape: FileShape) -> Iterator[_Block]:
    """First the header alone, then the rows in blocks with the line on which each begins (the header's is 1).

    A line without any character is no row.
    """
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", errors="strict", newline="")
    former_limit = csv.field_size_limit(LONGEST_CELL)
    lines = csv.reader(text, strict=True)
    begins_on = 1
    rows: list[list[str]] = []
    numbers: list[int] = []
    try:
        header = next(lines, [])
        _look_at_header(header, shape)
        yield [header], [1]
        begins_on = lines.line_num + 1
        width = len(header)
        for row in lines:
            if len(row) != width:
                if row:
                    shape.uneven_line, shape.uneven_fields, shape.header_fields = begins_on, len(row), width
                    raise _BrokenShape
            else:
                rows.append(row)
                numbers.append(begins_on)
            begins_on = lines.line_num + 1
            if len(rows) == _ROWS_AT_ONCE:
                yield rows, numbers
                rows, numbers = [], []
        if rows:
            yield rows, numbers
    except csv.Error as error:
        _note_csv_error(str(error), begins_on, lines.line_num, shape)
        raise _BrokenShape from None  # the original may hold a part of the row
    finally:
        csv.field_size_limit(former_limit)


def _look_at_header(header: list[str], shape: FileShape) -> None:
    shape.missing_columns = describe_missing(header)
    if shape.missing_columns is None:
        shape.doubled_columns = describe_doubled(header)
        shape.unnamed_columns = describe_unnamed(header)
    if shape.missing_columns or shape.doubled_columns or shape.unnamed_columns:
        raise _BrokenShape


def _note_csv_error(message: str, begins_on: int, line: int, shape: FileShape) -> None:
    if "field limit" in message:
        shape.gigantic_cell_line = begins_on
    elif "unexpected end of data" in message:
        shape.open_quote_line = begins_on
    else:
        shape.stray_quote_line = line


def _line_at(content: bytes, position: int) -> int:
    """The physical line of a position, counting every kind of line end as the csv reader does."""
    return sum(1 for _ in _LINE_END.finditer(content, 0, position)) + 1


def _line_that_is_not_utf8(content: bytes) -> int:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return _line_at(content, error.start)
    return 1
