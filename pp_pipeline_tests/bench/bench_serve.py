"""Measures `pp serve` under load: one-click POSTs over loopback, each of another contact, synced before each yes.

The endpoint runs as a process of its own; several clients here keep a connection each and post one after the other.
"""

import argparse
import http.client
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

from pp_pipeline.contact_keys import contact_key, contact_secret
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.suppressions import suppressions_in_force
from pp_pipeline.serving.tokens import Person, make_token
from pp_pipeline.settings import Settings
from pp_pipeline_tests.bench.measuring import machine

_CHECKOUT = Path(__file__).resolve().parents[2]
_BODY = "List-Unsubscribe=One-Click"
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


def main() -> None:
    """The command: start the endpoint, post, end it, see that nobody was lost, print."""
    parser = argparse.ArgumentParser(prog="bench_serve", description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--requests", type=int, default=5_000, help="one-click POSTs (default 5,000)")
    parser.add_argument("--clients", type=int, default=16, help="clients at once (default 16)")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pp-bench-", dir=options.folder) as folder:
        settings = Settings(home=Path(folder))
        paths = _paths(settings, options.requests)
        endpoint, port = _start(settings)
        try:
            begin = perf_counter()
            with ThreadPoolExecutor(options.clients) as pool:
                parts = pool.map(lambda start: _post(port, paths[start :: options.clients]), range(options.clients))
                times = sorted(seconds for part in parts for seconds in part)
            seconds = perf_counter() - begin
        finally:
            endpoint.terminate()
            endpoint.wait(60)
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


def _paths(settings: Settings, count: int) -> list[str]:
    secret = contact_secret(settings)
    keys = (contact_key(secret, "main", f"person{number}@example.com") for number in range(count))
    return [f"/u?c={make_token(secret, Person('main', key, 'email'))}" for key in keys]


def _start(settings: Settings) -> tuple[subprocess.Popen[str], int]:
    """The endpoint, and the port that it says it answers on."""
    environment = {**os.environ, "PP_HOME": str(settings.home), "PP_CHECKOUT": str(_CHECKOUT)}
    command = [sys.executable, "-c", "from pp_pipeline.cli import app; app()", "serve", "--port", "0"]
    endpoint = subprocess.Popen(command, cwd=_CHECKOUT, env=environment, stdout=subprocess.PIPE, text=True)
    assert endpoint.stdout is not None
    line = endpoint.stdout.readline()
    return endpoint, int(line.rpartition(":")[2].partition(".")[0])


def _post(port: int, paths: list[str]) -> list[float]:
    """Post one after the other; seconds that each took."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    times = []
    for path in paths:
        begin = perf_counter()
        connection.request("POST", path, body=_BODY, headers=_HEADERS)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        times.append(perf_counter() - begin)
    connection.close()
    return times


if __name__ == "__main__":
    main()
