"""Puts the generated orders into the warehouse that is measured."""

from collections.abc import Iterable
from pathlib import Path

from pp_pipeline.dbt_project import DbtProject
from pp_pipeline.settings import Settings
from pp_pipeline_tests.bench.order_data import OrderData

TABLES = ("order_versions", "order_lines", "merchants", "landed_days", "feedback_rows")


def write_duckdb(file: Path, data: OrderData, memory: str) -> None:
    """Writes the tables into a DuckDB file; the orders' stories need about 3 GB for 10M orders."""
    import duckdb

    file.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(file), config={"memory_limit": memory}) as connection:
        for statement in data.statements():
            connection.execute(statement)


def write_postgres(settings: Settings, file: Path, folder: Path) -> None:
    """Copies the tables of a DuckDB file into PostgreSQL, with the indexes that dbt would give them, and analyses."""
    import duckdb
    import psycopg2

    source = duckdb.connect(str(file), read_only=True)
    target = psycopg2.connect(settings.warehouse_url)
    with target, target.cursor() as cursor:
        cursor.execute(f'create schema if not exists "{settings.warehouse_schema}"')
        cursor.execute(f'set search_path to "{settings.warehouse_schema}"')
        for table in TABLES:
            columns = source.execute(f"describe {table}").fetchall()
            cursor.execute(f"create table {table} ({', '.join(f'{name} {kind}' for name, kind, *_ in columns)})")
            csv = folder / f"{table}.csv"
            source.execute(f"copy {table} to '{csv}' (header false, nullstr '\\N')")
            with csv.open() as stream:
                cursor.copy_expert(f"copy {table} from stdin with (format csv, null '\\N')", stream)
            csv.unlink()
            for index in _indexes(settings, table):
                cursor.execute(f"create index on {table} ({', '.join(index)})")
            cursor.execute(f"analyze {table}")
    target.close()
    source.close()


def _indexes(settings: Settings, table: str) -> Iterable[list[str]]:
    """The columns of each index that the model's configuration names."""
    nodes = DbtProject(settings).manifest()["nodes"]
    for node in nodes.values():
        if node["resource_type"] == "model" and node["name"] == table:
            yield from (index["columns"] for index in node["config"].get("indexes") or [])
