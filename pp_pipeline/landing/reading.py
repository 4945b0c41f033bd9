"""Reading one file: its shape and its typed rows (DESIGN 6 and 9).

Its format gives a header and rows of text (`formats`), its export makes rows of our columns of them (`exports`),
the row reader makes values. Reading stops where the shape breaks: a file is read whole or not at all. What is
wrong is noted in the `FileShape`; the gate judges it.
"""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pp_pipeline.forgetting.words import is_marked
from pp_pipeline.landing.exports import EXPORTS
from pp_pipeline.landing.exports.export import Block, Export, column_key
from pp_pipeline.landing.file_rules import EARLIEST_FILE_DATE
from pp_pipeline.landing.formats import BrokenShape, open_rows
from pp_pipeline.landing.shapes import FileShape, describe_doubled, describe_missing, describe_unnamed
from pp_pipeline.landing.typed_rows import RowReader
from pp_pipeline.landing.words import bare_word

if TYPE_CHECKING:
    import pandas

    from pp_pipeline.landing.judging import FileContent


_MEANT = "name a column of ours, such as email, source, tags or status, or a further one of the file"
# A shop without orders on a day is rarer than an export that broke off. Without returns, every other day is.
_NEVER_EMPTY = ("orders", "order_headers")


@dataclass(frozen=True)
class FileReading:
    """What reading a file gave: its shape, and its rows with their cells' kinds where they could be read.

    `forgotten_count` counts rows out of which somebody was taken; those that say nothing without are not in `rows`.
    """

    shape: FileShape
    rows: "pandas.DataFrame | None" = None
    kinds: "pandas.DataFrame | None" = None
    forgotten_count: int = 0


def read_file(source: "FileContent", reader: RowReader, today: date) -> FileReading:
    """Read the content of a file.

    Args:
        source: the content, with its name, file date and feed.
        reader: of the feed's rows.
        today: a file dated later is in the future.
    """
    import numpy
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
            if unknown := reader.rules_without_column(header):
                shape.missing_columns = (
                    f"{', '.join(unknown)} (asked for by a rule under `ineligible` of its feed; {_MEANT})"
                )
                raise BrokenShape
            place = header.index("email") if "email" in header else None
            marked: list[bool] = []
            for rows, lines in blocks:
                marked += [place is not None and is_marked(row[place]) for row in rows]
                frames.append(reader.read(rows, lines, header))
    except BrokenShape:
        return FileReading(shape)
    frames = frames or [reader.read([], [], header)]
    rows = pandas.concat([rows for rows, _ in frames], ignore_index=True)
    rows["row_in_file"] = numpy.arange(1, len(rows) + 1, dtype="int32")
    kinds = pandas.concat([kinds for _, kinds in frames], ignore_index=True)
    forgotten_count = sum(marked)
    if forgotten_count and reader.kind.drops_forgotten:
        stays = ~numpy.array(marked)
        rows, kinds = rows.loc[stays].reset_index(drop=True), kinds.loc[stays].reset_index(drop=True)
    shape.row_count = len(rows)
    shape.rows_missing = int(not shape.row_count and source.feed.kind in _NEVER_EMPTY)
    return FileReading(shape, rows, kinds, forgotten_count)


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
    ours = renamed(header, feed.columns) if is_plain else header
    if is_plain:
        needed = [column.name for column in reader.kind.columns if not column.may_be_absent]
        shape.missing_columns = _not_there(header, feed.columns) or describe_missing(ours, needed)
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
    exported = next(blocks)[0][0]
    shape.missing_columns = _not_there(exported, feed.columns)
    if shape.missing_columns:
        raise BrokenShape
    return renamed(exported, feed.columns), blocks


def _lacking(header: list[str], export: Export) -> str | None:
    missing = export.lacks(header)
    return describe_missing(header, [name for name in export.needs if name in missing]) if missing else None


def _not_there(header: list[str], columns: Mapping[str, str]) -> str | None:
    """Which of the names that the feed declares the file lacks: read on, they would pass for not known."""
    there = {bare_word(name) for name in header}
    missing = {theirs: ours for ours, theirs in columns.items() if bare_word(theirs) not in there}
    if not missing:
        return None
    hints = "; ".join(f"the feed declares it as {ours}" for ours in missing.values())
    return f"{describe_missing(header, list(missing))} ({hints})"


def renamed(header: Sequence[str], columns: Mapping[str, str]) -> list[str]:
    """The header with the feed's own names in place of theirs; what an export gave under such a name is hidden."""
    if not columns:
        return list(header)
    theirs = {bare_word(name): ours for ours, name in columns.items()}
    found = {theirs[key] for name in header if (key := bare_word(name)) in theirs}
    return [theirs.get(bare_word(name), f"{name} of the export" if name in found else name) for name in header]
