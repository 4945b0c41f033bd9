"""Workbooks: cells, links and notes of the first sheet's rows, and mentions anywhere else in the book.

Written by openpyxl, which keeps values, formats and widths, and not the pictures and charts.
"""

import io
import re
import warnings
import zipfile
from html import unescape
from typing import Any

from pp_pipeline.forgetting.formats import Changes, Clean

_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(</dcterms:modified>)")
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def rewrite_workbook(content: bytes, changes: Changes, clean: Clean) -> bytes:
    """The content with the changes; the same ones give the same bytes, whenever they are made."""
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its warnings hold cells
        book = openpyxl.load_workbook(io.BytesIO(content))
        for number, sheet in enumerate(book.worksheets):
            for line, row in enumerate(sheet.iter_rows(min_row=1), start=1):
                changed = changes.get(line) if number == 0 else None
                for place, cell in enumerate(row):
                    new = (changed or {}).get(place) if number == 0 else _cleaned(cell, clean)
                    _rewrite_cell(cell, new, changed is not None, clean)
        stream = io.BytesIO()
        book.save(stream)
    return _without_times(stream.getvalue())


def mentions_somebody(content: bytes, clean: Clean) -> bool:
    """Whether any part of the workbook has a text in it that `clean` changes."""
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        texts = (parts.read(name).decode("utf-8", errors="replace") for name in parts.namelist())
        return any(clean(plain) != plain for plain in map(unescape, texts) if "@" in plain or "%40" in plain)


def _cleaned(cell: Any, clean: Clean) -> str | None:
    """The new text of a cell outside the rows; None where it stays."""
    if not isinstance(cell.value, str) or clean(cell.value) == cell.value:
        return None
    return clean(cell.value)


def _rewrite_cell(cell: Any, new: str | None, is_of_person: bool, clean: Clean) -> None:
    """Links and notes of a row that changes go altogether: they are about the same person."""
    if new is not None:
        cell.value = new or None
        if new:
            cell.data_type = "s"  # a text that begins with = is no formula
    link = getattr(cell, "hyperlink", None)
    target = f"{link.target or ''} {link.tooltip or ''} {link.display or ''}" if link is not None else ""
    if link is not None and (is_of_person or clean(target) != target):
        cell.hyperlink = None
    note = getattr(cell, "comment", None)
    if note is not None and (is_of_person or clean(note.text) != note.text):
        cell.comment = None


def _without_times(workbook: bytes) -> bytes:
    """The same workbook without the moment at which it was written."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name)
            if name == "docProps/core.xml":
                part = _MODIFIED.sub(rb"\g<1>2000-01-01T00:00:00Z\g<2>", part)
            new.writestr(zipfile.ZipInfo(name, _NO_TIME), part, zipfile.ZIP_DEFLATED)
    return stream.getvalue()
