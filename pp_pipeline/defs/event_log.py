"""Fewer disk syncs for Dagster's own SQLite files.

Dagster writes each event by itself, two for every asset and day of a range, and opens and closes the file for
each. With SQLite's defaults that is eight disk syncs an event (2,063 for one asset over 121 days), and a backfill of
a year spends most of its time there. With write-ahead logging, `synchronous=normal` stays consistent when the
machine loses power (only the last events could be missing), and a file that stays open somewhere is not
checkpointed at every close. The ledger is not touched by this: it keeps full syncs.
"""

import sqlite3
import threading
from collections import OrderedDict
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.engine import Engine

_FILES_KEPT_OPEN = 4
_homes: set[str] = set()
_one_at_a_time = threading.Lock()
_kept_open: OrderedDict[str, sqlite3.Connection] = OrderedDict()


def spare_syncs(dagster_home: Path) -> None:
    """For all connections that this process opens to SQLite files under Dagster's home."""
    home = str(dagster_home.resolve())
    if home in _homes:
        return
    _homes.add(home)

    @event.listens_for(Engine, "connect")
    def on_connect(connection: object, _record: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            file = connection.execute("pragma database_list").fetchone()[2]
            if file and file.startswith(home):
                connection.execute("pragma synchronous=normal")
                _keep_open(file)


def _keep_open(file: str) -> None:
    with _one_at_a_time:
        _touch(file)


def _touch(file: str) -> None:
    if file not in _kept_open:
        _kept_open[file] = sqlite3.connect(file, check_same_thread=False)
    _kept_open.move_to_end(file)
    # Read each time: a new file becomes write-ahead logged only after it was first opened, and this notices.
    _kept_open[file].execute("select count(*) from sqlite_master").fetchone()
    while len(_kept_open) > _FILES_KEPT_OPEN:
        _kept_open.popitem(last=False)[1].close()
