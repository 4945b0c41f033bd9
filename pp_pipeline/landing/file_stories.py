"""What came in and what became of it: the file ledger and the inbox, told a content at a time (`pp files`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from pp_pipeline.contact_keys import contact_secret
from pp_pipeline.forgetting.known import all_redactions
from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.file_ledger import FileRecord, all_records, files_in_force
from pp_pipeline.landing.file_names import read_name
from pp_pipeline.landing.files import scan_inbox, unread_of
from pp_pipeline.landing.plain_feeds import all_feeds
from pp_pipeline.landing.rules_hash import rules_hash
from pp_pipeline.merchants import Merchant, zone_of_days
from pp_pipeline.settings import Settings

if TYPE_CHECKING:
    from pp_pipeline.ledger.store import Ledger

Outcome = Literal["accepted", "refused", "waiting", "replaced", "vanished"]
_USUAL_DAYS = 1  # a file of a day that comes on the next one is not late
_ORDINALS = {2: "second", 3: "third"}


@dataclass(frozen=True)
class FileStory:
    """One content that was ever seen under a name.

    `outcome`: accepted (in force), refused, waiting (in the inbox, and no load has looked at it), replaced (a newer
    content is in force), vanished (in force, and no longer in the inbox). `relations` tell what it is to others.
    `row_count`, `quarantined_count` and `first_seen_at` are None while it waits; `is_standing`: it is refused, and
    still what the inbox holds.
    """

    name: str
    feed: str
    file_date: date
    size: int
    row_count: int | None
    quarantined_count: int | None
    first_seen_at: datetime | None
    outcome: Outcome
    relations: tuple[str, ...] = ()
    reason: str = ""
    sha256: str = ""
    is_standing: bool = False


@dataclass(frozen=True)
class FileStories:
    """All contents, newest first, and the names of the inbox that no content is taken of, each with what to do."""

    files: tuple[FileStory, ...]
    misnamed: tuple[tuple[str, str], ...]
    unrecognised: tuple[tuple[str, str], ...]


def file_stories(
    settings: Settings, ledger: "Ledger", merchants: Mapping[str, Merchant], today: date | None = None
) -> FileStories:
    """Everything that the file ledger and the inbox know.

    Args:
        today: a file that is dated later waits for its day; default: none does.
    """
    feeds = all_feeds(merchants)
    records = all_records(ledger)
    inbox = scan_inbox(settings, feeds)
    rules = rules_hash(merchants, contact_secret(settings))
    unread = unread_of(inbox, records, rules, date.max, all_redactions(ledger))
    standing = {found.file.name for found in unread if found.refused_before}
    zone = ZoneInfo(zone_of_days(merchants))
    teller = _Teller(feeds, zone, records)
    present = {file.name for file in inbox.files}
    stories = [teller.of_record(place, present, standing) for place in range(len(records))]
    for found in unread:
        if not found.refused_before:
            file = found.file
            relations = teller.relations(file.name, file.file_date, len(records))
            if today and file.file_date > today:
                relations += (f"is dated after today ({today})",)
            stories.append(
                FileStory(file.name, teller.feed_of(file.name), file.file_date, file.size, None, None, None, "waiting",
                          relations, sha256=file.sha256)
            )  # fmt: skip
    words = "no feed takes this name; rename it as `pp feeds` shows, declare its feed, or take it away"
    return FileStories(
        tuple(reversed(stories)), inbox.misnamed, tuple((name, f"{name}: {words}") for name in inbox.unrecognised)
    )


class _Teller:
    """Tells records of the ledger, which stand oldest first."""

    def __init__(self, feeds: Sequence[Feed], zone: ZoneInfo, records: Sequence[FileRecord]) -> None:
        self._feeds, self._zone, self._records = feeds, zone, records
        self._named: dict[str, Feed | None] = {}
        self._in_force = files_in_force(records)
        self._newest = {record.name: place for place, record in enumerate(records)}
        # Where each name was first accepted, by feed and day: which file of the day it is.
        self._names_of_day: dict[tuple[str, date], dict[str, int]] = {}
        self._accepted: dict[str, list[int]] = {}
        for place, record in enumerate(records):
            if record.is_accepted:
                self._names_of_day.setdefault((self.feed_of(record.name), record.file_date), {}).setdefault(
                    record.name, place
                )
                self._accepted.setdefault(record.name, []).append(place)

    def of_record(self, place: int, present: set[str], standing: set[str]) -> FileStory:
        """The story of one record."""
        record = self._records[place]
        outcome: Outcome = "refused"
        if record.is_accepted:
            outcome = "accepted"
            if self._in_force[record.name] is not record:
                outcome = "replaced"
            elif record.name not in present:
                outcome = "vanished"
        return FileStory(
            name=record.name,
            feed=self.feed_of(record.name),
            file_date=record.file_date,
            size=record.size,
            row_count=record.row_count,
            quarantined_count=record.quarantined_count,
            first_seen_at=record.first_seen_at,
            outcome=outcome,
            relations=tuple(
                f"would be a {told}" if outcome == "refused" and not told.startswith("late") else told
                for told in self.relations(record.name, record.file_date, place, record.first_seen_at)
            ),
            reason=record.reason,
            sha256=record.sha256,
            is_standing=record.name in standing and self._newest[record.name] == place,
        )

    def relations(self, name: str, day: date, place: int, seen_at: datetime | None = None) -> tuple[str, ...]:
        """What a content that was seen at a place among the records is to those before it."""
        told = []
        before = [one for one in self._accepted.get(name, ()) if one < place]
        if before:
            told.append(f"correction of content seen {self.moment(self._records[before[-1]].first_seen_at)}")
        else:
            names = self._names_of_day.get((self.feed_of(name), day), {})
            number = 1 + sum(first < place for other, first in names.items() if other != name)
            if number > 1:
                told.append(f"{_ORDINALS.get(number, f'{number}th')} file of the day")
        feed = self._feed(name)
        days = (seen_at.astimezone(self._zone).date() - day).days if seen_at else 0
        if not before and days > (feed.due.days_after if feed and feed.due else _USUAL_DAYS):
            told.append(f"late (first seen {days} days after its date)")
        return tuple(told)

    def moment(self, at: datetime) -> str:
        """A time as people read it, in the zone of the days."""
        return f"{at.astimezone(self._zone):%Y-%m-%d %H:%M}"

    def feed_of(self, name: str) -> str:
        """The feed that takes a name: `merchant.feed` where one declares it; nothing where none takes it any more."""
        feed = self._feed(name)
        return feed_name(feed) if feed else ""

    def _feed(self, name: str) -> Feed | None:
        if name not in self._named:
            self._named[name] = read_name(name, self._feeds).feed
        return self._named[name]


def feed_name(feed: Feed) -> str:
    """How a feed is called where several merchants declare some: `merchant.feed`; a plain one by its own name."""
    return f"{feed.merchant}.{feed.feed}" if feed.merchant else feed.feed
