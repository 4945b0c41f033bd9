"""Which files of the inbox are order files, and which of them are unread (DESIGN 6).

An order file is `orders_YYYY-MM-DD.csv`; a second one of the same day has something after the date, as
`orders_2026-10-01_2.csv`. Of several files of a day that state the same order, the last by name wins,
bytewise: `-` sorts before `.`, and `.` before `_`, so `_2` wins over the plain name and `-late` does not.
"""

import hashlib
import os
import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pp_pipeline.landing.columns import EARLIEST_FILE_DATE
from pp_pipeline.landing.file_ledger import FileRecord, all_records, files_in_force
from pp_pipeline.settings import Settings

if TYPE_CHECKING:
    from pp_pipeline.ledger.store import Ledger

_NAME = re.compile(r"orders_([0-9]{4}-[0-9]{2}-[0-9]{2})([._-][A-Za-z0-9._-]*)?\.csv")
_HOW_TO_NAME = "name it orders_YYYY-MM-DD.csv, a second one of that day orders_YYYY-MM-DD_2.csv"
_NEARLY = re.compile(r"orders?[ ._-]?[0-9].*\.csv", re.IGNORECASE)


@dataclass(frozen=True)
class InboxFile:
    """An order file in the inbox, as it stood when the inbox was looked at."""

    name: str
    path: Path
    file_date: date
    size: int

    @cached_property
    def sha256(self) -> str:
        """Hash of the content, read when first asked for, in pieces. Raises OSError when it can't be read."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @property
    def is_dated_too_early(self) -> bool:
        """Whether its date is a slip: no day of ours begins so early."""
        return self.file_date < EARLIEST_FILE_DATE


@dataclass(frozen=True)
class Inbox:
    """What is in the inbox: order files, names that are nearly one's (each with why not), other names."""

    files: tuple[InboxFile, ...]
    misnamed: tuple[tuple[str, str], ...]
    unrecognised: tuple[str, ...]


@dataclass(frozen=True)
class UnreadFile:
    """An order file whose content differs from what is in force under its name.

    `refused_before`: this very content was refused, for `reason`, and nothing else was looked at under the name
    since. It stays unread, but a sensor need not ask for it again.
    """

    file: InboxFile
    refused_before: bool
    reason: str = ""


def scan_inbox(settings: Settings) -> Inbox:
    """Look at the inbox: names and sizes only. Half-written (`.part`) and hidden files are left alone."""
    files: list[InboxFile] = []
    misnamed: list[tuple[str, str]] = []
    unrecognised: list[str] = []
    paths = list(settings.inbox.iterdir()) if settings.inbox.is_dir() else []
    for path in sorted(paths, key=lambda path: os.fsencode(path.name)):
        if path.name.startswith(".") or path.name.endswith(".part"):
            continue
        try:
            size = path.stat().st_size if path.is_file() else None
        except OSError:  # gone since the folder was listed
            continue
        name = os.fsencode(path.name).decode(errors="replace")  # a name that is not UTF-8 can be told, too
        file_date, fault = date_in_name(name)
        if fault:
            misnamed.append((name, fault))
        elif file_date is None or size is None:
            unrecognised.append(name)
        else:
            files.append(InboxFile(name, path, file_date, size))
    return Inbox(tuple(files), tuple(misnamed), tuple(unrecognised))


def date_in_name(name: str) -> tuple[date | None, str]:
    """The file date in a name and "", or no date and why a name that is nearly an order file's has none."""
    match = _NAME.fullmatch(name)
    if match:
        try:
            return date.fromisoformat(match[1]), ""
        except ValueError:
            return None, f"{name}: there is no day {match[1]}; {_HOW_TO_NAME}"
    if _NEARLY.fullmatch(name):
        return None, f"{name}: no file date can be read from its name; {_HOW_TO_NAME}"
    return None, ""


def unread_files(settings: Settings, ledger: "Ledger", through: date) -> list[UnreadFile]:
    """Order files dated up to `through` whose content differs from what is in force under their name.

    So a content A, then B, then A again are two corrections. Files dated before 2000 are among them (a load
    refuses them); names without a possible date are not: see `Inbox.misnamed`. Every content is hashed; what
    can't be read now is left out.
    """
    records = all_records(ledger)
    in_force = files_in_force(records)
    newest = {record.name: record for record in records}
    unread = []
    for file in scan_inbox(settings).files:
        if file.file_date > through or not differs(file, in_force.get(file.name)):
            continue
        try:
            sha256 = file.sha256
        except OSError:  # not to be read now: looked at the next time
            continue
        last = newest.get(file.name)
        refused_before = last is not None and not last.is_accepted and last.sha256 == sha256
        unread.append(UnreadFile(file, refused_before, last.reason if last and refused_before else ""))
    return unread


def first_day(settings: Settings, ledger: "Ledger") -> date | None:
    """The earliest file date of the inbox and the ledger; None before the first file. Reads no file."""
    days = {file.file_date for file in scan_inbox(settings).files if not file.is_dated_too_early}
    days |= {record.file_date for record in all_records(ledger) if record.is_accepted}
    return min(days, default=None)


def differs(file: InboxFile, record: FileRecord | None) -> bool:
    """Whether the content is another one; a file that can't be read now is looked at the next time."""
    if record is None:
        return True
    try:
        return file.size != record.size or file.sha256 != record.sha256
    except OSError:
        return False
