"""Files of every format for the tests of landing, and what reading them gives."""

import csv
import gzip
import io
import json
import re
import zipfile
from collections.abc import Sequence
from datetime import date
from typing import Any

import openpyxl
import pyarrow
import pyarrow.parquet

from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.formats import open_rows
from pp_pipeline.landing.shapes import FileShape

Table = list[list[str]]


def parquet_of(columns: dict[str, Any], **options: Any) -> bytes:
    """A parquet file of these columns."""
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), stream, **options)
    return stream.getvalue()


def workbook_of(rows: Sequence[Sequence[Any]], as_typed: bool = False) -> bytes:
    """A workbook with these rows in its first sheet.

    A text is a text, unless it is taken as typed into Excel: then `=1+1` is a formula and `#N/A` an error.
    """
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for line, row in enumerate(rows, start=1):
        for place, value in enumerate(row, start=1):
            if value not in ("", None):
                cell = sheet.cell(line, place)
                cell.value = value
                if isinstance(value, str) and not as_typed:
                    cell.data_type = "s"
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def repacked(archive: bytes, **parts: bytes) -> bytes:
    """A zip archive again, not compressed, with other contents for the parts whose names end so."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(stream, "w") as new:
        for part in old.infolist():
            ending = next((name for name in parts if part.filename.endswith(f"{name}.xml")), None)
            new.writestr(part.filename, parts[ending] if ending else old.read(part))
    return stream.getvalue()


def shared_strings(workbook: bytes) -> bytes:
    """The workbook as Excel writes it: each text once, in a part of its own, and a number in the cells."""
    texts: list[bytes] = []

    def share(match: re.Match[bytes]) -> bytes:
        texts.append(match[1])
        return b't="s"><v>%d</v></c>' % (len(texts) - 1)

    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(stream, "w") as new:
        for part in old.namelist():
            content = old.read(part)
            if part == "xl/worksheets/sheet1.xml":
                content = re.sub(rb't="inlineStr"><is>(.*?)</is></c>', share, content, flags=re.DOTALL)
            elif part == "[Content_Types].xml":
                content = content.replace(b"</Types>", _SHARED_STRINGS_TYPE)
            new.writestr(part, content)
        items = b"".join(b"<si>%s</si>" % text for text in texts)
        new.writestr("xl/sharedStrings.xml", b'<sst xmlns="%s">%s</sst>' % (_SHEETS, items))
    return stream.getvalue()


_SHEETS = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_SHARED_STRINGS_TYPE = (
    b'<Override PartName="/xl/sharedStrings.xml" ContentType="application/'
    b'vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml" /></Types>'
)


HEADER = ["number", "name", "note"]
SOUND: Table = [HEADER, *([f"A{n}", f'Café, "{n}"', "two\nlines" if n % 3 else ""] for n in range(20))]


def read(name: str, content: bytes, **feed: Any) -> tuple[Table, list[int]]:
    """Header and rows, and their lines."""
    rows: Table = []
    lines: list[int] = []
    shape = FileShape(name, date(2026, 1, 5), len(content))
    for block, numbers in open_rows(name, content, Feed(feed="orders", files="{date}", **feed), shape):
        rows += block
        lines += numbers
    return rows, lines


def as_csv(table: Table, encoding: str = "utf-8", **dialect: Any) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, **dialect).writerows(table)
    return stream.getvalue().encode(encoding)


def as_json_lines(table: Table, end: str = "\n") -> bytes:
    return "".join(json.dumps(dict(zip(table[0], row, strict=True))) + end for row in table[1:]).encode()


def as_parquet(table: Table, **options: Any) -> bytes:
    return parquet_of(
        {name: pyarrow.array([row[place] for row in table[1:]], "string") for place, name in enumerate(table[0])},
        **options,
    )


SOUND_FILES = {
    "orders.csv": (as_csv(SOUND), {}),
    "quoted.csv": (as_csv(SOUND, "utf-16", quoting=csv.QUOTE_ALL), {"encoding": "utf-16", "delimiter": "auto"}),
    "orders.csv.gz": (gzip.compress(as_csv(SOUND)), {}),
    "orders.jsonl": (as_json_lines(SOUND), {}),
    "orders.parquet": (as_parquet(SOUND), {}),
    "plain.parquet": (as_parquet(SOUND, compression="none", use_dictionary=False), {}),
    "inline.xlsx": (workbook_of(SOUND), {}),
    "shared.xlsx": (shared_strings(workbook_of(SOUND)), {}),
}
