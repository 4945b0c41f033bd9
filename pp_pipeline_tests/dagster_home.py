"""A small installation for tests of Dagster and the commands: a checkout, a home, a few days of orders."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import dagster as dg

from pp_pipeline.commands.dagster_home import prepare_dagster_home
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

    def run(
        self, job: str, first: date, last: date, instance: dg.DagsterInstance | None = None
    ) -> dg.ExecuteInProcessResult:
        """Run a job over a range of days in this process."""
        definition = self.definitions().resolve_job_def(job)
        with nullcontext(instance) if instance else dg.DagsterInstance.ephemeral() as used:
            return definition.execute_in_process(
                instance=used, tags=range_tags(first, last), run_config=_QUIET, raise_on_error=False
            )


def install(folder: Path, today: date | None = None) -> Installation:
    """A fresh installation in a folder."""
    copy_checkout(folder / "checkout")
    return Installation(Settings(home=folder / "home", checkout=folder / "checkout", today=today))


@contextmanager
def instance_of(installation: Installation) -> Iterator[dg.DagsterInstance]:
    """The Dagster instance in the installation's home, as `pp` prepares it."""
    names = ("DAGSTER_HOME", "PP_HOME", "PP_DAGSTER_URL")
    before = {name: os.environ.get(name) for name in names}
    prepare_dagster_home(installation.settings)
    try:
        with dg.DagsterInstance.get() as instance:
            yield instance
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
