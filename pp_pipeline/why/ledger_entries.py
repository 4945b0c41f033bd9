"""What the ledger knows of files and of who may be written to, as entries of a story."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row, select

from pp_pipeline.landing.file_ledger import FileRecord, all_records, files_in_force
from pp_pipeline.ledger.schema import suppressions
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.why.entries import FileContent, SuppressionChange


def suppression_changes(ledger: Ledger, contact_key: str) -> list[SuppressionChange]:
    """When a contact was put on the suppression list and taken off, in order."""
    query = select(suppressions).where(suppressions.c.contact_key == contact_key).order_by(suppressions.c.id)
    with ledger.reading() as connection:
        rows = connection.execute(query).all()
    found = [_suppression_change(row, row.created_at, is_lifted=False) for row in rows]
    found += [_suppression_change(row, row.lifted_at, is_lifted=True) for row in rows if row.lifted_at]
    return sorted(found, key=lambda one: one.on)


def contents(ledger: Ledger, names: Collection[str]) -> dict[str, list[FileContent]]:
    """Every content that was ever looked at under these names of files, oldest first."""
    records = [record for record in all_records(ledger) if record.name in names]
    in_force = files_in_force(records)
    found: dict[str, list[FileContent]] = {}
    for record in records:
        outcome = "in_force" if in_force.get(record.name) is record else "replaced"
        found.setdefault(record.name, []).append(_content(record, outcome if record.is_accepted else "refused"))
    return found


def moment(at: datetime | None) -> str:
    """A time of the ledger, to the minute."""
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "at an unknown time"


def _suppression_change(row: Row[Any], at: datetime, is_lifted: bool) -> SuppressionChange:
    scope = f"{row.channel or 'every channel'}, {row.kind or 'every kind'}"
    said = "suppression lifted" if is_lifted else "suppressed"
    by = "" if is_lifted or not row.source else f", by {row.source}"
    text = f"{said} ({scope}): {row.reason}{by}"
    return SuppressionChange(
        on=at.date(), text=text, channel=row.channel, kind=row.kind, reason=row.reason, is_lifted=is_lifted
    )


def _content(record: FileRecord, outcome: Literal["in_force", "replaced", "refused"]) -> FileContent:
    words = {"in_force": "in force", "replaced": "replaced since", "refused": f"refused: {record.reason}"}[outcome]
    adopted = f", adopted {moment(record.adopted_at)}" if record.adopted_at else ""
    text = f"{record.name}: content {record.sha256[:8]} first seen {moment(record.first_seen_at)}{adopted}, {words}"
    return FileContent(
        on=record.file_date,
        text=text,
        order_file=record.name,
        sha256=record.sha256,
        outcome=outcome,
        reason=record.reason,
        first_seen_at=record.first_seen_at,
        adopted_at=record.adopted_at,
    )
