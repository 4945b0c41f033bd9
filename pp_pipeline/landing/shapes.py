"""What the reader saw of a file as a whole, and how its refusal is put into words.

One `FileShape` is one row of the frame on which Great Expectations judges the file rules
of `file_rules.py`. The words name the line and what to do, and hold no cell of the file.
"""

import difflib
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date

from pp_pipeline.landing.file_rules import MOST_REJECTED_RATE, FileRule

_SEND_AGAIN = "send the whole file again"
_RENAME = "correct the date in its name"


@dataclass
class FileShape:
    """A file as a whole. A field of which None says "nothing wrong seen" holds the line where it is wrong."""

    name: str
    file_date: date
    size: int
    file_format: str = "csv"
    encoding: str = "utf-8"
    delimiter: str = ","
    has_quotes: bool = True
    days_too_early: int = 0
    days_too_late: int = 0
    other_format: str | None = None
    damage: str | None = None
    unpacks_beyond: int | None = None
    endless_line: int | None = None
    not_utf8_line: int | None = None
    ends_in_a_character: bool = False
    wrong_encoding_line: int | None = None
    nul_line: int | None = None
    missing_columns: str | None = None
    doubled_columns: str | None = None
    unnamed_columns: str | None = None
    too_many_columns: int | None = None
    json_fault_line: int | None = None
    json_fault: str = ""
    formula_line: int | None = None
    error_cell_line: int | None = None
    open_quote_line: int | None = None
    stray_quote_line: int | None = None
    gigantic_cell_line: int | None = None
    uneven_line: int | None = None
    uneven_fields: int = 0
    header_fields: int = 0
    repeated_header_line: int | None = None
    cut_off_line: int | None = None
    row_count: int | None = None
    rows_missing: int = 0
    rejected_count: int = 0
    rejected_rate: float = 0.0
    first_rejections: str = ""


def refusal(shape: FileShape, broken: list[FileRule]) -> str:
    """Why the file is refused: each broken rule in words, with the file and the line."""
    parts = [_WORDS[rule.rule](shape) for rule in broken]
    return f"{shape.name}: " + "; ".join(part for part in parts if part)


def describe_missing(header: list[str], needed: Sequence[str]) -> str | None:
    """Which columns of the feed the first line lacks, and which of its own were perhaps meant.

    Of the first line only names that are nearly a column's are repeated: in a file that
    has no header it is a shopper's row.
    """
    missing = [name for name in needed if name not in header]
    if not missing:
        return None
    text = ", ".join(missing)
    if len(header) == 1 and (mark := next((mark for mark in ";\t|," if mark in header[0]), None)):
        words = f"line 1 seems to be divided by {_DELIMITERS[mark]}s"
        return f"{text} ({words}: write the file as its feed says, or declare the `delimiter` of its feed)"
    if any("@" in cell for cell in header):
        return f"{text} (line 1 seems to be a row: is the line with the names of the columns missing?)"
    others = {_letters(cell): cell for cell in header if cell not in needed}
    hints = []
    for name in missing:
        close = difflib.get_close_matches(_letters(name), others, n=1, cutoff=0.75)
        if close:
            hints.append(f"it has '{others[close[0]]}': did you mean {name}?")
    return f"{text} ({' '.join(hints)})" if hints else text


def describe_doubled(header: list[str], known: Collection[str]) -> str | None:
    """Which columns have the same name, by their places (names of further columns are not repeated)."""
    pairs = []
    for place, name in enumerate(header, start=1):
        first = header.index(name) + 1
        if name and first != place:
            pairs.append(f"{first} and {place}" + (f" ({name})" if name in known else ""))
    return ", ".join(pairs) or None


def describe_unnamed(header: list[str]) -> str | None:
    """Which columns have no name, by their places."""
    return ", ".join(str(place) for place, name in enumerate(header, start=1) if not name.strip()) or None


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", "~": "tilde"}


def endless_line_words(line: int) -> str:
    """What is said of a file with a line that does not end; also by a look at its beginning alone."""
    return f"line {line} is longer than 8 MB: damaged, or no text file? {_SEND_AGAIN}, with a line break after each row"


def _at(shape: FileShape, line: int | None) -> str:
    return f"row {line}" if shape.file_format == "xlsx" else f"line {line}"


def _first_line(shape: FileShape) -> str:
    """What names the columns: an object of JSON or a table of parquet has no first line that does."""
    return {"csv": "line 1", "xlsx": "row 1"}.get(shape.file_format, "it")


def _not_utf8(shape: FileShape) -> str:
    line = _at(shape, shape.not_utf8_line)
    if shape.file_format in ("parquet", "xlsx"):
        return f"{line} holds text that is not UTF-8; export it as UTF-8"
    if shape.ends_in_a_character:
        return f"{line}, the last, ends in the middle of a UTF-8 character: cut off? {_SEND_AGAIN}"
    return f"{line} is not UTF-8 (Latin-1, Windows-1252 or UTF-16?); save the file as UTF-8"


def _wrong_encoding(shape: FileShape) -> str:
    line = f"line {shape.wrong_encoding_line}"
    if shape.ends_in_a_character:
        return f"{line}, the last, ends in the middle of a {shape.encoding} character: cut off? {_SEND_AGAIN}"
    words = f"{line} is not {shape.encoding}, which the feed declares; save the file as {shape.encoding}"
    return f"{words}, or correct the encoding of the feed"


def _gigantic(shape: FileShape) -> str:
    words = f"the row that begins on {_at(shape, shape.gigantic_cell_line)} has a cell of more than 131,072 characters"
    if shape.file_format == "csv" and shape.has_quotes:
        return f"{words}: a quote that is never closed?"
    return f"{words}; shorten it"


def _uneven(shape: FileShape) -> str:
    words = f"{_at(shape, shape.uneven_line)} has {shape.uneven_fields} fields, the header has {shape.header_fields}"
    if shape.file_format == "xlsx":
        return f"{words}; name every column in row 1"
    if shape.uneven_fields < shape.header_fields:
        return f"{words}: cut off? {_SEND_AGAIN}"
    mark = _DELIMITERS.get(shape.delimiter, f"'{shape.delimiter}'")
    if not shape.has_quotes:
        return f"{words}: does a cell hold a {mark}? write the file with quotes, or divide it by another character"
    return f"{words}: is a {mark} or a line break in it not inside quotes?"


def _cut_off(shape: FileShape) -> str:
    if shape.not_utf8_line or shape.nul_line:  # then a line end may be written in another way
        return ""
    words = f"line {shape.cut_off_line}, the last, has no line break at its end"
    if shape.uneven_line or shape.open_quote_line:  # told already what to do
        return words
    return f"{words}: cut off? {_SEND_AGAIN}, with a line break after the last row"


def _rejected(shape: FileShape) -> str:
    return (
        f"{shape.rejected_count} of {shape.row_count} rows can't be read, "
        f"more than {MOST_REJECTED_RATE:.0%}: {shape.first_rejections}"
    )


_WORDS: dict[str, Callable[[FileShape], str]] = {
    "is_not_empty": lambda shape: f"is empty (0 bytes); {_SEND_AGAIN}",
    "is_dated_since_2000": lambda shape: f"is dated {shape.file_date}, before 2000-01-01; {_RENAME}",
    "is_not_dated_in_the_future": lambda shape: f"is dated {shape.file_date}, in the future; {_RENAME}",
    "is_of_its_format": lambda shape: (
        f"is {shape.other_format}, and a {shape.file_format} file is expected; export it again as {shape.file_format}"
    ),
    "is_not_damaged": lambda shape: f"is damaged: {shape.damage}; {_SEND_AGAIN}",
    "unpacks_to_a_bearable_size": lambda shape: (
        f"unpacks to more than {(shape.unpacks_beyond or 0) // 1_000_000:,} MB, far too much for a file of its size; "
        "send it in parts if it is the right one"
    ),
    "has_no_endless_line": lambda shape: endless_line_words(shape.endless_line or 1),
    "is_utf8": _not_utf8,
    "is_in_its_encoding": _wrong_encoding,
    "has_no_nul_bytes": lambda shape: f"{_at(shape, shape.nul_line)} holds a NUL byte: damaged? {_SEND_AGAIN}",
    "has_every_column": lambda shape: f"{_first_line(shape)} lacks the columns: {shape.missing_columns}",
    "names_each_column_once": lambda shape: (
        f"{_first_line(shape)} has the same name for columns {shape.doubled_columns}; rename one of them"
    ),
    "names_every_column": lambda shape: (
        f"{_first_line(shape)} has no name for column {shape.unnamed_columns}; name it or take it out"
    ),
    "has_a_bearable_width": lambda shape: (
        f"{_first_line(shape)} has {shape.too_many_columns} columns, more than 1,000; take out those not needed"
    ),
    "has_sound_json_lines": lambda shape: f"line {shape.json_fault_line} {shape.json_fault}",
    "has_no_formulas": lambda shape: (
        f"row {shape.formula_line} has a formula; export values instead (copy, then paste as values)"
    ),
    "has_no_error_cells": lambda shape: (
        f"row {shape.error_cell_line} has an error such as #N/A or a date out of range; correct the cell"
    ),
    "closes_every_quote": lambda shape: (
        f"the row that begins on line {shape.open_quote_line} opens a quote that is never closed: cut off? "
        f"{_SEND_AGAIN}"
    ),
    "has_no_stray_quote": lambda shape: (
        f"line {shape.stray_quote_line} has text after a closing quote; write a quote inside a cell twice"
    ),
    "has_no_gigantic_cell": _gigantic,
    "has_even_rows": _uneven,
    "repeats_no_header": lambda shape: (
        f"{_at(shape, shape.repeated_header_line)} repeats the header; are these several files in one? "
        "send them one by one, or take the line out"
    ),
    "ends_with_a_line_end": _cut_off,
    # An empty file has no rows either, and is told once.
    "has_rows": lambda shape: (
        f"has {'columns' if shape.file_format == 'parquet' else 'a first line'} but no rows" if shape.size else ""
    ),
    "has_few_rejected_rows": _rejected,
}
