"""Read and judge the files of a load together: rows first, then, knowing what was rejected, the files."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from pp_pipeline.forgetting.redacting import orders_of_forgotten, without_forgotten
from pp_pipeline.landing.feed_columns import FeedKind
from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.file_rules import MOST_REJECTED_ROWS
from pp_pipeline.landing.gate import Gate
from pp_pipeline.landing.kinds import KINDS_OF_FEEDS
from pp_pipeline.landing.reading import FileReading, read_file
from pp_pipeline.landing.shapes import refusal

if TYPE_CHECKING:
    import numpy
    import pandas

    from pp_pipeline.landing.tools import LoadTools


@dataclass(frozen=True)
class FileContent:
    """A content under a name, and how many bytes and which hash it has."""

    name: str
    file_date: date
    sha256: str
    content: bytes = field(repr=False)
    feed: Feed

    @property
    def kind(self) -> FeedKind:
        """What its rows are."""
        return KINDS_OF_FEEDS[self.feed.kind]


@dataclass(frozen=True)
class JudgedFile:
    """What came of a content.

    `rows` are the good rows with the columns of `table`, `quarantined` the others as rows of
    `quarantined_rows`; both are None where the file could not be read. `refusal` is "" for a good file.
    `source` is what was judged: the content without the people who are forgotten. `forgotten_count` counts their rows.
    """

    source: FileContent
    refusal: str
    row_count: int
    rows: "pandas.DataFrame | None"
    quarantined: "pandas.DataFrame | None"
    forgotten_count: int = 0

    @property
    def table(self) -> str:
        """The landing table of its rows."""
        return self.source.kind.table

    @property
    def quarantined_count(self) -> int:
        """Rows that were not taken."""
        return self.row_count - len(self.rows) if self.rows is not None else 0

    @property
    def without_contact_count(self) -> int:
        """Rows that were taken and have no valid e-mail."""
        if self.rows is None or self.table != "order_file_rows":
            return 0
        return list(self.rows["email"].isna()).count(True)

    @property
    def quarantined_by_rule(self) -> dict[str, int]:
        """Rows by the rule that they break, as `column rule`; a row can break several."""
        if self.quarantined is None or self.quarantined.empty:
            return {}
        names = self.quarantined["column_name"] + " " + self.quarantined["rule"]
        return {str(name): int(count) for name, count in names.value_counts(sort=False).items()}


def judge_files(contents: Sequence[FileContent], tools: "LoadTools") -> list[JudgedFile]:
    """Read and judge contents: a validation for each kind of feed and one for the files, however many they are.

    Raises:
        GateError: Great Expectations itself failed.
    """
    contents, readings = read_without_forgotten(contents, tools)
    bad_cells: list[pandas.DataFrame | None] = [None] * len(readings)
    for kind in dict.fromkeys(source.kind.kind for source in contents):
        places = [place for place, source in enumerate(contents) if source.kind.kind == kind]
        for place, bad in zip(places, _judge_rows(kind, [readings[p] for p in places], tools.gate), strict=True):
            bad_cells[place] = bad
    for source, reading, bad in zip(contents, readings, bad_cells, strict=True):
        _note_rejections(source, reading, bad)
    broken = tools.gate.broken_files([reading.shape for reading in readings])
    judged = []
    for place, (source, reading, bad) in enumerate(zip(contents, readings, bad_cells, strict=True)):
        reason = refusal(reading.shape, broken[place]) if place in broken else ""
        rows = quarantined = None
        if reading.rows is not None and bad is not None:
            rows = reading.rows.drop(index=bad["place"].unique()) if len(bad) else reading.rows
            rows = rows.assign(file_date=_midnight(source.file_date), **{source.kind.file_columns[0]: source.name})
            quarantined = _as_table(bad, reading.rows, source)
        judged.append(
            JudgedFile(source, reason, reading.shape.row_count or 0, rows, quarantined, reading.forgotten_count)
        )
    return judged


def read_without_forgotten(
    contents: Sequence[FileContent], tools: "LoadTools"
) -> tuple[list[FileContent], list[FileReading]]:
    """Read contents, those with somebody in them who is forgotten in what is left of them."""
    readings = [read_file(source, tools.reader(source.feed), tools.today) for source in contents]
    if not tools.erasure:
        return list(contents), readings
    for reading in readings:  # all of them first: files of lines or parcels name no address
        if reading.rows is not None:
            tools.erasure.note_orders(orders_of_forgotten(reading.rows, tools.erasure))
    left = list(contents)
    for place, (source, reading) in enumerate(zip(contents, readings, strict=True)):
        if reading.rows is not None:
            left[place] = without_forgotten(source, reading.rows, tools.erasure)
        if left[place] is not source:
            readings[place] = read_file(left[place], tools.reader(source.feed), tools.today)
    return left, readings


def _judge_rows(kind: str, readings: list[FileReading], gate: Gate) -> "list[pandas.DataFrame | None]":
    """For each file that could be read: place in the file, column, rule and kind of each bad cell."""
    import numpy
    import pandas

    kinds = [reading.kinds for reading in readings if reading.kinds is not None]
    if not kinds:
        return [None] * len(readings)
    # The index runs through all files, so a failing index says the file and the place in it.
    ends = numpy.cumsum([len(frame) for frame in kinds])
    broken = [
        pandas.DataFrame(
            {"place": rows.places, "column_name": rows.column, "rule": rows.rule, "value_kind": rows.kinds}
        )
        for rows in gate.broken_rows(kind, pandas.concat(kinds, ignore_index=True))
    ]
    columns = ["place", "column_name", "rule", "value_kind"]
    cells = pandas.concat(broken, ignore_index=True) if broken else pandas.DataFrame(columns=columns)
    places = cells["place"].to_numpy(dtype="int64")
    file_of = numpy.searchsorted(ends, places, side="right")
    cells["place"] = places - numpy.concatenate([[0], ends])[file_of]
    by_file = dict(iter(cells.groupby(file_of)))
    nothing = cells.iloc[:0]
    readable = iter(range(len(kinds)))
    return [None if reading.kinds is None else by_file.get(next(readable), nothing) for reading in readings]


def _note_rejections(source: FileContent, reading: FileReading, bad: "pandas.DataFrame | None") -> None:
    """Tell the shape how many rows were rejected, and of what most, so that the file rules can judge it."""
    if reading.rows is None or bad is None or bad.empty:
        return
    shape = reading.shape
    shape.rejected_count = len(set(bad["place"]))
    if shape.rejected_count > MOST_REJECTED_ROWS:
        shape.rejected_rate = shape.rejected_count / (shape.row_count or 1)
    names = bad["column_name"] + " breaks " + bad["rule"]
    lines = reading.rows[source.kind.file_columns[1]].to_numpy()
    shape.first_rejections = ", ".join(
        f"{name} in {count}, the first on line {lines[min(bad['place'][names == name])]}"
        for name, count in Counter(names).most_common(3)
    )


def _as_table(bad: "pandas.DataFrame", rows: "pandas.DataFrame", source: FileContent) -> "pandas.DataFrame":
    """Bad cells as rows of `quarantined_rows`, in the order of the file."""
    import pandas

    if bad.empty:
        return pandas.DataFrame()
    bad = bad.sort_values("place", kind="stable")
    bad_rows = rows.loc[bad["place"]]
    # What a contact did may name an order and says nothing about it: no reason to hold the order's messages back.
    states_orders = "order_number" in bad_rows and source.kind.kind != "feedback"
    return pandas.DataFrame(
        {
            "file_date": _midnight(source.file_date),
            "order_file": source.name,
            "order_file_line": bad_rows[source.kind.file_columns[1]].to_numpy(),
            "column_name": bad["column_name"].to_numpy(),
            "rule": bad["rule"].to_numpy(),
            "value_kind": bad["value_kind"].to_numpy(),
            "merchant": bad_rows["merchant"].to_numpy(),
            "order_number": bad_rows["order_number"].to_numpy() if states_orders else None,
        }
    )


def _midnight(day: date) -> "numpy.datetime64":
    import numpy

    return numpy.datetime64(day, "s")
