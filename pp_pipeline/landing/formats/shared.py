"""What the readers of all formats share: blocks, limits, and checks of cells that hold for any format."""

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal

from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.shapes import FileShape

# Rows of text cells, and the line on which each begins. The first block of a file is its header alone.
Block = tuple[list[list[str]], list[int]]

LONGEST_CELL = 131_072
LONGEST_LINE = 8_000_000  # bytes: nobody writes such a line, and a file without line breaks is told at once
MOST_COLUMNS = 1_000
MOST_BYTES = 2_000_000_000


class BrokenShape(Exception):
    """Reading can't go on; the `FileShape` says why. Holds nothing of the file."""


def most_unpacked_bytes(size: int) -> int:
    """How many bytes a packed file of this size may unpack to: real files pack far less well than 1 : 200."""
    return min(MOST_BYTES, 200 * size + 100_000_000)


def trimmed_header(cells: Sequence[str], shape: FileShape) -> list[str]:
    """The header without blanks around its names; notes in the shape that it is far too wide.

    Raises:
        BrokenShape: it has more than `MOST_COLUMNS` columns.
    """
    if len(cells) > MOST_COLUMNS:
        shape.too_many_columns = len(cells)
        raise BrokenShape
    return [cell.strip() for cell in cells]


def check_cells(rows: Sequence[Sequence[str]], lines: Sequence[int], shape: FileShape) -> None:
    """Look for what no database takes; for formats whose bytes can't be searched for it.

    Raises:
        BrokenShape: a cell is gigantic, or holds a NUL or half a character (a lone surrogate).
    """
    for row, line in zip(rows, lines, strict=True):
        text = "".join(row)
        if len(text) > LONGEST_CELL and max(map(len, row)) > LONGEST_CELL:
            shape.gigantic_cell_line = line
            raise BrokenShape
        if "\0" in text:
            shape.nul_line = line
            raise BrokenShape
        if not text.isascii() and not _is_unicode(text):
            shape.not_utf8_line = line
            raise BrokenShape


def plain_number(written: str) -> str:
    """A number as a program writes it (`2.0`, `1.5e-07`) in plain digits: `2`, `0.00000015`."""
    if "e" in written or "E" in written:
        written = format(Decimal(written), "f")
    return written.removesuffix(".0")


def number_of_feed(written: str, feed: Feed) -> str:
    """A number of a typed format as the feed writes numbers: the reader of cells knows no other."""
    return written if feed.decimal == "." else written.replace(".", feed.decimal)


def moment_of_feed(moment: datetime | date | time, feed: Feed) -> str:
    """A date or time of a typed format as the feed writes them; ISO wherever that is understood."""
    has_offset = isinstance(moment, datetime) and moment.tzinfo is not None
    if feed.dates in ("iso", "day_first", "month_first") or isinstance(moment, time):
        return moment.isoformat()
    # without a place for it, an offset would be lost: then ISO is not understood, and told
    return moment.isoformat() if has_offset and "%z" not in feed.dates else moment.strftime(feed.dates)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
