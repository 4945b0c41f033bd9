"""Broken, and nasty but good, files of the plain feed: what each has to come to.

`broken_formats.py` has those that only a declared feed can send.
"""

import gzip
import json
import zlib
from dataclasses import dataclass, field
from typing import Any

from pp_pipeline_tests.landing_shop import HEADER, csv_of


@dataclass(frozen=True)
class Sent:
    """A file, and what has to come of it: refused in words that hold `refused`, or accepted."""

    content: bytes
    refused: str = ""
    row_count: int = 0
    quarantined: tuple[int, ...] = ()
    product: str | None = None  # the name of an article that has to come through
    name: str = "orders_2026-01-05.csv"
    feed: dict[str, Any] = field(default_factory=dict)


def refused(content: str | bytes, words: str, **options: Any) -> Sent:
    """A file that has to be refused."""
    return Sent(_bytes(content), words, **options)


def accepted(content: str | bytes, row_count: int, *quarantined: int, **options: Any) -> Sent:
    """A file that has to be taken; the lines are those of rows that have to be quarantined."""
    return Sent(_bytes(content), "", row_count, quarantined, **options)


def _bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode()


GOOD = csv_of({"order_number": "A1"}, {"order_number": "A2"})
FIRST, SECOND = GOOD.splitlines()[1:]
JUNK = b"x" * 20_000_000
CAFE = csv_of({}, {"product_name": "Café au lait"})


def _with(text: str) -> str:
    """The good file with another text, as it is written, for the name of its second article."""
    return f"{HEADER}\n{FIRST}\n" + SECOND.replace("Cup", text) + "\n"


def _rows(**cells: list[str]) -> str:
    """A good row, then one for each text of a column."""
    return csv_of({}, *({name: text} for name, texts in cells.items() for text in texts))


ENCODINGS = {
    "Latin-1": refused(CAFE.encode("latin-1"), "line 3 is not UTF-8 (Latin-1, Windows-1252 or UTF-16?)"),
    "Windows-1252": refused(_with("Ann\u2019s cup").encode("windows-1252"), "line 3 is not UTF-8"),
    "UTF-16": refused(GOOD.encode("utf-16"), "line 1 is not UTF-8"),
    "UTF-16 without a mark": refused(GOOD.encode("utf-16-le"), "line 1 is not UTF-8"),
    "UTF-16, big end first": refused(GOOD.encode("utf-16-be"), "line 1 is not UTF-8"),
    "UTF-32": refused(GOOD.encode("utf-32"), "line 1 is not UTF-8"),
    "half a surrogate pair": refused(_with("\ud83d").encode(errors="surrogatepass"), "line 3 is not UTF-8"),
    "UTF-8 with a mark": accepted(b"\xef\xbb\xbf" + CAFE.encode(), 2, product="Café au lait"),
    "other scripts": accepted(_with("カップ ☕ \U0001f600 чашка"), 2, product="カップ ☕ \U0001f600 чашка"),
    "NUL in a cell": refused(_with("C\0p"), "line 3 holds a NUL byte"),
    "NULs for the lost end": refused(GOOD.encode() + bytes(4096), "line 4 holds a NUL byte"),
    "nothing but NULs": refused(bytes(4096), "line 1 holds a NUL byte"),
}

QUOTES = {
    "an open quote": refused(_with('"Cup'), "the row that begins on line 3 opens a quote that is never closed"),
    "an open quote in the header": refused('"' + GOOD, "the row that begins on line 1 opens a quote"),
    "a stray quote": refused(_with('"Cup" XL'), "line 3 has text after a closing quote"),
    "doubled quotes": accepted(_with('"The ""big"" cup"'), 2, product='The "big" cup'),
    "a quote inside a cell": accepted(_with('Cup 5"'), 2, product='Cup 5"'),
    "line breaks in a cell": accepted(_with('"Cup\r\nand\nsaucer"'), 2, product="Cup\r\nand\nsaucer"),
    "a comma in quotes": accepted(_with('"Cup, blue"'), 2, product="Cup, blue"),
    "what Excel would compute": accepted(_with("=1+1"), 2, product="=1+1"),
    "a gigantic cell": refused(_with("x" * 131_073), "line 3 has a cell of more than 131,072 characters"),
    "the longest cell": accepted(_with("x" * 131_072), 2),
    "CRLF": accepted(GOOD.replace("\n", "\r\n"), 2),
    "CR only": accepted(GOOD.replace("\n", "\r"), 2),
    "mixed line ends": accepted(f"{HEADER}\r\n{FIRST}\r{SECOND}\n", 2),
    "CR CR LF": accepted(GOOD.replace("\n", "\r\r\n"), 2),
    "blank lines": accepted(GOOD.replace("\n", "\n\n") + "\n\n", 2),
}

CUT_OFF = {
    "in a row": refused(GOOD[:-40], "line 3 has 5 fields, the header has 12: cut off?"),
    "in quotes": refused(_with('"Cup\nand').rstrip(), "the row that begins on line 3 opens a quote"),
    "in a character": refused(CAFE.encode()[: CAFE.encode().index("é".encode()) + 1], "in the middle of a UTF-8 char"),
    "in the header": refused(HEADER[:40], "line 1 lacks the columns"),
    "before the last line end": refused(GOOD[:-1], "line 3, the last, has no line break at its end: cut off?"),
    "after the header": refused(HEADER + "\n", "has a first line but no rows"),
    "in gzip": refused(gzip.compress(GOOD.encode())[:-12], "is damaged: the gzip file ends too early"),
    "in the header of gzip": refused(gzip.compress(GOOD.encode())[:5], "is damaged: the gzip file ends too early"),
}

COLUMNS = {
    "the header again": refused(f"{HEADER}\n{FIRST}\n{HEADER}\n{SECOND}\n", "line 3 repeats the header"),
    "the header twice": refused(f"{HEADER}\n{GOOD}", "line 2 repeats the header"),
    "the header again with a mark": accepted(f"{GOOD}\ufeff{GOOD}", 5, 4),
    "a field fewer": refused(f"{HEADER}\n{FIRST}\n{SECOND.replace(',USD', '')}\n", "line 3 has 11 fields"),
    "a field more": refused(_with("Cup, blue"), "line 3 has 13 fields, the header has 12: is a comma"),
    "a comma after each row": refused(f"{HEADER}\n{FIRST},\n{SECOND},\n", "line 2 has 13 fields"),
    "cells shifted by one": accepted(f"{HEADER}\n{FIRST}\nA2,{SECOND.removesuffix(',12.50')}\n", 2, 3),
    "a missing column": refused(csv_of({}, columns=HEADER.replace(",sku", "")), "line 1 lacks the columns: sku"),
    "a column twice": refused(csv_of({}, columns=HEADER + ",sku"), "has the same name for columns 8 and 13 (sku)"),
    "a column without a name": refused(f"{HEADER},\n{FIRST},\n", "line 1 has no name for column 13"),
    "blanks around names": accepted(GOOD.replace(",sku,", ", sku ,"), 2),
    "capital letters": refused(GOOD.replace("sku", "SKU", 1), "it has 'SKU': did you mean sku?"),
    "semicolons": refused(GOOD.replace(",", ";"), "line 1 seems to be divided by semicolons"),
    "tabs": refused(GOOD.replace(",", "\t"), "line 1 seems to be divided by tabs"),
    "no header": refused(f"{FIRST}\n{SECOND}\n", "is the line with the names of the columns missing?"),
    "a blank line first": refused("\n" + GOOD, "line 1 lacks the columns"),
    "1,012 columns": refused(HEADER + "".join(f",c{n}" for n in range(1000)) + "\n", "has 1012 columns, more than"),
}

SOMETHING_ELSE = {
    "empty": refused("", "is empty (0 bytes)"),
    "blank lines only": refused("\n\n\n", "line 1 lacks the columns"),
    "blanks only": refused("   ", "line 1 lacks the columns"),
    "a mark only": refused(b"\xef\xbb\xbf", "line 1 lacks the columns"),
    "20 MB of junk": refused(JUNK, "line 1 is longer than 8 MB"),
    "20 MB of junk after a row": refused(f"{HEADER}\n{FIRST}\n".encode() + JUNK, "line 3 is longer than 8 MB"),
    "a page that asks for a login": refused("\n<!DOCTYPE html>\n<html></html>\n", "is a web page or XML"),
    "an error in XML": refused('<?xml version="1.0"?>\n<Error/>\n', "is a web page or XML"),
    "JSON": refused(json.dumps([{"order_number": "A1"}]), "is JSON, and a csv file is expected"),
    "JSON lines": refused('{"order_number": "A1"}\n', "is JSON, and a csv file is expected"),
    "a zip archive": refused(b"PK\x03\x04" + bytes(99), "is a zip archive or a workbook, and a csv file is expected"),
    "an old workbook": refused(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "is an old or protected workbook"),
    "a parquet file": refused(b"PAR1" + bytes(99), "is a parquet file"),
    "a PDF": refused("%PDF-1.7\n", "is a PDF"),
    "random bytes": refused(zlib.compress(GOOD.encode() * 9, 9), "line 1 "),
    "gzip": accepted(gzip.compress(CAFE.encode()), 2, product="Café au lait"),
    "gzip in two parts": accepted(gzip.compress(GOOD[:99].encode()) + gzip.compress(GOOD[99:].encode()), 2),
    "gzip of gzip": refused(gzip.compress(gzip.compress(GOOD.encode())), "is gzip inside gzip"),
    "gzip of nothing": refused(gzip.compress(b""), "is damaged: the gzip file is empty inside"),
    "gzip with another checksum": refused(gzip.compress(GOOD.encode())[:-8] + bytes(8), "can't be unpacked"),
    "gzip and something after it": refused(gzip.compress(GOOD.encode()) + b"more", "can't be unpacked"),
    "a gzip bomb": refused(gzip.compress(bytes(200_000_000), 9), "unpacks to more than 138 MB"),
}

BAD_CELLS = {
    "dates of all kinds": accepted(
        _rows(ordered_at=["05/01/2026", "5.1.2026", "2026-02-30", "Jan 5, 2026", "2026-01-05T25:00"]), 6, 3, 4, 5, 6, 7
    ),
    "separators of thousands": accepted(_rows(order_total=["1,234.50", "1.234,50", "1 234.50"]), 4, 4),
    "decimal commas and signs": accepted(_rows(unit_price=["12,50", "$12.50", "12.505", "1e3"]), 5, 3, 5, 6),
    "what nobody sees": accepted(_rows(order_number=["A\u200b1", "\ufeffA1", "A1\u2060"]), 4, 3, 4, 5),
    "control characters": accepted(_rows(order_number=["A\x071", "A\t1", "A\x851"], sku=["CUP\x1b"]), 5, 3, 4, 5, 6),
    "cells too long": accepted(_rows(order_number=["x" * 101], sku=["x" * 101]), 3, 3, 4),
    "statuses of nobody": accepted(_rows(status=["refunded", "12", "shipped!"]), 4, 3, 4, 5),
    "pieces of pieces": accepted(_rows(quantity=["1.5", "two", "1e3", "10000000000"]), 5, 3, 4, 5, 6),
    "addresses of nobody": accepted(_rows(email=["", "nobody", "a@b", "a b@example.com"]), 5),
    "more than five bad rows": refused(_rows(status=["gone"] * 6), "6 of 7 rows can't be read, more than 2%"),
}  # fmt: skip

PLAIN_FILES = {
    f"{group}: {name}": sent
    for group, files in {
        "encodings": ENCODINGS,
        "quotes": QUOTES,
        "cut off": CUT_OFF,
        "columns": COLUMNS,
        "something else": SOMETHING_ELSE,
        "bad cells": BAD_CELLS,
    }.items()
    for name, sent in files.items()
}
