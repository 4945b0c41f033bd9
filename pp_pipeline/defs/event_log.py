"""Fewer disk syncs for Dagster's own SQLite files.

Dagster commits each event by itself: two for every asset and day of a range. With SQLite's default that is a disk
sync each, and a backfill of a year by 16 assets spends most of its time there. `synchronous=normal` with
write-ahead logging stays consistent when the machine loses power; only the last events could be missing.
The ledger is not touched by this: it keeps full syncs.
"""

import sqlite3
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.engine import Engine


def spare_syncs(dagster_home: Path) -> None:
    """For all connections of this process to SQLite files under Dagster's home."""
    home = str(dagster_home.resolve())
    if home in _spared:
        return
    _spared.add(home)

    @event.listens_for(Engine, "connect")
    def on_connect(connection: object, _record: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            file = connection.execute("pragma database_list").fetchone()[2]
            if file and file.startswith(home):
                connection.execute("pragma synchronous=normal")


_spared: set[str] = set()
