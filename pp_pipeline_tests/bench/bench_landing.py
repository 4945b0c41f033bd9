"""Measures landing: an order file of a million lines, read, checked and written, beside a bare DuckDB read of it.

The file is made by DuckDB out of numbers, so the same on every machine: three lines an order on average, 200,000
shoppers, 20,000 articles.
"""

import argparse
import tempfile
from datetime import date
from pathlib import Path
from time import perf_counter

from pp_pipeline.landing.load import load_days
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Warehouse
from pp_pipeline_tests.bench.measuring import cost_of, machine
from pp_pipeline_tests.landing_shop import merchant

_DAY = date(2026, 1, 5)
_LINES = """
copy (
    select
        'N-' || lpad(cast(n // 3 as varchar), 8, '0') as order_number,
        'shopper' || hash(n // 3) % 200000 || '@example.com' as email,
        strftime(timestamp '2026-01-01' + to_seconds(hash(n // 3 + 1) % 345600), '%Y-%m-%dT%H:%M:%S') as ordered_at,
        '' as ship_date, 'processing' as status, (hash(n // 3 + 2) % 90000) / 100 as order_total, 'USD' as currency,
        'SKU-' || hash(n) % 20000 as sku, 'Product ' || hash(n) % 20000 as product_name,
        'Category ' || hash(n) % 40 as category, 1 + hash(n + 1) % 4 as quantity, hash(n) % 20000 / 100 as unit_price
    from range({lines}) as numbers(n)
) to '{file}' (header, delimiter ',')
"""


def main() -> None:
    """The command: make the file, land it, read it bare, print."""
    import duckdb

    parser = argparse.ArgumentParser(prog="bench_landing", description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--lines", type=int, default=1_000_000, help="lines of the file (default 1,000,000)")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pp-bench-", dir=options.folder) as folder:
        settings = Settings(home=Path(folder) / "home")
        settings.inbox.mkdir(parents=True)
        file = settings.inbox / f"orders_{_DAY}.csv"
        duckdb.execute(_LINES.format(lines=options.lines, file=file))
        with Ledger(settings) as ledger:
            landed = cost_of(lambda: _seconds_to_load(settings, ledger, options.lines))
        begin = perf_counter()
        duckdb.execute(f"create table bare as select * from read_csv('{file}')")
        bare = perf_counter() - begin
        print(f"{options.lines:,} lines, {file.stat().st_size / 1e6:.0f} MB; {machine()}")
    print(f"landing: {landed.seconds:.1f} s, {landed.processor_seconds:.1f} processor s, {landed.peak_memory_mb:,} MB")
    print(f"bare DuckDB read of the same file: {bare:.2f} s; landing takes {landed.seconds / bare:.0f} times as long")


def _seconds_to_load(settings: Settings, ledger: Ledger, lines: int) -> float:
    begin = perf_counter()
    connect = Warehouse(settings).connect
    result = load_days(settings, ledger, connect, _DAY, _DAY, {"main": merchant()}, today=_DAY)
    if [(file.outcome, file.row_count, file.quarantined_count) for file in result.files] != [("accepted", lines, 0)]:
        raise SystemExit(f"the file was not landed whole: {result.files}")
    return perf_counter() - begin


if __name__ == "__main__":
    main()
