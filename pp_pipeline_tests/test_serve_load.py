"""`pp serve` as a process: many at once, the same again, clients that dawdle or flood, and GETs that change nothing."""

import csv
import http.client
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.suppressions import suppressions_in_force
from pp_pipeline.settings import Settings
from pp_pipeline_tests.serve_process import (
    checkout_that_tracks,
    click_links,
    link_paths,
    post_one_clicks,
    serve_process,
    unsubscribe_paths,
)
from pp_pipeline_tests.serving_shop import state_of

FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, int]]:
    settings = Settings(home=tmp_path_factory.mktemp("served") / "home")
    with serve_process(settings) as port:
        yield settings, port


def ask(port: int, method: str, path: str, body: bytes | None = None, content_type: str = FORM) -> tuple[int, str]:
    """The status and the allowed methods of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body=body, headers={"Content-Type": content_type})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.headers.get("Allow", "")


def feedback(settings: Settings) -> list[dict[str, str]]:
    """All rows that were taken in."""
    files = settings.inbox.glob("feedback_*_serve.csv")
    return [row for path in files for row in csv.DictReader(path.read_text().splitlines())]


def test_get_head_and_options_change_no_file(served: tuple[Settings, int]) -> None:
    settings, port = served
    link = unsubscribe_paths(settings, 1)[0]
    preferences = link.replace("/u?", "/preferences?")
    post_one_clicks(port, [link])
    ask(port, "GET", preferences)
    before = state_of(settings.home)
    for path, status in ((link, 200), (preferences, 200), ("/openapi.json", 200), ("/u?c=x", 403), ("/l/x", 404)):
        asked = f"{path}&" if "?" in path else f"{path}?"
        assert ask(port, "GET", f"{asked}List-Unsubscribe=One-Click&email=no")[0] == status
        assert ask(port, "HEAD", path)[0] == status
        assert ask(port, "OPTIONS", path)[0] == 405
    assert state_of(settings.home) == before
    post_one_clicks(port, [unsubscribe_paths(settings, 13)[-1]])
    assert state_of(settings.home) != before


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/u", {"GET", "HEAD", "POST"}),
        ("/preferences", {"GET", "HEAD", "POST"}),
        ("/l/x", {"GET", "HEAD"}),
        ("/webhooks/main/any", {"POST"}),
        ("/openapi.json", {"GET", "HEAD"}),
    ],
)
def test_other_methods_are_told_what_is_allowed(served: tuple[Settings, int], path: str, methods: set[str]) -> None:
    for method in ("OPTIONS", "PUT", "DELETE", "TRACE"):
        status, allowed = ask(served[1], method, path)
        assert (status, set(allowed.split(", "))) == (405, methods)


def test_bodies_that_are_too_large_are_refused_before_they_came(served: tuple[Settings, int]) -> None:
    settings, port = served
    link = unsubscribe_paths(settings, 2)[1]
    assert ask(port, "POST", link, b"x" * 20_000)[0] == 413
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        head = f"POST {link} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: 99999999999\r\n\r\n"
        client.sendall(head.encode())
        assert client.recv(100).startswith(b"HTTP/1.1 413")
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        head = f"POST {link} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nTransfer-Encoding: chunked\r\n\r\n"
        client.sendall(head.encode() + b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 413")


def test_clients_that_dawdle_hold_nobody_up_and_too_many_are_told(served: tuple[Settings, int]) -> None:
    settings, port = served
    links = unsubscribe_paths(settings, 12)[2:]
    head = f"POST {links[0]} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: 26\r\n\r\nList-"
    with ExitStack() as open_clients:
        for count in range(520):
            client = open_clients.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
            client.sendall(head.encode())
            if count == 300:
                post_one_clicks(port, links)
        assert ask(port, "GET", links[0])[0] == 503
    while ask(port, "GET", links[0])[0] == 503:  # until those who left are seen to have left
        pass
    with Ledger(settings) as ledger:
        assert {path[5:37] for path in links} <= {one.contact_key for one in suppressions_in_force(ledger)}


@pytest.mark.parametrize("contacts", [60, pytest.param(3_000, marks=pytest.mark.heavy)])
def test_whoever_clicks_again_and_at_once_is_suppressed_exactly_once(tmp_path: Path, contacts: int) -> None:
    """Each contact clicks three times, by different connections, some at the same moment, at two endpoints."""
    settings = Settings(home=tmp_path / "home")
    paths = unsubscribe_paths(settings, contacts)
    shares = [paths[start::8] for start in range(8)] * 3
    with serve_process(settings) as first, serve_process(settings) as second, ThreadPoolExecutor(len(shares)) as pool:
        ports = [first, second] * (len(shares) // 2)
        clicks = [pool.submit(post_one_clicks, port, share) for port, share in zip(ports, shares, strict=True)]
        assert sum(len(click.result()) for click in clicks) == 3 * contacts
    keys = {path[5:37] for path in paths}
    with Ledger(settings) as ledger:
        found = suppressions_in_force(ledger)
    assert len(found) == contacts
    assert {one.contact_key for one in found} == keys
    rows = feedback(settings)
    assert {row["contact_key"] for row in rows} == keys
    numbers = Counter(row["feedback_id"] for row in rows)
    assert len(numbers) == contacts
    assert max(numbers.values()) <= 2  # each endpoint leaves out what it wrote itself; landing counts a number once


@pytest.mark.parametrize("messages", [200, pytest.param(4_000, marks=pytest.mark.heavy)])
def test_clicks_at_once_are_all_taken_down_and_hold_nobody_up(tmp_path: Path, messages: int) -> None:
    """Those that still wait when the endpoint is told to end, too."""
    settings = Settings(home=tmp_path / "home", checkout=checkout_that_tracks(tmp_path / "checkout"))
    links, pages = link_paths(settings, messages), unsubscribe_paths(settings, 20)
    with serve_process(settings) as port, ThreadPoolExecutor(9) as pool:
        asked = [pool.submit(click_links, port, links[start::8]) for start in range(8)]
        asked.append(pool.submit(post_one_clicks, port, pages))
        assert sum(len(part.result()) for part in asked) == messages + len(pages)
    rows = feedback(settings)
    assert len({row["feedback_id"] for row in rows}) == len(rows)
    assert Counter(row["event"] for row in rows) == {"clicked": messages, "unsubscribed": len(pages)}
