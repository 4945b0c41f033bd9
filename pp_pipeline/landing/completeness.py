"""Whether a merchant's day is complete: whether the files that its feeds state to be due are there (DESIGN 6).

A day is complete when each feed with a `due` has an accepted file of that file date in force, and until
then its batches wait (DESIGN 5), before the due moment too. When that moment comes it is only told louder. A
feed's duty begins with the earliest file date that was ever accepted of it: no day before lacks anything.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from pp_pipeline.landing.feeds import Due, Feed
from pp_pipeline.landing.file_ledger import FileRecord, all_records
from pp_pipeline.landing.file_names import read_name
from pp_pipeline.landing.plain_feeds import all_feeds
from pp_pipeline.merchants import Merchant
from pp_pipeline.settings import Settings, utc_now

if TYPE_CHECKING:
    from pp_pipeline.ledger.store import Ledger

FeedName = tuple[str, str]


@dataclass(frozen=True, order=True)
class MissingFile:
    """A file that a day lacks; `due_at` is in the merchant's zone."""

    day: date
    merchant: str
    feed: str
    due_at: datetime

    def is_overdue(self, now: datetime) -> bool:
        """Whether it should have been there by now."""
        return self.due_at.astimezone(UTC) < now

    def __str__(self) -> str:
        return f"{self.merchant}: no file of {self.feed} for {self.day}, due {self.due_at:%Y-%m-%d %H:%M %Z}"


@dataclass(frozen=True)
class Completeness:
    """Which days lack files. Days of merchants without due feeds, or unknown ones, never do.

    Attributes:
        feeds: the feeds with a `due`, by merchant, each merchant with its own.
        begun_on: the day on which each feed's duty begins; feeds that never had a file are missing.
        there: the days of which each feed has a file in force.
    """

    feeds: Mapping[str, tuple[Merchant, tuple[Feed, ...]]]
    begun_on: Mapping[FeedName, date]
    there: Mapping[FeedName, frozenset[date]]

    def missing(self, merchant: str, day: date) -> list[MissingFile]:
        """What a merchant's day lacks; nothing when it is complete."""
        if merchant not in self.feeds:
            return []
        known, feeds = self.feeds[merchant]
        return [
            MissingFile(day, merchant, feed.feed, due_at(feed.due, day, known))
            for feed in feeds
            if feed.due is not None and self._lacks((merchant, feed.feed), day)
        ]

    def missing_of_days(self, days: Iterable[date]) -> list[MissingFile]:
        """What all merchants' days lack, by day."""
        return sorted(one for day in days for merchant in self.feeds for one in self.missing(merchant, day))

    def _lacks(self, name: FeedName, day: date) -> bool:
        return name in self.begun_on and day >= self.begun_on[name] and day not in self.there[name]


def completeness(merchants: Mapping[str, Merchant], ledger: "Ledger") -> Completeness:
    """How complete the days are by the file ledger; it is only asked where a feed states when it is due."""
    if not any(feed.due for merchant in merchants.values() for feed in merchant.feeds):
        return Completeness({}, {}, {})
    return judge(merchants, all_records(ledger))


def judge(merchants: Mapping[str, Merchant], records: Iterable[FileRecord]) -> Completeness:
    """`completeness` out of records of the file ledger. A content that was accepted stays in force until the next."""
    feeds = {
        name: (merchant, due)
        for name, merchant in merchants.items()
        if (due := tuple(feed for feed in merchant.feeds if feed.due is not None))
    }
    days: dict[FeedName, set[date]] = {}
    declared = all_feeds(merchants)
    for name in {record.name for record in records if record.is_accepted}:
        found = read_name(name, declared)
        if found.feed is not None and found.feed.due is not None and found.file_date is not None:
            days.setdefault((found.feed.merchant, found.feed.feed), set()).add(found.file_date)
    return Completeness(
        feeds,
        {name: min(found) for name, found in days.items()},
        {name: frozenset(found) for name, found in days.items()},
    )


def due_at(due: Due, day: date, merchant: Merchant) -> datetime:
    """When the file of a day is due, by the merchant's clock.

    A time that the clock skips in spring is as much later as the clock is put forward; of one that comes twice in
    autumn the first counts.
    """
    moment = datetime.combine(day + timedelta(days=due.days_after), due.by, tzinfo=merchant.zone_info)
    return moment.astimezone(UTC).astimezone(merchant.zone_info)


def acting_now(settings: Settings, merchant: Merchant) -> datetime:
    """Now; in a rehearsal that acts as of a day, the end of that day by the merchant's clock."""
    if settings.today is None:
        return utc_now()
    return datetime.combine(settings.today, time.max, tzinfo=merchant.zone_info).astimezone(UTC)
