"""Measures `pp serve` under load, over loopback: one-click POSTs, each synced before its yes, and clicks on links.

The endpoint runs as a process of its own; several clients here keep a connection each and ask one after the other.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from time import perf_counter

from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.suppressions import suppressions_in_force
from pp_pipeline.settings import Settings
from pp_pipeline_tests.bench.measuring import machine
from pp_pipeline_tests.serve_process import (
    checkout_that_tracks,
    click_links,
    link_paths,
    post_one_clicks,
    serve_process,
    unsubscribe_paths,
)


def main() -> None:
    """The command: start the endpoint, ask, print, end it, see that nothing was lost."""
    parser = argparse.ArgumentParser(prog="bench_serve", description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--requests", type=int, default=5_000, help="of each kind (default 5,000)")
    parser.add_argument("--clients", type=int, default=16, help="clients at once (default 16)")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    options = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="pp-bench-", dir=options.folder) as folder:
        settings = Settings(home=Path(folder) / "home", checkout=checkout_that_tracks(Path(folder) / "checkout"))
        pages, links = unsubscribe_paths(settings, options.requests), link_paths(settings, options.requests)
        with serve_process(settings) as port:
            for what, ask, paths in (("one-click POSTs", post_one_clicks, pages), ("clicks", click_links, links)):
                measure(what, partial(ask, port), paths, options.clients)
        with Ledger(settings) as ledger:
            assert len(suppressions_in_force(ledger)) == options.requests
        lines = sum(path.read_text().count("\n") - 1 for path in settings.inbox.glob("feedback_*_serve.csv"))
        assert lines == 2 * options.requests


def measure(what: str, ask: Callable[[Sequence[str]], list[float]], paths: Sequence[str], clients: int) -> None:
    """Ask for all paths by so many clients at once; print how long it took."""
    begin = perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        parts = pool.map(ask, [paths[start::clients] for start in range(clients)])
        times = sorted(seconds for part in parts for seconds in part)
    seconds = perf_counter() - begin
    middle, high = times[len(times) // 2], times[len(times) * 99 // 100]
    print(
        f"{len(paths):,} {what} by {clients} clients at once: {len(paths) / seconds:,.0f} a second; "
        f"median {middle * 1000:.0f} ms, p99 {high * 1000:.0f} ms, longest {times[-1] * 1000:.0f} ms"
    )


if __name__ == "__main__":
    main()
