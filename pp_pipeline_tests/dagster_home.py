"""A small installation for tests of Dagster and the commands: a checkout, a home, a few days of orders."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import dagster as dg

from pp_pipeline.definitions import build_definitions
from pp_pipeline.defs.jobs import range_tags
from pp_pipeline.settings import Settings
from pp_pipeline_tests.pipeline import copy_checkout

HEADER = (
    "order_number,email,ordered_at,ship_date,status,order_total,currency,sku,product_name,category,quantity,unit_price"
)
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Installation:
    """A checkout with a home of its own."""

    settings: Settings

    def write_orders(self, day: str, *lines: str, name: str = "") -> Path:
        """Write an order file of a day; a line is `number,email,ordered_at,ship_date,status`, the rest is filled in."""
        self.settings.inbox.mkdir(parents=True, exist_ok=True)
        path = self.settings.inbox / (name or f"orders_{day}.csv")
        rows = [f"{line},20.00,USD,SKU-1,A chair,Chairs,1,20.00" for line in lines]
        path.write_text("\n".join([HEADER, *rows]) + "\n")
        return path

    def definitions(self) -> dg.Definitions:
        """The code location as Dagster loads it."""
        return build_definitions(self.settings)

    def run(self, job: str, first: date, last: date) -> dg.ExecuteInProcessResult:
        """Run a job over a range of days in this process."""
        with dg.DagsterInstance.ephemeral() as instance:
            return (
                self.definitions()
                .resolve_job_def(job)
                .execute_in_process(
                    instance=instance, tags=range_tags(first, last), run_config=_QUIET, raise_on_error=False
                )
            )


def install(folder: Path, today: date | None = None) -> Installation:
    """A fresh installation in a folder."""
    copy_checkout(folder / "checkout")
    return Installation(Settings(home=folder / "home", checkout=folder / "checkout", today=today))
