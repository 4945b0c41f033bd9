"""What becomes of the rows of shops' exports: golden files, and that no text breaks anything.

`golden/<export>/<case>.csv` is a file as the shop has it (real header lines, invented rows), and
`<case>.expected.csv` what it becomes, with the line on which each row begins before it.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pp_pipeline.landing.exports import EXPORTS, Export
from pp_pipeline.landing.exports.export import Block
from pp_pipeline.landing.exports.shaping import LINE_COLUMNS, ORDER_COLUMNS
from pp_pipeline.landing.feeds import Feed

GOLDEN = Path(__file__).parent / "golden"
DOCS = Path(__file__).parents[1] / "docs" / "exports.md"
_OF_EVERY = {
    "orders": {*ORDER_COLUMNS, *LINE_COLUMNS},
    "order_headers": {*ORDER_COLUMNS} - {"ship_date", "status"},  # they may follow from the lines
    "order_lines": {"order_number", *LINE_COLUMNS, "line_status", "line_ship_date", "returned_quantity"},
}


def inputs() -> list[Path]:
    return sorted(path for path in GOLDEN.glob("*/*.csv") if not path.name.endswith(".expected.csv"))


def read(path: Path) -> tuple[list[str], list[list[str]], list[int]]:
    """Header, rows, and the line on which each row begins."""
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream, strict=True)
        header = next(reader)
        rows, lines, line = [], [], reader.line_num + 1
        for row in reader:
            rows.append(row)
            lines.append(line)
            line = reader.line_num + 1
    return header, rows, lines


def blocks_of(rows: Sequence[list[str]], lines: Sequence[int], size: int) -> Iterator[Block]:
    for start in range(0, len(rows), size):
        yield list(rows[start : start + size]), list(lines[start : start + size])


def shaped(path: Path, size: int = 1000) -> list[list[str]]:
    """What an export makes of a golden input, in the form of the expected file."""
    header, rows, lines = read(path)
    blocks = EXPORTS[path.parent.name].rows(header, blocks_of(rows, lines, size))
    (first,), first_lines = next(blocks)
    assert first_lines == [1]
    body = [[str(line), *row] for ours, at in blocks for row, line in zip(ours, at, strict=True)]
    return [["line", *first], *body]


def column(path: Path, name: str) -> list[str]:
    header, *rows = shaped(path)
    return [row[header.index(name)] for row in rows]


# Golden files


@pytest.mark.parametrize("size", [1000, 1], ids=["one_block", "block_per_row"])
@pytest.mark.parametrize("path", inputs(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_golden_file(path: Path, size: int) -> None:
    with path.with_suffix(".expected.csv").open(encoding="utf-8", newline="") as stream:
        expected = list(csv.reader(stream, strict=True))
    assert shaped(path, size) == expected


def test_every_export_has_golden_files() -> None:
    assert {path.parent.name for path in inputs()} == set(EXPORTS)


@pytest.mark.parametrize("path", inputs(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_golden_file_has_what_its_export_needs(path: Path) -> None:
    header, rows, _ = read(path)
    assert EXPORTS[path.parent.name].lacks(header) == []
    assert rows
    assert all(len(row) == len(header) for row in rows)


# What the files are about, said once more in words


def test_continuation_rows_take_what_the_first_row_of_the_order_says() -> None:
    path = GOLDEN / "shopify" / "79_columns.csv"
    header, *rows = shaped(path)
    fields = [header.index(name) for name in (*ORDER_COLUMNS, "paid_at", "refunded_amount", "tags", "source")]
    stated = {tuple(row[place] for place in fields) for row in rows if row[header.index("order_number")] == "#1001"}
    assert stated == {
        (
            "#1001", "ann@example.com", "2026-01-05 10:20:30 -0500", "2026-01-07 09:00:00 -0500", "shipped", "31.00",
            "USD", "2026-01-05 10:20:30 -0500", "0.00", "VIP, winter", "web",
        )
    }  # fmt: skip


@pytest.mark.parametrize(
    ("case", "statuses"),
    [
        (
            "shopify/79_columns",
            "shipped shipped processing processing shipped returned canceled canceled pending teleported bartered "
            "shipped",
        ),
        (
            "bigcommerce/default_template",
            "shipped shipped processing processing processing shipped processing returned canceled canceled hold hold "
            "pending completed In_Orbit shipped shipped shipped shipped",
        ),
        (
            "woocommerce_webtoffee/orders",
            "completed completed processing hold completed completed returned canceled canceled pending canceled "
            "awaiting-kiln completed completed completed completed completed completed completed",
        ),
        (
            "woocommerce_items/items",
            "completed completed processing processing hold pending canceled returned canceled In_kiln",
        ),
        (
            "magento_grid/grid",
            "completed processing returned canceled hold pending hold hold pending In_Kiln",
        ),
    ],
)
def test_statuses_become_ours_and_an_unknown_word_stays(case: str, statuses: str) -> None:
    found = column(GOLDEN / f"{case}.csv", "status")
    assert [word.replace(" ", "_") for word in found] == statuses.split()


@pytest.mark.parametrize(
    ("case", "skus"),
    [
        (
            "bigcommerce/default_template",
            ["CUP-L", "PLATE", "CUP-L", "id:26", *["CUP-L"] * 11, "", "CUP-L", "", ""],
        ),
        (
            "woocommerce_webtoffee/orders",
            [
                "CUP-L",
                "id:26",
                *["CUP-L", "PLATE"] * 2,
                *["CUP-L"] * 6,
                "",
                "PLATE",
                "",
                *["CUP-L", "PLATE", "BOWL", "CUP-L"],
            ],
        ),
    ],
)
def test_packed_lines_become_rows_and_what_cant_be_read_a_blank_sku(case: str, skus: list[str]) -> None:
    assert column(GOLDEN / f"{case}.csv", "sku") == skus


def test_lacking_columns_are_told_as_the_shop_writes_them() -> None:
    assert EXPORTS["magento_lines"].lacks(["INCREMENT_ID ", "Sku"]) == ["qty_ordered"]


# Every export


@pytest.mark.parametrize("export", EXPORTS.values(), ids=lambda export: export.name)
def test_defaults_make_a_feed(export: Export) -> None:
    feed = Feed(feed="f", export=export.name, kind=export.kind, **{"files": export.files, **export.defaults})
    assert {name: getattr(feed, name) for name in export.defaults} == export.defaults
    assert "{date}" in export.files


@pytest.mark.parametrize("export", EXPORTS.values(), ids=lambda export: export.name)
def test_docs_mark_the_columns_it_needs(export: Export) -> None:
    sections = DOCS.read_text(encoding="utf-8").split("\n## ")
    about = [section for section in sections if export.name in section.partition("\n")[0].split()]
    assert len(about) == (export.name != "plain")
    unmarked = [name for name in export.needs if f"`{name}`*" not in about[0]]
    assert unmarked == []
    assert f"| `{export.name}` | " in sections[0]
    assert f"| `{export.files}` |" in sections[0]


def _header_of(export: Export) -> list[str]:
    return read(next(path for path in inputs() if path.parent.name == export.name))[0]


_PIECES_OF_CELLS = (
    "Product ID: 1", "Product SKU: A", "Product Qty: 2", ", ", "|", ":", "name:x", "sku:", "quantity:0", "total:1",
    "sub_total:9999999999999", "refunded:1", "amount:1", ";", "product_id:3",
)  # fmt: skip
_WHOLE_CELLS = ("", " ", "#1", "'1", "1", "2.0000", "-0.00001", "1e9", "paid", "refunded", "NaN", "\u0663")
_CELLS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(_WHOLE_CELLS),
    st.lists(st.sampled_from(_PIECES_OF_CELLS), max_size=8).map("".join),
)


@pytest.mark.parametrize("export", EXPORTS.values(), ids=lambda export: export.name)
@given(data=st.data())
def test_no_text_raises_and_rows_stay_even(export: Export, data: st.DataObject) -> None:
    header = list(data.draw(st.permutations(_header_of(export))))
    dropped = data.draw(st.integers(0, len(header) - 1))
    header = header[dropped:] + data.draw(st.lists(st.text(max_size=5), max_size=3))
    rows = data.draw(st.lists(st.lists(_CELLS, min_size=len(header), max_size=len(header)), max_size=4))
    lines = [10 * number for number in range(1, len(rows) + 1)]
    before = [list(row) for row in rows]
    (head, head_lines), *blocks = export.rows(header, blocks_of(rows, lines, data.draw(st.integers(1, 3))))
    assert head_lines == [1]
    assert len(head) == 1
    names = head[0]
    assert len(set(names)) == len(names) or export.name == "plain"
    assert all(len(ours) == len(at) for ours, at in blocks)
    assert all(len(row) == len(names) for ours, _ in blocks for row in ours)
    assert {line for _, at in blocks for line in at} == set(lines)
    assert rows == before
    if export.name != "plain":
        assert set(names) >= _OF_EVERY[export.kind]
