"""Measures the queues on large data: one day and a range of days, campaign by campaign.

The orders are generated (order_data), so nothing has to be loaded; the campaigns (queues) are built through
`DbtProject` from a copy of the dbt project, as any run builds them. Everything is written into a temporary folder:
10M orders take 5 GB there.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from pp_pipeline.dbt_project import DbtProject
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Warehouse
from pp_pipeline_tests.bench.measuring import Measurement, cost_of, machine, middle, table
from pp_pipeline_tests.bench.order_data import OrderData
from pp_pipeline_tests.bench.order_tables import write_duckdb, write_postgres
from pp_pipeline_tests.bench.queues import CAMPAIGNS, kind, write_project
from pp_pipeline_tests.postgres_server import PostgresServer

_CHECKOUT = Path(__file__).resolve().parents[2]
_DAYS_ACTIVE_BEFORE = 240  # the campaigns began that long after the first order
_BEGIN, _END = "<!-- measured: {} -->", "<!-- end: {} -->"


def main() -> None:
    """The command: measure, print, and write the table into a document if asked to."""
    options = _options()
    data = OrderData(options.orders)
    found: list[Measurement] = []
    with tempfile.TemporaryDirectory(prefix="pp-bench-", dir=options.folder) as name, _server(options.target) as url:
        folder = Path(name)
        file = folder / "orders.duckdb"
        print(f"writing {options.orders:,} orders ...", flush=True)
        write_duckdb(file, data, options.memory)
        for dbt_dir in options.dbt:
            settings = _settings(folder, dbt_dir, url, options)
            if url:
                write_postgres(settings, file, folder)
            else:
                settings.home.mkdir(parents=True, exist_ok=True)
                file.rename(settings.warehouse_file)
            found += measure(settings, data, options, str(dbt_dir))
            if not url:
                settings.warehouse_file.rename(file)
    title = f"{options.orders:,} orders, {options.target}"
    text = f"{title}; {machine()}\n\n{table(found)}\n"
    if options.json:
        text = json.dumps({"title": title, "machine": machine(), "measured": [asdict(one) for one in found]}, indent=1)
    print(text)
    if options.write:
        write_section(options.write, title, text)


def measure(settings: Settings, data: OrderData, options: argparse.Namespace, project_name: str) -> list[Measurement]:
    """Build each campaign for the last day (the median of some repeats) and for the last days in one pass."""
    project = DbtProject(settings)
    names = [name for name in CAMPAIGNS if not options.campaigns or name in options.campaigns]
    failed = [node for node in project.build([f"queue_{name}" for name in names], data.first_day, data.first_day)
              if node.status != "success"]  # fmt: skip
    if failed:
        raise SystemExit(f"{failed[0].name}: {failed[0].message}")
    last = data.last_day
    found = []
    for days, repeats in ((1, options.repeats), (options.days, 1)):
        first = last - timedelta(days=days - 1)
        for name in names:
            build = partial(_build, project, f"queue_{name}", first, last)
            cost = middle([cost_of(build) for _ in range(repeats)])
            rows = _count(settings, f"queue_{name}", first, last)
            found.append(
                Measurement(
                    project_name, name, kind(CAMPAIGNS[name]), days, round(cost.seconds, 3),
                    round(cost.processor_seconds, 3), cost.peak_memory_mb, rows,
                )
            )  # fmt: skip
            print(f"{name}: {days} days, {cost.seconds:.2f} s, {rows:,} rows", flush=True)
    return found


def write_section(document: Path, title: str, text: str) -> None:
    """Put the table into a document, in place of the section that was written there for the same title."""
    begin, end = _BEGIN.format(title), _END.format(title)
    section = f"{begin}\n{text}{end}\n"
    before = document.read_text() if document.exists() else ""
    if begin in before and end in before:
        head, rest = before.split(begin, 1)
        after = head + section + rest.split(end, 1)[1].removeprefix("\n")
    else:
        after = before + "\n" + section
    document.write_text(after)


def _build(project: DbtProject, queue: str, first: date, last: date) -> float:
    """Build one queue; the seconds that dbt counts for it."""
    (node,) = [node for node in project.build([queue], first, last) if not node.is_test]
    if node.status != "success":
        raise SystemExit(f"{queue}: {node.message}")
    return node.seconds


def _count(settings: Settings, queue: str, first: date, last: date) -> int:
    with Warehouse(settings).connect() as connection:
        return int(
            connection.rows(f"select count(*) from {queue} where movement_on between ? and ?", (first, last))[0][0]
        )


def _settings(folder: Path, dbt_dir: Path, url: str, options: argparse.Namespace) -> Settings:
    """A checkout of its own for the dbt project, with the memory limit in its profile."""
    place = folder / f"of_{len(list(folder.iterdir()))}"
    active_from = OrderData(options.orders).first_day + timedelta(days=_DAYS_ACTIVE_BEFORE)
    write_project(dbt_dir, place / "checkout", CAMPAIGNS, active_from.isoformat())
    profile = place / "checkout" / "dbt" / "profiles.yml"
    limit = f"preserve_insertion_order: false\n        memory_limit: {options.memory}\n"
    profile.write_text(profile.read_text().replace("preserve_insertion_order: false\n", limit))
    target = {"target": "postgres", "warehouse_url": url, "warehouse_schema": place.name} if url else {}
    return Settings.model_validate({"home": place / "home", "checkout": place / "checkout", **target})


@contextmanager
def _server(target: str) -> Iterator[str]:
    """The address of a database on a server of its own; empty for DuckDB."""
    if target == "duckdb":
        yield ""
        return
    server = PostgresServer()
    try:
        url = server.create_database().url
        _give_memory(url)
        yield url
    finally:
        server.stop()


def _give_memory(url: str) -> None:
    """The test server has PostgreSQL's small defaults; a warehouse would be given more."""
    import psycopg2

    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute("select current_database()")
        (name,) = cursor.fetchone() or ("",)
        cursor.execute(f"alter database \"{name}\" set work_mem = '256MB'")
        cursor.execute(f"alter database \"{name}\" set maintenance_work_mem = '512MB'")
    connection.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench_queues", description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--orders", type=int, default=1_000_000, help="two versions each (default 1,000,000)")
    parser.add_argument("--days", type=int, default=90, help="length of the range built in one pass (90)")
    parser.add_argument("--repeats", type=int, default=3, help="of the single day; the median counts (3)")
    parser.add_argument("--campaigns", nargs="*", help="only these of the twenty")
    parser.add_argument("--target", choices=("duckdb", "postgres"), default="duckdb")
    parser.add_argument("--memory", default="8GB", help="limit for DuckDB (8GB)")
    parser.add_argument("--dbt", type=Path, nargs="+", default=[_CHECKOUT / "dbt"], help="dbt projects, to compare")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    parser.add_argument("--json", action="store_true", help="print every measurement as JSON")
    parser.add_argument("--write", type=Path, help="a document that gets the table, such as docs/performance.md")
    return parser.parse_args()
