"""What reading a row needs besides its text: its merchant's and its feed's side of it."""

import fnmatch
import re
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

from pp_pipeline.contact_keys import contact_key
from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.times import TimeWriting
from pp_pipeline.merchants import Merchant


@dataclass(frozen=True)
class RowContext:
    """One merchant's rows of one feed; `secret` is the contact secret."""

    merchant: Merchant
    feed: Feed
    secret: bytes

    @cached_property
    def times(self) -> TimeWriting:
        """How the feed writes times."""
        zone = ZoneInfo(self.feed.zone) if self.feed.zone else self.merchant.zone_info
        return TimeWriting(zone, self.merchant.zone_info, self.feed.dates, self.feed.offsets == "ignore")

    @property
    def currency(self) -> str:
        """Of rows that state none."""
        return self.merchant.currency

    @property
    def country(self) -> str:
        """Of phone numbers without a country code."""
        return self.merchant.country

    def contact_key(self, email: str) -> str:
        """The key of a contact of this merchant."""
        return contact_key(self.secret, self.merchant.merchant, email)

    def is_eligible(self, email: str) -> bool:
        """Whether an order of this address is a shopper's purchase, as far as the address tells."""
        return not any(pattern.fullmatch(email) for pattern in self._ineligible)

    @cached_property
    def _ineligible(self) -> list[re.Pattern[str]]:
        return [re.compile(fnmatch.translate(pattern)) for pattern in self.merchant.ineligible_emails]
