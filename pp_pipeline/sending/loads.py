"""A sending in loads: the batches that are read and sent together, and how far it is."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from pp_pipeline.sending.batches import Batch
from pp_pipeline.sending.lane import BatchReport

LOAD_ROWS = 20_000

Progress = Callable[[int, int], None]
"""Called with the deliveries done and those in all, as far as they were read."""


def loads(ready: Sequence[BatchReport], priority: Callable[[Batch], int]) -> Iterator[list[BatchReport]]:
    """The batches in groups that are read at once: as few openings of the warehouse as memory allows; what is of
    one priority and day is never torn apart."""

    def place(report: BatchReport) -> tuple[int, date]:
        return (-priority(report.batch), report.batch.day)

    load: list[BatchReport] = []
    rows = 0
    for _, group in groupby(sorted(ready, key=place), key=place):
        reports = list(group)
        more = sum(report.batch.row_count for report in reports)
        if load and rows + more > LOAD_ROWS:
            yield load
            load, rows = [], 0
        load += reports
        rows += more
    if load:
        yield load


@dataclass
class Count:
    """How far a sending is."""

    total: int
    progress: Progress | None
    done: int = 0

    @classmethod
    def of(cls, ready: Sequence[BatchReport], progress: Progress | None) -> "Count":
        """The count of a sending of these batches."""
        return cls(sum(_deliveries(report.batch) for report in ready), progress)

    def add(self, count: int) -> None:
        """So many more were looked at."""
        self.done += count
        if self.progress:
            self.progress(self.done, self.total)


def _deliveries(batch: Batch) -> int:
    """A snapshot is one delivery, however many members it has."""
    return 1 if batch.id.kind == "snapshot" else batch.row_count
