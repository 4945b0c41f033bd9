"""The archive: every content ever accepted, by its hash (DESIGN 6); without the people who are forgotten.

Days are loaded from here and not from the inbox, so a rebuilt day has what was accepted, whatever the
shop did to the file since.
"""

import hashlib
import os
from pathlib import Path

from pp_pipeline.settings import Settings


class ArchiveError(RuntimeError):
    """A content that was accepted is not in the archive as it was."""


def archived_file(settings: Settings, sha256: str) -> Path:
    """Where a content is kept; one that was kept as `<sha256>.csv`, before other formats came, is renamed."""
    path = settings.archive / sha256
    former = path.with_name(f"{sha256}.csv")
    if not path.exists() and former.exists():
        former.replace(path)
    return path


def keep(settings: Settings, sha256: str, content: bytes) -> None:
    """Write a content into the archive, whole or not at all, and durably: its adoption is recorded next."""
    path = archived_file(settings, sha256)
    if path.exists() and path.stat().st_size == len(content):
        return
    settings.archive.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{sha256}.{os.getpid()}.draft")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def fetch(settings: Settings, sha256: str) -> bytes:
    """A content out of the archive.

    Raises:
        ArchiveError: it is missing or was changed; the text names the file of the archive.
    """
    path = archived_file(settings, sha256)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ArchiveError(
            f"archive/{path.name} can't be read ({type(error).__name__}); restore it from a backup"
        ) from None
    if hash_of(content) != sha256:
        raise ArchiveError(f"archive/{path.name} was changed since it was accepted; restore it from a backup")
    return content


def drop(settings: Settings, sha256: str) -> None:
    """Delete a content, if it is there: another one, without somebody who is forgotten, took its place."""
    archived_file(settings, sha256).unlink(missing_ok=True)


def hash_of(content: bytes) -> str:
    """By what a content is known."""
    return hashlib.sha256(content).hexdigest()
