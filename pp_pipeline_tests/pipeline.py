"""The real pipeline for many queue cases at once: CSV files through landing and dbt to the books.

Each case has a merchant and a campaign model of its own, so one run answers for all of them. The models are
parsed once: their parameters come from a var, which dbt honours in the bodies of models.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from pp_pipeline.dbt_project import DbtProject
from pp_pipeline.landing.load import load_days
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import load_merchants
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Warehouse
from pp_pipeline_tests.cases import Case, sorted_book, write_inbox, write_merchants
from pp_pipeline_tests.queue_oracle import Movement

CHECKOUT = Path(__file__).resolve().parent.parent
SLOTS = 24
ORDERS = ("order_versions", "order_lines")
_NOBODY = {
    "event": "nobody", "merchant": "nobody", "wait_days": 0, "date_basis": "order_date", "active_from": "2026-01-01",
}  # fmt: skip
_COLUMNS = "movement_on, movement, reason, order_number, email, basis_date, basis_source, due_on"


class QueuePipeline:
    """A checkout with `SLOTS` campaign models, and a home that every run begins anew."""

    def __init__(self, folder: Path, warehouse_url: str = "") -> None:
        checkout = folder / "checkout"
        copy_checkout(checkout)
        for path in (checkout / "dbt/models/campaigns").glob("queue_*.sql"):
            path.unlink()
        for slot in range(SLOTS):
            body = f"{{{{ campaign(**var('slot_{slot:02}', {_NOBODY})) }}}}\n"
            (checkout / f"dbt/models/campaigns/queue_slot_{slot:02}.sql").write_text(body)
        self.settings = Settings(
            home=folder / "home",
            checkout=checkout,
            target="postgres" if warehouse_url else "duckdb",
            warehouse_url=warehouse_url,
        )
        self.project = DbtProject(self.settings)
        self.warehouse = Warehouse(self.settings)

    def books(self, cases: Sequence[Case], ranges: Sequence[tuple[date, date]] = ()) -> list[list[Movement]]:
        """The movements of each case, from its files.

        Args:
            cases: at most SLOTS.
            ranges: how the days are built: range by range in this order; default one pass over all.
        """
        cases = [replace(case, merchant=f"m{slot:02}") for slot, case in enumerate(cases)]
        first, last = self.land(cases)
        queues = [f"queue_slot_{slot:02}" for slot in range(len(cases))]
        variables = {f"slot_{slot:02}": _plain(case.parameters) for slot, case in enumerate(cases)}
        for from_day, to_day in ranges or [(first, last)]:
            self.build([*ORDERS, *queues], from_day, to_day, variables)
        with self.warehouse.connect() as connection:
            books = [[Movement(*row) for row in connection.rows(f"select {_COLUMNS} from {queue}")] for queue in queues]
        return [
            sorted_book(row for row in book if row.movement_on <= case.days[1])
            for book, case in zip(books, cases, strict=True)
        ]

    def land(self, cases: Sequence[Case]) -> tuple[date, date]:
        """Begin anew with the files of cases that have merchants of their own.

        Returns: the first and the last day that they need.
        """
        self._begin_anew(cases)
        first = min([case.days[0] for case in cases] + [file.file_date for case in cases for file in case.files])
        last = max(case.days[1] for case in cases)
        with Ledger(self.settings) as ledger:
            merchants = load_merchants(self.settings)
            landed = load_days(self.settings, ledger, self.warehouse.connect, first, last, merchants)
        wrong = [
            (file.name, file.reason, file.quarantined_by_rule)
            for file in landed.files
            if file.quarantined_count or file.reason
        ]
        assert not wrong, wrong
        return first, last

    def build(
        self, models: Sequence[str], first: date, last: date, variables: Mapping[str, object] | None = None
    ) -> None:
        """Build models for a range of days in one pass; a model or data test that fails fails the test."""
        results = self.project.build(models, first, last, variables=variables)
        failed = [
            f"{result.name}: {result.message}" for result in results if result.status not in ("success", "pass", "warn")
        ]
        assert not failed, failed

    def _begin_anew(self, cases: Sequence[Case]) -> None:
        if self.settings.target == "postgres":
            with self.warehouse.connect() as connection:
                connection.execute(f"drop schema {self.settings.warehouse_schema} cascade")
        for name in ("inbox", "archive", "warehouse.duckdb", "ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm",
                     "ledger.witness.json"):  # fmt: skip
            path = self.settings.home / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        shutil.rmtree(self.settings.merchants_dir)
        write_merchants(cases, self.settings.merchants_dir)
        write_inbox(cases, self.settings.inbox)


def copy_checkout(folder: Path) -> None:
    """A copy of what a checkout configures: dbt/, merchants, conversations. Campaigns can be changed in it."""
    for part in ("dbt", "pp_pipeline/merchants", "pp_pipeline/conversations"):
        shutil.copytree(
            CHECKOUT / part, folder / part, ignore=shutil.ignore_patterns("target", "logs", "__pycache__", "*.pyc")
        )
    shutil.copy(CHECKOUT / "dagster.yaml", folder / "dagster.yaml")
    shutil.copy(CHECKOUT / "workspace.yaml", folder / "workspace.yaml")


def _plain(parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, date) else list(value) if isinstance(value, tuple) else value
        for name, value in parameters.items()
    }
