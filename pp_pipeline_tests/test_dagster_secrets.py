"""The webserver alone cannot send: it has neither the secrets nor a way to start a run (DESIGN 5 and 6)."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pp_pipeline.commands.dagster_home import prepare_dagster_home
from pp_pipeline.defs.jobs import DAILY, SENDING
from pp_pipeline.defs.location import Location
from pp_pipeline_tests.dagster_home import Installation, install, instance_of
from pp_pipeline_tests.dagster_server import answers, ask, free_port, until

SECRET = "correct-horse-battery"
PROGRAMS = Path(sys.executable).parent
_LAUNCH = """
mutation ($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { status } }
    ... on PythonError { message }
  }
}
"""


@pytest.mark.heavy
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads the environment of processes from /proc")
def test_no_secret_is_in_the_environment_of_the_webserver(tmp_path: Path) -> None:
    installation = install(tmp_path)
    secrets = {"PP_SECRET": SECRET * 2, "PP_SECRET_SMTP_MAIN": SECRET, "PP_LIVE": "1"}
    with running(installation, [str(PROGRAMS / "pp"), "ui", "--port", str(free_port())], **secrets) as pid:
        # the webserver serves the code location by a process of its own, with what it has itself
        until(lambda: len(descendants(program(pid, "dagster-webserver"))) > 1)
        until(lambda: program(pid, "dagster-daemon") > 0)
        for each in descendants(program(pid, "dagster-webserver")):
            assert SECRET not in environ(each)
            assert "PP_LIVE" not in environ(each)
        assert SECRET in environ(program(pid, "dagster-daemon"))


@pytest.mark.heavy
def test_what_is_launched_while_no_daemon_runs_is_only_queued(tmp_path: Path) -> None:
    installation = install(tmp_path)
    settings = installation.settings
    day = Location(settings).today()
    installation.write_orders(f"{day}", f"A1,ann@example.com,{day}T10:00:00,,processing")
    with instance_of(installation) as instance:
        assert installation.run(DAILY, day, day, instance).success
    prepare_dagster_home(settings)
    port = free_port()
    command = [str(PROGRAMS / "dagster-webserver"), "-h", "127.0.0.1", "-p", str(port)]
    command += ["-w", str(settings.checkout / "workspace.yaml")]
    with running(installation, command, DAGSTER_HOME=str(settings.dagster_home)):
        server = f"http://127.0.0.1:{port}"
        until(lambda: answers(server))
        selector = {
            "repositoryLocationName": "pp_pipeline",
            "repositoryName": "__repository__",
            "pipelineName": SENDING,
        }
        tags = [{"key": "dagster/partition", "value": f"{day}"}]
        launched = ask(
            server,
            _LAUNCH,
            params={"selector": selector, "runConfigData": {}, "mode": "default", "executionMetadata": {"tags": tags}},
        )["launchRun"]
    assert launched == {"__typename": "LaunchRunSuccess", "run": {"status": "QUEUED"}}
    assert not settings.outbox.exists()


@contextmanager
def running(installation: Installation, command: list[str], **variables: str) -> Iterator[int]:
    """A program that runs in an installation, by its process id; ended at the end."""
    environment = os.environ | variables
    environment |= {"PP_HOME": str(installation.settings.home), "PP_CHECKOUT": str(installation.settings.checkout)}
    process = subprocess.Popen(command, env=environment, cwd=installation.settings.checkout)
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def environ(pid: int) -> str:
    """The environment that a process was started with."""
    return Path(f"/proc/{pid}/environ").read_text(errors="replace")


def program(parent: int, name: str) -> int:
    """The process under another that runs a program; 0 while there is none."""
    found = (pid for pid in descendants(parent) if name in Path(f"/proc/{pid}/cmdline").read_text(errors="replace"))
    return next(found, 0)


def descendants(parent: int) -> list[int]:
    """A process and all that it started."""
    if not parent:
        return []
    children = [child for task in Path(f"/proc/{parent}/task").glob("*/children") for child in task.read_text().split()]
    return [parent, *(pid for child in children for pid in descendants(int(child)))]
