"""Hashes of inbox files that did not change since they were hashed, so that a sensor need not read years of files.

Kept in `inbox_hashes.json` in the home. It may be deleted at any time.
"""

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

# A file that was written within this time may be written again without any of its marks changing.
_SETTLED_NS = 2_000_000_000


class HashCache:
    """The hashes by name, each with the marks that the file had; read when first asked, written by `save`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, list[Any]] | None = None
        self._asked: dict[str, list[Any]] = {}

    def sha256(self, name: str, path: Path) -> str:
        """Hash of the content. Raises OSError when the file can't be read."""
        if self._known is None:
            self._known = self._load()
        marks = _marks(path.stat())
        known = self._known.get(name)
        if marks is not None and known is not None and known[:-1] == marks:
            self._asked[name] = known
            return known[-1]
        with path.open("rb") as file:
            before = _marks(os.fstat(file.fileno()))
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            if before is not None and before == _marks(os.fstat(file.fileno())):
                self._asked[name] = [*before, sha256]
        return sha256

    def save(self) -> None:
        """Write what was found, whole or not at all; that it can't be written hurts nobody."""
        known = self._known or {}
        if all(known.get(name) == found for name, found in self._asked.items()):
            return
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}.draft")
        try:
            draft.write_text(json.dumps(known | self._asked), encoding="utf-8")
            draft.replace(self._path)
        except OSError:
            draft.unlink(missing_ok=True)

    def _load(self) -> dict[str, list[Any]]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def _marks(stat: os.stat_result) -> list[int] | None:
    """What tells whether a file changed (nobody can set its ctime); None while it is too fresh to tell."""
    if time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) < _SETTLED_NS:
        return None
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
