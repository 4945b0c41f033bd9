"""`pp ui`: Dagster's webserver and daemon on this machine only.

The webserver has no login, so it is given nothing that could send: no password of a channel or relay, no contact
secret, no live mode. What a person launches in it is queued, and the daemon starts it, with its own environment.
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


@guarded
def serve(port: int) -> int:
    """Start both, wait for either to end, end the other."""
    settings = Settings.from_environment()
    prepare_dagster_home(settings)
    workspace = ["-w", str(settings.checkout / "workspace.yaml")]
    programs = Path(sys.executable).parent
    out.print(f"Dagster opens on http://127.0.0.1:{port} (no login: it listens on this machine only). Ctrl-C ends it.")
    daemon = subprocess.Popen([programs / "dagster-daemon", "run", *workspace], cwd=settings.checkout)
    web = subprocess.Popen(
        [programs / "dagster-webserver", "-h", "127.0.0.1", "-p", str(port), *workspace],
        cwd=settings.checkout,
        env=_without_secrets(os.environ) | {"PYTHONUNBUFFERED": "1"},
    )
    # A service manager ends it with SIGTERM: the two processes must not stay behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return web.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        for process in (web, daemon):
            process.terminate()
        for process in (web, daemon):
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                err.print("a Dagster process did not end; it is stopped hard")
                process.kill()


def _without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for what must not be able to send."""
    return {name: value for name, value in environment.items() if not name.startswith(_OF_SENDING)}
