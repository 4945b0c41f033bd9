"""Fetching: new and changed files of the remote inbox come into the local one, whole or not at all (DESIGN 6).

The local inbox mirrors what the remote one holds. What was fetched is remembered in `fetched.json` in the home:
per name the remote size and version, and the hash of the content. A file is asked for again when one of them,
or the local size, is another one.
"""

import errno
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pp_pipeline.forgetting.known import Redaction, all_redactions
from pp_pipeline.landing.remote import FetchError, Remote, RemoteFile, open_remote, shown_url
from pp_pipeline.settings import Settings

_WAIT_SECONDS = 600.0
_OF_ONE_FILE = (PermissionError, IsADirectoryError, NotADirectoryError, FileExistsError)
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class FetchResult:
    """What a fetch did, by names in the inbox.

    `left_for_later` files are still being written there. `removed` ones are gone there and were taken in;
    `kept` ones are gone there, and stay here until a load has looked at them. `refused` are names or files that
    can't be fetched, each with why.
    """

    url: str
    fetched: tuple[str, ...]
    bytes: int
    unchanged: int
    left_for_later: tuple[str, ...]
    removed: tuple[str, ...]
    kept: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]


def fetch_files(settings: Settings, *, progress: Progress | None = None) -> FetchResult:
    """Bring new and changed files of PP_INBOX_URL into the inbox; one process at a time.

    Args:
        settings: the home, and the address as `inbox_url`.
        progress: told what was done, and with how many files of how many.

    Raises:
        FetchError: the remote inbox can't be reached or broke off. What came before that stays and is remembered.
    """
    settings.inbox.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.home / "fetching.lock", timeout=_WAIT_SECONDS)
    try:
        lock.acquire()
    except Timeout:
        raise FetchError(f"another process has been fetching for {_WAIT_SECONDS:.0f} s; wait until it ends") from None
    try:
        fetch = _Fetch(settings, _Memory(settings), progress)
        try:
            with open_remote(settings) as remote:
                fetch.take_what_is_new(remote)
            return fetch.drop_what_vanished()
        finally:
            fetch.memory.save()
    finally:
        lock.release()


@dataclass
class _Fetched:
    """What is remembered of a file that was fetched."""

    size: int
    version: str
    sha256: str


class _Memory:
    """`fetched.json`. One of another address, or one that is damaged, counts for nothing: files are fetched anew."""

    def __init__(self, settings: Settings) -> None:
        self._path = settings.home / "fetched.json"
        self._url = shown_url(settings.inbox_url)
        self.files: dict[str, _Fetched] = {}
        self.was_reached = False
        try:
            kept: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
            if kept["url"] == self._url:
                self.files = {name: _Fetched(**values) for name, values in kept["files"].items()}
                self.was_reached = True
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return

    def save(self) -> None:
        """Write it, whole or not at all; nothing of an address that was never reached."""
        if not self.was_reached:
            return
        draft = self._path.with_name(".fetched.json.draft")
        files = {name: asdict(fetched) for name, fetched in sorted(self.files.items())}
        draft.write_text(json.dumps({"url": self._url, "files": files}, indent=1), encoding="utf-8")
        draft.replace(self._path)


@dataclass
class _Fetch:
    """A fetch under way."""

    settings: Settings
    memory: _Memory
    progress: Progress | None
    listed: set[str] = field(default_factory=set)
    unchanged: int = 0
    fetched: list[str] = field(default_factory=list)
    bytes: int = 0
    left: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)

    def take_what_is_new(self, remote: Remote) -> None:
        """List, and download what is new or changed."""
        listing = remote.listing(self.memory.was_reached)
        self.memory.was_reached = True
        self.listed = {file.name for file in listing.files}
        self.refused += listing.refused
        wanted = [file for file in listing.files if not self._has(file)]
        self.unchanged = len(listing.files) - len(wanted)
        for number, file in enumerate(wanted, start=1):
            self._take(remote, file)
            if self.progress:
                self.progress("files fetched", number, len(wanted))

    def _has(self, file: RemoteFile) -> bool:
        """Whether this version was fetched and is still here."""
        known = self.memory.files.get(file.name)
        if known is None or (known.size, known.version) != (file.size, file.version):
            return False
        try:
            size = (self.settings.inbox / file.name).stat().st_size
        except OSError:
            return False
        return size == file.size or (known.sha256 in self.redactions and size == self.redactions[known.sha256].size)

    @cached_property
    def redactions(self) -> dict[str, Redaction]:
        """What stands here in place of contents with somebody in them who is forgotten."""
        from pp_pipeline.ledger.store import Ledger

        with Ledger(self.settings) as ledger:
            return all_redactions(ledger)

    def _take(self, remote: Remote, file: RemoteFile) -> None:
        """Download a file beside its place, and put it there when it is whole and did not change meanwhile."""
        path = self.settings.inbox / file.name
        draft = path.with_name(f".{path.name}.fetching")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.parent.resolve().is_relative_to(self.settings.inbox.resolve()):
                raise NotADirectoryError
            before = remote.look(file)
            remote.download(file, draft)
            size, sha256 = _settle(draft)
            # Looked at twice the same way: a listing may write times otherwise.
            if remote.look(file) != before or not size == before.size == file.size:
                self.left.append(file.name)
                return
            draft.replace(path)
            _sync_folder(path.parent)
        except FileNotFoundError:  # gone since it was listed; the next fetch sees that
            self.left.append(file.name)
            return
        except _OF_ONE_FILE as error:
            why = "may not be read there, or its place in the inbox is taken"
            self.refused.append((file.name, f"{file.name}: can't be fetched ({type(error).__name__}): it {why}"))
            return
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
                raise FetchError(f"{path} can't be written: {os.strerror(error.errno)}") from None
            raise
        finally:
            draft.unlink(missing_ok=True)
        self.memory.files[file.name] = _Fetched(file.size, file.version, sha256)
        self.fetched.append(file.name)
        self.bytes += size

    def drop_what_vanished(self) -> FetchResult:
        """Remove what was fetched and is gone there, so that landing reports it. Only what the archive holds is
        removed: here might be the last copy of an unread, refused or misnamed file."""
        gone = sorted(self.memory.files.keys() - self.listed)
        archived = _accepted_contents(self.settings) if gone else set()
        removed: list[str] = []
        kept: list[str] = []
        for name in gone:
            path, sha256 = self.settings.inbox / name, self.memory.files[name].sha256
            ours = self.redactions[sha256].sha256 if sha256 in self.redactions else sha256
            if path.is_file() and _hash(path) in (sha256, ours):
                if ours not in archived:
                    kept.append(name)
                    continue
                path.unlink()
                removed.append(name)
            del self.memory.files[name]  # what somebody else put in its place is theirs
        return FetchResult(
            url=shown_url(self.settings.inbox_url),
            fetched=tuple(self.fetched),
            bytes=self.bytes,
            unchanged=self.unchanged,
            left_for_later=tuple(self.left),
            removed=tuple(removed),
            kept=tuple(kept),
            refused=tuple(self.refused),
        )


def _accepted_contents(settings: Settings) -> set[str]:
    """The hashes of what was ever accepted, which the archive keeps."""
    from pp_pipeline.landing.file_ledger import all_records
    from pp_pipeline.ledger.store import Ledger

    with Ledger(settings) as ledger:
        return {record.sha256 for record in all_records(ledger) if record.is_accepted}


def _settle(draft: Path) -> tuple[int, str]:
    """Make the draft durable; its size and hash."""
    with draft.open("rb+") as file:
        os.fsync(file.fileno())
        return os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
