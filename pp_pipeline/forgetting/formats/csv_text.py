"""Csv files: the rows that change are written in the file's own dialect, the others byte for byte."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pp_pipeline.forgetting.formats import Changes
from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.formats.csv_text import dialect_of
from pp_pipeline.landing.formats.shared import LONGEST_CELL
from pp_pipeline.landing.formats.text_bytes import encoding_of
from pp_pipeline.landing.shapes import FileShape

_LINE_END = re.compile(r"\r\n|\r|\n")


def rewrite_csv(content: bytes, feed: Feed, shape: FileShape, changes: Changes) -> bytes:
    """The content with the changes. Each row stays on its line: where one gets shorter, empty lines follow it."""
    mark, encoding = encoding_of(content, feed)
    text = content[len(mark) :].decode(encoding)
    dialect = dialect_of(text.encode(), feed, shape)
    former_limit = csv.field_size_limit(LONGEST_CELL)
    try:
        written = [
            _written(row, raw, changes[line], dialect) if line in changes else raw
            for line, row, raw in _rows(text, dialect)
        ]
    finally:
        csv.field_size_limit(former_limit)
    return mark + "".join(written).encode(encoding)


class _Recorder:
    """Hands out the lines of a text, and what was handed out since it was asked last."""

    def __init__(self, text: str) -> None:
        self._lines = io.StringIO(text, newline="")
        self._out: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self._out.append(line)
        return line

    def taken(self) -> str:
        raw = "".join(self._out)
        self._out.clear()
        return raw


def _rows(text: str, dialect: Mapping[str, Any]) -> Iterator[tuple[int, list[str], str]]:
    """The line on which each row begins, its cells, and how it is written."""
    recorder = _Recorder(text)
    reader = csv.reader(recorder, **dialect)
    begins_on = 1
    for row in reader:
        yield begins_on, row, recorder.taken()
        begins_on = reader.line_num + 1


def _written(row: Sequence[str], raw: str, changed: Mapping[int, str], dialect: Mapping[str, Any]) -> str:
    cells = [changed.get(place, cell) for place, cell in enumerate(row)]
    quote = dialect.get("quotechar", "")
    if quote:
        is_special = re.compile(f"[{re.escape(dialect['delimiter'] + quote)}\r\n]").search
        quotes_all = raw.startswith(quote)
        cells = [
            f"{quote}{cell.replace(quote, quote * 2)}{quote}" if quotes_all or is_special(cell) else cell
            for cell in cells
        ]
    ends = _LINE_END.findall(raw)
    end = ends[-1] if ends and raw.endswith(ends[-1]) else ""
    text = dialect["delimiter"].join(cells) + end
    return text + end * (len(ends) - len(_LINE_END.findall(text)))
