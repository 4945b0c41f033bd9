"""What every part of a load works with, each made when it is first needed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from pp_pipeline.contact_keys import contact_secret
from pp_pipeline.forgetting.known import Erasure
from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.gate import Gate, RuleOutcome
from pp_pipeline.landing.plain_feeds import all_feeds
from pp_pipeline.landing.rules_hash import rules_hash
from pp_pipeline.landing.typed_rows import RowReader
from pp_pipeline.merchants import Merchant
from pp_pipeline.settings import Settings, utc_now


@dataclass
class LoadTools:
    """The gate, the row reader and the clock of one load. A load without news does not make the gate, and
    so does not import Great Expectations. `erasure` says who is forgotten; without it nobody is."""

    settings: Settings
    merchants: Mapping[str, Merchant]
    given_today: date | None = None
    erasure: Erasure | None = None

    @cached_property
    def gate(self) -> Gate:
        """Judges rows and files."""
        return Gate()

    def reader(self, feed: Feed) -> RowReader:
        """Reads the rows of a feed; what it made of a text serves all its files of the load."""
        if feed not in self._readers:
            self._readers[feed] = RowReader(feed, self.merchants, self._secret)
        return self._readers[feed]

    @cached_property
    def feeds(self) -> tuple[Feed, ...]:
        """All feeds: those that merchants declare, and the plain ones."""
        return all_feeds(self.merchants)

    @cached_property
    def _readers(self) -> dict[Feed, RowReader]:
        return {}

    @cached_property
    def rules(self) -> str:
        """Digest of all that makes rows out of files besides the files."""
        return rules_hash(self.merchants, self._secret)

    @cached_property
    def today(self) -> date:
        """A file dated later is dated in the future. As given, or the newest local date of a merchant."""
        if self.given_today is not None:
            return self.given_today
        now = utc_now()
        return max(now.astimezone(merchant.zone_info).date() for merchant in self.merchants.values())

    @property
    def outcomes(self) -> tuple[RuleOutcome, ...]:
        """The verdicts of the gate so far; none when there was nothing to judge."""
        return tuple(self.gate.outcomes) if "gate" in vars(self) else ()

    @cached_property
    def _secret(self) -> bytes:
        return contact_secret(self.settings)
