"""Taking somebody out of all files of the home: the archive's contents and the inbox (DESIGN 6).

Two rounds. The first reads everything and notes the person's orders, since files of lines or parcels name no address;
the second rewrites. Run under the lock that a load takes; killed at any point, running it again completes it.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from pp_pipeline.forgetting.known import Erasure, Redaction
from pp_pipeline.forgetting.redacting import cells_of, orders_of_forgotten, without_forgotten
from pp_pipeline.forgetting.replacing import replace_in_archive, replace_in_inbox
from pp_pipeline.forgetting.searching import Search
from pp_pipeline.landing import archive
from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.file_ledger import FileRecord, all_records, files_in_force
from pp_pipeline.landing.file_names import read_name
from pp_pipeline.landing.files import scan_inbox
from pp_pipeline.landing.judging import FileContent
from pp_pipeline.landing.reading import read_file
from pp_pipeline.landing.tools import LoadTools
from pp_pipeline.merchants import Merchant
from pp_pipeline.settings import Settings

if TYPE_CHECKING:
    import pandas

    from pp_pipeline.ledger.store import Ledger

Progress = Callable[[str, int, int], None]


@dataclass
class FilesFound:
    """What the files held of somebody.

    Attributes:
        contents: of the archive, with the person in them.
        inbox: files of the inbox with the person in them.
        rows: the person's rows in the contents of the archive, and in files of the inbox that are not archived.
        days: file dates of the accepted contents among them.
        stuck: files, by their path in the home, that hold the address and could not be read or replaced, each with why.
        searched: the files that were looked at, by their feed where that can read them.
    """

    contents: int = 0
    inbox: int = 0
    rows: int = 0
    days: set[date] = field(default_factory=set)
    stuck: list[tuple[str, str]] = field(default_factory=list)
    searched: set[Path] = field(default_factory=set)


class FileRounds:
    """The two rounds over archive and inbox.

    Args:
        erasure: who is forgotten, the person among them.
        search: for the person's address in what can't be read.
        progress: told what was done, and how many of how many.
    """

    def __init__(
        self,
        settings: Settings,
        ledger: "Ledger",
        merchants: Mapping[str, Merchant],
        erasure: Erasure,
        search: Search,
        progress: Progress,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._erasure = erasure
        self._search = search
        self._progress = progress
        self._tools = LoadTools(settings, merchants, date.max, erasure)
        self._found = FilesFound()

    def run(self, writes: bool) -> FilesFound:
        """Look, and where `writes`, take the person out.

        Raises:
            ArchiveError: a content of the archive that is in force is missing or damaged. What was done until then
                stays done. One that a later content took the place of is told as stuck.
        """
        archived = self._archived()
        in_force = {record.sha256 for record in files_in_force(all_records(self._ledger)).values()}
        inbox = list(self._in_inbox())
        total = 2 * (len(archived) + len(inbox))
        done = 0
        for sha256, records in list(archived.items()):
            try:
                content = archive.fetch(self._settings, sha256)
            except archive.ArchiveError as error:
                if sha256 in in_force:
                    raise
                self._found.stuck.append((f"archive/{sha256}", _missing(error)))
                del archived[sha256]
                total -= 2
                continue
            for source in self._sources(content, sha256, records):
                self._note_orders(source)
            self._progress("files read", done := done + 1, total)
        for source, *_ in inbox:
            self._note_orders(source)
            self._progress("files read", done := done + 1, total)
        for sha256, records in archived.items():
            self._redact_archived(sha256, records, writes)
            self._progress("files read", done := done + 1, total)
        for source, path, stat in inbox:
            self._redact_in_inbox(source, path, stat, source.sha256 in archived, writes)
            self._progress("files read", done := done + 1, total)
        if writes:
            self._drop_leavings()
        return self._found

    def _archived(self) -> dict[str, list[FileRecord]]:
        """The accepted contents, each with its rows of the ledger."""
        found: dict[str, list[FileRecord]] = {}
        for record in all_records(self._ledger):
            if record.is_accepted:
                found.setdefault(record.sha256, []).append(record)
        return found

    def _in_inbox(self) -> Iterator[tuple[FileContent, Path, os.stat_result]]:
        for file in scan_inbox(self._settings, self._tools.feeds).files:
            try:
                stat = file.path.stat()
                content = file.path.read_bytes()
            except OSError as error:
                self._found.stuck.append((f"inbox/{file.name}", f"can't be read ({type(error).__name__})"))
                continue
            sha256 = archive.hash_of(content)
            yield FileContent(file.name, file.file_date, sha256, content, file.feed), file.path, stat

    def _sources(self, content: bytes, sha256: str, records: Sequence[FileRecord]) -> list[FileContent]:
        """A content as each feed reads it that takes one of its names; mostly that is one."""
        by_feed: dict[Feed, FileRecord] = {}
        for record in records:
            if feed := read_name(record.name, self._tools.feeds).feed:
                by_feed.setdefault(feed, record)
        return [FileContent(record.name, record.file_date, sha256, content, feed) for feed, record in by_feed.items()]

    def _rows(self, source: FileContent) -> "pandas.DataFrame | None":
        return read_file(source, self._tools.reader(source.feed), date.max).rows

    def _note_orders(self, source: FileContent) -> None:
        rows = self._rows(source)
        if rows is not None:
            self._erasure.note_orders(orders_of_forgotten(rows, self._erasure))

    def _redacted(self, source: FileContent, counts: bool) -> FileContent | None:
        """The content without; None where it can't be read."""
        rows = self._rows(source)
        if rows is None:
            return None
        if counts:
            self._found.rows += sum(key in self._erasure.contacts for key in cells_of(rows, "contact_key"))
        return without_forgotten(source, rows, self._erasure)

    def _redact_archived(self, sha256: str, records: Sequence[FileRecord], writes: bool) -> None:
        content = left = archive.fetch(self._settings, sha256)
        sources = self._sources(content, sha256, records)
        is_read = bool(sources)
        for source in sources:
            found = self._redacted(
                FileContent(source.name, source.file_date, sha256, left, source.feed), counts=left is content
            )
            is_read = is_read and found is not None
            left = found.content if found else left
        path = archive.archived_file(self._settings, sha256)
        if left != content:
            self._found.contents += 1
            self._found.days |= {record.file_date for record in records}
            if writes:
                redaction = replace_in_archive(self._settings, self._erasure, sha256, left)
                path = archive.archived_file(self._settings, redaction.sha256)
        self._found.searched.add(path)
        if not is_read and self._search.is_in(left):
            why = f"is a content of {records[-1].name} that no feed can read; declare one that does, and forget again"
            self._found.stuck.append((f"archive/{path.name}", why))

    def _redact_in_inbox(
        self, source: FileContent, path: Path, stat: os.stat_result, is_archived: bool, writes: bool
    ) -> None:
        known = self._erasure.redactions.get(source.sha256)
        left = None
        if known is not None and archive.archived_file(self._settings, known.sha256).exists():
            left = archive.fetch(self._settings, known.sha256)
        elif (found := self._redacted(source, counts=not is_archived)) is not None:
            left = found.content
        self._found.searched.add(path)
        if left is None:
            if self._search.is_in(source.content):
                self._found.stuck.append(
                    (f"inbox/{source.name}", "can't be read by its feed; delete it, or have it sent again")
                )
            return
        if left == source.content:
            return
        self._found.inbox += 1
        if writes:
            if known is None:
                self._erasure.note_redaction(source.sha256, Redaction(archive.hash_of(left), len(left)))
            if not replace_in_inbox(path, left, stat):
                why = "can't be replaced in the inbox; delete it, or let it be written to and forget again"
                self._found.stuck.append((f"inbox/{source.name}", why))

    def _drop_leavings(self) -> None:
        """Delete what a kill left behind: archived contents that the ledger does not name, with the person in them,
        and drafts."""
        named = {record.sha256 for record in all_records(self._ledger) if record.is_accepted}
        for path in self._settings.archive.iterdir() if self._settings.archive.exists() else ():
            sha256 = path.name.removesuffix(".csv")
            if sha256 in named:
                continue
            if sha256 in self._erasure.redactions or path.name.endswith(".draft") or self._search.is_in_file(path):
                path.unlink()
        for path in self._settings.inbox.rglob(".*.draft"):
            path.unlink()


def _missing(error: archive.ArchiveError) -> str:
    return (
        f"is of an earlier content of a file, so no day needs it, and it can't be searched: {error}, and forget again; "
        "or delete it there and leave it at that"
    )
