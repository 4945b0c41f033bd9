"""Building in a shadow what does not hold: the plain functions that the assets call, in their order."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date

from pp_pipeline.campaigns.books import Book, begin_build, record_built_days, stale_days
from pp_pipeline.configuration import Configuration
from pp_pipeline.conversations.tables import write_conversation_tables
from pp_pipeline.landing import days as landing_days
from pp_pipeline.landing.files import scan_inbox
from pp_pipeline.landing.load import load_days
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.warehouse import Warehouse

Say = Callable[[str], None]


class ShadowError(RuntimeError):
    """A shadow can't be built; the text names the file or the model and says why."""


def build_days(configuration: Configuration, first: date, last: date, models: Collection[str], say: Say) -> None:
    """Land and build what of first..last, or of days before them, does not hold.

    Args:
        configuration: of the shadow.
        first, last: the days that are asked about.
        models: build no others than these and what they are made from; empty: everything that has days.
        say: told what takes time.

    Raises:
        ShadowError: a content can't be read, or a model fails.
    """
    return _Build(configuration, Warehouse(configuration.settings), say).run(first, last, models)


@dataclass(frozen=True)
class _Build:
    configuration: Configuration
    warehouse: Warehouse
    say: Say

    def run(self, first: date, last: date, models: Collection[str]) -> None:
        with Ledger(self.configuration.settings) as ledger:
            with self.warehouse.connect() as connection:
                newest = max(landing_days.landed_days(connection), default=date.min)
            landed_from = self._first_to_land(ledger, first, last)
            if landed_from is not None:
                self._land(ledger, landed_from, last)
        with self.warehouse.connect() as connection:
            write_conversation_tables(connection, self.configuration.conversations)
            landed = landing_days.landed_days(connection)
        books = self._wanted_books(min(landed, default=first), models)
        with self.warehouse.connect() as connection:
            stale = {found.model: found.day for found in stale_days(connection, books) if found.day <= last}
            # Of a campaign that begins later no day is missing, and what gathers all of them asks for its table.
            stale |= {book.model: last for book in books if not connection.table_exists(book.model)} | stale
        # What lacks new days only is no reason to build its old ones. It is read by the others, never the other way.
        late = [book for book in books if stale.get(book.model, date.min) > newest]
        early = [book for book in books if book.model in stale and book not in late]
        views = self._views({book.model for book in books})
        if late:
            self._build(late, [] if early else views, min(stale[book.model] for book in late), last)
        if early:
            days = [stale[book.model] for book in early]
            self._build(early, views, min([*days, landed_from] if landed_from else days), last)

    def _first_to_land(self, ledger: Ledger, first: date, last: date) -> date | None:
        """The first day whose rows are not those of the shadow's files, or that was never landed."""
        configuration, settings = self.configuration, self.configuration.settings
        with self.warehouse.connect() as connection:
            landed = landing_days.landed_days(connection)
            days = landing_days.stale_days(settings, ledger, connection, configuration.merchants, last)
        days += [file.file_date for file in scan_inbox(settings, configuration.feeds).files]
        days += [day for day in landing_days.days_between(min(landed, default=first), last) if day not in landed]
        return min(days, default=None)

    def _land(self, ledger: Ledger, first: date, last: date) -> None:
        self.say(f"lands {first} to {last}")
        settings = self.configuration.settings
        found = load_days(
            settings, ledger, self.warehouse.connect, first, last, self.configuration.merchants, today=settings.today
        )
        problems = [file.reason for file in found.refused] + list(found.problems)
        if problems:
            raise ShadowError("\n".join(problems))

    def _wanted_books(self, first_day: date, models: Collection[str]) -> list[Book]:
        books = self.configuration.books_since(first_day)
        if not models:
            return books
        wanted = {book.model for book in books if book.model in models}
        wanted |= {read.model for book in books if book.model in models for read in book.reads}
        return [book for book in books if book.model in wanted]

    def _build(self, stale: Sequence[Book], views: Sequence[str], first: date, last: date) -> None:
        names = sorted(book.model for book in stale)
        self.say(f"builds {first} to {last}: {', '.join(names)}")
        with self.warehouse.connect() as connection:
            seen = begin_build(connection, stale, first, last)
        results = self.configuration.project.build([*names, *views], first, last, with_tests=False)
        failed = [result for result in results if result.status != "success"]
        if failed:
            raise ShadowError("\n".join(f"{result.name}: {result.status}: {result.message}" for result in failed))
        with self.warehouse.connect() as connection:
            record_built_days(connection, seen.keys(), seen)

    def _views(self, models: Collection[str]) -> list[str]:
        """The views between these models: they may be other ones in this configuration."""
        nodes = {
            key: node for key, node in self.configuration.manifest["nodes"].items() if node["resource_type"] == "model"
        }
        return sorted(
            node["name"]
            for node in nodes.values()
            if node["config"]["materialized"] == "view"
            and all(nodes[key]["name"] in models for key in node["depends_on"]["nodes"] if key in nodes)
        )
