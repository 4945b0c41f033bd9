"""Dagster's home inside PP_HOME, with the shipped dagster.yaml in it."""

import os

from pp_pipeline.settings import Settings, SettingsError

# The address stays in the environment: it holds a password.
_POSTGRES_STORAGE = """
# Runs, events and schedules of a team: dagster-postgres (PP_DAGSTER_URL).
storage:
  postgres:
    postgres_url:
      env: PP_DAGSTER_URL
"""


def prepare_dagster_home(settings: Settings) -> None:
    """Make the folder, put the checkout's dagster.yaml there, and name it in the environment.

    Raises:
        SettingsError: the checkout has none.
    """
    home, shipped = settings.dagster_home, settings.checkout / "dagster.yaml"
    if not shipped.is_file():
        raise SettingsError(f"{shipped} is not there; PP_CHECKOUT needs a whole copy of the checkout")
    home.mkdir(parents=True, exist_ok=True)
    wanted = shipped.read_text(encoding="utf-8")
    if settings.dagster_url:
        wanted += _POSTGRES_STORAGE
        os.environ["PP_DAGSTER_URL"] = settings.dagster_url
    installed = home / "dagster.yaml"
    if not installed.exists() or installed.read_text(encoding="utf-8") != wanted:
        installed.write_text(wanted, encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ["PP_HOME"] = str(settings.home)
