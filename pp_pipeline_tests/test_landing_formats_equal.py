"""One table reads the same in every format, and typed cells become plain text."""

import csv
import gzip
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pp_pipeline.landing.formats import csv_text
from pp_pipeline_tests.file_makers import (
    SOUND,
    SOUND_FILES,
    Table,
    as_csv,
    as_json_lines,
    as_parquet,
    parquet_of,
    read,
    shared_strings,
    workbook_of,
)

# What every format can hold: no control characters, and no CR, which XML reads as a line break.
TEXTS = st.text(
    st.sampled_from(",;|\t~\"'\n =+-@#/_ 0159.aeNn")
    | st.characters(min_codepoint=32, exclude_categories=["Cc", "Cs", "Cn"]),
    max_size=12,
)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """A table whose rows all begin with something: an empty row is none in a workbook."""
    names = st.lists(TEXTS.map(str.strip).filter(bool), min_size=1, max_size=4, unique=True)
    header = ["row", *(name for name in draw(names) if name != "row")]
    count = draw(st.integers(1, 8))
    return [header, *([f"r{n}", *(draw(TEXTS) for _ in header[1:])] for n in range(count))]


@given(tables())
@settings(max_examples=60)
def test_a_table_reads_the_same_in_every_format(table: Table) -> None:
    quoted = as_csv(table, quoting=csv.QUOTE_ALL, delimiter=";", lineterminator="\n")
    files: dict[str, tuple[bytes, dict[str, Any]]] = {
        "plain.csv": (as_csv(table), {}),
        "tabs.csv": (as_csv(table, "utf-16", delimiter="\t"), {"delimiter": "\t", "encoding": "utf-16"}),
        "quoted.csv": (quoted, {"delimiter": ";"}),
        "found.csv": (quoted, {"delimiter": "auto"}),
        "other_quotes.csv": (as_csv(table, "utf-8-sig", quotechar="'"), {"quote": "'"}),
        "packed.csv.gz": (gzip.compress(as_csv(table, "utf-7")), {"encoding": "utf-7"}),
        "lines.jsonl": (as_json_lines(table), {}),
        "lines.ndjson.gz": (gzip.compress(as_json_lines(table, "\r\n")), {}),
        "table.parquet": (as_parquet(table), {}),
        "named_otherwise.dat": (as_parquet(table, compression="gzip"), {"format": "parquet"}),
        "book.xlsx": (workbook_of(table), {}),
        "of_excel.xlsx": (shared_strings(workbook_of(table)), {}),
    }
    assert {name: read(name, content, **feed)[0] for name, (content, feed) in files.items()} == dict.fromkeys(
        files, table
    )


def test_typed_cells_become_the_text_that_a_shop_would_write() -> None:
    zone = pyarrow.timestamp("us", "Europe/Vienna")
    cells: list[tuple[Any, str]] = [
        (pyarrow.array([datetime(2026, 7, 5, 8, 30, tzinfo=UTC)], zone), "2026-07-05T10:30:00+02:00"),
        (
            pyarrow.array([datetime(2026, 7, 5, 8, 30, 1, 500_000)], pyarrow.timestamp("ns")),
            "2026-07-05T08:30:01.500000",
        ),
        (pyarrow.array([date(2026, 7, 5)]), "2026-07-05"),
        (pyarrow.array([time(8, 30)]), "08:30:00"),
        (pyarrow.array([Decimal("1234.50")]), "1234.50"),
        (pyarrow.array([19.9]), "19.9"),
        (pyarrow.array([19.9], pyarrow.float32()), "19.9"),
        (pyarrow.array([2.0]), "2"),
        (pyarrow.array([1.5e-7]), "0.00000015"),
        (pyarrow.array([1e22]), "10000000000000000000000"),
        (pyarrow.array([float("nan")]), "nan"),
        (pyarrow.array([2**63 - 1]), "9223372036854775807"),
        (pyarrow.array([True]), "true"),
        (pyarrow.array([None]), ""),
        (pyarrow.array(["x"]).dictionary_encode(), "x"),
        (pyarrow.array([[1, None]]), "[1,null]"),
        (pyarrow.array([{"a": "é", "b": Decimal("1.5")}]), '{"a":"é","b":"1.5"}'),
    ]
    columns = {str(place): array for place, (array, _) in enumerate(cells)}
    assert read("x.parquet", parquet_of(columns))[0][1] == [text for _, text in cells]


def test_a_workbook_and_json_write_their_cells_plainly() -> None:
    row = [
        datetime(2026, 7, 5, 8, 30),
        datetime(2026, 7, 5),
        2.0,
        19.9,
        0.1 + 0.2,
        10**14,
        1.5e-7,
        True,
        "007",
        time(8, 30),
    ]
    table = [[f"c{place}" for place in range(len(row))], row]
    plain = ["2026-07-05T08:30:00", "2026-07-05", "2", "19.9", "0.3", "100000000000000", "0.00000015", "true", "007"]
    assert read("x.xlsx", workbook_of(table))[0][1] == [*plain, "08:30:00"]
    line = (
        '{"a": 1.50, "b": 12345678901234567890, "c": 1E5, "d": false, "e": null, "f": {"x": [1.50, "é", null, true]}}'
    )
    rows, lines = read("x.jsonl", f'\n{line}\n\n{{"g": "\\u00e9"}}'.encode())
    assert (rows[0], lines) == (list("abcdefg"), [1, 2, 4])
    assert rows[1] == ["1.50", "12345678901234567890", "1E5", "false", "", '{"x":[1.50,"é",null,true]}', ""]
    assert rows[2] == ["", "", "", "", "", "", "é"]


@pytest.mark.parametrize("name", SOUND_FILES)
def test_lines_are_those_of_the_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_text, "ROWS_AT_ONCE", 7)
    content, feed = SOUND_FILES[name]
    rows, lines = read(name, content, **feed)
    assert rows == SOUND
    if name.endswith((".csv", ".csv.gz")):  # a cell of two lines moves the rows after it
        assert lines[:5] == [1, 2, 3, 5, 7]
    else:
        assert lines == list(range(1, 22)) if "json" not in name else [1, *range(1, 21)]
