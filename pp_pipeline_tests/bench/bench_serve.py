"""Measures `pp serve` under load: one-click POSTs over loopback, each of another contact, synced before each yes.

The endpoint runs as a process of its own; several clients here keep a connection each and post one after the other.
"""

import argparse
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.suppressions import suppressions_in_force
from pp_pipeline.settings import Settings
from pp_pipeline_tests.bench.measuring import machine
from pp_pipeline_tests.serve_process import post_one_clicks, serve_process, unsubscribe_paths


def main() -> None:
    """The command: start the endpoint, post, end it, see that nobody was lost, print."""
    parser = argparse.ArgumentParser(prog="bench_serve", description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--requests", type=int, default=5_000, help="one-click POSTs (default 5,000)")
    parser.add_argument("--clients", type=int, default=16, help="clients at once (default 16)")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pp-bench-", dir=options.folder) as folder:
        settings = Settings(home=Path(folder))
        paths = unsubscribe_paths(settings, options.requests)
        with serve_process(settings) as port:
            begin = perf_counter()
            shares = [paths[start :: options.clients] for start in range(options.clients)]
            with ThreadPoolExecutor(options.clients) as pool:
                parts = pool.map(lambda share: post_one_clicks(port, share), shares)
                times = sorted(seconds for part in parts for seconds in part)
            seconds = perf_counter() - begin
        with Ledger(settings) as ledger:
            assert len(suppressions_in_force(ledger)) == options.requests
        lines = next(settings.inbox.glob("feedback_*_serve.csv")).read_text().count("\n")
        assert lines == options.requests + 1
    middle, high = times[len(times) // 2], times[len(times) * 99 // 100]
    print(f"{options.requests:,} one-click POSTs by {options.clients} clients at once; {machine()}")
    print(
        f"{options.requests / seconds:,.0f} a second; median {middle * 1000:.0f} ms, "
        f"p99 {high * 1000:.0f} ms, longest {times[-1] * 1000:.0f} ms"
    )


if __name__ == "__main__":
    main()
