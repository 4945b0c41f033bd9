"""`pp ui`: Dagster's webserver and daemon, and the pages beside them, on this machine only.

The webserver has no login, so it is given nothing that could send: no password of a channel or relay, no contact
secret, no live mode. What a person launches in it is queued, and the daemon starts it, with its own environment. The
pages (`pp pages`) send nothing; they look addresses up by the contact secret, and have no password either.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from pp_pipeline.commands.dagster_home import prepare_dagster_home
from pp_pipeline.commands.output import err, guarded, out
from pp_pipeline.settings import Settings

_OF_SENDING = ("PP_SECRET", "PP_LIVE")
_PASSWORDS = ("PP_SECRET_",)
_END_SECONDS = 60
"""The webserver takes ten seconds to end by itself, as it ends the server of the code location first."""


@guarded
def serve(port: int, pages_port: int) -> int:
    """Start all, wait for the webserver to end, end the others."""
    settings = Settings.from_environment()
    prepare_dagster_home(settings)
    workspace = ["-w", str(settings.checkout / "workspace.yaml")]
    programs = Path(sys.executable).parent
    out.print(f"Dagster opens on http://127.0.0.1:{port} (no login: it listens on this machine only). Ctrl-C ends it.")
    environment = {**os.environ, "PP_PAGES_PORT": str(pages_port)}  # links to the pages are made by what runs
    daemon = subprocess.Popen([programs / "dagster-daemon", "run", *workspace], cwd=settings.checkout, env=environment)
    web = subprocess.Popen(
        [programs / "dagster-webserver", "-h", "127.0.0.1", "-p", str(port), *workspace],
        cwd=settings.checkout,
        env=_without(_OF_SENDING, environment) | {"PYTHONUNBUFFERED": "1"},
    )
    pages = subprocess.Popen(
        [sys.executable, "-c", "from pp_pipeline.cli import app; app()", "pages", "--port", str(pages_port)],
        cwd=settings.checkout,
        env=_without(_PASSWORDS, environment) | {"PYTHONUNBUFFERED": "1"},
    )
    # A service manager ends it with SIGTERM: the processes must not stay behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return web.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        _end({"the webserver": web, "the daemon": daemon, "the pages": pages})


def _end(processes: Mapping[str, subprocess.Popen[bytes]]) -> None:
    """End them all; what takes too long, or whoever presses Ctrl-C again, is not waited for."""
    for process in processes.values():
        process.terminate()
    for name, process in processes.items():
        try:
            process.wait(timeout=_END_SECONDS)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            err.print(f"{name} did not end; it is stopped hard")
            process.kill()


def _without(beginnings: tuple[str, ...], environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without the variables that begin so."""
    return {name: value for name, value in environment.items() if not name.startswith(beginnings)}
