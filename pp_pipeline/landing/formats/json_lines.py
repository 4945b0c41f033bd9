"""Files with one JSON object per line (jsonl, ndjson).

Read twice: the columns are the names of all objects, and one that only the last line has is a column too.
"""

import io
import json
from collections.abc import Iterator
from typing import Any

from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.formats.shared import (
    MOST_COLUMNS,
    Block,
    BrokenShape,
    check_cells,
    number_of_feed,
    trimmed_header,
)
from pp_pipeline.landing.formats.text_bytes import as_utf8, note_not_utf8
from pp_pipeline.landing.shapes import FileShape

_ROWS_AT_ONCE = 20_000


class _Digits(str):
    """A number as it was written; a type of its own, so that inside a nested value it stays a number."""

    __slots__ = ()


class _NotSoundError(ValueError):
    """The line parses, but says something that can't be taken; the text says what."""


def read_json_lines(content: bytes, feed: Feed, shape: FileShape) -> Iterator[Block]:
    """First the names of all objects in order of appearance, then a row of cells per object, with its line.

    Numbers keep their digits, null and a missing name are "", nested values are compact JSON. A
    blank line is no row.

    Raises:
        BrokenShape: what the shape says.
    """
    content = as_utf8(content, feed, shape)
    try:
        names: dict[str, None] = {}
        for _, fields in _objects(content, shape):
            if not fields.keys() <= names.keys():
                names.update(dict.fromkeys(fields))
            if len(names) > MOST_COLUMNS:
                break
        header = trimmed_header(list(names), shape)
        check_cells([header], [1], shape)
        yield [header], [1]
        rows: list[list[str]] = []
        lines: list[int] = []
        for line, fields in _objects(content, shape):
            values = map(fields.get, names)
            rows.append([value if type(value) is str else as_cell(value, feed) for value in values])
            lines.append(line)
            if len(rows) == _ROWS_AT_ONCE:
                check_cells(rows, lines, shape)
                yield rows, lines
                rows, lines = [], []
        if rows:
            check_cells(rows, lines, shape)
            yield rows, lines
    except UnicodeDecodeError:
        note_not_utf8(content, shape)
        raise BrokenShape from None  # the original holds the content


def _objects(content: bytes, shape: FileShape) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line and fields of each object."""
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", errors="strict", newline="")
    decode = decoder().decode
    line = 0
    try:
        for line, written in enumerate(text, start=1):
            if not written.strip():
                continue
            fields = decode(written)
            if not isinstance(fields, dict):
                raise _NotSoundError("is JSON but no object; write one object per line, without an array around them")
            yield line, fields
    except UnicodeDecodeError:
        raise
    except _NotSoundError as error:
        shape.json_fault_line, shape.json_fault = line, str(error)
    except RecursionError:
        shape.json_fault_line, shape.json_fault = line, "is nested too deeply; write its values flat"
    except ValueError:
        shape.json_fault_line = line
        shape.json_fault = "is not JSON; write each object on one line of its own (is the file cut off?)"
    else:
        return
    raise BrokenShape


def decoder() -> json.JSONDecoder:
    """Of one line: numbers keep their digits, and what can't be taken raises ValueError."""
    return json.JSONDecoder(
        object_pairs_hook=_object, parse_float=_Digits, parse_int=_Digits, parse_constant=_refuse_constant
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _NotSoundError("names a field twice; write each name once per object")
    return fields


def _refuse_constant(_: str) -> None:
    raise _NotSoundError("holds NaN or Infinity, which JSON does not have; write null")


def as_cell(value: Any, feed: Feed) -> str:
    """A value as the text of a cell."""
    if isinstance(value, _Digits):
        return number_of_feed(str(value), feed)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str) else compact(value)


def compact(value: Any) -> str:
    """JSON again, without blanks. Not by the standard encoder: it would put the numbers into quotes."""
    if isinstance(value, dict):
        return "{" + ",".join([f"{compact(name)}:{compact(inner)}" for name, inner in value.items()]) + "}"
    if isinstance(value, list):
        return "[" + ",".join([compact(inner) for inner in value]) + "]"
    return str(value) if isinstance(value, _Digits) else json.dumps(value, ensure_ascii=False)
