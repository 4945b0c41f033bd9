"""Python, packages, the home folder, its disk, Dagster's home."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from pp_pipeline.doctor.finding import Finding
from pp_pipeline.settings import Settings

_PACKAGE = "pp_pipeline"
_TOLD = ("dagster", "dbt-core", "duckdb", "sqlalchemy")
_GIGABYTE = 1_000_000_000
_LITTLE_SPACE = 5 * _GIGABYTE


def check_installation(settings: Settings) -> Iterator[Finding]:
    """All of them."""
    yield check_packages(("postgres",) if settings.target == "postgres" or "postgresql" in settings.ledger_url else ())
    yield check_home(settings.home)
    if settings.home.is_dir():
        yield check_disk(settings.home, _size(settings.warehouse_file))
    yield check_dagster(settings)


def check_packages(extras: tuple[str, ...] = ()) -> Finding:
    """Whether what the program was made for is installed, in versions that it was made for.

    Args:
        extras: further groups of packages that this installation needs.
    """
    wrong = []
    for line in requires(_PACKAGE) or []:
        wanted = Requirement(line)
        if wanted.marker and not any(wanted.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            continue
        found = _version_of(wanted.name)
        if found is None:
            wrong.append(f"{wanted.name} is missing")
        elif not wanted.specifier.contains(found, prereleases=True):
            wrong.append(f"{wanted.name} {found} is not {wanted.specifier}")
    told = [f"Python {sys.version.split()[0]}", *(f"{name} {_version_of(name)}" for name in (_PACKAGE, *_TOLD))]
    if not wrong:
        return Finding("packages", "ok", ", ".join(told))
    fix = "install what the lock file names: uv pip install -r requirements.lock"
    return Finding("packages", "fail", f"{', '.join(told)}; {'; '.join(wrong)}", fix)


def check_home(home: Path) -> Finding:
    """Whether the home can be written to."""
    what = "home folder"
    if not home.exists():
        return Finding(what, "warn", f"{home} is not there", "the first run makes it; is PP_HOME what you meant?")
    try:
        with tempfile.TemporaryFile(dir=home):
            return Finding(what, "ok", f"{home} can be written to")
    except OSError as error:
        why = f"{home} can't be written to: {error.strerror}"
        return Finding(what, "fail", why, "let PP_HOME name a folder that this user may write to")


def check_disk(home: Path, warehouse_bytes: int) -> Finding:
    """Whether there is room: the warehouse is written anew when somebody is forgotten."""
    free = shutil.disk_usage(home).free
    detail = f"{free / _GIGABYTE:,.1f} GB are free, the warehouse takes {warehouse_bytes / _GIGABYTE:,.1f} GB"
    fix = "make room on the disk of PP_HOME: a full disk stops loads and sendings"
    if free < max(_GIGABYTE, warehouse_bytes):
        return Finding("disk", "fail", detail, fix)
    if free < max(_LITTLE_SPACE, 2 * warehouse_bytes):
        return Finding("disk", "warn", detail, fix)
    return Finding("disk", "ok", detail)


def check_dagster(settings: Settings) -> Finding:
    """Whether Dagster has its home, and can write to it."""
    what, home = "Dagster home", settings.dagster_home
    if not (home / "dagster.yaml").exists():
        return Finding(what, "ok", f"{home} is made at the first run")
    if not os.access(home, os.W_OK):
        return Finding(what, "fail", f"{home} can't be written to", "let this user write to it")
    return Finding(what, "ok", f"{home}" + (", storage in PP_DAGSTER_URL" if settings.dagster_url else ""))


def _version_of(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
