"""Copies of the ledger, in one format for both databases: a SQLite file with the ledger's own tables.

A copy is taken in one consistent read, beside whoever writes. A ledger is restored from one in one transaction, from
SQLite into PostgreSQL and back. Both hold contact keys only, no addresses.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, Integer, Table, delete, func, insert, select, text

from pp_pipeline.ledger import schema
from pp_pipeline.ledger.carrying_over import CarriedOver
from pp_pipeline.ledger.inspecting import BACKUP_FACT, read_fact
from pp_pipeline.ledger.store import Ledger, LedgerError
from pp_pipeline.ledger.witness import RESTORED_FACT, Seen, newest_marks
from pp_pipeline.settings import Settings

_TABLES = schema.metadata.sorted_tables
_PART = 5_000
_SQLITE_MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True)
class Holding:
    """What a ledger or a backup holds: rows by table, the newest claim and batch, when something was last settled and
    when it was last backed up, and the fingerprint of the contact secret whose keys stand in it."""

    rows: dict[str, int]
    newest: Seen
    settled_at: datetime | None
    backed_up_at: str | None
    fingerprint: str | None


def holding(connection: Connection, fingerprint_fact: str) -> Holding:
    """What the ledger behind a connection holds."""
    rows = {table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in _TABLES}
    settled_at = connection.scalar(select(func.max(schema.deliveries.c.settled_at)))
    facts = (read_fact(connection, BACKUP_FACT), read_fact(connection, fingerprint_fact))
    return Holding(rows, newest_marks(connection), settled_at, *facts)


def back_up(ledger: Ledger, path: Path, now: datetime) -> dict[str, int]:
    """Copy the ledger into a new file, for its owner's eyes only; its rows by table. The ledger remembers when.

    Raises:
        LedgerError: the file is there already or can't be written, or the copy is not sound.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    moment = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise LedgerError(f"{path} is there already, and no backup is ever overwritten; name a new file") from None
    except OSError as error:
        raise LedgerError(f"{path} can't be written: {error.strerror}") from None
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        counts = _copy_sqlite(ledger, draft) if ledger.is_sqlite else _copy_rows(ledger, draft)
        _complete(draft, moment, counts)
        draft.replace(path)
        _sync(path.parent)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError | sqlite3.Error):
            raise LedgerError(f"{path} can't be written ({type(error).__name__}); is there room?") from error
        raise
    finally:
        for left in (draft, *_side_files(draft)):
            left.unlink(missing_ok=True)
    with ledger.writing() as connection:
        set_fact(ledger, connection, BACKUP_FACT, moment)
    return counts


@contextmanager
def opened_backup(path: Path) -> Iterator[Ledger]:
    """A backup, opened as a ledger is: a copy of it, brought to the newest schema. The file itself stays as it is.

    Raises:
        LedgerError: it is no backup of a ledger, is damaged, or of a newer version of this program.
    """
    try:
        with path.open("rb") as file:
            is_sqlite = file.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC
    except OSError as error:
        raise LedgerError(f"{path} can't be read: {error.strerror}") from None
    if not is_sqlite:
        raise LedgerError(f"{path} is no backup of a ledger: `pp ledger backup` writes them")
    with TemporaryDirectory(prefix="pp_ledger_") as folder:  # for its owner's eyes only
        copy = Path(folder) / "ledger.sqlite"
        try:
            shutil.copyfile(path, copy)
            log = path.with_name(path.name + "-wal")
            if log.exists():  # a ledger that was copied as it lay, with what was written last in its log
                shutil.copyfile(log, copy.with_name(copy.name + "-wal"))
            with closing(sqlite3.connect(copy)) as raw:
                _check_integrity(raw, path)
                if not raw.execute("select 1 from sqlite_master where name = ?", (schema.VERSION_TABLE,)).fetchone():
                    raise LedgerError(f"{path} is no backup of a ledger: it lacks the ledger's tables")
        except (OSError, sqlite3.Error) as error:
            raise LedgerError(f"{path} is damaged ({type(error).__name__}); take another backup") from None
        with Ledger(Settings(home=Path(folder), ledger_url=f"sqlite:///{copy}")) as backup:
            yield backup


def restore(ledger: Ledger, backup: Ledger, stood: Holding, fingerprint_fact: str, now: datetime) -> CarriedOver:
    """Put a backup's content in place of the ledger's, in one transaction, and mark it as restored: nothing is sent
    before a person accepts that. Who is suppressed or forgotten by what stood stays so.

    Args:
        stood: what the ledger held when it was shown and kept.

    Returns what was carried over of what stood.

    Raises:
        LedgerError: something was written to the ledger since.
    """
    with ledger.writing() as writing:
        if not ledger.is_sqlite:
            names = ", ".join(table.name for table in _TABLES)
            writing.execute(text(f"lock table {names} in access exclusive mode"))
        found = holding(writing, fingerprint_fact)
        if (found.rows, found.newest, found.settled_at) != (stood.rows, stood.newest, stood.settled_at):
            raise LedgerError("nothing was restored: the ledger was written to meanwhile; stop what sends, try again")
        with backup.reading() as reading:
            fingerprint = read_fact(reading, fingerprint_fact)
        has_same_keys = found.fingerprint == fingerprint or None in (found.fingerprint, fingerprint)
        carried = CarriedOver.of(writing, has_same_keys)
        for table in reversed(_TABLES):
            writing.execute(delete(table))
        with backup.reading() as reading:
            for table in _TABLES:
                _copy_table(reading, writing, table)
        if not ledger.is_sqlite:
            _reset_sequences(writing)
        carried.write(ledger, writing)
        set_fact(ledger, writing, RESTORED_FACT, f"{now:%Y-%m-%dT%H:%M:%SZ}")
    return carried


def set_fact(ledger: Ledger, connection: Connection, name: str, value: str) -> None:
    """Write a fact, in place of the one that stands."""
    connection.execute(delete(schema.facts).where(schema.facts.c.name == name))
    ledger.insert_new(connection, schema.facts, [{"name": name, "value": value}])


def _copy_sqlite(ledger: Ledger, draft: Path) -> dict[str, int]:
    """The online backup: every page in one read, while others write."""
    with closing(sqlite3.connect(str(ledger.engine.url.database))) as raw, closing(sqlite3.connect(draft)) as to:
        raw.backup(to)
        return {table.name: to.execute(f"select count(*) from {table.name}").fetchone()[0] for table in _TABLES}


def _copy_rows(ledger: Ledger, draft: Path) -> dict[str, int]:
    """Row by row, out of one snapshot of PostgreSQL."""
    with Ledger(Settings(home=draft.parent, ledger_url=f"sqlite:///{draft}")) as copy:
        engine = ledger.engine.execution_options(isolation_level="REPEATABLE READ")
        with engine.begin() as reading, copy.writing() as writing:
            reading.execute(text("set transaction read only"))
            return {table.name: _copy_table(reading, writing, table) for table in _TABLES}


def _copy_table(reading: Connection, writing: Connection, table: Table) -> int:
    count = 0
    rows = reading.execution_options(yield_per=_PART).execute(select(table)).mappings()
    for part in rows.partitions(_PART):
        writing.execute(insert(table), [dict(row) for row in part])
        count += len(part)
    return count


def _complete(draft: Path, moment: str, counts: dict[str, int]) -> None:
    """One file without a log beside it, that knows when it was taken, checked and synced."""
    with closing(sqlite3.connect(draft, isolation_level=None)) as raw:
        raw.execute("pragma journal_mode = delete")
        raw.execute("insert or replace into facts (name, value) values (?, ?)", (BACKUP_FACT, moment))
        _check_integrity(raw, draft)
        counts["facts"] = raw.execute("select count(*) from facts").fetchone()[0]
        for name, count in counts.items():
            if (found := raw.execute(f"select count(*) from {name}").fetchone()[0]) != count:
                raise LedgerError(f"the backup is not sound: {found} rows of {name} in place of {count}; try again")
    _sync(draft)


def _check_integrity(raw: sqlite3.Connection, path: Path) -> None:
    if raw.execute("pragma integrity_check").fetchone()[0] != "ok":
        raise LedgerError(f"{path} is damaged: SQLite's integrity check fails; take another backup")


def _reset_sequences(connection: Connection) -> None:
    """The next row gets the number after the largest that was put back."""
    for table in _TABLES:
        if "id" in table.c and isinstance(table.c.id.type, Integer):
            largest = f"(select max(id) from {table.name})"
            sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
            connection.execute(text(f"select setval({sequence}, coalesce({largest}, 1), {largest} is not null)"))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    with suppress(OSError):  # some file systems can't sync a folder
        os.fsync(descriptor)
    os.close(descriptor)


def _side_files(path: Path) -> list[Path]:
    return [path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal")]
