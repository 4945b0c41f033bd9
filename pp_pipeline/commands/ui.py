"""`pp ui`: Dagster's webserver and daemon on this machine only."""

import os
import subprocess
import sys

from pp_pipeline.commands.dagster_home import prepare_dagster_home
from pp_pipeline.commands.output import err, guarded, out
from pp_pipeline.settings import Settings


def serve(port: int) -> int:
    """Start both, wait for either to end, end the other."""
    return guarded(lambda: _serve(port))


def _serve(port: int) -> int:
    settings = Settings.from_environment()
    prepare_dagster_home(settings)
    workspace = ["-w", str(settings.checkout / "workspace.yaml")]
    python = [sys.executable, "-m"]
    out.print(f"Dagster opens on http://127.0.0.1:{port} (no login: it listens on this machine only). Ctrl-C ends it.")
    daemon = subprocess.Popen([*python, "dagster", "daemon", "run", *workspace], cwd=settings.checkout)
    web = subprocess.Popen(
        [*python, "dagster_webserver", "-h", "127.0.0.1", "-p", str(port), *workspace],
        cwd=settings.checkout,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
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
