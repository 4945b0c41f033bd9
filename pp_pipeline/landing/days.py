"""What each landed day was made of, by hashes: which days must be loaded, and what later days hang on.

`content_hash` covers a day's files in force and everything that makes rows of them, so a changed
configuration loads days again. `files_hash` chains the days with files: it tells whether anything up to
a day changed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pp_pipeline.contact_keys import contact_secret
from pp_pipeline.landing.file_ledger import FileRecord, all_records, files_in_force
from pp_pipeline.landing.file_names import read_name
from pp_pipeline.landing.plain_feeds import all_feeds
from pp_pipeline.landing.rules_hash import digest, rules_hash
from pp_pipeline.merchants import Merchant
from pp_pipeline.settings import Settings

if TYPE_CHECKING:
    from pp_pipeline.ledger.store import Ledger
    from pp_pipeline.warehouse import Connection


@dataclass(frozen=True)
class LandedDay:
    """A row of `landed_days`."""

    day: date
    content_hash: str
    files_hash: str
    row_count: int


def landed_days(connection: "Connection") -> dict[date, LandedDay]:
    """What the warehouse says of each landed day, in the order of the days."""
    if not connection.table_exists("landed_days"):
        return {}
    query = "select day, content_hash, files_hash, row_count from landed_days order by day"
    return {row[0]: LandedDay(*row) for row in connection.rows(query)}


def stale_days(
    settings: Settings,
    ledger: "Ledger",
    connection: "Connection",
    merchants: Mapping[str, Merchant],
    through: date,
) -> list[date]:
    """Days up to `through` whose files in force are not what the warehouse holds: a load was cut short, or
    a merchant's zone, currency or ineligible addresses, the secret or the parser changed. Unread files
    are not looked at (`files.unread_files`)."""
    rules = rules_hash(merchants, contact_secret(settings))
    feeds = all_feeds(merchants)
    by_day = group_by_day(files_in_force(all_records(ledger)).values())
    landed = landed_days(connection)
    days = {day for day in by_day if day <= through} | {day for day in landed if day <= through}
    expected = {day: content_hash(by_day.get(day, ()), rules) for day in sorted(days)}
    stale = [day for day, content in expected.items() if is_stale(landed.get(day), content)]
    # A day of a file that no feed takes any more can't be written: asking for it would never end.
    return [day for day in stale if all(read_name(file.name, feeds).feed for file in by_day.get(day, ()))]


def is_stale(landed: LandedDay | None, expected: str) -> bool:
    """Whether a day must be written: never landed, or made of something else."""
    return landed is None or landed.content_hash != expected


def content_hash(files: Iterable[FileRecord], rules: str) -> str:
    """Digest of a day's files in force and the rules; "" for a day without files."""
    names = sorted((file.name, file.sha256) for file in files)
    return digest(rules, names) if names else ""


def group_by_day(files: Iterable[FileRecord]) -> dict[date, list[FileRecord]]:
    """Files by their date, each day's in the order of their names (bytewise, as text is compared here)."""
    by_day: dict[date, list[FileRecord]] = {}
    for file in sorted(files, key=lambda file: file.name.encode(errors="surrogateescape")):
        by_day.setdefault(file.file_date, []).append(file)
    return by_day


def chained(days: Iterable[LandedDay], before: str) -> list[LandedDay]:
    """The days, in their order, with the `files_hash` that follows from the one before them.

    A day without files carries its predecessor's: adding one changes nothing after it.
    """
    linked = []
    for day in days:
        if day.content_hash:
            before = digest(before, day.day.isoformat(), day.content_hash)
        linked.append(LandedDay(day.day, day.content_hash, before, day.row_count))
    return linked


def days_between(first: date, last: date) -> list[date]:
    """All days from first to last, both included."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def runs_of_days(days: Iterable[date]) -> list[tuple[date, date]]:
    """The days as ranges without gaps, so that each is replaced by one statement."""
    runs: list[tuple[date, date]] = []
    for day in sorted(days):
        if runs and day - runs[-1][1] == timedelta(days=1):
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    return runs
