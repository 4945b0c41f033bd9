"""The dated feedback files in the inbox, one for each day: whole lines, synced before anybody is told yes.

They are landed like any feedback file, again and again as they grow. The day is that of the taking in, by the
merchant's clock.
"""

import csv
import fcntl
import io
import os
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from threading import Lock

from pp_pipeline.merchants import Merchant
from pp_pipeline.serving.lately import Lately
from pp_pipeline.serving.rows import COLUMNS, FeedbackRow


class FeedbackFiles:
    """Appends rows to the files of an inbox. Threads and processes may do so at once."""

    def __init__(self, inbox: Path) -> None:
        self._inbox = inbox
        self._lock = Lock()
        # What a provider tells again within hours need not stand in the file again.
        self._written = Lately()

    def append(self, rows: Sequence[tuple[Merchant, FeedbackRow]], now: datetime) -> None:
        """Append rows, and sync. Rows whose merchant and id this process wrote lately are left out.

        Raises:
            OSError: they could not be written; what was begun was taken back as far as the system lets it.
        """
        with self._lock:
            new = {(row.merchant, row.feedback_id): (merchant, row) for merchant, row in rows}
            new = {identity: found for identity, found in new.items() if identity not in self._written}
            by_day: dict[date, list[FeedbackRow]] = {}
            for merchant, row in new.values():
                by_day.setdefault(now.astimezone(merchant.zone_info).date(), []).append(row)
            for day, some in by_day.items():
                self._append(self._inbox / file_name(day), _lines([row.in_columns() for row in some]))
            for identity in new:
                self._written.add(identity)

    def _append(self, path: Path, lines: bytes) -> None:
        descriptor = _open_locked(path)
        try:
            end = _end_of_whole_lines(descriptor)
            if end == 0:
                lines = _lines([list(COLUMNS)]) + lines
            try:
                _write_all(descriptor, lines)
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, end)
                raise
        finally:
            os.close(descriptor)
        if end == 0:  # the name of a new file has to last as well
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def file_name(day: date) -> str:
    """The name under which the plain feedback feed takes it."""
    return f"feedback_{day:%Y-%m-%d}_serve.csv"


def _open_locked(path: Path) -> int:
    """The file, ours alone. It may have been replaced while we waited: then the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _end_of_whole_lines(descriptor: int) -> int:
    """Where the next line begins. A line that a crash cut off goes: nobody was told that it was taken in."""
    size = os.fstat(descriptor).st_size
    end, piece = size, 4096
    while end:
        start = max(0, end - piece)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end < size:
        os.ftruncate(descriptor, end)
    return end


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue().encode("utf-8", "replace")
