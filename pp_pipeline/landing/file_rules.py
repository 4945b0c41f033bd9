"""The rules for files as a whole: the gate builds a Great Expectations suite of them (DESIGN 6)."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

# A file is refused whole when more of its rows are quarantined than both of these allow. The rate is the
# default of DESIGN 6; alone it would refuse a small file for one slip of the shop's.
MOST_REJECTED_RATE = 0.02
MOST_REJECTED_ROWS = 5

# An older date in a file's name is a slip; it would also give every asset decades of empty partitions.
EARLIEST_FILE_DATE = date(2000, 1, 1)


@dataclass(frozen=True)
class FileRule:
    """A rule for a file as a whole, over one field of `shapes.FileShape`."""

    rule: str
    field: str
    description: str
    expects: Literal["null", "at_least", "at_most"] = "null"
    bound: float = 0


# In the order in which their reasons are told.
FILE_RULES = (
    FileRule("is_not_empty", "size", "The file holds something.", "at_least", 1),
    FileRule("is_dated_since_2000", "days_too_early", "Its name says 2000-01-01 or later.", "at_most", 0),
    FileRule("is_not_dated_in_the_future", "days_too_late", "Its name says today or earlier.", "at_most", 0),
    FileRule("is_of_its_format", "other_format", "It is what its name or its feed says: csv, jsonl, parquet or xlsx."),
    FileRule("is_not_damaged", "damage", "It can be unpacked and read to its end."),
    FileRule("unpacks_to_a_bearable_size", "unpacks_beyond", "It unpacks to at most 2 GB, and 200 times + 100 MB."),
    FileRule("has_no_endless_line", "endless_line", "No line is longer than 8 MB."),
    FileRule("is_utf8", "not_utf8_line", "The file is UTF-8, with or without a byte order mark."),
    FileRule(
        "is_in_its_encoding", "wrong_encoding_line", "A file of another encoding is in the one its feed declares."
    ),
    FileRule("has_no_nul_bytes", "nul_line", "No byte of it is NUL."),
    FileRule("has_every_column", "missing_columns", "The first line names every column of the feed."),
    FileRule("names_each_column_once", "doubled_columns", "No two columns have the same name."),
    FileRule("names_every_column", "unnamed_columns", "No column is without a name."),
    FileRule("has_a_bearable_width", "too_many_columns", "It has at most 1,000 columns."),
    FileRule("has_sound_json_lines", "json_fault_line", "Each line of jsonl is an object that names each field once."),
    FileRule("has_no_formulas", "formula_line", "No cell of a workbook is a formula."),
    FileRule("has_no_error_cells", "error_cell_line", "No cell of a workbook is an error."),
    FileRule("closes_every_quote", "open_quote_line", "A cell that begins with a quote ends with one."),
    FileRule("has_no_stray_quote", "stray_quote_line", "The next field or line follows each closing quote."),
    FileRule("has_no_gigantic_cell", "gigantic_cell_line", "No cell is longer than 131,072 characters."),
    FileRule("has_even_rows", "uneven_line", "Every row has as many fields as the first line."),
    FileRule("repeats_no_header", "repeated_header_line", "No row is the header again."),
    FileRule("ends_with_a_line_end", "cut_off_line", "Its last line ends with a line break."),
    FileRule("has_rows", "rows_missing", "A file of orders has rows after the first line.", "at_most", 0),
    FileRule(
        "has_few_rejected_rows",
        "rejected_rate",
        "At most 2 % of its rows are quarantined (5 rows always may be).",
        "at_most",
        MOST_REJECTED_RATE,
    ),
)
