"""Making the warehouse free of what was deleted from it: databases keep the bytes of deleted rows for a while."""

import os
import shutil
from pathlib import Path

from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Warehouse, WarehouseError


def compact(settings: Settings) -> None:
    """Write the whole warehouse anew, with nothing but the rows that it holds; takes its turn at it.

    Raises:
        WarehouseError: another program has it open.
    """
    warehouse = Warehouse(settings)
    with warehouse.locked():
        if settings.target == "postgres":
            _vacuum(settings)
        elif settings.warehouse_file.exists():
            _copy(settings.warehouse_file)


def _copy(path: Path) -> None:
    """Copy the tables and views into a new file and put that in the place of the old one."""
    import duckdb

    fresh = path.with_name(f".{path.name}.fresh")
    log = path.with_name(f"{path.name}.wal")
    for leaving in (fresh, fresh.with_name(f"{fresh.name}.wal")):
        leaving.unlink(missing_ok=True)
    try:
        with duckdb.connect(str(path)) as old:
            old.execute("checkpoint")
        with duckdb.connect(":memory:") as both:
            both.execute(f"attach '{_quoted(path)}' as warehouse (read_only)")
            both.execute(f"attach '{_quoted(fresh)}' as fresh")
            both.execute("copy from database warehouse to fresh")
            both.execute("checkpoint fresh")
            both.execute("detach fresh")
    except duckdb.IOException as error:
        raise WarehouseError(
            f"{path} can't be written anew; if another program has it open, close it there: "
            f"{str(error).splitlines()[0]}"
        ) from None
    if log.exists():  # it would be played back into the new file
        raise WarehouseError(f"{log} is still there, so another program has the warehouse open; close it there")
    shutil.copymode(path, fresh)
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    fresh.replace(path)
    shutil.rmtree(path.with_name(f"{path.name}.tmp"), ignore_errors=True)


def _vacuum(settings: Settings) -> None:
    import psycopg2
    from psycopg2 import sql

    raw = psycopg2.connect(settings.warehouse_url)
    try:
        raw.autocommit = True
        with raw.cursor() as cursor:
            cursor.execute("select tablename from pg_tables where schemaname = %s", (settings.warehouse_schema,))
            for (table,) in cursor.fetchall():
                name = sql.Identifier(settings.warehouse_schema, table)
                cursor.execute(sql.SQL("vacuum (full, analyze) {}").format(name))
    finally:
        raw.close()


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
