"""Taking somebody out of a file: nothing of them is left, and nobody else's row changes."""

import gzip
import io
import re
import urllib.parse
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pp_pipeline.contact_keys import contact_key
from pp_pipeline.forgetting.known import Erasure
from pp_pipeline.forgetting.redacting import orders_of_forgotten, without_forgotten
from pp_pipeline.landing.judging import FileContent
from pp_pipeline.landing.reading import FileReading, read_file
from pp_pipeline.landing.typed_rows import RowReader
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.settings import Settings
from pp_pipeline_tests import forgetting_cases
from pp_pipeline_tests.forgetting_cases import ANN, CASES, PERSONAL, SHIPMENTS, Written, write
from pp_pipeline_tests.landing_shop import merchant

SECRET = b"a secret of the tests, as long as it has to be"
_QUOTED = re.compile("%[0-9A-Fa-f]{2}")
_ENDINGS = ("csv", "csv.gz", "jsonl", "jsonl.gz", "parquet", "xlsx")
_FACTS = ("order_number", "ordered_at", "ship_date", "status", "total_cents", "refunded_cents", "sku", "product_name",
          "quantity", "unit_price_cents", "line_status", "delivered_on", "shipment_number", "carrier")  # fmt: skip


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with Ledger(Settings(home=tmp_path_factory.mktemp("home"))) as opened:
        yield opened


def erasure_of(ledger: Ledger, *people: str) -> Erasure:
    """As if these were forgotten."""
    return Erasure(ledger, SECRET, further=[contact_key(SECRET, "main", person) for person in people])


def source_of(written: Written) -> FileContent:
    return FileContent(written.name, written.file_date, "", written.content, written.feed)


def read(source: FileContent) -> FileReading:
    reading = read_file(source, RowReader(source.feed, {"main": merchant()}, SECRET), source.file_date)
    assert reading.rows is not None, reading.shape
    return reading


def rows_of(source: FileContent) -> Any:
    rows = read(source).rows
    assert rows is not None
    return rows


def redacted(source: FileContent, erasure: Erasure) -> FileContent:
    rows = rows_of(source)
    erasure.note_orders(orders_of_forgotten(rows, erasure))
    return without_forgotten(source, rows, erasure)


def texts_in(content: bytes) -> str:
    """Everything that can be read in a file, however it is packed and encoded, in lower case."""
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    pieces = [content]
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            pieces += [parts.read(name) for name in parts.namelist()]
    encodings = ["latin-1", "utf-8", "utf-16-le", "utf-16-be", *(["utf-7"] if len(content) < 10_000 else [])]
    found = [piece.decode(encoding, errors="ignore") for piece in pieces for encoding in encodings]
    if content.startswith(b"PAR1"):
        found.append(str(pyarrow.parquet.read_table(io.BytesIO(content)).to_pylist()))
    return "\n".join(urllib.parse.unquote(text) if _QUOTED.search(text) else text for text in found).lower()


def people_left(content: bytes, *words: str) -> list[str]:
    """Which of the words stand in a file; as whole addresses, so that `joann@...` is no `ann@...`."""
    text = texts_in(content)
    standing = [word for word in words if word.lower() in text]  # found fast; a pattern takes 20 times as long
    return [word for word in standing if re.search(rf"(?<![a-z0-9.]){re.escape(word.lower())}(?!\w)", text)]


def assert_equal_but_for(before: Any, after: Any, columns: tuple[str, ...] = ()) -> None:
    left = before.drop(columns=list(columns)).reset_index(drop=True)
    pandas.testing.assert_frame_equal(left, after.drop(columns=list(columns)).reset_index(drop=True))


@pytest.mark.parametrize("case", CASES)
def test_nothing_of_somebody_forgotten_is_left_and_no_other_row_changes(case: str, ledger: Ledger) -> None:
    source = source_of(CASES[case])
    before = rows_of(source)
    assert people_left(source.content, *PERSONAL), "the case holds nobody"
    erasure = erasure_of(ledger, ANN)
    left = redacted(source, erasure)

    assert people_left(left.content, *PERSONAL) == []
    reading = read(left)
    after: Any = reading.rows
    assert reading.forgotten_count == before["contact_key"].isin(list(erasure.contacts)).sum()
    is_hers = before["contact_key"].isin(list(erasure.contacts))
    if source.kind.drops_forgotten:
        stays, kept = before.loc[~is_hers], after
    else:
        assert after.loc[is_hers, "contact_key"].isna().all()
        assert after.loc[is_hers, "email"].isna().all()
        assert people_left("\n".join(after.loc[is_hers, "attributes"]).encode(), *PERSONAL, "Annabel") == []
        facts = [name for name in _FACTS if name in before]
        pandas.testing.assert_frame_equal(before.loc[is_hers, facts], after.loc[is_hers, facts])
        her_order = before["order_number"].isin(before.loc[is_hers, "order_number"])
        stays, kept = before.loc[~her_order], after.loc[~her_order]
    mentions = stays["attributes"].str.contains(r"(?<![a-z0-9.])ann(?:@|%40)example\.com(?!m)", case=False)
    assert_equal_but_for(stays.loc[~mentions], kept.loc[~mentions.to_numpy()])
    assert_equal_but_for(stays, kept, ("attributes",))
    assert without_forgotten(left, after, erasure) is left, "taking out twice is once"


@pytest.mark.parametrize("ending", _ENDINGS)
def test_files_that_name_no_address_lose_what_they_say_of_a_known_order(ending: str, ledger: Ledger) -> None:
    erasure = erasure_of(ledger, ANN)
    source = source_of(write(SHIPMENTS, forgetting_cases.feed_of("shipments"), ending))
    assert redacted(source, erasure) is source, "nothing says whose parcel it is"
    erasure.note_orders([("main", "A2")])
    left = redacted(source, erasure)
    assert people_left(left.content, *PERSONAL) == []
    before, after = rows_of(source), rows_of(left)
    assert_equal_but_for(before.iloc[:1], after.iloc[:1])
    facts = [name for name in _FACTS if name in before]
    pandas.testing.assert_frame_equal(before[facts], after[facts])


@pytest.mark.parametrize("case", CASES)
def test_a_file_without_them_stays_the_very_same(case: str, ledger: Ledger) -> None:
    source = source_of(CASES[case])
    assert redacted(source, erasure_of(ledger, "dee@example.com", "n@example.com", "example@example.com")) is source


@pytest.mark.parametrize("case", [case for case in CASES if "parquet" not in case and "xlsx" not in case])
def test_lines_of_others_stay_byte_for_byte(case: str, ledger: Ledger) -> None:
    source = source_of(CASES[case])
    left = redacted(source, erasure_of(ledger, ANN))
    contents = [gzip.decompress(one) if one.startswith(b"\x1f\x8b") else one for one in (source.content, left.content)]
    encoding = case if case.startswith(("utf", "latin")) else "utf-8"
    before, after = (io.StringIO(one.decode(encoding), newline="").readlines() for one in contents)
    others = [(number, line) for number, line in enumerate(before) if "bob" in line and ANN not in line]
    assert others
    assert [(number, after[number]) for number, _ in others] == others
    assert len(after) == len(before)


def test_somebody_of_another_merchant_with_the_same_address_stays(ledger: Ledger) -> None:
    table = [["merchant", *forgetting_cases.ORDERS[0]]] + [
        [("main", "other")[place % 2], *row] for place, row in enumerate(forgetting_cases.ORDERS[1:])
    ]
    source = source_of(write(table, forgetting_cases.feed_of(), "csv"))
    reader = RowReader(source.feed, {"main": merchant(), "other": merchant("other")}, SECRET)
    erasure = erasure_of(ledger, ANN)  # a contact of main; row 2, of other, has her address
    rows = read_file(source, reader, source.file_date).rows
    assert rows is not None
    left = read_file(without_forgotten(source, rows, erasure), reader, source.file_date).rows
    assert left is not None
    of_other = (rows["merchant"] == "other").to_numpy()
    assert_equal_but_for(rows.loc[of_other], left.loc[of_other])
    assert not left.loc[~of_other, "email"].isin([ANN]).any()


_TEXTS = st.text(st.sampled_from("ab@.,;|\"'\n\t\r =é\\/{}:%0") | st.characters(codec="utf-8", exclude_characters="\0"),
                 max_size=12)  # fmt: skip
_CELLS = _TEXTS | st.sampled_from([ANN, ANN.upper(), f"x {ANN}", "bob@example.com", "joann@example.com", "forgotten"])
_EMAILS = st.sampled_from([ANN, " ANN@example.com", "bob@example.com", "cy@example.com", "", "no address"])


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    rows = draw(st.lists(st.tuples(_EMAILS, st.integers(1, 5), _CELLS, _CELLS), min_size=1, max_size=8))
    header = forgetting_cases.ORDERS[0]
    return [
        list(header),
        *(
            [*forgetting_cases.order(f"A{number}", email, "CUP", ship_to, note)]
            for email, number, ship_to, note in rows
        ),
    ]


def check_that_others_keep_theirs(ending: str, ledger: Ledger, table: list[list[str]]) -> None:
    if ending == "xlsx":  # what a sheet can't hold
        table = [[re.sub(r"[^\t\n -\ud7ff\ue000-\ufffd]", "", cell) for cell in row] for row in table]
    source = source_of(write(table, forgetting_cases.feed_of(), ending))
    erasure = erasure_of(ledger, ANN)
    reading = read_file(source, RowReader(source.feed, {"main": merchant()}, SECRET), source.file_date)
    if reading.rows is None:  # no file that is taken
        return
    left = redacted(source, erasure)
    before: Any = reading.rows
    after = rows_of(left)
    assert list(before["order_file_line"]) == list(after["order_file_line"])
    assert not after["contact_key"].isin(list(erasure.contacts)).any()
    hers = set(before.loc[before["contact_key"].isin(list(erasure.contacts)), "order_number"])
    is_others = ~(before["contact_key"].isin(list(erasure.contacts)) | (
        before["contact_key"].isna() & before["order_number"].isin(hers)))  # fmt: skip
    mentions = before["attributes"].str.lower().str.contains(ANN, regex=False)
    stays = is_others & ~mentions
    assert_equal_but_for(before.loc[stays], after.loc[stays])
    assert_equal_but_for(before.loc[is_others], after.loc[is_others], ("attributes",))
    assert without_forgotten(left, after, erasure) is left


@pytest.mark.parametrize("ending", _ENDINGS)
@hypothesis_settings(max_examples=20)
@given(table=tables())
def test_whatever_the_cells_hold_others_keep_theirs(ending: str, ledger: Ledger, table: list[list[str]]) -> None:
    check_that_others_keep_theirs(ending, ledger, table)


@pytest.mark.heavy
@pytest.mark.parametrize("ending", _ENDINGS)
@hypothesis_settings(max_examples=150, derandomize=False)
@given(table=tables())
def test_others_keep_theirs_in_a_long_search(ending: str, ledger: Ledger, table: list[list[str]]) -> None:
    check_that_others_keep_theirs(ending, ledger, table)


def test_the_same_content_gives_the_same_bytes_each_time(ledger: Ledger) -> None:
    for case, written in CASES.items():
        source = source_of(written)
        contents = {redacted(source, erasure_of(ledger, ANN)).sha256 for _ in range(2)}
        assert len(contents) == 1, case


def test_a_workbook_loses_notes_links_and_mentions_on_other_sheets(ledger: Ledger) -> None:
    import openpyxl
    from openpyxl.comments import Comment

    written = CASES["orders.xlsx"]
    book = openpyxl.load_workbook(io.BytesIO(written.content))
    sheet = book.worksheets[0]
    sheet["A3"].comment = Comment("rang, Annabel Quistgaard", "x")
    sheet["A2"].comment = Comment("rang, Bob", "x")
    sheet["B2"].hyperlink = "mailto:ann@example.com"
    book.create_sheet("more").append(["ask ann@example.com", 7])
    stream = io.BytesIO()
    book.save(stream)
    source = replace(source_of(written), content=stream.getvalue())
    left = redacted(source, erasure_of(ledger, ANN))
    assert people_left(left.content, *PERSONAL) == []
    after = openpyxl.load_workbook(io.BytesIO(left.content))
    assert after.worksheets[0]["A2"].comment.text == "rang, Bob"
    assert [cell.value for cell in after.worksheets[1][1]] == ["ask forgotten", 7]


def test_values_within_values_keep_all_else(ledger: Ledger) -> None:
    line = (
        '{"order_number":"A1","email":"bob@example.com","ordered_at":"2026-01-05","ship_date":null,"status":"pending",'
        '"order_total":12.50,"currency":"USD","sku":"CUP","product_name":"Cup","category":"","quantity":1,'
        '"unit_price":12.50,"gift":{"for":["Ann\\nann@example.com","\\u00e9"],"price":1.10,"to":null}}\n'
    )
    source = replace(source_of(CASES["orders.jsonl"]), content=line.encode())
    left = redacted(source, erasure_of(ledger, ANN))
    assert left.content.decode() == line.replace("ann@example.com", "forgotten")
