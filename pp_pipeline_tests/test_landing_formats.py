"""Files in every format: the broken ones are refused in words, the good ones read the same whatever they are."""

import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.file_names import format_of
from pp_pipeline.landing.file_rules import FILE_RULES
from pp_pipeline.landing.first_look import first_look
from pp_pipeline.landing.formats import BrokenShape, open_rows
from pp_pipeline.landing.gate import Gate
from pp_pipeline.landing.judging import FileContent
from pp_pipeline.landing.reading import FileReading, read_file
from pp_pipeline.landing.result import LandedFile
from pp_pipeline.landing.shapes import FileShape, refusal
from pp_pipeline.landing.typed_rows import RowReader
from pp_pipeline.settings import Settings
from pp_pipeline_tests.broken_files import GOOD, PLAIN_FILES, Sent
from pp_pipeline_tests.broken_formats import DECLARED_FILES, TEXTS
from pp_pipeline_tests.landing_shop import Shop, merchant

FILE_NAMES = {case: f"orders_2026-01-05_{number:03}.csv" for number, case in enumerate(PLAIN_FILES)}


@dataclass(frozen=True)
class Landed:
    """What one load of all plain files came to, by the name of the file."""

    files: dict[str, LandedFile]
    quarantined: dict[str, tuple[int, ...]]
    products: dict[str, set[str]]


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Landed]:
    shop = Shop(Settings(home=tmp_path_factory.mktemp("broken") / "home"))
    for case, sent in PLAIN_FILES.items():
        shop.drop(FILE_NAMES[case], sent.content)
    files = {file.name: file for file in shop.load().files}
    quarantined: dict[str, set[int]] = {}
    for name, line in shop.rows("distinct order_file, order_file_line", "quarantined_rows"):
        quarantined.setdefault(name, set()).add(line)
    products: dict[str, set[str]] = {}
    for name, product in shop.rows("order_file, product_name"):
        products.setdefault(name, set()).add(product)
    yield Landed(files, {name: tuple(sorted(lines)) for name, lines in quarantined.items()}, products)
    shop.ledger.close()


@pytest.mark.parametrize("case", PLAIN_FILES)
def test_a_plain_file_is_refused_in_words_or_taken(landed: Landed, case: str) -> None:
    sent, name = PLAIN_FILES[case], FILE_NAMES[case]
    file = landed.files[name]
    if sent.refused:
        assert sent.refused in file.reason
        assert (file.outcome, name in landed.quarantined, name in landed.products) == ("refused", False, False)
    else:
        assert (file.reason, file.row_count) == ("", sent.row_count)
        assert landed.quarantined.get(name, ()) == sent.quarantined
        assert sent.product is None or sent.product in landed.products[name]


@pytest.fixture(scope="module")
def declared() -> dict[str, tuple[FileReading, str]]:
    """The reading of each file, and why it is refused or ""; judged together, as a load does."""
    readings = {}
    for case, sent in DECLARED_FILES.items():
        feed = Feed(feed="orders", files="{date}", **sent.feed)
        reader = RowReader(feed, {"main": merchant()}, b"0123456789abcdef")
        source = FileContent(sent.name, date(2026, 1, 5), "", sent.content, feed)
        readings[case] = read_file(source, reader, date(2026, 1, 31))
    broken = Gate().broken_files([reading.shape for reading in readings.values()])
    reasons = [
        refusal(reading.shape, broken[place]) if place in broken else ""
        for place, reading in enumerate(readings.values())
    ]
    return {case: (readings[case], reason) for case, reason in zip(readings, reasons, strict=True)}


@pytest.mark.parametrize("case", DECLARED_FILES)
def test_a_file_of_a_declared_feed_is_refused_in_words_or_read(
    declared: dict[str, tuple[FileReading, str]], case: str
) -> None:
    sent: Sent = DECLARED_FILES[case]
    reading, reason = declared[case]
    if sent.refused:
        assert sent.refused in reason
        assert reading.rows is None or reading.rows.empty
    else:
        assert (reason, reading.shape.row_count) == ("", sent.row_count)
        assert reading.rows is not None
        assert sent.product is None or sent.product in set(reading.rows["product_name"])


def test_every_rule_for_files_but_those_of_other_parts_is_broken_by_a_case() -> None:
    broken = set()
    for sent in [*PLAIN_FILES.values(), *DECLARED_FILES.values()]:
        shape = FileShape(sent.name, date(2026, 1, 5), len(sent.content))
        try:
            list(open_rows(sent.name, sent.content, Feed(feed="orders", files="{date}", **sent.feed), shape))
        except BrokenShape:
            broken |= {rule.rule for rule in FILE_RULES if rule.expects == "null" and getattr(shape, rule.field)}
    of_the_header = {"has_every_column", "names_each_column_once", "names_every_column"}
    assert broken == {rule.rule for rule in FILE_RULES if rule.expects == "null"} - of_the_header


# Junk of any size


@pytest.mark.parametrize(
    "size", [20_000_000, pytest.param(1_000_000_000, marks=pytest.mark.heavy)], ids=["20 MB", "1 GB"]
)
@pytest.mark.parametrize("name", ["orders.csv", "orders.jsonl", "orders.parquet", "orders.xlsx", "orders.csv.gz"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_junk_takes_no_memory_but_its_own(size: int, name: str, encoding: str) -> None:
    content = b"{" * size
    shape = FileShape(name, date(2026, 1, 5), size)
    tracemalloc.start()
    try:
        with pytest.raises(BrokenShape):
            list(open_rows(name, content, Feed(feed="orders", files="{date}", encoding=encoding), shape))
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.heavy
def test_a_junk_line_of_1_gb_is_refused_by_a_load_and_by_a_look(tmp_path: Path) -> None:
    shop = Shop(Settings(home=tmp_path / "home"))
    path = shop.drop("orders_2026-01-05.csv", b"x" * 1_000_000_000)
    (file,) = shop.load().files
    shop.ledger.close()
    assert (file.outcome, "line 1 is longer than 8 MB" in file.reason) == ("refused", True)
    assert "line 1 is longer than 8 MB" in (first_look(path) or "")


# A look


def _sparse(path: Path, size: int, first: bytes = b"", last: bytes = b"") -> Path:
    with path.open("wb") as file:
        file.write(first)
        file.truncate(size)
        file.seek(size - len(last))
        file.write(last)
    return path


def test_a_look_refuses_only_what_reading_would(tmp_path: Path) -> None:
    big = 9_000_000
    looks = {
        "junk.csv": (big, b"", b"", "line 1 is longer than 8 MB"),
        "junk.jsonl": (big, b"{", b"\n", "line 1 is longer than 8 MB"),
        "big.csv": (big, b"order_number\n", b"\n", None),
        "cr.csv": (big, b"order_number\r", b"\r", None),
        "small.csv": (1000, b"", b"", None),
        "empty.csv": (0, b"", b"", None),
        "gigantic.csv": (2_000_000_001, b"a\n", b"\n", "is larger than 2 GB; send it in parts"),
        "packed.csv": (big, b"\x1f\x8b", b"", None),
        "packed.csv.gz": (big, b"\x1f\x8b", b"", None),
        "book.xlsx": (big, b"PK\x03\x04", b"", None),
        "whole.parquet": (big, b"PAR1", b"PAR1", None),
        "cut.parquet": (big, b"PAR1", b"PAR", "is damaged: the end of the parquet file is missing"),
    }
    for name, (size, first, last, words) in looks.items():
        found = first_look(_sparse(tmp_path / name, size, first, last))
        assert found is None if words is None else words in (found or ""), name
    for name, content in {"orders.csv": GOOD.encode(), "orders.parquet": TEXTS}.items():
        (tmp_path / name).write_bytes(content)
        assert first_look(tmp_path / name) is None


def test_the_format_is_that_of_the_feed_or_of_the_name() -> None:
    names = ["a.csv", "a.TXT", "a.jsonl", "a.ndjson.gz", "a.Parquet", "a.xlsx", "a", "a.gz"]
    feed = Feed(feed="orders", files="{date}")
    formats = ["csv", "csv", "jsonl", "jsonl", "parquet", "xlsx", "csv", "csv"]
    assert [format_of(name, feed) for name in names] == formats
    assert format_of("a.csv", feed.model_copy(update={"format": "jsonl"})) == "jsonl"
