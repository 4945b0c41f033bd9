"""Damage at random: whatever happened to a file, it is read whole or refused in words.

`make test` always draws the same files; the heavy tests draw more, others each time.
"""

import gzip
import io
import zipfile
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.file_rules import FILE_RULES
from pp_pipeline.landing.formats import BrokenShape, open_rows
from pp_pipeline.landing.shapes import FileShape, refusal
from pp_pipeline_tests.file_makers import SOUND, SOUND_FILES, as_csv, parquet_of, repacked

TYPED = {
    "text": [f"A{n}" for n in range(300)],
    "time": pyarrow.array([datetime(2026, 1, 5, 8)] * 300, pyarrow.timestamp("us", "Europe/Vienna")),
    "day": [date(2026, 1, 5)] * 300,
    "money": [Decimal("12.50"), None] * 150,
    "price": [19.9, None, 1e30] * 100,
    "nested": [{"a": [1, None]}, None] * 150,
}
DAMAGED_FILES = SOUND_FILES | {
    "typed.parquet": (parquet_of(TYPED, compression="none", use_dictionary=False), {}),
    "newer.parquet": (parquet_of(TYPED, compression="zstd", data_page_version="2.0", row_group_size=99), {}),
}


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """The content after some accidents."""
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content)))
        other = draw(st.integers(0, len(content)))
        kind = draw(st.sampled_from(["cut", "flip", "insert", "swap", "lose"]))
        first, last = sorted([place, other])
        if kind == "cut":
            content = content[:place]
        elif kind == "flip" and place < len(content):
            content = content[:place] + bytes([content[place] ^ 1 << draw(st.integers(0, 7))]) + content[place + 1 :]
        elif kind == "insert":
            inserted = st.binary(max_size=9) | st.sampled_from([b'"', b"\0", b"\r", b"\xff", b"\n", b"{", b"<", b"NaN"])
            content = content[:place] + draw(inserted) + content[place:]
        elif kind == "swap":
            content = content[last:] + content[first:last] + content[:first]
        else:
            content = content[:first] + content[min(last, first + 50) :]
    return content


def check_any(name: str, content: bytes, feed: dict[str, Any]) -> None:
    """It is read whole, or refused with a reason that can be told; nothing else happens."""
    declared = Feed(feed="orders", files="{date}", **feed)
    shape = FileShape(name, date(2026, 1, 5), len(content))
    try:
        blocks = list(open_rows(name, content, declared, shape))
    except BrokenShape:
        rules = [rule for rule in FILE_RULES if rule.expects == "null" and getattr(shape, rule.field) is not None]
        assert refusal(shape, rules) != f"{name}: " or not content
        return
    (header,), lines = blocks[0]
    assert lines == [1]
    assert all(len(rows) == len(numbers) > 0 for rows, numbers in blocks[1:])
    assert all(len(row) == len(header) and all(type(cell) is str for cell in row) for rows, _ in blocks for row in rows)
    numbers = [number for _, numbers in blocks[1:] for number in numbers]
    assert numbers == sorted(set(numbers))


def check_damaged(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(list(DAMAGED_FILES)))
    content, feed = DAMAGED_FILES[name]
    check_any(name, data.draw(damaged(content)), feed)


def check_damaged_inside(data: st.DataObject) -> None:
    """The accident happened before packing, so no checksum tells."""
    if data.draw(st.booleans()):
        check_any("orders.csv.gz", gzip.compress(data.draw(damaged(as_csv(SOUND))), 1), {})
        return
    part = data.draw(st.sampled_from(["sheet1", "workbook", "sharedStrings", "styles"]))
    workbook, _ = SOUND_FILES["shared.xlsx"]
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        xml = next(archive.read(name) for name in archive.namelist() if name.endswith(f"{part}.xml"))
    check_any("orders.xlsx", repacked(workbook, **{part: data.draw(damaged(xml))}), {})


@given(st.data())
@settings(max_examples=300)
def test_a_damaged_file_is_read_whole_or_refused_in_words(data: st.DataObject) -> None:
    check_damaged(data)


@given(st.data())
@settings(max_examples=100)
def test_a_file_damaged_before_it_was_packed_is_read_whole_or_refused_in_words(data: st.DataObject) -> None:
    check_damaged_inside(data)


@given(st.sampled_from(list(SOUND_FILES)), st.binary(max_size=200))
@settings(max_examples=200)
def test_random_bytes_are_read_whole_or_refused_in_words(name: str, content: bytes) -> None:
    beginning = {"parquet": b"PAR1", "xlsx": b"PK\x03\x04", "gz": b"\x1f\x8b\x08"}.get(name.rpartition(".")[2], b"")
    for each in (content, beginning + content, beginning + content + beginning):
        check_any(name, each, SOUND_FILES[name][1])


@pytest.mark.heavy
@given(st.data())
@settings(max_examples=20_000, derandomize=False)
def test_many_damaged_files_are_read_whole_or_refused_in_words(data: st.DataObject) -> None:
    check_damaged(data)


@pytest.mark.heavy
@given(st.data())
@settings(max_examples=5_000, derandomize=False)
def test_many_files_damaged_before_they_were_packed_are_read_whole_or_refused(data: st.DataObject) -> None:
    check_damaged_inside(data)
