"""Which built days still hold (DESIGN 3, "The book").

Every model that is partitioned by day records, per day, the configuration and the files it was built from. The
configuration is its own and that of all it reads, as far as that had begun by the day. A day is stale when it is
missing, carries another configuration, was built before the content of a file dated up to it changed, or from
days of another model that did not hold; with it all later days are. `pp run` and the schedule rebuild from
the earliest stale day in the same pass; a run of one day from the UI leaves the rest, and a check names it.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas

from pp_pipeline.landing.days import days_between
from pp_pipeline.warehouse import Connection

CREATE_BUILT_DAYS = """
create table if not exists built_days (
    model varchar not null, day date not null, config_hash varchar not null, files_hash varchar not null
)
"""

# Tables that earlier versions of this program built. They name contacts, and no build of a day empties them any more.
_FORMER_MODELS = ("fired_events_1", "fired_events_2")

# In place of a configuration: the day was built from a day of another model that did not hold. No hash looks so.
_LEFT_BEHIND = "left behind"

# Per day: the hash of the configuration and the hash of the files.
BuiltFrom = tuple[str, str]


@dataclass(frozen=True)
class Book:
    """What a model's built days are held against: its configuration, and the first day that it needs.

    `reads` are the books of all models that it is made from, directly or through others.
    """

    model: str
    config_hash: str
    first_day: date
    reads: tuple["Book", ...] = ()

    def hash_on(self, day: date) -> str:
        """Its configuration and that of what it reads; of a campaign only from `active_from` on.

        So a new campaign does not make the events of the years before it stale.
        """
        read = [(book.model, book.config_hash) for book in self.reads if book.config_hash and book.first_day <= day]
        return _digest(self.config_hash, read) if read else self.config_hash


@dataclass(frozen=True)
class StaleDay:
    """The first day of a book that does not hold, and why: missing, other configuration, changed files."""

    model: str
    day: date
    reason: str
    stale_days: int


def books(manifest: Mapping[str, Any], first_day: date, hashes: Mapping[str, str]) -> list[Book]:
    """The books of a dbt manifest. A campaign's begins at `active_from`, the others at the first file's day.

    A model's own configuration is its meta.config_hash and what `hashes` says of it.

    Args:
        hashes: configuration that does not stand in the manifest, by model.
    """
    models = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    read_by = {key: _all_read(key, models) for key in models}
    found: dict[str, Book] = {}
    for key in sorted(models, key=lambda key: len(read_by[key])):  # what is read comes before what reads it
        name, meta = models[key]["name"], models[key]["config"].get("meta") or {}
        if "day_column" not in meta:
            continue
        active_from = str((meta.get("campaign") or {}).get("active_from", first_day))
        begins = max(first_day, date.fromisoformat(active_from))
        own = meta.get("config_hash", "")
        reads = sorted((found[read] for read in read_by[key] if read in found), key=lambda book: book.model)
        found[key] = Book(name, _digest(own, hashes[name]) if name in hashes else own, begins, tuple(reads))
    return sorted(found.values(), key=lambda book: book.model)


def begin_build(
    connection: Connection, wanted: Collection[Book], first: date, last: date
) -> dict[str, dict[date, BuiltFrom]]:
    """Before a build: the days about to be written don't hold until it has succeeded.

    Returns: by model and day, what the build will see, for `record_built_days`. It is taken now: a file that lands
    meanwhile, or a model that is read and was left behind, makes the day stale instead of being overlooked.
    """
    connection.execute(CREATE_BUILT_DAYS)
    _delete(connection, [book.model for book in wanted], first, last)
    _drop_what_is_built_whole(connection, wanted)
    _drop_former_models(connection)
    landed = _files_hashes(connection)
    built = _built_days(connection)
    days = [day for day in days_between(first, last) if day in landed]
    seen: dict[str, dict[date, BuiltFrom]] = {}
    first_stale: dict[str, date | None] = {}
    for book in sorted(wanted, key=lambda book: len(book.reads)):
        for read in book.reads:
            if read.model not in first_stale:
                stale = _first_stale(read, built.get(read.model, {}), landed, last)
                first_stale[read.model] = stale.day if stale else None
        holds_before = min((day for read in book.reads if (day := first_stale[read.model])), default=date.max)
        seen[book.model] = {
            day: (book.hash_on(day) if day < holds_before else _LEFT_BEHIND, landed[day]) for day in days
        }
        # What this call builds counts as built for what reads it: dbt skips a model when one before it fails.
        built.setdefault(book.model, {}).update(seen[book.model])
    return seen


def record_built_days(
    connection: Connection, succeeded: Collection[str], seen: Mapping[str, Mapping[date, BuiltFrom]]
) -> None:
    """After a build: what its days were built from.

    Args:
        succeeded: the models that did.
        seen: what `begin_build` returned.
    """
    for model in succeeded:
        if seen[model]:
            _delete(connection, [model], min(seen[model]), max(seen[model]))
    rows = [(model, day, *built_from) for model in succeeded for day, built_from in seen[model].items()]
    connection.insert(
        "built_days",
        pandas.DataFrame(rows, columns=["model", "day", "config_hash", "files_hash"], dtype=object),
    )


def stale_days(connection: Connection, wanted: Iterable[Book]) -> list[StaleDay]:
    """The first stale day of each book that has one, up to the newest landed day."""
    landed = _files_hashes(connection)
    if not landed:
        return []
    connection.execute(CREATE_BUILT_DAYS)
    built = _built_days(connection)
    found = (_first_stale(book, built.get(book.model, {}), landed, max(landed)) for book in wanted)
    return [stale for stale in found if stale]


def _first_stale(
    book: Book, built: Mapping[date, BuiltFrom], landed: Mapping[date, str], last: date
) -> StaleDay | None:
    for day in days_between(book.first_day, last):
        reason = _stale_reason(built.get(day), book.hash_on(day), landed.get(day))
        if reason:
            return StaleDay(book.model, day, reason, (last - day).days + 1)
    return None


def _stale_reason(built: BuiltFrom | None, config_hash: str, files_hash: str | None) -> str | None:
    if built is None or files_hash is None:
        return "missing"
    if built[0] == _LEFT_BEHIND:
        return "built from days of another model that did not hold"
    if built[0] != config_hash:
        return "built with another configuration"
    if built[1] != files_hash:
        return "built before the content of a file changed"
    return None


def _all_read(key: str, models: Mapping[str, Any]) -> set[str]:
    """The models that one is made from, directly or through others, views included."""
    found: set[str] = set()
    to_look_at = [key]
    while to_look_at:
        parents = models[to_look_at.pop()]["depends_on"]["nodes"]
        new = {parent for parent in parents if parent in models} - found
        found |= new
        to_look_at += new
    return found


def _delete(connection: Connection, models: Iterable[str], first: date, last: date) -> None:
    for model in models:
        connection.execute("delete from built_days where model = ? and day between ? and ?", (model, first, last))


def _built_days(connection: Connection) -> dict[str, dict[date, BuiltFrom]]:
    built: dict[str, dict[date, BuiltFrom]] = {}
    for model, day, config_hash, files_hash in connection.rows("select * from built_days"):
        built.setdefault(model, {})[day] = (config_hash, files_hash)
    return built


def _files_hashes(connection: Connection) -> dict[date, str]:
    if not connection.table_exists("landed_days"):
        return {}
    return dict(connection.rows("select day, files_hash from landed_days"))


def _drop_what_is_built_whole(connection: Connection, wanted: Collection[Book]) -> None:
    """A model of which no built day is left is made anew: its table may have an older form, with other columns."""
    kept = {model for (model,) in connection.rows("select distinct model from built_days")}
    for book in wanted:
        if book.model not in kept and connection.table_exists(book.model):
            connection.execute(f"drop table {book.model} cascade")


def _drop_former_models(connection: Connection) -> None:
    for model in _FORMER_MODELS:
        if connection.table_exists(model):
            connection.execute(f"drop table {model}")
            connection.execute("delete from built_days where model = ?", (model,))


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
