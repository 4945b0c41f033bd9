"""Putting a content without somebody in the place of the one with: in the inbox, and in the archive (DESIGN 6)."""

import contextlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from pp_pipeline.forgetting.known import Erasure, Redaction
from pp_pipeline.landing import archive
from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.files import scan_inbox
from pp_pipeline.settings import Settings


def replace_in_inbox(path: Path, content: bytes, seen: os.stat_result) -> bool:
    """Write a content over a file of the inbox, whole or not at all; its time and mode stay.

    Args:
        seen: the file as it was read. One that changed since is left: it is unread.

    Returns whether nothing of the former content is left here: False where the file or its folder can't be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        now = path.stat()
        if (now.st_ino, now.st_size, now.st_mtime_ns) != (seen.st_ino, seen.st_size, seen.st_mtime_ns):
            return True
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(OSError):
            shutil.copymode(path, draft)
        os.utime(draft, ns=(seen.st_atime_ns, seen.st_mtime_ns))
        draft.replace(path)
    except FileNotFoundError:  # taken away meanwhile
        return not path.exists()
    except OSError:
        return False
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
    return True


def take_out_again(settings: Settings, feeds: Sequence[Feed], erasure: Erasure) -> None:
    """Replace files of the inbox that came again with somebody in them, whatever their day: the shop sent a file once
    more, or a command was killed. One that can't be replaced counts as read all the same."""
    if not erasure.redactions:
        return
    inbox = scan_inbox(settings, feeds)
    for file in inbox.files:
        try:
            seen = file.path.stat()
            redaction = erasure.redactions.get(file.sha256)
            content = archive.fetch(settings, redaction.sha256) if redaction else None
        except (OSError, archive.ArchiveError):  # landing looks at it
            continue
        if content is not None:
            replace_in_inbox(file.path, content, seen)
    inbox.hashes.save()


def replace_in_archive(settings: Settings, erasure: Erasure, sha256: str, content: bytes) -> Redaction:
    """Archive a content in place of another, which goes; the ledger's rows of the old one are those of the new one.

    Killed at any point, the ledger names a content that is there, and doing it again completes it.
    """
    redaction = Redaction(archive.hash_of(content), len(content))
    archive.keep(settings, redaction.sha256, content)
    erasure.note_redaction(sha256, redaction)
    archive.drop(settings, sha256)
    return redaction
