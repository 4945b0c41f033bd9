"""Scratch folders: for their owner's eyes only, gone at the end, however the command ends.

They hold addresses. So a process that is told to end (SIGTERM, a terminal that closes) ends as by Ctrl-C; and what one
that was killed left behind is removed by the next that makes such a folder.
"""

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

_PREFIX = "pp_shadow_"
_LOCK = ".alive"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """An empty folder among the temporary ones (mode 0700); first those of processes that are no more are removed.

    Its process holds a lock in it, which ends with the process: by that others know that it is in use.
    """
    _remove_left_behind()
    with _told_to_end_like_interrupted():
        # It gets its name with the lock in it already: no other process may take it for one left behind.
        draft = Path(tempfile.mkdtemp(prefix="pp_draft_"))
        folder = draft.with_name(_PREFIX + draft.name.removeprefix("pp_draft_"))
        lock = FileLock(draft / _LOCK)
        try:
            lock.acquire()
            draft.rename(folder)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.rmtree(draft, ignore_errors=True)
            lock.release()


def _remove_left_behind() -> None:
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        # What is in use, is not there any more, or belongs to another user is none of ours.
        with suppress(OSError, Timeout):
            if lock.parent.stat().st_uid == os.geteuid():
                with FileLock(lock, timeout=0):
                    shutil.rmtree(lock.parent, ignore_errors=True)


@contextmanager
def _told_to_end_like_interrupted() -> Iterator[None]:
    """Where nobody listens to these signals a process just stops, and leaves everything behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    unheard = [each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) is signal.SIG_DFL]
    for each in unheard:
        signal.signal(each, signal.default_int_handler)
    try:
        yield
    finally:
        for each in unheard:
            signal.signal(each, signal.SIG_DFL)
