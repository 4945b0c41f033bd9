"""What a column and a kind of feed are: `order_kinds.py` and `other_kinds.py` declare them (DESIGN 6 and 9).

The reader finds its columns there, the gate builds the Great Expectations suites from them, the landing tables
are made of them, and the descriptions are the documentation of the feeds (`pp feeds`).
"""

from dataclasses import dataclass

from pp_pipeline.landing.cell_types import CELL_TYPES, CellType


@dataclass(frozen=True)
class FeedColumn:
    """A column of a feed and the one rule that its cells must keep.

    Attributes:
        type: a name of `CELL_TYPES`: how its cells are read and what they are stored as.
        may_be_blank: whether a blank, "not known", keeps the rule.
        may_be_absent: whether a file may lack the column.
        stored: the columns of the table; default: its own name.
    """

    name: str
    type: str
    description: str
    rule: str
    may_be_blank: bool = True
    may_be_absent: bool = True
    stored: tuple[str, ...] = ()

    @property
    def cell_type(self) -> CellType:
        """How its cells are read."""
        return CELL_TYPES[self.type]

    @property
    def accepts(self) -> tuple[str, ...]:
        """The kinds of cells that keep the rule."""
        return (*self.cell_type.accepts, "blank") if self.may_be_blank else self.cell_type.accepts

    @property
    def stored_columns(self) -> dict[str, str]:
        """The columns of the table that it fills, with their SQL types."""
        names = self.stored or (self.name,)
        return dict(zip(names, self.cell_type.sql_types, strict=True))


@dataclass(frozen=True)
class FeedKind:
    """A kind of feed: what a row is, its columns, and the table that holds its rows."""

    kind: str
    table: str
    description: str
    columns: tuple[FeedColumn, ...]

    @property
    def drops_forgotten(self) -> bool:
        """Whether a row says nothing without its contact, so that those of forgotten people are dropped."""
        return any(column.type == "contact" for column in self.columns)

    @property
    def file_columns(self) -> tuple[str, str]:
        """How its table names the file and the line of a row."""
        return ("order_file", "order_file_line") if self.table.startswith("order_") else ("feed_file", "feed_line")


def column(name: str, type: str, description: str, **options: object) -> FeedColumn:
    """A column whose rule is its type's, unless it names one."""
    rule = str(options.pop("rule", "")) or CELL_TYPES[type].rule
    may_be_blank = bool(options.get("may_be_blank", True))
    if may_be_blank and CELL_TYPES[type].says_or_blank:
        rule += "_or_blank"
    return FeedColumn(name, type, description, rule, **options)  # type: ignore[arg-type]


MERCHANT = column(
    "merchant",
    "merchant",
    "Whose row it is: the name of a file in pp_pipeline/merchants. May be absent: the merchant that declares the "
    "feed, of a plain feed `main`.",
    may_be_blank=False,
)
ORDER_NUMBER = column(
    "order_number",
    "identifier",
    "The shop's number of the order: one line of at most 100 characters, the same in every file.",
    rule="is_an_order_number",
    may_be_blank=False,
    may_be_absent=False,
)
