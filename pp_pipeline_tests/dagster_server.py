"""Dagster's servers in tests: free ports, GraphQL, waiting for what other processes do."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pp_pipeline.settings import Settings

PATIENCE_SECONDS = 300


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def user_interface(settings: Settings) -> Iterator[str]:
    """The address of `pp ui` for a home, ended at the end."""
    port = free_port()
    environment = os.environ | {"PP_HOME": str(settings.home), "PP_CHECKOUT": str(settings.checkout)}
    process = subprocess.Popen([Path(sys.executable).parent / "pp", "ui", "--port", str(port)], env=environment)
    server = f"http://127.0.0.1:{port}"
    try:
        until(lambda: process.poll() is not None or answers(server))
        assert process.poll() is None, "pp ui ended by itself"
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def ask(server: str, query: str, **variables: object) -> dict[str, Any]:
    """What the webserver's GraphQL answers."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(f"{server}/graphql", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = json.load(response)
    assert "errors" not in answer, answer["errors"]
    return answer["data"]


def answers(server: str) -> bool:
    """Whether the webserver is up."""
    try:
        with urllib.request.urlopen(f"{server}/server_info", timeout=5):
            return True
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.5)
