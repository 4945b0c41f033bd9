"""Dagster's home inside PP_HOME, with the shipped dagster.yaml in it."""

import os
import shutil

from pp_pipeline.settings import Settings


def prepare_dagster_home(settings: Settings) -> None:
    """Make the folder, put the checkout's dagster.yaml there, and name it in the environment."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    shipped, installed = settings.checkout / "dagster.yaml", home / "dagster.yaml"
    if shipped.exists() and (not installed.exists() or installed.read_bytes() != shipped.read_bytes()):
        shutil.copyfile(shipped, installed)
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ["PP_HOME"] = str(settings.home)
