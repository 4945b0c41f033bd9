"""The columns of the plain order feed and the rules for them: the one declaration (DESIGN 6 and 9).

The reader finds its columns here, `gate.py` builds both Great Expectations suites from it, and
the descriptions are the documentation of the feed.
"""

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
class FeedColumn:
    """A column of the feed and the one rule that its cells must keep, by kinds of `cells.py`."""

    name: str
    description: str
    rule: str
    accepts: tuple[str, ...]
    may_be_absent: bool = False


@dataclass(frozen=True)
class FileRule:
    """A rule for a file as a whole, over one field of `shapes.FileShape`."""

    rule: str
    field: str
    description: str
    expects: Literal["null", "at_least", "at_most"] = "null"
    bound: float = 0


FEED_COLUMNS = (
    FeedColumn(
        "merchant",
        "Whose order it is: the name of a file in pp_pipeline/merchants. The column may be absent: `main`.",
        "is_a_declared_merchant",
        ("merchant",),
        may_be_absent=True,
    ),
    FeedColumn(
        "order_number",
        "The shop's number of the order: one line of at most 100 characters, the same in every file.",
        "is_an_order_number",
        ("identifier",),
    ),
    FeedColumn(
        "email",
        "The shopper's address. Blank or invalid: the order is kept, without a contact, and counted as such.",
        "is_any_text",
        ("address", "blank", "text", "number", "date", "control_characters", "too_long"),
    ),
    FeedColumn(
        "ordered_at",
        "When it was ordered: ISO 8601. Without an offset it is the merchant's time; a date is midnight.",
        "is_an_iso_8601_date_or_time",
        ("iso_date", "iso_time"),
    ),
    FeedColumn(
        "ship_date",
        "When it was shipped: an ISO 8601 date (or time), or blank: not known.",
        "is_an_iso_8601_date_or_blank",
        ("iso_date", "iso_time", "blank"),
    ),
    FeedColumn(
        "status",
        "One of not_set, misc, pre_order, back_order, pending, hold, processing, shipped, completed, "
        "returned, canceled, unknown, closed, in any common spelling, or Listrak's number 0 to 11; "
        "blank is not_set.",
        "is_a_known_status",
        ("status", "blank"),
    ),
    FeedColumn(
        "order_total",
        "Total of the order: digits, at most two decimals after a point, - for a refund; blank is not known.",
        "is_an_amount_or_blank",
        ("money", "blank"),
    ),
    FeedColumn(
        "currency",
        "Three letters such as USD; blank is the merchant's currency.",
        "is_a_currency_or_blank",
        ("currency", "blank"),
    ),
    FeedColumn("sku", "The article: one line of at most 100 characters.", "is_a_sku", ("identifier",)),
    FeedColumn("product_name", "Name of the article.", "is_any_text", ("text", "blank")),
    FeedColumn("category", "Category of the article.", "is_any_text", ("text", "blank")),
    FeedColumn("quantity", "Pieces: a whole number; blank is 1.", "is_a_whole_number_or_blank", ("integer", "blank")),
    FeedColumn(
        "unit_price",
        "Price of one piece, written like order_total; blank is not known.",
        "is_an_amount_or_blank",
        ("money", "blank"),
    ),
)

# In the order in which their reasons are told.
FILE_RULES = (
    FileRule("is_not_empty", "size", "The file holds something.", "at_least", 1),
    FileRule("is_dated_since_2000", "days_too_early", "Its name says 2000-01-01 or later.", "at_most", 0),
    FileRule("is_not_dated_in_the_future", "days_too_late", "Its name says today or earlier.", "at_most", 0),
    FileRule("is_utf8", "not_utf8_line", "The file is UTF-8, with or without a byte order mark."),
    FileRule("has_no_nul_bytes", "nul_line", "No byte of it is NUL."),
    FileRule("has_every_column", "missing_columns", "The first line names every column of the feed."),
    FileRule("names_each_column_once", "doubled_columns", "No two columns have the same name."),
    FileRule("names_every_column", "unnamed_columns", "No column is without a name."),
    FileRule("closes_every_quote", "open_quote_line", "A cell that begins with a quote ends with one."),
    FileRule("has_no_stray_quote", "stray_quote_line", "A comma follows each closing quote."),
    FileRule("has_no_gigantic_cell", "gigantic_cell_line", "No cell is longer than 131,072 characters."),
    FileRule("has_even_rows", "uneven_line", "Every row has as many fields as the first line."),
    FileRule("ends_with_a_line_end", "cut_off_line", "Its last line ends with a line break."),
    FileRule("has_rows", "row_count", "There are rows after the first line.", "at_least", 1),
    FileRule(
        "has_few_rejected_rows",
        "rejected_rate",
        "At most 2 % of its rows are quarantined (5 rows always may be).",
        "at_most",
        MOST_REJECTED_RATE,
    ),
)
