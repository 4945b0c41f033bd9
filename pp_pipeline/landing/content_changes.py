"""What the contents that came after some moment say otherwise of an order or a contact than those before them.

By the second clock (DESIGN 7): not when a file is dated but when a content was first seen. Both contents are read out
of the archive, by the feed that takes the name now, and their rows compared by order and by contact; files whose
content is the same as then are not read.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from pp_pipeline.landing.content_rows import ContentRows, content_rows
from pp_pipeline.landing.file_ledger import FileRecord
from pp_pipeline.landing.tools import LoadTools
from pp_pipeline.merchants import Merchant
from pp_pipeline.settings import Settings


class Subject(NamedTuple):
    """What rows speak of: `column` is order_number or contact_key."""

    merchant: str
    column: str
    value: str


@dataclass(frozen=True)
class Change:
    """A row that a file did not have before, or has no more (`is_withdrawn`; the line is then of the former content).

    `order_number` is the one that the row states, where it states one. `is_first`: no row of the file spoke of the
    subject before.
    """

    file: str
    file_date: date
    line: int
    order_number: str | None
    is_withdrawn: bool = False
    is_first: bool = False


# Of a content: the rows of each subject, by their hash, each with its line and order number.
_Rows = dict[Subject, dict[int, tuple[int, str | None]]]


class ContentChanges:
    """Compares the contents in force with those of any earlier moment, for some subjects.

    Args:
        records: every row of `files`, oldest first.
        subjects: what may be asked for: rows of others are not kept.
    """

    def __init__(
        self,
        settings: Settings,
        merchants: Mapping[str, Merchant],
        records: Sequence[FileRecord],
        subjects: Collection[Subject],
    ) -> None:
        self._tools = LoadTools(settings, merchants)
        self._values = {
            column: {one.value for one in subjects if one.column == column}
            for column in ("order_number", "contact_key")
        }
        self._accepted: dict[str, list[FileRecord]] = {}
        for record in records:
            if record.is_accepted:
                self._accepted.setdefault(record.name, []).append(record)
        self._newest = sorted(
            (contents[-1] for contents in self._accepted.values()),
            key=lambda record: (record.file_date, record.name),
            reverse=True,
        )
        self._changed: dict[tuple[datetime, date], list[FileRecord]] = {}
        self._rows: dict[tuple[str, str], _Rows] = {}

    def changed_files(self, since: datetime, until: date) -> list[FileRecord]:
        """The files dated up to `until` whose content in force is another than it was at `since`, newest first."""
        if (since, until) not in self._changed:  # the rows of a batch ask for the same
            self._changed[since, until] = [
                record
                for record in self._newest
                if record.file_date <= until
                and record.first_seen_at > since
                and self._before(record, since) != record.sha256
            ]
        return self._changed[since, until]

    def of(self, subject: Subject, since: datetime, until: date) -> list[Change]:
        """A row of each of these files that says something else of the subject now, newest file first."""
        found = []
        for record in self.changed_files(since, until):
            now = self._read(record.name, record.file_date, record.sha256).get(subject, {})
            former = self._before(record, since)
            before = self._read(record.name, record.file_date, former).get(subject, {}) if former else {}
            for rows, others, is_withdrawn in ((now, before, False), (before, now, True)):
                differing = [row for said, row in rows.items() if said not in others]
                if differing:
                    line, order_number = min(differing, key=lambda row: row[0])
                    found.append(Change(record.name, record.file_date, line, order_number, is_withdrawn, not before))
                    break
        return found

    def _before(self, record: FileRecord, since: datetime) -> str:
        """The hash of the content that the file had at that moment; '' where it had none."""
        known = [one.sha256 for one in self._accepted[record.name] if one.first_seen_at <= since]
        return known[-1] if known else ""

    def _read(self, name: str, file_date: date, sha256: str) -> _Rows:
        if (name, sha256) not in self._rows:
            self._rows[name, sha256] = self._rows_of(name, file_date, sha256)
        return self._rows[name, sha256]

    def _rows_of(self, name: str, file_date: date, sha256: str) -> _Rows:
        """The rows of the subjects; none where nothing can read the content any more."""
        content = content_rows(self._tools, name, file_date, sha256)
        found: _Rows = {}
        if content is None:
            return found
        for column, values in self._values.items():
            if column not in content.rows or not values:
                continue
            is_wanted = content.rows[column].isin(list(values))
            some = ContentRows(content.rows.loc[is_wanted], content.kind)
            numbers = some.rows["order_number"] if "order_number" in some.rows else [None] * len(some.rows)
            for merchant, value, row_hash, line, number in zip(
                some.rows["merchant"], some.rows[column], some.hashes(), some.rows[some.line_column], numbers,
                strict=True,
            ):  # fmt: skip
                states = found.setdefault(Subject(merchant, column, value), {})
                states.setdefault(row_hash, (int(line), number))
        return found
