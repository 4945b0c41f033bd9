"""What the reader makes of each cell and of each broken file, and in which words a refusal is told."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pp_pipeline.landing import cells
from pp_pipeline.landing.addresses import read_email, read_phone
from pp_pipeline.landing.file_rules import FILE_RULES
from pp_pipeline.landing.gate import Gate, GateError
from pp_pipeline.landing.judging import FileContent
from pp_pipeline.landing.kinds import KINDS_OF_FEEDS
from pp_pipeline.landing.money import read_money
from pp_pipeline.landing.plain_feeds import PLAIN_FEEDS
from pp_pipeline.landing.reading import FileReading, read_file
from pp_pipeline.landing.shapes import FileShape, refusal
from pp_pipeline.landing.times import TimeWriting, read_day, read_instant
from pp_pipeline.landing.typed_rows import RowReader
from pp_pipeline_tests.landing_shop import HEADER, csv_of, merchant

NEW_YORK = ZoneInfo("America/New_York")
SECRET = b"0123456789abcdef"
ORDERS = PLAIN_FEEDS[0]
LOCAL = TimeWriting(NEW_YORK, NEW_YORK)


def read(content: str | bytes, reader: RowReader) -> FileReading:
    """An order file of 5 January."""
    source = FileContent("orders_2026-01-05.csv", date(2026, 1, 5), "", as_bytes(content), ORDERS)
    return read_file(source, reader, date.max)


@pytest.fixture(scope="module")
def gate() -> Gate:
    return Gate()


@pytest.fixture
def reader() -> RowReader:
    return RowReader(ORDERS, {"main": merchant()}, SECRET)


# Cells


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("not_set", "blank")),
        ("Shipped", ("shipped", "status")),
        (" cancelled ", ("canceled", "status")),
        ("Canceled", ("canceled", "status")),
        ("pre-order", ("pre_order", "status")),
        ("PreOrder", ("pre_order", "status")),
        ("PRE_ORDER", ("pre_order", "status")),
        ("back order", ("back_order", "status")),
        ("on hold", ("hold", "status")),
        ("On-Hold", ("hold", "status")),
        ("complete", ("completed", "status")),
        ("0", ("not_set", "status")),
        ("7", ("shipped", "status")),
        ("10", ("canceled", "status")),
        ("11", ("unknown", "status")),
        ("12", (None, "number")),
        ("07", (None, "number")),
        ("7.0", (None, "number")),
        ("\u0667", (None, "text")),
        ("refunded", (None, "text")),
        ("open", (None, "text")),
        ("ship\x00ped", (None, "control_characters")),
    ],
)
def test_a_status_is_mapped_and_never_guessed(text: str, expected: cells.Cell) -> None:
    assert cells.read_status(text, {}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (None, "blank")),
        ("12", (1200, "money")),
        ("12.5", (1250, "money")),
        ("12.05", (1205, "money")),
        ("-12.05", (-1205, "money")),
        ("-0.00", (0, "money")),
        ("0.1", (10, "money")),
        ("9007199254740.93", (900719925474093, "money")),  # past what a float can hold
        ("1,234.50", (123450, "money")),
        ("1'234.50", (123450, "money")),
        ("1 234 567.00", (123456700, "money")),
        ("1\u202f234.50", (123450, "money")),
        ("1,23.50", (None, "number")),
        ("12,50", (None, "number")),
        ("12.505", (None, "number")),
        ("12.5000", (1250, "money")),
        ("$12.50", (1250, "money")),
        ("-$12.50", (-1250, "money")),
        ("$-12.50", (-1250, "money")),
        ("\u20ac 12.50", (1250, "money")),
        ("12.50 USD", (1250, "money")),
        ("(12.50)", (-1250, "money")),
        ("\u221212.50", (-1250, "money")),
        ("12.50-", (-1250, "money")),
        ("+12", (1200, "money")),
        ("12.", (1200, "money")),
        ("(12.50", (None, "number")),
        ("(-12.50)", (None, "text")),
        ("12345678901234", (None, "number")),
        ("1e3", (None, "text")),
        ("NaN", (None, "text")),
        ("=1+1", (None, "text")),
    ],
)
def test_money_is_cents_however_it_is_written(text: str, expected: cells.Cell) -> None:
    assert read_money(text) == expected


@pytest.mark.parametrize(
    ("text", "cents"),
    [("12,50", 1250), ("1.234,50 \u20ac", 123450), ("1 234,5", 123450), ("12", 1200), ("12.50", None), ("-0,99", -99)],
)
def test_money_with_a_decimal_comma(text: str, cents: int | None) -> None:
    assert read_money(text, ",")[0] == cents


@given(st.integers(-(10**14), 10**14))
def test_cents_come_back_as_they_were_written(cents: int) -> None:
    sign, whole, rest = "-" * (cents < 0), abs(cents) // 100, abs(cents) % 100
    assert read_money(f"{sign}{whole}.{rest:02}")[0] == cents
    assert read_money(f"{sign}{whole:,}.{rest:02}")[0] == cents
    swapped = f"{sign}{whole:,}".replace(",", ".") + f",{rest:02}"
    assert read_money(swapped, ",")[0] == cents


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", (1, "blank")), ("3", (3, "integer")), ("-1", (-1, "integer")), ("1.0", (1, "integer")),
     ("1.5", (None, "number")),
     ("1,000", (None, "number")), ("two", (None, "text")), ("9999999999", (None, "number"))],
)  # fmt: skip
def test_a_quantity_is_a_whole_number(text: str, expected: cells.Cell) -> None:
    assert cells.read_quantity(text) == expected


def test_a_currency_is_three_letters_or_the_merchants() -> None:
    assert cells.read_currency("eur ", "USD") == ("EUR", "currency")
    assert cells.read_currency("", "USD") == ("USD", "blank")
    assert cells.read_currency("$", "USD") == (None, "text")


@pytest.mark.parametrize(
    ("text", "in_utc", "local_day"),
    [
        ("2026-01-05", "2026-01-05T05:00", "2026-01-05"),
        ("2026-01-05T10:00:00", "2026-01-05T15:00", "2026-01-05"),
        ("2026-01-05 10:00", "2026-01-05T15:00", "2026-01-05"),
        ("2026-01-05T10:00:00Z", "2026-01-05T10:00", "2026-01-05"),
        ("2026-01-05T03:00:00Z", "2026-01-05T03:00", "2026-01-04"),
        ("2026-01-05 23:30:00 +0100", "2026-01-05T22:30", "2026-01-05"),
        ("2026-01-05T23:30:00-08", "2026-01-06T07:30", "2026-01-06"),
        ("2026-01-05T10:00:00.25", "2026-01-05T15:00:00.25", "2026-01-05"),
        ("2026-01-05T10:00:00,123456789", "2026-01-05T15:00:00.123456", "2026-01-05"),
        # the clocks go from 2:00 to 3:00 on 8 March: 2:30 is read with the offset before
        ("2026-03-08T02:30:00", "2026-03-08T07:30", "2026-03-08"),
        ("2026-03-08T03:30:00", "2026-03-08T07:30", "2026-03-08"),
        # and from 2:00 to 1:00 on 1 November: of the two 1:30 it is the first
        ("2026-11-01T01:30:00", "2026-11-01T05:30", "2026-11-01"),
        ("2026-11-01T01:30:00-05:00", "2026-11-01T06:30", "2026-11-01"),
    ],
)
def test_a_time_is_an_instant_and_a_local_date(text: str, in_utc: str, local_day: str) -> None:
    (micros, day), _ = read_instant(text, LOCAL)
    start = datetime(1970, 1, 1, tzinfo=UTC)
    assert start + timedelta(microseconds=micros) == datetime.fromisoformat(in_utc).replace(tzinfo=UTC)
    assert date(1970, 1, 1) + timedelta(days=day) == date.fromisoformat(local_day)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "blank"),
        ("05/01/2026", "date"),
        ("5.1.2026 10:00", "date"),
        ("2026-02-30", "date"),
        ("2026-13-01T10:00:00", "date"),
        ("2026-01-05T24:00:00", "date"),
        ("2026-01-05T10:00:60", "date"),
        ("2026-01-05T10:00:00+25:00", "date"),
        ("0001-01-01T00:00:00", "out_of_range"),
        ("9999-12-31T23:59:59-12:00", "out_of_range"),
        ("20260105", "number"),
        ("1767607200", "number"),
        ("yesterday", "text"),
    ],
)
def test_what_is_no_iso_8601_time_has_no_value(text: str, kind: str) -> None:
    assert read_instant(text, LOCAL) == (None, kind)
    assert read_day(text, LOCAL) == (None, kind)


def test_a_ship_date_is_the_merchants_date() -> None:
    def day(text: str) -> date:
        return date(1970, 1, 1) + timedelta(days=read_day(text, LOCAL)[0])

    assert day("2026-01-05") == date(2026, 1, 5)
    assert day("2026-01-05T23:59:59") == date(2026, 1, 5)
    assert day("2026-01-05T03:00:00Z") == date(2026, 1, 4)


@pytest.mark.parametrize(
    ("text", "email"),
    [
        (" Ann.Lee+tag@Example.COM\t", "ann.lee+tag@example.com"),
        ("o'neil@shop.example.com", "o'neil@shop.example.com"),
        ("jürgen@exämple.com", "jürgen@xn--exmple-cua.com"),
        ("jürgen@xn--exmple-cua.com", "jürgen@xn--exmple-cua.com"),
        ("ann@example.com.", "ann@example.com"),
        ("ann @ example.com;", "ann@example.com"),
        ("<ann@example.com>", "ann@example.com"),
        ("mailto:ann@example.com", "ann@example.com"),
        ("\ufeffann@exam\u200bple.com", "ann@example.com"),
        ("", None),
        ("ann", None),
        ("ann@example", None),
        ("ann@@example.com", None),
        ("ann@example.com, bob@example.com", None),
        ("ann lee@example.com", None),
        (".ann@example.com", None),
        ("ann..lee@example.com", None),
        ("ann@.example.com", None),
        ("ann@-example.com", None),
        ("Ann <ann@example.com>", None),
        ("ann\x01@example.com", None),
        ("a" * 250 + "@example.com", None),
        ("a@" * 2000, None),
    ],
)
def test_an_address_is_normalised_or_none(text: str, email: str | None) -> None:
    assert read_email(text)[0] == email


@given(st.text(max_size=40) | st.emails())
def test_a_normalised_address_is_its_own(text: str) -> None:
    email, kind = read_email(text)
    assert (email is not None) == (kind == "address")
    if email is not None:
        assert read_email(email)[0] == email


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("(212) 555-0100", "US", ("+12125550100", "phone")),
        ("+44 20 7946 0958", "", ("+442079460958", "phone")),
        ("'+12125550100", "", ("+12125550100", "phone")),
        ("212 555 0100", "", (None, "number")),
        ("12", "US", (None, "out_of_range")),
        ("call me", "US", (None, "text")),
        ("", "US", (None, "blank")),
    ],
)
def test_a_phone_number_is_one_that_can_be_dialled(text: str, country: str, expected: cells.Cell) -> None:
    assert read_phone(text, country) == expected


@pytest.mark.parametrize(
    ("dates", "text", "day"),
    [
        ("day_first", "18/05/2026", "2026-05-18"),
        ("day_first", "5.1.2026 10:00", "2026-01-05"),
        ("day_first", "2026-01-05", "2026-01-05"),
        ("month_first", "05/18/2026 11:59 PM", "2026-05-18"),
        ("month_first", "05/18/26", "2026-05-18"),
        ("month_first", "18/05/2026", None),
        ("%d %b %Y", "05 Jan 2026", "2026-01-05"),
        ("%d %b %Y", "2026-01-05", None),
        ("%Y-%m-%d %H:%M:%S %z", "2026-01-05 23:00:00 -0800", "2026-01-06"),
    ],
)
def test_dates_are_read_as_the_feed_declares(dates: str, text: str, day: str | None) -> None:
    number = read_day(text, TimeWriting(NEW_YORK, NEW_YORK, dates))[0]
    assert number == (None if day is None else (date.fromisoformat(day) - date(1970, 1, 1)).days)


def test_a_local_time_that_carries_a_z_can_be_told_to_be_local() -> None:
    local = TimeWriting(NEW_YORK, NEW_YORK, ignores_offsets=True)
    assert read_instant("2026-01-05T03:00:00Z", local) == read_instant("2026-01-05T03:00:00", LOCAL)
    assert read_instant("2026-01-05T03:00:00Z", LOCAL) != read_instant("2026-01-05T03:00:00", LOCAL)


def test_times_of_another_zone_are_dated_in_the_merchants() -> None:
    eastern = TimeWriting(ZoneInfo("Asia/Tokyo"), NEW_YORK)
    (_, day), _ = read_instant("2026-01-06T08:00:00", eastern)
    assert day == (date(2026, 1, 5) - date(1970, 1, 1)).days
    assert read_day("2026-01-06", eastern)[0] == (date(2026, 1, 6) - date(1970, 1, 1)).days


def test_an_identifier_is_one_short_line() -> None:
    assert cells.read_identifier(" CA-1001 ") == ("CA-1001", "identifier")
    assert cells.read_identifier("№ 7") == ("№ 7", "identifier")
    assert cells.read_identifier("x" * 100)[1] == "identifier"
    assert cells.read_identifier("x" * 101) == (None, "too_long")
    assert cells.read_identifier("CA\n1001") == (None, "control_characters")
    assert cells.read_identifier(" ") == (None, "blank")


def test_a_full_cache_begins_anew_and_gives_the_same() -> None:
    cache = cells.CellCache(read_money, limit=2)
    assert [cache[text][0] for text in ("1", "2", "3", "1", "2")] == [100, 200, 300, 100, 200]
    assert len(cache) <= 2


# Files


GOOD = csv_of({"order_number": "A1"}, {"order_number": "A2"})
ROWS = GOOD.splitlines()[1:]
BROKEN = {
    "empty": (b"", "is empty (0 bytes); send the whole file again"),
    "only a header": (HEADER + "\n", "has a first line but no rows"),
    "no line end after the header": (HEADER, "line 1, the last, has no line break at its end"),
    "a missing column": (
        csv_of({}, columns=HEADER.replace(",sku", "")),
        "line 1 lacks the columns: sku",
    ),
    "a misnamed column": (
        GOOD.replace("order_total", "Order Total"),
        "line 1 lacks the columns: order_total (it has 'Order Total': did you mean order_total?)",
    ),
    "two misnamed columns": (
        GOOD.replace("ship_date", "shipdate").replace("email", "e-mail"),
        "line 1 lacks the columns: email, ship_date (it has 'e-mail': did you mean email? "
        "it has 'shipdate': did you mean ship_date?)",
    ),
    "semicolons": (GOOD.replace(",", ";"), "line 1 seems to be divided by semicolons"),
    "no header": (ROWS[0] + "\n", "is the line with the names of the columns missing?"),
    "a blank first line": ("\n" + GOOD, "line 1 lacks the columns: order_number, email"),
    "a column twice": (
        HEADER + ",sku\n" + ROWS[0] + ",POT\n",
        "line 1 has the same name for columns 8 and 13 (sku)",
    ),
    "a further column twice": (
        HEADER + ",gift,gift\n" + ROWS[0] + ",1,2\n",
        "line 1 has the same name for columns 13 and 14",
    ),
    "a column without a name": (HEADER + ",\n" + ROWS[0] + ",\n", "line 1 has no name for column 13"),
    "a line cut in half": (
        GOOD[:-40],
        "line 3 has 5 fields, the header has 12: cut off? send the whole file again; "
        "line 3, the last, has no line break at its end",
    ),
    "a line cut in half within": (
        f"{HEADER}\n{ROWS[0][:-40]}\n{ROWS[1]}\n",
        "line 2 has 5 fields, the header has 12: cut off? send the whole file again",
    ),
    "a last line that may be cut": (
        GOOD.removesuffix("\n"),
        "line 3, the last, has no line break at its end: cut off? send the whole file again, "
        "with a line break after the last row",
    ),
    "too many fields": (
        f"{HEADER}\n{ROWS[0].replace('Cup', 'Cup, blue')}\n",
        "line 2 has 13 fields, the header has 12: is a comma or a line break in it not inside quotes?",
    ),
    "an open quote": (
        f"{HEADER}\n{ROWS[0]}\n" + ROWS[1].replace("Cup", '"Cup') + "\n",
        "the row that begins on line 3 opens a quote that is never closed",
    ),
    "a stray quote": (
        f"{HEADER}\n" + ROWS[0].replace("Cup", '"Cup" 5"') + "\n",
        "line 2 has text after a closing quote; write a quote inside a cell twice",
    ),
    "a gigantic cell": (
        f"{HEADER}\n{ROWS[0]}\n" + ROWS[1].replace("Cup", "x" * 131_073) + "\n",
        "the row that begins on line 3 has a cell of more than 131,072 characters",
    ),
    "Latin-1": (
        csv_of({}, {"product_name": "Café"}).encode("latin-1"),
        "line 3 is not UTF-8 (Latin-1, Windows-1252 or UTF-16?); save the file as UTF-8",
    ),
    "UTF-16": (GOOD.encode("utf-16"), "line 1 is not UTF-8"),
    "NUL bytes": (GOOD.replace("A2", "A\x002"), "line 3 holds a NUL byte"),
    "NUL bytes after cells with line breaks": (
        f"{HEADER}\n{ROWS[0].replace('Cup', chr(34) + 'a' + chr(10) + 'b' + chr(34))}\n\x00",
        "line 4 holds a NUL byte",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_with_its_line(refusals: dict[str, str], name: str) -> None:
    assert refusals[name].startswith("orders_2026-01-05.csv: ")
    assert BROKEN[name][1] in refusals[name]


SOUND = {
    "as written": GOOD,
    "a byte order mark": b"\xef\xbb\xbf" + GOOD.encode(),
    "CRLF": GOOD.replace("\n", "\r\n"),
    "CR": GOOD.replace("\n", "\r"),
    "blank lines": GOOD.replace("\n", "\n\n"),
    "quotes all over": "".join('"' + line.replace(",", '","') + '"\n' for line in GOOD.splitlines()),
    "columns in another order": csv_of({}, {}, columns=",".join(reversed(HEADER.split(",")))),
    "further columns": csv_of({}, {}, columns=HEADER + ",gift,note"),
    "an inch sign": f"{HEADER}\n" + f"{ROWS[0].replace('Cup', 5 * 'x' + chr(34))}\n" * 2,
    "line separators of Unicode in a cell": csv_of({"product_name": "a\u2028b\x85c\x0bd"}, {}),
    "cells of several lines": csv_of({"product_name": 'a\r\nb\n"c"'}, {}),
}


@pytest.fixture(scope="module")
def refusals(gate: Gate) -> dict[str, str]:
    """Why each file is refused, or "": all of them judged together, as a load does."""
    reader = RowReader(ORDERS, {"main": merchant()}, SECRET)
    contents = {name: content for name, (content, _) in BROKEN.items()} | SOUND
    shapes = [read(content, reader).shape for content in contents.values()]
    broken = gate.broken_files(shapes)
    return {
        name: refusal(shapes[place], broken[place]) if place in broken else "" for place, name in enumerate(contents)
    }


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_file_is_read(refusals: dict[str, str], reader: RowReader, name: str) -> None:
    assert refusals[name] == ""
    reading = read(SOUND[name], reader)
    assert reading.shape.row_count == 2
    assert reading.rows is not None
    assert list(reading.rows["total_cents"]) == [1250, 1250]


@given(st.data())
@settings(max_examples=150)
def test_whatever_stands_in_a_file_it_is_read_or_its_shape_says_why_not(data: st.DataObject) -> None:
    """Pieces of sound files, mangled: nothing is raised, and no row comes without a shape that is whole."""
    pieces = st.sampled_from(
        [*ROWS, HEADER, "\n", "\r\n", ",", '"', '""', "\x00", "é", ";", "\ufeff", "2026-02-30", "-1"]
    )
    middle = "".join(data.draw(st.lists(pieces | st.text(max_size=5), max_size=12)))
    content = (HEADER + "\n" if data.draw(st.booleans()) else "").encode() + middle.encode(errors="replace")
    content = data.draw(st.sampled_from([content, content + b"\n", content[:-3], content + b"\xff\n"]))
    reader = RowReader(ORDERS, {"main": merchant()}, SECRET)
    reading = read(content, reader)
    shape = reading.shape
    faults = [shape.not_utf8_line, shape.nul_line, shape.missing_columns, shape.doubled_columns, shape.unnamed_columns,
              shape.open_quote_line, shape.stray_quote_line, shape.gigantic_cell_line, shape.uneven_line,
              shape.repeated_header_line, shape.other_format]  # fmt: skip
    assert (shape.row_count is None) == any(fault is not None for fault in faults)
    assert (0 if reading.rows is None else len(reading.rows)) == (shape.row_count or 0)


def test_lines_are_those_that_an_editor_shows(reader: RowReader) -> None:
    text = csv_of({"product_name": "a\nb\nc"}, {}, {"category": "x\r\ny"}, {}).replace("A1,ann", "\nA1,ann", 1)
    reading = read(text, reader)
    assert reading.rows is not None
    assert list(reading.rows["order_file_line"]) == [3, 6, 7, 9]


def test_files_longer_than_a_block_keep_their_lines(
    reader: RowReader, monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    monkeypatch.setattr("pp_pipeline.landing.formats.csv_text.ROWS_AT_ONCE", 3)
    text = csv_of(*[{"order_number": f"A{n}", "quantity": "x" if n == 7 else "1"} for n in range(10)])
    reading = read(text, reader)
    assert reading.rows is not None
    assert reading.kinds is not None
    assert list(reading.rows["order_file_line"]) == list(range(2, 12))
    (broken,) = gate.broken_rows("orders", reading.kinds)
    assert (broken.column, broken.places, broken.kinds) == ("quantity", [7], ["text"])


def test_every_column_and_rule_is_declared_once_and_described() -> None:
    for kind in KINDS_OF_FEEDS.values():
        assert len({column.name for column in kind.columns}) == len(kind.columns)
        assert all(column.description and set(column.accepts) <= set(cells.KINDS) for column in kind.columns)
    assert len({rule.field for rule in FILE_RULES}) == len({rule.rule for rule in FILE_RULES}) == len(FILE_RULES)
    shape = FileShape("orders_2026-01-05.csv", date(2026, 1, 5), 1)
    assert all(hasattr(shape, rule.field) and refusal(shape, [rule]) for rule in FILE_RULES)


def test_a_failure_inside_great_expectations_is_no_verdict(gate: Gate) -> None:
    import pandas

    with pytest.raises(GateError):
        gate.broken_rows("orders", pandas.DataFrame({"order_number": ["identifier"]}))  # the other columns are missing


def as_bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode()


def test_reading_leaves_the_limit_of_the_csv_module_as_it_was(reader: RowReader) -> None:
    import csv

    former = csv.field_size_limit(50)
    try:
        read(GOOD, reader)
        assert csv.field_size_limit() == 50
    finally:
        csv.field_size_limit(former)


def test_the_archive_of_a_home_is_named_by_hash(tmp_path: Path) -> None:
    from pp_pipeline.landing.archive import ArchiveError, archived_file, fetch, keep
    from pp_pipeline.settings import Settings

    home = Settings(home=tmp_path)
    sha256 = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"  # of b"x"
    keep(home, sha256, b"x")
    keep(home, sha256, b"x")
    assert [path.name for path in home.archive.iterdir()] == [sha256]
    assert fetch(home, sha256) == b"x"
    archived_file(home, sha256).write_bytes(b"y")
    with pytest.raises(ArchiveError, match="changed since"):
        fetch(home, sha256)
