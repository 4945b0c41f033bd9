"""A copy of the warehouse that a shadow may write: a file on DuckDB, a schema of its own on PostgreSQL."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from pp_pipeline.settings import Settings, SettingsError
from pp_pipeline.warehouse import IN_USE, Connection, Warehouse

_SCHEMAS = "^pp_shadow_[0-9a-f]{12}$"


@contextmanager
def copied_warehouse(settings: Settings, scratch: Settings) -> Iterator[Settings]:
    """Copy the warehouse of `settings` to where `scratch` has its own, in one turn at it; gone at the end.

    Yields `scratch` as it can be used: on PostgreSQL with the name of its schema.

    Raises:
        SettingsError: there is no room for it.
        WarehouseError: another process holds the warehouse.
    """
    if settings.target == "postgres":
        with _copied_schema(settings, scratch) as shadow:
            yield shadow
        return
    log = settings.warehouse_file.with_name(f"{settings.warehouse_file.name}.wal")
    with Warehouse(settings).locked():
        try:
            shutil.copyfile(settings.warehouse_file, scratch.warehouse_file)
            if log.exists():  # of a process that was killed: DuckDB takes it in when it opens the copy
                shutil.copyfile(log, scratch.warehouse_file.with_name(log.name))
        except OSError as error:
            raise SettingsError(
                f"the warehouse can't be copied to {scratch.home.parent}: {error.strerror}; it needs room for all of "
                "it, and TMPDIR may name another folder"
            ) from None
    yield scratch


@contextmanager
def _copied_schema(settings: Settings, scratch: Settings) -> Iterator[Settings]:
    schema = f"pp_shadow_{secrets.token_hex(6)}"
    shadow = scratch.model_copy(update={"warehouse_schema": schema})
    with Warehouse(shadow).in_use():
        try:
            _copy_schema(settings, schema)
            yield shadow
        finally:
            # In the turn of this schema: a run that writes the real one meanwhile is not waited for.
            with Warehouse(shadow).connect() as connection:
                connection.execute(f'drop schema if exists "{schema}" cascade')


def _copy_schema(settings: Settings, schema: str) -> None:
    with Warehouse(settings).connect() as connection:
        _drop_left_behind(connection)
        tables = connection.rows(
            "select table_name from information_schema.tables "
            "where table_schema = current_schema() and table_type = 'BASE TABLE'"
        )
        # As seen from their own schema the tables stand in views by their bare names, so the same text serves in
        # the other one. A view on a view is younger than it.
        views = connection.rows(
            "select relname, pg_get_viewdef(oid) from pg_class "
            "where relkind = 'v' and relnamespace = current_schema()::regnamespace order by oid"
        )
        connection.execute(f'create schema "{schema}"')
        for (name,) in tables:
            connection.execute(f'create unlogged table "{schema}"."{name}" as table "{name}"')
            connection.execute(f'analyze "{schema}"."{name}"')
        connection.execute(f'set local search_path to "{schema}"')
        for name, definition in views:
            connection.execute(f'create view "{name}" as {definition}')


def _drop_left_behind(connection: Connection) -> None:
    """Drop what commands left behind that were killed: it holds addresses."""
    sql = """
        select nspname from pg_namespace
        where nspname ~ ? and pg_get_userbyid(nspowner) = current_user
            and pg_try_advisory_xact_lock(hashtext(? || ' ' || nspname))
    """
    for (name,) in connection.rows(sql, (_SCHEMAS, IN_USE)):
        connection.execute(f'drop schema if exists "{name}" cascade')
