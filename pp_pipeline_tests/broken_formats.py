"""Broken, and nasty but good, files of declared feeds: other dialects of csv, jsonl, parquet, workbooks, gzip."""

import csv
import gzip
import io
import json
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow

from pp_pipeline_tests.broken_files import CAFE, GOOD, Sent, accepted, refused
from pp_pipeline_tests.file_makers import parquet_of, repacked, shared_strings, workbook_of
from pp_pipeline_tests.landing_shop import HEADER, csv_of

COLUMNS: list[str] = [*HEADER.split(",")]
ROWS = list(csv.reader(io.StringIO(CAFE)))[1:]
FIELDS = dict(zip(COLUMNS, ROWS[1], strict=True))


def json_line(**changes: Any) -> str:
    """A good object on a line; changes of None take the field out."""
    fields = {name: value for name, value in (FIELDS | changes).items() if value is not None}
    return json.dumps(fields) + "\n"


def _changed(*cells: tuple[str, Any]) -> list[list[Any]]:
    """Header and two rows, of which the second has other cells."""
    row: list[Any] = list(ROWS[1])
    for name, value in cells:
        row[COLUMNS.index(name)] = value
    return [COLUMNS, ROWS[0], row]


def _column_wise(**changes: Any) -> dict[str, Any]:
    return {name: [row[place] for row in ROWS] for place, name in enumerate(COLUMNS)} | changes


TEXTS = parquet_of(_column_wise())
SHEET = workbook_of([COLUMNS, *ROWS])
SHEET_1 = zipfile.ZipFile(io.BytesIO(SHEET)).read("xl/worksheets/sheet1.xml")
FAR_ROW = SHEET_1.replace(b'<row r="1"', b'<row r="99999999999999"')
LAUGHS = b'<!DOCTYPE x [<!ENTITY l0 "ha">%s]><x>&l30;</x>' % b"".join(
    b'<!ENTITY l%d "&l%d;&l%d;">' % (n + 1, n, n) for n in range(30)
)
ANN = csv_of({}, {"product_name": "Ann\u2019s cup"})
SEMICOLONS = CAFE.replace(",", ";")
PIPES = CAFE.replace(",", "|")
_TYPED = _column_wise(
    ordered_at=pyarrow.array([datetime(2026, 1, 5, 15, tzinfo=UTC)] * 2, pyarrow.timestamp("ns", "America/New_York")),
    order_total=pyarrow.array([Decimal("12.50"), None], pyarrow.decimal128(9, 2)),
    unit_price=pyarrow.array([19.9, 0.1], pyarrow.float32()),
    quantity=[1.0, 2.0],
    gift=[{"card": True}, None],
)


def _quoted() -> str:
    """All in quotes, and with more commas in the name of one column than there are columns."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=";", quoting=csv.QUOTE_ALL)
    writer.writerows([[*COLUMNS, "," * 20], [*ROWS[0], ""], [*_changed(("product_name", "Café, au lait"))[2], ""]])
    return stream.getvalue()


QUOTED = _quoted()


def _zip_bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(200_000_000))
    return stream.getvalue()


def _encoded(encoding: str, content: str | bytes, words: str = "", **options: Any) -> Sent:
    content = content if isinstance(content, bytes) else content.encode(encoding)
    feed = {"encoding": encoding}
    return refused(content, words, feed=feed) if words else accepted(content, 2, feed=feed, **options)


ENCODINGS = {
    "Latin-1": _encoded("latin-1", CAFE, product="Café au lait"),
    "Windows-1252": _encoded("windows-1252", ANN, product="Ann\u2019s cup"),
    "UTF-16": _encoded("utf-16", ANN, product="Ann\u2019s cup"),
    "UTF-16 without a mark": _encoded("utf-16", ANN.encode("utf-16-le"), product="Ann\u2019s cup"),
    "UTF-16, big end first": _encoded("utf-16", ANN.encode("utf-16-be"), product="Ann\u2019s cup"),
    "ASCII": _encoded("ascii", GOOD),
    "UTF-7": _encoded("utf-7", ANN, product="Ann\u2019s cup"),
    "no byte of Windows-1252": _encoded("windows-1252", CAFE.encode() + b"\x81\n", "line 4 is not windows-1252"),
    "UTF-8 for UTF-16": _encoded("utf-16", ANN.encode(), "line 1 is not utf-16, which the feed declares"),
    "UTF-16 cut in half": _encoded(
        "utf-16", ANN.encode("utf-16")[:-41], "line 3, the last, ends in the middle of a utf-16"
    ),
    "UTF-16 with NUL": _encoded("utf-16", CAFE.replace("Café", "Caf\0"), "line 3 holds a NUL"),
    "UTF-8 with a mark for Latin-1": _encoded("latin-1", b"\xef\xbb\xbf" + CAFE.encode(), "line 1 is not latin-1"),
    "UTF-16 for Latin-1": _encoded("latin-1", CAFE.encode("utf-16"), "line 1 is not latin-1"),
    "UTF-8 for ASCII": _encoded("ascii", CAFE.encode(), "line 3 is not ascii"),
    "half a pair in UTF-7": _encoded("utf-7", CAFE.encode("utf-7").replace(b"au", b"+2AA-"), "line 3 is not utf-7"),
}


def _divided(delimiter: str, content: str, words: str = "", quote: str = '"', **options: Any) -> Sent:
    feed = {"delimiter": delimiter, "quote": quote}
    return refused(content, words, feed=feed) if words else accepted(content, 2, feed=feed, **options)


DIALECTS = {
    "semicolons": _divided(";", SEMICOLONS.replace("Café", "Café,"), product="Café, au lait"),
    "semicolons found": _divided("auto", SEMICOLONS.replace("Café", "Café,"), product="Café, au lait"),
    "pipes found": _divided("auto", PIPES, product="Café au lait"),
    "tabs found": _divided("auto", CAFE.replace(",", "\t"), product="Café au lait"),
    "tildes found": _divided("auto", CAFE.replace(",", "~"), product="Café au lait"),
    "commas in a quoted header": _divided("auto", QUOTED, product="Café, au lait"),
    "nothing to find": _divided("auto", "order_number\nA1\n", "line 1 lacks the columns"),
    "other quotes": _divided(",", CAFE.replace("Café au lait", "'Café, au lait'"), quote="'", product="Café, au lait"),
    "no quotes": _divided(";", SEMICOLONS.replace("Café", '"Café'), quote="", product='"Café au lait'),
    "a divider in a cell": _divided(
        ";",
        SEMICOLONS.replace("Café", "Café;"),
        "line 3 has 13 fields, the header has 12: is a semicolon or a line break",
    ),
    "a divider without quotes": _divided("|", PIPES.replace("Café", "Café|"), "does a cell hold a pipe?", quote=""),
    "a gigantic cell without quotes": _divided("|", PIPES.replace("Café", "x" * 140_000), "; shorten it", quote=""),
}


def _jsonl(content: str | bytes, words: str = "", rows: int = 2, **options: Any) -> Sent:
    options["name"] = options.get("name", "orders.jsonl")
    return refused(content, words, **options) if words else accepted(content, rows, **options)


ANY = json_line()
JSON_LINES = {
    "good": _jsonl(ANY + ANY, product="Café au lait"),
    "a mark, CRLF, blank lines": _jsonl(b"\xef\xbb\xbf" + f"{ANY}\n{ANY}".replace("\n", "\r\n").encode()),
    "no last line end": _jsonl((ANY + ANY).rstrip()),
    "fields of the last line only": _jsonl(ANY + json_line(gift={"card": True})),
    "in gzip": _jsonl(gzip.compress((ANY + ANY).encode()), name="orders.jsonl.gz", product="Café au lait"),
    "numbers": _jsonl(ANY + json_line(order_number=12345678901234567890, order_total=12.50, quantity=2)),
    "an array": _jsonl(json.dumps([FIELDS]), "line 1 is JSON but no object"),
    "a printed array": _jsonl(json.dumps([FIELDS], indent=1), "line 1 is not JSON"),
    "a number": _jsonl(ANY + "7\n", "line 2 is JSON but no object"),
    "text": _jsonl(ANY + "\nA2, Cup\n", "line 3 is not JSON"),
    "cut off": _jsonl(ANY + ANY[:-20], "line 2 is not JSON; write each object on one line of its own (is the file cut"),
    "NaN": _jsonl(ANY + ANY.replace('"12.50"', "NaN"), "line 2 holds NaN or Infinity"),
    "a name twice": _jsonl(ANY + ANY.replace("{", '{"sku": "POT", '), "line 2 names a field twice"),
    "a name twice inside": _jsonl(ANY + ANY.replace("{", '{"x": {"a": 1, "a": 2}, '), "line 2 names a field twice"),
    "half a character": _jsonl(ANY + ANY.replace("Caf", "\\ud83d"), "line 2 is not UTF-8"),
    "NUL": _jsonl(ANY + ANY.replace("Caf", "\\u0000"), "line 2 holds a NUL"),
    "nested for ever": _jsonl(ANY + '{"a":' * 100_000 + "\n", "line 2 is nested too deeply"),
    "Latin-1": _jsonl(json.dumps(FIELDS, ensure_ascii=False).encode("latin-1") + b"\n", "line 1 is not UTF-8"),
    "a gigantic cell": _jsonl(ANY + json_line(sku="x" * 140_000), "begins on line 2 has a cell of more than 131,072"),
    "1,012 names": _jsonl(ANY + json_line(**{f"c{n}": 1 for n in range(1000)}), "it has 1012 columns"),
    "a missing column": _jsonl(json_line(sku=None), "it lacks the columns: sku"),
    "blank lines only": _jsonl("\n\n", "it lacks the columns"),
    "20 MB of junk": _jsonl(b"{" * 20_000_000, "line 1 is longer than 8 MB"),
}


def _parquet(content: bytes, words: str = "", **options: Any) -> Sent:
    options["name"] = options.get("name", "orders.parquet")
    return refused(content, words, **options) if words else accepted(content, 2, **options)


PARQUET = {
    "texts": _parquet(TEXTS, product="Café au lait"),
    "typed": _parquet(parquet_of(_TYPED), product="Café au lait"),
    "in gzip": _parquet(gzip.compress(TEXTS), name="orders.parquet.gz", product="Café au lait"),
    "bytes that are text": _parquet(parquet_of(_column_wise(product_name=[b"Cup", "Café".encode()])), product="Café"),
    "bytes that are none": _parquet(
        parquet_of(_column_wise(product_name=[b"Cup", b"\xff"])), "line 3 holds text that is not"
    ),
    "its magic only": _parquet(b"PAR1", "the table of contents of the parquet file can't be read"),
    "its magic twice": _parquet(b"PAR1PAR1", "the table of contents of the parquet file can't be read"),
    "cut off": _parquet(TEXTS[:-20], "is damaged: the end of the parquet file is missing"),
    "damaged within": _parquet(TEXTS[:4] + bytes(400) + TEXTS[404:], "the rows from line 2 on can't be read"),
    "csv": _parquet(GOOD.encode(), "is something else, and a parquet file is expected"),
    "no rows": _parquet(parquet_of(dict.fromkeys(COLUMNS, pyarrow.array([], "string"))), "has columns but no rows"),
    "a column twice": _parquet(
        parquet_of({**_column_wise(), "sku ": ["a", "b"]}), "it has the same name for columns 8 and 13 (sku)"
    ),
    "NUL": _parquet(parquet_of(_column_wise(sku=["a", "b\0"])), "line 3 holds a NUL"),
    "a bomb": _parquet(parquet_of({"a": pyarrow.nulls(200_000_000)}), "unpacks to more than"),
}


def _workbook(content: bytes, words: str = "", **options: Any) -> Sent:
    options["name"] = options.get("name", "orders.xlsx")
    return refused(content, words, **options) if words else accepted(content, 2, **options)


WORKBOOKS = {
    "texts": _workbook(SHEET, product="Café au lait"),
    "shared texts": _workbook(shared_strings(SHEET), product="Café au lait"),
    "a shared text that is missing": _workbook(
        repacked(shared_strings(SHEET), sharedStrings=b"<sst/>"), "the sheet can't be read after row 0"
    ),
    "typed": _workbook(workbook_of(_changed(("ordered_at", datetime(2026, 1, 5, 10)), ("order_total", 0.1 + 0.2)))),
    "empty rows": _workbook(workbook_of([COLUMNS, ROWS[0], [], ROWS[1], [], ["", ""]])),
    "a text like a formula": _workbook(workbook_of(_changed(("product_name", "=1+1"))), product="=1+1"),
    "a formula": _workbook(
        workbook_of(_changed(("order_total", "=1+1")), as_typed=True), "row 3 has a formula; export values"
    ),
    "an error": _workbook(
        workbook_of(_changed(("order_total", "#N/A")), as_typed=True), "row 3 has an error such as #N/A"
    ),
    "a cell beside the table": _workbook(workbook_of([COLUMNS, [*ROWS[0], "x"]]), "row 2 has 13 fields"),
    "the header again": _workbook(workbook_of([COLUMNS, ROWS[0], COLUMNS]), "row 3 repeats the header"),
    "a title above the header": _workbook(workbook_of([["Orders"], COLUMNS, ROWS[0]]), "row 1 lacks the columns"),
    "an empty sheet": _workbook(workbook_of([]), "row 1 lacks the columns"),
    "a cell far to the right": _workbook(workbook_of([COLUMNS, [""] * 2000 + ["x"]]), "row 1 has 2001 columns"),
    "no zip archive": _workbook(b"PK\x03\x04" + bytes(99), "is damaged: the workbook can't be unpacked"),
    "cut off": _workbook(SHEET[:-30], "is damaged: the workbook can't be unpacked"),
    "a zip archive of other files": _workbook(
        repacked(SHEET, workbook=b"<a/>"), "no sheet of the workbook can be read"
    ),
    "damaged XML": _workbook(repacked(SHEET, sheet1=b"<worksheet><sheetData><row><c>"), "is damaged: "),
    "a row that is none": _workbook(repacked(SHEET, sheet1=FAR_ROW), "row 1 lacks the columns"),
    "a row that is none after the header": _workbook(
        repacked(SHEET, sheet1=SHEET_1.replace(b'<row r="3"', b'<row r="99999999999999"')),
        "is damaged: the sheet claims to have more than 1,048,576 rows",
    ),
    "XML that unfolds": _workbook(repacked(SHEET, sheet1=LAUGHS), "is damaged: "),
    "XML cut off": _workbook(repacked(SHEET, sheet1=SHEET_1[:-99]), "is damaged: "),
    "csv": _workbook(GOOD.encode(), "is something else, and a xlsx file is expected"),
    "an old workbook": _workbook(b"\xd0\xcf\x11\xe0" + bytes(99), "is an old or protected workbook"),
    "a zip bomb": _workbook(_zip_bomb(), "unpacks to more than 138 MB"),
}

DECLARED_FILES = {
    f"{group}: {name}": sent
    for group, files in {
        "encodings": ENCODINGS,
        "dialects": DIALECTS,
        "jsonl": JSON_LINES,
        "parquet": PARQUET,
        "workbooks": WORKBOOKS,
        "gzip": {
            "no gzip": refused(GOOD, "is no gzip file, though its name ends in .gz", name="orders.csv.gz"),
        },
    }.items()
    for name, sent in files.items()
}
