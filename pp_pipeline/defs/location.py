"""What all assets of a code location share: settings, dbt project, campaigns, days.

Built once when Dagster loads the location. Everything that people wrote is judged here, so a wrong
campaign, conversation or merchant stops the load with its own words.
"""

import warnings
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

import dagster as dg

from pp_pipeline.campaigns.books import Book
from pp_pipeline.configuration import Configuration
from pp_pipeline.dbt_project import DbtProject
from pp_pipeline.landing.files import first_day
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import zone_of_days
from pp_pipeline.warehouse import Warehouse

# Single-run backfills and mappings onto days before the first one are marked beta; the versions are pinned.
warnings.filterwarnings("ignore", category=dg.BetaWarning)

# Steps of several runs take turns at the warehouse under its lock file, which serves commands outside Dagster too. A
# pool besides it would stay blocked for ever by a command that was killed.
STEP_WAIT_SECONDS = 3600.0
# How far back an asset may read. Dagster wants a number; ten years is longer than any queue waits.
HISTORY_DAYS = 3660
HISTORY = dg.TimeWindowPartitionMapping(
    start_offset=-HISTORY_DAYS, end_offset=0, allow_nonexistent_upstream_partitions=True
)
SINGLE_RUN = dg.BackfillPolicy.single_run()


@dataclass(frozen=True)
class Location(Configuration):
    """One code location.

    Raises:
        CampaignError, ConversationError, MerchantError, DbtError: something that a person wrote is wrong.
    """

    @cached_property
    def project(self) -> DbtProject:
        """The dbt project, its manifest prepared."""
        return DbtProject(self.settings, STEP_WAIT_SECONDS)

    @cached_property
    def warehouse(self) -> Warehouse:
        """The warehouse; opened for a moment at a time."""
        return Warehouse(self.settings, STEP_WAIT_SECONDS)

    @cached_property
    def first_day(self) -> date:
        """The day of the earliest order file; today where there is none."""
        with self.ledger() as ledger:
            return min(first_day(self.settings, ledger, self.feeds) or self.today(), self.today())

    @cached_property
    def zone(self) -> str:
        """The zone that days begin in: the merchants', where they agree, else UTC."""
        return zone_of_days(self.merchants)

    @cached_property
    def days(self) -> dg.DailyPartitionsDefinition:
        """The partitions that everything from order files to batches shares (DESIGN 8)."""
        return dg.DailyPartitionsDefinition(start_date=self.first_day.isoformat(), timezone=self.zone, end_offset=1)

    @cached_property
    def books(self) -> list[Book]:
        """What built days are held against."""
        return self.books_since(self.first_day)

    def ledger(self) -> Ledger:
        """The ledger, opened; use as a context manager."""
        return Ledger(self.settings)

    def today(self) -> date:
        """Today in the zone of the days, or the day that a rehearsal acts as of."""
        return self.settings.today or datetime.now(ZoneInfo(self.zone)).date()

    def check(self) -> None:
        """Judge everything that people wrote, so that errors come at load.

        Raises:
            see the class.
        """
        super().check()
        _ = self.first_day


def day_range(context: dg.AssetExecutionContext) -> tuple[date, date]:
    """The first and last day that a run builds."""
    keys = context.partition_key_range
    return date.fromisoformat(keys.start), date.fromisoformat(keys.end)
