"""The file ledger: every content of an order file that was ever looked at, in the table `files`.

In force under a name is its accepted row with the largest id; rows are added, never changed. So
what was in force at any time can be told from `adopted_at` (DESIGN 7, the second clock). Only `pp forget` changes
rows: their hash and size become those of the content without the person, and nothing else of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from pp_pipeline.ledger import schema

if TYPE_CHECKING:
    from pp_pipeline.ledger.store import Ledger
    from pp_pipeline.ledger.suppressions import Change


@dataclass(frozen=True)
class FileRecord:
    """One row of `files`: a content under a name, and what came of it."""

    name: str
    file_date: date
    sha256: str
    size: int
    row_count: int
    quarantined_count: int
    outcome: str
    reason: str
    first_seen_at: datetime
    adopted_at: datetime | None
    rules_hash: str = ""

    @property
    def is_accepted(self) -> bool:
        """Whether it was adopted, so that it is or was in force."""
        return self.outcome == "accepted"


def all_records(ledger: "Ledger") -> list[FileRecord]:
    """Every row of `files`, oldest first."""
    from sqlalchemy import select

    columns = [schema.files.c[name] for name in FileRecord.__dataclass_fields__]
    with ledger.reading() as connection:
        return [FileRecord(*row) for row in connection.execute(select(*columns).order_by(schema.files.c.id))]


def files_in_force(records: Iterable[FileRecord]) -> dict[str, FileRecord]:
    """The accepted content of each name that counts now, out of all records, oldest first."""
    return {record.name: record for record in records if record.is_accepted}


def record_files(
    ledger: "Ledger", records: list[FileRecord], changes: "Mapping[str, Sequence[Change]] | None" = None
) -> None:
    """Write what came of files, in one transaction; this is the moment at which contents are adopted.

    With a content, and in the same transaction, goes what it says of who may be written to (`changes`, by name).

    What is already the name's newest row is not written again: a content that is in force, or one refused for
    the same reason. A content that was refused before keeps the time at which it was first seen.
    """
    from sqlalchemy import insert, select

    from pp_pipeline.ledger.suppressions import apply_changes

    if not records:
        return
    names = [record.name for record in records]
    columns = [schema.files.c[name] for name in FileRecord.__dataclass_fields__]
    with ledger.writing() as connection:
        known = select(*columns).where(schema.files.c.name.in_(names)).order_by(schema.files.c.id)
        newest = {row.name: FileRecord(*row) for row in connection.execute(known)}
        rows = []
        for record in records:
            last = newest.get(record.name)
            if last is not None and _is_told_again(record, last):
                continue
            values = dict(vars(record))
            if last is not None and last.sha256 == record.sha256:
                values["first_seen_at"] = last.first_seen_at
            rows.append(values)
        if rows:
            connection.execute(insert(schema.files), rows)
            for row in sorted(rows, key=lambda row: row["file_date"]):
                apply_changes(connection, (changes or {}).get(row["name"], ()))


def _is_told_again(record: FileRecord, last: FileRecord) -> bool:
    """Whether a record says what the name's newest row says already: of a refusal, for the same reason and rules."""
    if (last.sha256, last.file_date, last.outcome) != (record.sha256, record.file_date, record.outcome):
        return False
    return record.is_accepted or (last.reason, last.rules_hash) == (record.reason, record.rules_hash)


def record_changes(ledger: "Ledger", changes: "Sequence[Change]") -> None:
    """Write what contents that are in force say of who may be written to; saying it once more changes nothing."""
    from pp_pipeline.ledger.suppressions import apply_changes

    if changes:
        with ledger.writing() as connection:
            apply_changes(connection, changes)
