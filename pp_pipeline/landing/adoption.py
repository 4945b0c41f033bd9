"""Adopting unread files: read, judge, archive, record, in this order (DESIGN 6).

From the record on, the content is in force, whatever happens to the warehouse or to the inbox, and so is what
it says of who may be written to. Where somebody is in it who is forgotten, what is judged, archived and recorded is the
content without, and it takes the file's place in the inbox.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pp_pipeline.forgetting.known import Redaction
from pp_pipeline.forgetting.replacing import replace_in_inbox
from pp_pipeline.landing import archive
from pp_pipeline.landing.file_ledger import FileRecord, record_files
from pp_pipeline.landing.files import InboxFile
from pp_pipeline.landing.first_look import first_look
from pp_pipeline.landing.judging import FileContent, JudgedFile, judge_files
from pp_pipeline.landing.result import LandedFile
from pp_pipeline.landing.suppressing import changes_of
from pp_pipeline.landing.tools import LoadTools
from pp_pipeline.settings import utc_now

if TYPE_CHECKING:
    from pp_pipeline.ledger.store import Ledger
    from pp_pipeline.ledger.suppressions import Change


@dataclass(frozen=True)
class Adoption:
    """What came of unread files; of the accepted ones, by name, the judged content and the record too."""

    files: list[LandedFile]
    judged: dict[str, JudgedFile]
    records: dict[str, FileRecord]


def adopt_files(
    files: list[InboxFile], in_force: Mapping[str, FileRecord], tools: LoadTools, ledger: "Ledger"
) -> Adoption:
    """Judge unread files and adopt the good ones.

    Raises:
        GateError: Great Expectations itself failed; none of these files was adopted.
    """
    adoption = Adoption([], {}, {})
    if not files:
        return adoption
    seen_at = utc_now()
    contents = []
    records = []
    looked_at: dict[str, _LookedAt] = {}
    for file in files:
        hopeless = _hopeless(file)
        if hopeless:
            records.append(_refused_by_a_look(file, hopeless, seen_at, tools.rules))
            adoption.files.append(LandedFile(file.name, file.file_date, "refused", hopeless, file.sha256, file.size))
            continue
        found, reason = _read_settled(file)
        if found is None:
            reason = f"{file.name}: {reason}"
            adoption.files.append(LandedFile(file.name, file.file_date, "left_for_later", reason))
            continue
        looked_at[file.name] = found
        content = _without_known_forgotten(found, tools)
        contents.append(FileContent(file.name, file.file_date, archive.hash_of(content), content, file.feed))
    changes: dict[str, list[Change]] = {}
    for judged in judge_files(contents, tools):
        source = judged.source
        keeps_forgotten = not _take_out_forgotten(looked_at[source.name], judged, tools)
        former = in_force.get(source.name)
        came_again = former is not None and (former.sha256, former.file_date) == (source.sha256, source.file_date)
        if came_again and looked_at[source.name].sha256 != source.sha256:
            continue  # the content that is in force, with somebody in it who is forgotten
        record = FileRecord(
            name=source.name,
            file_date=source.file_date,
            sha256=source.sha256,
            size=len(source.content),
            row_count=judged.row_count,
            quarantined_count=judged.quarantined_count,
            outcome="refused" if judged.refusal else "accepted",
            reason=judged.refusal,
            first_seen_at=seen_at,
            adopted_at=None if judged.refusal else utc_now(),
            rules_hash=tools.rules,
        )
        records.append(record)
        adoption.files.append(_as_landed(judged, former is not None, keeps_forgotten))
        if record.is_accepted:
            adoption.judged[source.name] = judged
            adoption.records[source.name] = record
            changes[source.name] = changes_of(judged, tools.merchants)
    record_files(ledger, records, changes)
    return adoption


def _hopeless(file: InboxFile) -> str:
    """Why a file need not be read at all, or nothing."""
    try:
        reason = first_look(file.path)
    except OSError:  # then reading it says what is the matter
        return ""
    return f"{file.name}: {reason}" if reason else ""


def _refused_by_a_look(file: InboxFile, reason: str, seen_at: datetime, rules: str) -> FileRecord:
    return FileRecord(file.name, file.file_date, file.sha256, file.size, 0, 0, "refused", reason, seen_at, None, rules)


@dataclass(frozen=True)
class _LookedAt:
    """A file of the inbox as it was read."""

    path: Path
    content: bytes
    stat: os.stat_result

    @property
    def sha256(self) -> str:
        return archive.hash_of(self.content)


def _without_known_forgotten(found: _LookedAt, tools: LoadTools) -> bytes:
    """What took the place of this very content before, if it did and is there."""
    redaction = tools.erasure.redactions.get(found.sha256) if tools.erasure else None
    if redaction is None:
        return found.content
    try:
        return archive.fetch(tools.settings, redaction.sha256)
    except archive.ArchiveError:
        return found.content


def _take_out_forgotten(found: _LookedAt, judged: JudgedFile, tools: LoadTools) -> bool:
    """Archive what was judged and, where it is another content than was read, put it into the inbox.

    Returns whether the inbox's file holds nobody who is forgotten.
    """
    source = judged.source
    is_other = tools.erasure is not None and found.sha256 != source.sha256
    if not judged.refusal:
        archive.keep(tools.settings, source.sha256, source.content)
    if is_other and tools.erasure:
        tools.erasure.note_redaction(found.sha256, Redaction(source.sha256, len(source.content)))
    return replace_in_inbox(found.path, source.content, found.stat) if is_other else True


def _read_settled(file: InboxFile) -> tuple[_LookedAt | None, str]:
    """The content, or why it can't be taken now: it is still being written, is gone, or may not be read."""
    try:
        before = os.stat(file.path)
        content = file.path.read_bytes()
        after = os.stat(file.path)
    except OSError as error:
        return None, f"can't be read now ({type(error).__name__})"
    sizes = {file.size, before.st_size, len(content), after.st_size}
    if len(sizes) > 1 or before.st_mtime_ns != after.st_mtime_ns:
        return None, "is still being written"
    return _LookedAt(file.path, content, after), ""


def _as_landed(judged: JudgedFile, is_correction: bool, keeps_forgotten: bool) -> LandedFile:
    return LandedFile(
        name=judged.source.name,
        file_date=judged.source.file_date,
        outcome="refused" if judged.refusal else "accepted",
        reason=judged.refusal,
        sha256=judged.source.sha256,
        size=len(judged.source.content),
        row_count=judged.row_count,
        quarantined_count=judged.quarantined_count,
        without_contact_count=judged.without_contact_count,
        forgotten_count=judged.forgotten_count,
        keeps_forgotten=keeps_forgotten,
        is_correction=is_correction,
        quarantined_by_rule=judged.quarantined_by_rule,
    )
