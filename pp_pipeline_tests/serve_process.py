"""`pp serve` as a process of its own, asked over loopback: for its tests under load, and its bench."""

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from pp_pipeline.contact_keys import contact_key, contact_secret
from pp_pipeline.serving.tokens import Person, make_token
from pp_pipeline.settings import Settings

CHECKOUT = Path(__file__).resolve().parents[1]
_BODY = "List-Unsubscribe=One-Click"
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


@contextmanager
def serve_process(settings: Settings) -> Iterator[int]:
    """Runs the endpoint over a home; the port on which it answers."""
    environment = {**os.environ, "PP_HOME": str(settings.home), "PP_CHECKOUT": str(CHECKOUT)}
    command = [sys.executable, "-c", "from pp_pipeline.cli import app; app()", "serve", "--port", "0"]
    endpoint = subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert endpoint.stdout is not None
        line = endpoint.stdout.readline()
        yield int(line.rpartition(":")[2].partition(".")[0])
    finally:
        endpoint.terminate()
        endpoint.communicate(timeout=60)


def unsubscribe_paths(settings: Settings, count: int) -> list[str]:
    """The unsubscribe links of so many contacts."""
    secret = contact_secret(settings)
    keys = (contact_key(secret, "main", f"person{number}@example.com") for number in range(count))
    return [f"/u?c={make_token(secret, Person('main', key, 'email'))}" for key in keys]


def post_one_clicks(port: int, paths: Sequence[str]) -> list[float]:
    """Unsubscribe by one click over one connection, one after the other; seconds that each took."""
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
