"""Everything that people write, of one checkout: the dbt project, merchants, campaigns, conversations.

What is wrong in it is said in its own words. The Dagster location adds days and stores to it; a shadow
(pp_pipeline/shadow) builds with the one of another checkout.
"""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from pp_pipeline.campaigns.books import Book, books
from pp_pipeline.campaigns.parameters import Campaign, check_segments, load_campaigns
from pp_pipeline.conversations.across import problems_across
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.loading import ConversationError, load_conversations
from pp_pipeline.conversations.tables import run_hashes
from pp_pipeline.dbt_project import DbtProject
from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.plain_feeds import all_feeds
from pp_pipeline.merchants import Merchant, load_merchants
from pp_pipeline.settings import Settings


@dataclass(frozen=True)
class Configuration:
    """The configuration of the settings' checkout; each part is read when it is first asked for.

    Raises:
        CampaignError, ConversationError, MerchantError, DbtError: something that a person wrote is wrong.
    """

    settings: Settings

    @cached_property
    def project(self) -> DbtProject:
        """The dbt project, its manifest prepared."""
        return DbtProject(self.settings)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """dbt's manifest."""
        return self.project.manifest()

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

    def books_since(self, first_day: date) -> list[Book]:
        """What built days are held against, where the first file is of `first_day`."""
        return books(self.manifest, first_day, run_hashes(self.conversations))

    def check(self) -> None:
        """Judge everything that people wrote.

        Raises:
            see the class.
        """
        _ = self.campaigns, self.conversations
        check_segments(self.manifest)
        segments = self.project.segment_names()
        problems = problems_across(self.settings, self.conversations, self.campaigns, segments)
        if problems:
            raise ConversationError("\n".join(problems))
