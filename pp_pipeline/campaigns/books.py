"""Which built days still hold (DESIGN 3, "The book").

Every model that is partitioned by day records, per day, the configuration and the files it was
built from. A day is stale when it is missing, carries another configuration, or was built before
the content of a file dated up to it changed; with it all later days are. `pp run` and the schedule
rebuild from the earliest stale day in the same pass; a run of one day from the UI leaves the rest,
and a check names it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas

from pp_pipeline.warehouse import Connection

CREATE_BUILT_DAYS = """
create table if not exists built_days (
    model varchar not null, day date not null, config_hash varchar not null, files_hash varchar not null
)
"""


# The models that read what landing writes; all others see the files through the first of them.
READS_LANDING = ("order_versions", "order_lines")


@dataclass(frozen=True)
class Book:
    """What a model's built days are held against: its configuration, and the first day that it needs."""

    model: str
    config_hash: str
    first_day: date


@dataclass(frozen=True)
class StaleDay:
    """The first day of a book that does not hold, and why: missing, other configuration, changed files."""

    model: str
    day: date
    reason: str
    stale_days: int


def books(manifest: Mapping[str, Any], first_day: date, hashes: Mapping[str, str]) -> list[Book]:
    """The books of a dbt manifest. A campaign's begins at `active_from`, the others at the first file's day.

    Args:
        hashes: configuration hashes that don't stand in the manifest, by model.
    """
    found = []
    for node in manifest["nodes"].values():
        meta = node["config"].get("meta") or {}
        if node["resource_type"] != "model" or "day_column" not in meta:
            continue
        active_from = str((meta.get("campaign") or {}).get("active_from", first_day))
        begins = max(first_day, date.fromisoformat(active_from))
        found.append(Book(node["name"], hashes.get(node["name"]) or meta.get("config_hash", ""), begins))
    return sorted(found, key=lambda book: book.model)


def begin_build(connection: Connection, models: Collection[str], first: date, last: date) -> dict[str, dict[date, str]]:
    """Before a build: the days about to be written don't hold until it has succeeded.

    Returns: by model and day, the hash of the files that the build will see, for `record_built_days`. It is taken
    now, and for all but the first models from what those were built from: a file that lands meanwhile, or an
    upstream model that was left behind, makes the day stale instead of being overlooked.
    """
    connection.execute(CREATE_BUILT_DAYS)
    _delete(connection, models, first, last)
    landed = _files_hashes(connection)
    upstream = dict(connection.rows("select day, files_hash from built_days where model = ?", (READS_LANDING[0],)))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return {
        model: {
            day: hashes[day]
            for day in days
            for hashes in [landed if model in READS_LANDING else upstream]
            if day in hashes
        }
        for model in models
    }


def record_built_days(
    connection: Connection, config_hashes: Mapping[str, str], seen: Mapping[str, Mapping[date, str]]
) -> None:
    """After a build: what its days were built from.

    Args:
        config_hashes: configuration hash by model, of the models that succeeded.
        seen: what `begin_build` returned.
    """
    rows = [
        (model, day, config_hash, files_hash)
        for model, config_hash in config_hashes.items()
        for day, files_hash in seen[model].items()
    ]
    for model in config_hashes:
        if seen[model]:
            _delete(connection, [model], min(seen[model]), max(seen[model]))
    connection.insert(
        "built_days",
        pandas.DataFrame(rows, columns=["model", "day", "config_hash", "files_hash"], dtype=object),
    )


def _delete(connection: Connection, models: Collection[str], first: date, last: date) -> None:
    for model in models:
        connection.execute("delete from built_days where model = ? and day between ? and ?", (model, first, last))


def stale_days(connection: Connection, wanted: Iterable[Book]) -> list[StaleDay]:
    """The first stale day of each book that has one, up to the newest landed day."""
    files_hashes = _files_hashes(connection)
    if not files_hashes:
        return []
    last = max(files_hashes)
    connection.execute(CREATE_BUILT_DAYS)
    built: dict[str, dict[date, tuple[str, str]]] = {}
    for model, day, config_hash, files_hash in connection.rows("select * from built_days"):
        built.setdefault(model, {})[day] = (config_hash, files_hash)
    found = []
    for book in wanted:
        days = built.get(book.model, {})
        for number in range((last - book.first_day).days + 1):
            day = book.first_day + timedelta(days=number)
            reason = _stale_reason(days.get(day), book.config_hash, files_hashes.get(day))
            if reason:
                found.append(StaleDay(book.model, day, reason, (last - day).days + 1))
                break
    return found


def _stale_reason(built: tuple[str, str] | None, config_hash: str, files_hash: str | None) -> str | None:
    if built is None or files_hash is None:
        return "missing"
    if built[0] != config_hash:
        return "built with another configuration"
    if built[1] != files_hash:
        return "built before the content of a file changed"
    return None


def _files_hashes(connection: Connection) -> dict[date, str]:
    if not connection.table_exists("landed_days"):
        return {}
    return dict(connection.rows("select day, files_hash from landed_days"))
