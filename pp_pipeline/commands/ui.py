"""`pp ui`: Dagster's webserver and daemon on this machine only."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from pp_pipeline.commands.dagster_home import prepare_dagster_home
from pp_pipeline.commands.output import err, guarded, out
from pp_pipeline.settings import Settings


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
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
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
