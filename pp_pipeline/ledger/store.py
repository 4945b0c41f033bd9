"""Opening the ledger: SQLite by default, PostgreSQL for a team (DESIGN 1, idea 5).

Every write transaction on SQLite takes the write lock when it begins, so that two processes wait for
each other and never read the same state to then write two different things. On both databases the
unique key of a delivery is what keeps it to once; the locks only spare it conflicts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Engine, create_engine, event, inspect, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from pp_pipeline.ledger import schema
from pp_pipeline.settings import Settings

BUSY_TIMEOUT_SECONDS = 60
_MIGRATION_LOCK = 7_202_611
_READ_ONLY = "pp_read_only"


class LedgerError(RuntimeError):
    """The ledger can't be opened or does not belong here; the text says what to do."""


class Ledger:
    """The ledger of one installation, migrated to the newest schema.

    `engine.begin()` and `writing()` are for writing, `reading()` is for reading beside a writer.

    Raises:
        LedgerError: the database can't be reached, or was written by a newer version of this program.
    """

    def __init__(self, settings: Settings) -> None:
        self.engine: Engine = _open_engine(settings.ledger_url)
        try:
            self._migrate()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections; needed before a file is copied or a process forks."""
        self.engine.dispose()

    @property
    def is_sqlite(self) -> bool:
        """Whether this ledger is a file."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A snapshot to read from; it waits for no writer (SQLite in WAL mode) and blocks none."""
        with self.engine.connect().execution_options(**{_READ_ONLY: True}) as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One write transaction: committed at the end, rolled back on an exception."""
        with self.engine.begin() as connection:
            yield connection

    def insert_new(self, connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
        """Insert the rows whose unique key is not there yet; leave the others as they stand."""
        if not rows:
            return
        dialect = sqlite if self.is_sqlite else postgresql
        connection.execute(dialect.insert(table).on_conflict_do_nothing(), rows)

    def remember_fact(self, name: str, value: str) -> str:
        """Write a fact if it is not known yet; give back what stands in the ledger."""
        with self.reading() as connection:
            known = connection.scalar(select(schema.facts.c.value).where(schema.facts.c.name == name))
        if known is not None:
            return known
        with self.writing() as connection:
            self.insert_new(connection, schema.facts, [{"name": name, "value": value}])
            return connection.execute(select(schema.facts.c.value).where(schema.facts.c.name == name)).scalar_one()

    def _migrate(self) -> None:
        """To the newest schema. Alembic is only imported when there is something to do."""
        try:
            with self.reading() as connection:
                if _version(connection) == schema.HEAD:
                    return
            with self.writing() as connection:
                if not self.is_sqlite:
                    connection.execute(text(f"select pg_advisory_xact_lock({_MIGRATION_LOCK})"))
                if _version(connection) != schema.HEAD:
                    migrate(connection)
        except DBAPIError as error:
            raise LedgerError(
                f"the ledger can't be opened ({type(error.orig).__name__}); see PP_LEDGER_URL, "
                "and that its folder or server is there and may be written to"
            ) from error


def _open_engine(url_text: str) -> Engine:
    try:
        url = make_url(url_text)
    except SQLAlchemyError:
        raise LedgerError("PP_LEDGER_URL is not a database URL, such as sqlite:////data/ledger.sqlite") from None
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise LedgerError("the ledger must outlive the process: give PP_LEDGER_URL a file")
        try:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerError(
                f"the folder of the ledger, {Path(url.database).parent}, can't be made: {error.strerror}"
            ) from None
        engine = create_engine(
            url, connect_args={"timeout": BUSY_TIMEOUT_SECONDS}, hide_parameters=True
        )  # an error must not tell coupon codes
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if url.get_backend_name() == "postgresql":
        return create_engine(url, pool_pre_ping=True, hide_parameters=True)
    raise LedgerError(f"PP_LEDGER_URL names '{url.get_backend_name()}'; allowed are sqlite and postgresql")


def _prepare_sqlite(raw: Any, _record: object) -> None:
    raw.isolation_level = None  # or the driver begins transactions by itself, and too late
    cursor = raw.cursor()
    cursor.execute(f"pragma busy_timeout = {BUSY_TIMEOUT_SECONDS * 1000}")
    if cursor.execute("pragma journal_mode").fetchone()[0] != "wal":
        cursor.execute("pragma journal_mode = wal")
    cursor.execute("pragma synchronous = full")  # a claim must survive a power cut, or it is delivered twice
    cursor.execute("pragma foreign_keys = on")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get(_READ_ONLY)
    connection.exec_driver_sql("begin" if read_only else "begin immediate")


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(schema.VERSION_TABLE):
        return None
    return connection.scalar(text(f"select version_num from {schema.VERSION_TABLE}"))


def migrate(connection: Connection, to: str = "head") -> None:
    """Bring the tables behind a connection to a migration, in its transaction.

    Raises:
        LedgerError: they were written by a newer version of this program.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", "pp_pipeline.ledger:migrations")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, to)
    except CommandError as error:
        raise LedgerError(
            f"the ledger stands at migration {_version(connection)}, this program knows up to {schema.HEAD}: "
            "it was written by a newer version; update the program"
        ) from error
