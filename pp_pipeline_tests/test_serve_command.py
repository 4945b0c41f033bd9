"""The command `pp serve`: where it listens, how it begins and ends, and what it refuses to begin with."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pp_pipeline.cli import app
from pp_pipeline.contact_keys import contact_key, contact_secret
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.suppressions import suppressions_in_force
from pp_pipeline.serving.tokens import Person, make_token
from pp_pipeline.settings import Settings

_CHECKOUT = Path(__file__).resolve().parents[1]


def test_it_begins_answers_and_ends_in_good_order(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    secret = contact_secret(settings)
    token = make_token(secret, Person("main", contact_key(secret, "main", "ann@example.com"), "email"))
    environment = {**os.environ, "PP_HOME": str(tmp_path), "PP_CHECKOUT": str(_CHECKOUT), "COLUMNS": "200"}
    command = [sys.executable, "-c", "from pp_pipeline.cli import app; app()", "serve", "--port", "0"]
    endpoint = subprocess.Popen(
        command, cwd=_CHECKOUT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert endpoint.stdout is not None
        line = endpoint.stdout.readline()
        assert line.startswith("pp serve answers on http://127.0.0.1:")
        address = line.removeprefix("pp serve answers on ").partition(". ")[0]
        with urllib.request.urlopen(f"{address}/u?c={token}", data=b"List-Unsubscribe=One-Click", timeout=60) as answer:
            assert answer.status == 200
            assert "server" not in answer.headers
    finally:
        endpoint.send_signal(signal.SIGTERM)
        rest, errors = endpoint.communicate(timeout=60)
    assert (endpoint.returncode, rest, errors) == (0, "pp serve has ended.\n", "")
    with Ledger(settings) as ledger:
        assert [one.reason for one in suppressions_in_force(ledger)] == ["unsubscribed"]


def refused(monkeypatch: pytest.MonkeyPatch, home: Path, *options: str) -> str:
    """What is said when it can't begin."""
    monkeypatch.setenv("PP_HOME", str(home))
    result = CliRunner().invoke(app, ["serve", *options])
    assert result.exit_code == 2
    return " ".join(result.output.split())


def test_a_port_that_is_taken_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        text = refused(monkeypatch, tmp_path, "--port", port)
    assert f"pp serve can't listen on 127.0.0.1 port {port}: Address already in use" in text


def test_a_feed_that_would_take_its_files_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "pp_pipeline" / "merchants"
    folder.mkdir(parents=True)
    shipped = (_CHECKOUT / "pp_pipeline" / "merchants" / "main.yml").read_text()
    feed = '\nfeeds: [{feed: theirs, kind: feedback, files: "feedback_{date}.csv"}]\n'
    (folder / "main.yml").write_text(shipped + feed)
    monkeypatch.setenv("PP_CHECKOUT", str(tmp_path))
    text = refused(monkeypatch, tmp_path / "home")
    assert "main.theirs would take feedback_" in text
    assert "let its `files` leave out names like this one" in text


def test_another_contact_secret_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Ledger(Settings(home=tmp_path)) as ledger:
        ledger.remember_fact("contact_secret_fingerprint", "of another")
    assert "the contact secret" in refused(monkeypatch, tmp_path)
