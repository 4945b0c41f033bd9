"""Excel workbooks (xlsx): the first sheet, its header in row 1.

A formula is refused, never computed nor replaced by the value that Excel last saw.
"""

import io
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from itertools import islice
from typing import Any

from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.formats.shared import (
    MOST_COLUMNS,
    Block,
    BrokenShape,
    check_cells,
    moment_of_feed,
    most_unpacked_bytes,
    number_of_feed,
    plain_number,
    trimmed_header,
)
from pp_pipeline.landing.shapes import FileShape

_ROWS_AT_ONCE = 20_000
_LAST_ROW = 1_048_576  # of any sheet; a file that claims more would be filled up with empty rows for ever


def read_workbook(content: bytes, feed: Feed, shape: FileShape) -> Iterator[Block]:
    """First the header, then the rows; a line is a row of the sheet. Rows without any value are no rows.

    Dates are ISO 8601 (midnight is a date alone), numbers plain digits. What is merged or hidden counts like
    the rest.

    Raises:
        BrokenShape: what the shape says.
    """
    sheet_rows = _sheet_rows(content, feed, shape)
    first_row = next(sheet_rows, [])
    header = trimmed_header(first_row, shape)
    check_cells([header], [1], shape)
    yield [header], [1]
    width = len(header)
    numbered = ((row, line) for line, row in enumerate(sheet_rows, start=2) if row)
    while block := list(islice(numbered, _ROWS_AT_ONCE)):
        rows = [row + [""] * (width - len(row)) for row, _ in block]
        lines = [line for _, line in block]
        for row, line in zip(rows, lines, strict=True):
            if len(row) > width:
                shape.uneven_line, shape.uneven_fields, shape.header_fields = line, len(row), width
                raise BrokenShape
            if row == first_row:
                shape.repeated_header_line = line
                raise BrokenShape
        check_cells(rows, lines, shape)
        yield rows, lines


def _sheet_rows(content: bytes, feed: Feed, shape: FileShape) -> Iterator[list[str]]:
    """Every row of the first sheet as text, without the empty cells at its end."""
    _refuse_bomb(content, shape)
    sheet = _first_sheet(content, shape)
    cells = iter(sheet.iter_rows(max_row=_LAST_ROW + 1))
    line = 0
    while True:
        try:
            # Its warnings hold cells. They are silenced piece by piece: a generator may rest between two pieces.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                piece = list(islice(cells, 1000))
        except Exception:  # whatever openpyxl makes of damaged XML
            shape.damage = f"the sheet can't be read after row {line}"
            raise BrokenShape from None
        if not piece:
            return
        for row in piece:
            line += 1
            if line > _LAST_ROW:
                shape.damage = f"the sheet claims to have more than {_LAST_ROW:,} rows"
                raise BrokenShape
            yield _texts(row, line, feed, shape)


def _refuse_bomb(content: bytes, shape: FileShape) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())  # more than it claims is never unpacked
    except Exception:
        shape.damage = "the workbook can't be unpacked"
        raise BrokenShape from None
    limit = most_unpacked_bytes(len(content))
    if unpacked > limit:
        shape.unpacks_beyond = limit
        raise BrokenShape


def _first_sheet(content: bytes, shape: FileShape) -> Any:
    import openpyxl

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sheet = openpyxl.load_workbook(io.BytesIO(content), read_only=True).worksheets[0]
        sheet.reset_dimensions()  # what a program wrote there may be wrong; the cells say how wide a row is
    except Exception:
        shape.damage = "no sheet of the workbook can be read"
        raise BrokenShape from None
    return sheet


def _texts(row: Sequence[Any], line: int, feed: Feed, shape: FileShape) -> list[str]:
    if len(row) > MOST_COLUMNS:
        shape.too_many_columns = len(row)
        raise BrokenShape
    texts = []
    for cell in row:
        if cell.data_type == "f":
            shape.formula_line = line
            raise BrokenShape
        if cell.data_type == "e":
            shape.error_cell_line = line
            raise BrokenShape
        texts.append(_as_text(cell.value, feed))
    while texts and not texts[-1]:
        texts.pop()
    return texts


def _as_text(value: Any, feed: Feed) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):  # Excel itself shows at most 15 digits: 16.86, not 16.860000000000003
        return number_of_feed(plain_number(f"{value:.15g}"), feed)
    if isinstance(value, datetime) and value.time() == time() and feed.dates in ("iso", "day_first", "month_first"):
        return value.date().isoformat()
    return moment_of_feed(value, feed) if isinstance(value, date | time) else str(value)
