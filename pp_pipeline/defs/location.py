"""What all assets of a code location share: settings, dbt project, campaigns, days.

Built once when Dagster loads the location. Everything that people wrote is judged here, so a wrong
campaign, conversation or merchant stops the load with its own words.
"""

import hashlib
import warnings
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from pp_pipeline.campaigns.books import Book, books
from pp_pipeline.campaigns.parameters import Campaign, check_segments, load_campaigns
from pp_pipeline.conversations.across import problems_across
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.loading import ConversationError, load_conversations
from pp_pipeline.conversations.tables import conversation_tables
from pp_pipeline.dbt_project import DbtProject
from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.files import first_day
from pp_pipeline.landing.plain_feeds import all_feeds
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import Merchant, load_merchants, zone_of_days
from pp_pipeline.settings import Settings
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
class Location:
    """One code location.

    Raises:
        CampaignError, ConversationError, MerchantError, DbtError: something that a person wrote is wrong.
    """

    settings: Settings

    @cached_property
    def project(self) -> DbtProject:
        """The dbt project, its manifest prepared."""
        return DbtProject(self.settings, STEP_WAIT_SECONDS)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """dbt's manifest."""
        return self.project.manifest()

    @cached_property
    def warehouse(self) -> Warehouse:
        """The warehouse; opened for a moment at a time."""
        return Warehouse(self.settings, STEP_WAIT_SECONDS)

    @cached_property
    def merchants(self) -> dict[str, Merchant]:
        """The merchants by name."""
        return load_merchants(self.settings)

    @cached_property
    def feeds(self) -> tuple[Feed, ...]:
        """All feeds: declared and plain."""
        return all_feeds(self.merchants)

    @cached_property
    def campaigns(self) -> list[Campaign]:
        """The campaigns by name, checked."""
        return load_campaigns(self.manifest, merchants=self.merchants, segments=self.project.segment_names())

    @cached_property
    def conversations(self) -> list[Conversation]:
        """The conversations, checked."""
        return load_conversations(self.settings.conversations_dir, self.merchants)

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
        return books(self.manifest, self.first_day, self.config_hashes)

    @cached_property
    def config_hashes(self) -> dict[str, str]:
        """Configuration hashes that stand outside the manifest, by model."""
        tables = _hash(repr(conversation_tables(self.conversations)))
        return dict.fromkeys(("conversation_runs_1", "conversation_runs_2", "conversation_runs_3"), tables)

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
        _ = self.campaigns, self.conversations, self.first_day
        check_segments(self.manifest)
        segments = self.project.segment_names()
        problems = problems_across(self.settings, self.conversations, self.campaigns, segments)
        if problems:
            raise ConversationError("\n".join(problems))


def day_range(context: dg.AssetExecutionContext) -> tuple[date, date]:
    """The first and last day that a run builds."""
    keys = context.partition_key_range
    return date.fromisoformat(keys.start), date.fromisoformat(keys.end)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
