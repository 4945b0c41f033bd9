"""Reading one file: its shape and its typed rows (DESIGN 6 and 9).

Its format gives a header and rows of text (`formats`), its export makes rows of our columns of them (`exports`),
the row reader makes values. Reading stops where the shape breaks: a file is read whole or not at all. What is
wrong is noted in the `FileShape`; the gate judges it.
"""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pp_pipeline.landing.exports import EXPORTS
from pp_pipeline.landing.exports.export import Block, Export, column_key
from pp_pipeline.landing.file_rules import EARLIEST_FILE_DATE
from pp_pipeline.landing.formats import BrokenShape, open_rows
from pp_pipeline.landing.shapes import FileShape, describe_doubled, describe_missing, describe_unnamed
from pp_pipeline.landing.typed_rows import RowReader
from pp_pipeline.landing.words import status_word

if TYPE_CHECKING:
    import pandas

    from pp_pipeline.landing.judging import FileContent

# Part of every day's content hash. Raise it when the same file would give other rows: days are loaded again.
PARSER_VERSION = 2


@dataclass(frozen=True)
class FileReading:
    """What reading a file gave: its shape, and its rows with their cells' kinds where they could be read."""

    shape: FileShape
    rows: "pandas.DataFrame | None" = None
    kinds: "pandas.DataFrame | None" = None


def read_file(source: "FileContent", reader: RowReader, today: date) -> FileReading:
    """Read the content of a file.

    Args:
        source: the content, with its name, file date and feed.
        reader: of the feed's rows.
        today: a file dated later is in the future.
    """
    import pandas

    shape = FileShape(source.name, source.file_date, len(source.content))
    shape.days_too_early = max((EARLIEST_FILE_DATE - source.file_date).days, 0)
    shape.days_too_late = max((source.file_date - today).days, 0)
    frames: list[tuple[pandas.DataFrame, pandas.DataFrame]] = []
    try:
        blocks = open_rows(source.name, source.content, source.feed, shape)
        header = next(blocks)[0][0]
        with _no_garbage_collection():
            header, blocks = _in_our_columns(header, blocks, reader, shape)
            frames = [reader.read(rows, lines, header) for rows, lines in blocks]
    except BrokenShape:
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


def _in_our_columns(
    header: list[str], blocks: Iterator[Block], reader: RowReader, shape: FileShape
) -> tuple[list[str], Iterator[Block]]:
    """The header and the rows in our columns; the shape notes what the file's header lacks, in the file's words."""
    feed, export = reader.feed, EXPORTS[reader.feed.export]
    is_plain = feed.export == "plain"
    ours = _renamed(header, feed.columns) if is_plain else header
    if is_plain:
        needed = [column.name for column in reader.kind.columns if not column.may_be_absent]
        shape.missing_columns = describe_missing(ours, needed)
    else:
        shape.missing_columns = _lacking(header, export)
    if shape.missing_columns is None and is_plain:
        shape.doubled_columns = describe_doubled(ours, {column.name for column in reader.kind.columns})
        shape.unnamed_columns = describe_unnamed(header)
    elif shape.missing_columns is None:  # of columns that nobody asked for, a shop's file may have what it likes
        asked = [name if column_key(name) in export.needed_keys else str(place) for place, name in enumerate(header)]
        shape.doubled_columns = describe_doubled(asked, export.needs)
    if shape.missing_columns or shape.doubled_columns or shape.unnamed_columns:
        raise BrokenShape
    if is_plain:
        return ours, blocks
    blocks = export.rows(header, blocks)
    return _renamed(next(blocks)[0][0], feed.columns), blocks


def _lacking(header: list[str], export: Export) -> str | None:
    missing = export.lacks(header)
    return describe_missing(header, [name for name in export.needs if name in missing]) if missing else None


def _renamed(header: list[str], columns: Mapping[str, str]) -> list[str]:
    """The header with the feed's own names in place of theirs; what an export gave under such a name is hidden."""
    if not columns:
        return header
    theirs = {status_word(name): ours for ours, name in columns.items()}
    found = {theirs[key] for name in header if (key := status_word(name)) in theirs}
    return [theirs.get(status_word(name), f"{name} of the export" if name in found else name) for name in header]
