"""The two sides of a comparison, and how each is built: in a shadow home, never in the real one."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime

from pp_pipeline.campaigns.books import stale_days
from pp_pipeline.comparing.comparison import Comparison, compare_plans
from pp_pipeline.comparing.revisions import commit_of, configuration_of
from pp_pipeline.configuration import Configuration
from pp_pipeline.landing.days import landed_days
from pp_pipeline.landing.days import stale_days as stale_landed_days
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.settings import Settings
from pp_pipeline.shadow import shadow_home
from pp_pipeline.warehouse import Warehouse

WORKING_TREE = "working tree"


@dataclass(frozen=True)
class Side:
    """One of the two plans that are compared.

    Attributes:
        name: what a person calls it.
        commit: the commit whose configuration plans; '' for that of the working tree.
        known_at: the time whose contents of files count; default now.
        contents: contents that stand in for those in force, by file name, as `shadow_home` takes them.
    """

    name: str
    commit: str = ""
    known_at: datetime | None = None
    contents: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_revision(cls, settings: Settings, revision: str) -> "Side":
        """The configuration of a revision.

        Raises:
            SettingsError: it names no commit of the checkout's repository.
        """
        commit = commit_of(settings.checkout, revision)
        short = commit[:10]
        return cls(short if commit.startswith(revision) else f"{revision} ({short})", commit=commit)

    @contextmanager
    def built(self, settings: Settings, first: date, last: date, say: Callable[[str], None]) -> Iterator[Settings]:
        """A home in which the side's days first..last hold: the real one where it is so already, else a shadow of it;
        see `shadow_home` for what that raises."""
        if not (self.commit or self.known_at or self.contents) and _holds(settings, last):
            yield settings
            return
        with ExitStack() as opened:
            checkout = opened.enter_context(configuration_of(settings.checkout, self.commit)) if self.commit else None
            yield opened.enter_context(
                shadow_home(
                    settings,
                    first=first,
                    last=last,
                    checkout=checkout,
                    known_at=self.known_at,
                    contents=self.contents,
                    say=lambda text: say(f"{self.name}: {text}"),
                )
            )


def compare_sides(
    settings: Settings, before: Side, after: Side, days: tuple[date, date], say: Callable[[str], None]
) -> Comparison:
    """Build both sides and compare their plans for the days, first and last.

    Raises:
        SettingsError, ShadowError, CampaignError, ConversationError, MerchantError, DbtError, WarehouseError: a side
            can't be built; the text says which file, campaign or model is at fault.
    """
    first, last = days
    with (
        before.built(settings, first, last, say) as home_before,
        after.built(settings, first, last, say) as home_after,
        Ledger(settings) as ledger,
    ):
        return compare_plans(home_before, home_after, ledger, first, last)


def _holds(settings: Settings, last: date) -> bool:
    """Whether the real home has built the working tree's plan up to a day, so that a copy would be read as it is."""
    configuration = Configuration(settings)
    if not configuration.project.is_prepared:  # to prepare it would write in the home
        return False
    with Ledger(settings) as ledger, Warehouse(settings).connect() as connection:
        landed = landed_days(connection)
        if not landed or last > max(landed) or len(landed) <= (max(landed) - min(landed)).days:
            return False
        if stale_landed_days(settings, ledger, connection, configuration.merchants, last):
            return False
        return all(stale.day > last for stale in stale_days(connection, configuration.books_since(min(landed))))
