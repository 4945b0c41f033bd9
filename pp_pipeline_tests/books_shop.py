"""A small shop whose books are built, changed and judged: for the tests of stale days.

An order a day from the 1st to the 6th of January, two campaigns, a segment that one of them asks. What was built
once is kept and brought back for each test.
"""

import shutil
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from pp_pipeline.build_range import BuildRange, build_range
from pp_pipeline.campaigns.books import Book, begin_build, books, record_built_days, stale_days
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import load_merchants
from pp_pipeline_tests.orders_oracle import OrderFile, days_between
from pp_pipeline_tests.whole_way import RUNS, WholeWay, differences
from pp_pipeline_tests.worked_examples import january, row

FIRST, LAST = january(1), january(6)
STEPS = ("orders", "list", "campaigns", "conversations")
CAMPAIGNS = {
    "each_order": {"wait_days": 1, "active_from": "2026-01-03", "back_populate_days": 5},
    "chair_lovers": {"wait_days": 0, "active_from": "2026-01-02", "audience": "in_segment('chairs')"},
}
SEGMENTS = {"chairs": "bought_category('Chairs', within_days=4)"}
_CONVERSATIONS = "conversations as they are"


def file_of(day: date, status: str = "processing", category: str = "Tables") -> OrderFile:
    """The order of a day; one contact orders on odd days, another on even ones."""
    stated = row(f"A{day.day}", day.day, status, email=f"ann{day.day % 2}@example.com")
    return OrderFile(f"orders_{day}.csv", day, ({**stated, "category": category},))


class BooksShop:
    """The shop, and what the tests do with it."""

    def __init__(self, folder: Path) -> None:
        self._kept = folder / "kept"
        self._conversations_hash = _CONVERSATIONS
        self.way = WholeWay(folder, campaigns=CAMPAIGNS, segments=SEGMENTS)
        self.way.begin_anew()
        self.way.drop([file_of(day) for day in days_between(FIRST, LAST)])
        self.way.load(FIRST, LAST)
        self._keep("landed")
        self.build()
        self._keep("built")

    def bring_back(self, state: str) -> None:
        """Files, warehouse, ledger and checkout as they were when all was `landed` or `built`."""
        self.change_conversations(_CONVERSATIONS)
        for path in (self._kept / state).iterdir():
            if path.is_dir():
                shutil.rmtree(self.way.settings.home / path.name)
                shutil.copytree(path, self.way.settings.home / path.name)
            else:
                shutil.copy(path, self.way.settings.home / path.name)
        for path in self.way.models_dir.glob("campaigns/queue_*.sql"):
            path.unlink()
        for name, parameters in CAMPAIGNS.items():
            self.way.write_campaign(name, parameters)
        self.way.write_segment("chairs", SEGMENTS["chairs"])

    def change_conversations(self, configuration: str) -> None:
        """What the conversation files say, as far as a book is held against it."""
        self._conversations_hash = configuration

    def books(self) -> list[Book]:
        return books(self.way.project.manifest(), FIRST, dict.fromkeys(RUNS, self._conversations_hash))

    def build(
        self,
        first: date = FIRST,
        last: date = LAST,
        steps: Sequence[str] = STEPS,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        """Build as the assets of Dagster do: begin, dbt, record."""
        models = self.models(steps)
        wanted = [book for book in self.books() if book.model in models]
        with self.way.warehouse.connect() as connection:
            seen = begin_build(connection, wanted, first, last)
        self.way.build(first, last, models)
        meanwhile()
        with self.way.warehouse.connect() as connection:
            record_built_days(connection, seen.keys(), seen)

    def models(self, steps: Sequence[str] = STEPS) -> list[str]:
        """The models of some steps."""
        nodes = self.way.project.manifest()["nodes"].values()
        return [node["name"] for node in nodes if node["resource_type"] == "model" and node["fqn"][1] in steps]

    def begin(self, models: Sequence[str], first: date, last: date) -> None:
        """Begin a build that then fails."""
        wanted = [book for book in self.books() if book.model in models]
        with self.way.warehouse.connect() as connection:
            begin_build(connection, wanted, first, last)

    def stale(self) -> dict[str, tuple[int, str]]:
        """By model, the first stale day of January and why; every book is stale from there to the newest day."""
        wanted = self.books()  # before the warehouse is open: dbt may have to parse, and wants it too
        with self.way.warehouse.connect() as connection:
            found = stale_days(connection, wanted)
        newest = self.way.rows("select max(day) from landed_days")[0][0]
        assert all(stale.stale_days == (newest - stale.day).days + 1 for stale in found)
        return {stale.model: (stale.day.day, stale.reason) for stale in found}

    def range_for(self, first: date, last: date) -> BuildRange:
        """What a run of first..last builds."""
        with Ledger(self.way.settings) as ledger:
            merchants = load_merchants(self.way.settings)
            return build_range(self.way.settings, ledger, self.way.warehouse, self.books(), merchants, first, last)

    def run(self, first: date, last: date) -> tuple[int, int]:
        """Load and build what `pp run` does; the days that it built."""
        days = self.range_for(first, last)
        self.way.load(days.first, days.read_through)
        self.build(days.first, days.last)
        return days.first.day, days.last.day

    def assert_holds(self) -> None:
        """Nothing is stale, and the tables are those of a fresh build."""
        assert self.stale() == {}, self.stale()
        models = self.models()
        found = self.way.contents(models)
        self.way.forget(models)
        self.way.build(FIRST, LAST, models)
        different = differences(found, self.way.contents(models))
        assert not different, different

    def _keep(self, state: str) -> None:
        """dbt's own files are left out: they belong to the checkout."""
        shutil.copytree(self.way.settings.home, self._kept / state, ignore=shutil.ignore_patterns("dbt"))
