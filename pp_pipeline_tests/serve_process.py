"""`pp serve` as a process of its own, asked over loopback: for its tests under load, and its bench."""

import http.client
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from sqlalchemy import insert

from pp_pipeline.contact_keys import contact_key, contact_secret
from pp_pipeline.ledger.schema import deliveries
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.serving.link_tokens import TrackedLink, make_link_token
from pp_pipeline.serving.tokens import Person, make_token
from pp_pipeline.settings import Settings

CHECKOUT = Path(__file__).resolve().parents[1]
_BODY = "List-Unsubscribe=One-Click"
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


@contextmanager
def serve_process(settings: Settings, *words: str) -> Iterator[int]:
    """Runs the endpoint over a home, or another word of `pp` that answers; the port on which it does."""
    environment = {**os.environ, "PP_HOME": str(settings.home), "PP_CHECKOUT": str(settings.checkout)}
    command = [sys.executable, "-c", "from pp_pipeline.cli import app; app()", *(words or ["serve"]), "--port", "0"]
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


def checkout_that_tracks(folder: Path) -> Path:
    """A checkout whose one merchant has tracking links."""
    merchants = folder / "pp_pipeline" / "merchants"
    merchants.mkdir(parents=True)
    shipped = (CHECKOUT / "pp_pipeline" / "merchants" / "main.yml").read_text()
    tracking = "links: {tracking: {url: 'https://go.example.com'}}"
    (merchants / "main.yml").write_text(re.sub("^links:.*", tracking, shipped, flags=re.MULTILINE))
    return folder


def link_paths(settings: Settings, count: int) -> list[str]:
    """The tracking links of so many messages that went out."""
    secret, now = contact_secret(settings), datetime.now(UTC)
    keys = [f"{number:032x}" for number in range(count)]
    sent = {"target": "live", "kind": "message", "state": "sent", "merchant": "main", "channel": "email", "claim": "c"}
    with Ledger(settings) as ledger, ledger.writing() as connection:
        rows = [sent | {"key": key, "contact_key": key, "claimed_at": now, "lease_until": now} for key in keys]
        connection.execute(insert(deliveries), rows)
    url = "https://example.com/a?utm_source=post_purchase&utm_medium=email"
    return [f"/l/{make_link_token(secret, TrackedLink(key, url))}" for key in keys]


def click_links(port: int, paths: Sequence[str]) -> list[float]:
    """Follow links over one connection, one after the other; seconds that each took."""
    return _ask(port, "GET", paths, 302, headers={"User-Agent": "Mozilla/5.0"})


def post_one_clicks(port: int, paths: Sequence[str]) -> list[float]:
    """Unsubscribe by one click over one connection, one after the other; seconds that each took."""
    return _ask(port, "POST", paths, 200, body=_BODY, headers=_HEADERS)


def _ask(port: int, method: str, paths: Sequence[str], status: int, **request: Any) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    times = []
    for path in paths:
        begin = perf_counter()
        connection.request(method, path, **request)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status
        times.append(perf_counter() - begin)
    connection.close()
    return times
