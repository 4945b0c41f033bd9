"""Which files of the inbox are a feed's, and which of them are unread (DESIGN 6)."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pp_pipeline.contact_keys import contact_secret
from pp_pipeline.forgetting.known import Redaction, all_redactions
from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.file_ledger import FileRecord, all_records, files_in_force
from pp_pipeline.landing.file_names import read_name
from pp_pipeline.landing.file_rules import EARLIEST_FILE_DATE
from pp_pipeline.landing.hash_cache import HashCache
from pp_pipeline.landing.plain_feeds import all_feeds
from pp_pipeline.landing.rules_hash import rules_hash
from pp_pipeline.merchants import Merchant
from pp_pipeline.settings import Settings

if TYPE_CHECKING:
    from pp_pipeline.ledger.store import Ledger


@dataclass(frozen=True)
class InboxFile:
    """A feed's file in the inbox, as it stood when the inbox was looked at; the name is its path in there."""

    name: str
    path: Path
    file_date: date
    size: int
    feed: Feed
    hashes: HashCache = field(repr=False, compare=False)

    @cached_property
    def sha256(self) -> str:
        """Hash of the content, read when first asked for. Raises OSError when it can't be read."""
        return self.hashes.sha256(self.name, self.path)

    @property
    def is_dated_too_early(self) -> bool:
        """Whether its date is a slip: no day of ours begins so early."""
        return self.file_date < EARLIEST_FILE_DATE


@dataclass(frozen=True)
class Inbox:
    """What is in the inbox: files of feeds, names that are nearly one's (each with why not), other names."""

    files: tuple[InboxFile, ...]
    misnamed: tuple[tuple[str, str], ...]
    unrecognised: tuple[str, ...]
    hashes: HashCache = field(repr=False, compare=False)


@dataclass(frozen=True)
class UnreadFile:
    """A file whose content differs from what is in force under its name.

    `refused_before`: this very content was refused, for `reason`, under the declarations of today, and nothing else
    was looked at under the name since. It stays unread, but a sensor need not ask for it again.
    """

    file: InboxFile
    refused_before: bool
    reason: str = ""


def scan_inbox(settings: Settings, feeds: Sequence[Feed]) -> Inbox:
    """Look at the inbox: names and sizes only. Half-written (`.part`) and hidden files are left alone."""
    files: list[InboxFile] = []
    misnamed: list[tuple[str, str]] = []
    unrecognised: list[str] = []
    hashes = HashCache(settings.home / "inbox_hashes.json")
    has_folders = any("/" in feed.files for feed in feeds)
    for name, path in sorted(_names(settings.inbox, has_folders), key=lambda found: os.fsencode(found[0])):
        try:
            size = path.stat().st_size if path.is_file() else None
        except OSError:  # gone since the folder was listed
            continue
        readable = os.fsencode(name).decode(errors="replace")  # a name that is not UTF-8 can be told, too
        found = read_name(readable, feeds)
        if found.fault:
            misnamed.append((readable, found.fault))
        elif found.feed is None or found.file_date is None or size is None:
            unrecognised.append(readable)
        else:
            files.append(InboxFile(readable, path, found.file_date, size, found.feed, hashes))
    return Inbox(tuple(files), tuple(misnamed), tuple(unrecognised), hashes)


def _names(inbox: Path, has_folders: bool) -> Iterator[tuple[str, Path]]:
    """What may be looked at, by its path in the inbox; within folders only where a feed's files are in one."""
    for path in inbox.iterdir() if inbox.is_dir() else ():
        if path.name.startswith(".") or path.name.endswith(".part"):
            continue
        if has_folders and path.is_dir():
            yield from ((f"{path.name}/{name}", below) for name, below in _names(path, has_folders))
        else:
            yield path.name, path


def unread_files(
    settings: Settings, ledger: "Ledger", merchants: Mapping[str, Merchant], through: date
) -> list[UnreadFile]:
    """Files dated up to `through` whose content differs from what is in force under their name.

    So a content A, then B, then A again are two corrections. Files dated before 2000 are among them (a load
    refuses them); names without a possible date are not: see `Inbox.misnamed`. Every content is hashed, once
    (`hash_cache.py`); what can't be read now is left out.
    """
    inbox = scan_inbox(settings, all_feeds(merchants))
    rules = rules_hash(merchants, contact_secret(settings))
    return unread_of(inbox, all_records(ledger), rules, through, all_redactions(ledger))


def unread_of(
    inbox: Inbox,
    records: Sequence[FileRecord],
    rules: str,
    through: date,
    redactions: Mapping[str, Redaction],
) -> list[UnreadFile]:
    """`unread_files` of an inbox that was looked at and of what the ledger holds; `rules` as of today."""
    in_force = files_in_force(records)
    newest = {record.name: record for record in records}
    unread = []
    for file in inbox.files:
        if file.file_date > through or not differs(file, in_force.get(file.name), redactions):
            continue
        try:
            sha256 = redactions[file.sha256].sha256 if file.sha256 in redactions else file.sha256
        except OSError:  # not to be read now: looked at the next time
            continue
        last = newest.get(file.name)
        refused_before = (
            last is not None
            and not last.is_accepted
            and (last.sha256, last.file_date, last.rules_hash) == (sha256, file.file_date, rules)
        )
        unread.append(UnreadFile(file, refused_before, last.reason if last and refused_before else ""))
    inbox.hashes.save()
    return unread


def first_day(settings: Settings, ledger: "Ledger", feeds: Sequence[Feed]) -> date | None:
    """The earliest file date of the inbox and the ledger; None before the first file. Reads no file."""
    days = {file.file_date for file in scan_inbox(settings, feeds).files if not file.is_dated_too_early}
    days |= {record.file_date for record in all_records(ledger) if record.is_accepted}
    return min(days, default=None)


def differs(file: InboxFile, record: FileRecord | None, redactions: Mapping[str, Redaction]) -> bool:
    """Whether the content is another one, or is dated otherwise now; a file that can't be read now is looked at the
    next time. A content that came again with somebody in it who is forgotten is no other one than without."""
    if record is None or file.file_date != record.file_date:
        return True
    try:
        if redactions and file.sha256 in redactions:
            return redactions[file.sha256].sha256 != record.sha256
        return file.size != record.size or file.sha256 != record.sha256
    except OSError:
        return False
