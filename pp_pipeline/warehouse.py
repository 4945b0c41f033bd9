"""The one module that opens the warehouse (DESIGN 8).

DuckDB lets one process write and refuses readers meanwhile, so every opening happens under a lock
file in the home: wait, and if that takes too long, name the holder. Connections are short: open,
do, close. PostgreSQL needs no lock; the same calls serve both. Spark is written by dbt only.
"""

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from pp_pipeline.settings import Settings

if TYPE_CHECKING:
    import pandas

LOCK_WAIT_SECONDS = 120.0
IN_USE = "pp in use"


class WarehouseError(RuntimeError):
    """The warehouse can't be opened; the text says who holds it or what to set."""


class Connection:
    """An open warehouse. Parameters are written `?` whatever the database."""

    def __init__(self, raw: Any, dialect: str) -> None:
        self._raw = raw
        self.dialect = dialect

    def execute(self, sql: str, params: Sequence[object] = ()) -> None:
        """Run one statement."""
        self._cursor(sql, params)

    def rows(self, sql: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return list(self._cursor(sql, params).fetchall())

    def frame(self, sql: str, params: Sequence[object] = ()) -> "pandas.DataFrame":
        """All rows of a query as a frame, columns named as in the query; dates are `datetime.date`."""
        import pandas

        cursor = self._cursor(sql, params)
        names = [column[0] for column in cursor.description]
        return pandas.DataFrame(cursor.fetchall(), columns=names, dtype=object)

    def table_exists(self, name: str) -> bool:
        """Whether a table or view of that name is in the target's schema."""
        found = self.rows(
            "select 1 from information_schema.tables where table_name = ? and table_schema = current_schema()",
            (name,),
        )
        return bool(found)

    def columns(self, table: str) -> list[str]:
        """The columns of a table, in their order; none if it is not there."""
        found = self.rows(
            "select column_name from information_schema.columns "
            "where table_name = ? and table_schema = current_schema() order by ordinal_position",
            (table,),
        )
        return [name for (name,) in found]

    def replace_days(self, table: str, day_column: str, first: date, last: date, frame: "pandas.DataFrame") -> None:
        """Replace the rows of a range of days: the range is deleted, the frame inserted, in one transaction.

        A day that became empty loses its rows; that is why the range is deleted and not the frame's days.
        """
        self.execute(f"delete from {table} where {day_column} between ? and ?", (first, last))
        self.insert(table, frame)
        if self.dialect == "postgres" and not frame.empty:
            # Of a table that just grew PostgreSQL believes that it is small, and joins it row by row.
            self.execute(f"analyze {table}")

    def replace_table(self, table: str, frame: "pandas.DataFrame") -> None:
        """Replace all rows of a (small) table."""
        self.execute(f"delete from {table}")
        self.insert(table, frame)

    def insert(self, table: str, frame: "pandas.DataFrame") -> None:
        """Append a frame whose columns are columns of the table."""
        if frame.empty:
            return
        columns = ", ".join(frame.columns)
        if self.dialect == "duckdb":
            self._raw.register("_incoming", frame)
            self._raw.execute(f"insert into {table} ({columns}) select {columns} from _incoming")
            self._raw.unregister("_incoming")
            return
        lines = (",".join(map(_csv_cell, row)) for row in frame.itertuples(index=False, name=None))
        buffer = io.StringIO("".join(f"{line}\n" for line in lines))
        self._raw.cursor().copy_expert(f"copy {table} ({columns}) from stdin with (format csv)", buffer)

    def _cursor(self, sql: str, params: Sequence[object]) -> Any:
        if self.dialect == "duckdb":
            return self._raw.execute(sql, list(params))
        cursor = self._raw.cursor()
        if params:
            cursor.execute(sql.replace("%", "%%").replace("?", "%s"), list(params))
        else:
            cursor.execute(sql)
        return cursor


class Warehouse:
    """The warehouse of one installation."""

    def __init__(self, settings: Settings, lock_wait_seconds: float = LOCK_WAIT_SECONDS) -> None:
        self.settings = settings
        self._lock_wait_seconds = lock_wait_seconds

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Open, hand out, commit (roll back on an exception), close.

        Raises:
            WarehouseError: another process holds the warehouse, or the target can't be opened here.
        """
        with self.locked():
            raw, dialect = self._open()
            try:
                if dialect == "duckdb":
                    raw.execute("begin")
                yield Connection(raw, dialect)
                raw.commit()
            except BaseException:
                raw.rollback()
                raise
            finally:
                raw.close()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Take the turn at the warehouse without opening it (dbt opens it itself).

        On PostgreSQL too only one at a time: of two runs that replace the same days at once, neither would see
        the rows that the other has just inserted.
        """
        if self.settings.target == "postgres":
            with self._advisory_lock("pp"):
                yield
            return
        if self.settings.target != "duckdb":
            yield
            return
        self.settings.home.mkdir(parents=True, exist_ok=True)
        path = self.settings.home / "warehouse.lock"
        holder = self.settings.home / "warehouse.lock.holder"
        lock = FileLock(path, timeout=self._lock_wait_seconds)
        try:
            lock.acquire()
        except Timeout:
            raise WarehouseError(
                f"the warehouse is held by {_read_holder(holder)}; waited {self._lock_wait_seconds:.0f} s. "
                "Wait until that command ends, or stop it, and try again"
            ) from None
        try:
            holder.write_text(f"process {os.getpid()}")
            yield
        finally:
            lock.release()

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Show on PostgreSQL that a process has use for this schema, also between its turns; ends with the process."""
        with self._advisory_lock(IN_USE):
            yield

    @contextmanager
    def _advisory_lock(self, what: str) -> Iterator[None]:
        raw = self._connect_postgres()
        try:
            raw.autocommit = True
            name = f"{what} {self.settings.warehouse_schema}"
            with raw.cursor() as cursor:
                cursor.execute(
                    "select set_config('lock_timeout', %s, false)", (f"{int(self._lock_wait_seconds * 1000)}",)
                )
                try:
                    cursor.execute("select pg_advisory_lock(hashtext(%s))", (name,))
                except _psycopg2().errors.LockNotAvailable:
                    raise WarehouseError(
                        f"another run writes the warehouse; waited {self._lock_wait_seconds:.0f} s. "
                        "Wait until it ends, or stop it, and try again"
                    ) from None
            yield
        finally:
            raw.close()

    def _connect_postgres(self) -> Any:
        try:
            return _psycopg2().connect(self.settings.warehouse_url)
        except _psycopg2().OperationalError as error:
            words = str(error).splitlines()[0].removeprefix("connection to server ")
            raise WarehouseError(f"the warehouse (PP_WAREHOUSE_URL) can't be reached: {words}") from None

    def _open(self) -> tuple[Any, str]:
        if self.settings.target == "duckdb":
            import duckdb

            try:
                return duckdb.connect(str(self.settings.warehouse_file)), "duckdb"
            except duckdb.IOException as error:
                raise WarehouseError(
                    f"{self.settings.warehouse_file} can't be opened; if another program has it open, close it there: "
                    f"{str(error).splitlines()[0]}"
                ) from None
        if self.settings.target == "postgres":
            raw = self._connect_postgres()
            with raw.cursor() as cursor:
                schema = self.settings.warehouse_schema
                cursor.execute(f'create schema if not exists "{schema}"')
                cursor.execute(f'set search_path to "{schema}"')
            return raw, "postgres"
        raise WarehouseError("on the target spark, landing is not written from here; use duckdb or postgres")


def _read_holder(path: Path) -> str:
    try:
        return path.read_text() or "another process"
    except OSError:
        return "another process"


def _psycopg2() -> Any:
    try:
        import psycopg2
        import psycopg2.errors
    except ImportError as error:
        raise WarehouseError("the target postgres needs the extra: pip install 'pp_pipeline[postgres]'") from error
    return psycopg2


def _csv_cell(value: object) -> str:
    """A cell of PostgreSQL's csv: null is empty and unquoted, everything else quoted."""
    import pandas

    if pandas.isna(value):  # type: ignore[call-overload]
        return ""
    text = str(value).replace('"', '""')
    return f'"{text}"'
