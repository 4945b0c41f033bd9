"""Loading days: adopt what is unread, then make the warehouse hold what is in force (DESIGN 3, 6, 7).

Archive first, then the ledger, then the warehouse. A crash between them leaves the former days in the
warehouse, and the next load sees by the hashes that they are not what is in force. A day's rows
and its hash are written in one transaction; a day whose files did not change is not written at all.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from filelock import FileLock

from pp_pipeline.contact_keys import contact_secret
from pp_pipeline.forgetting.known import Erasure
from pp_pipeline.forgetting.replacing import take_out_again
from pp_pipeline.landing.adoption import adopt_files
from pp_pipeline.landing.day_rows import rows_of_days
from pp_pipeline.landing.days import (
    LandedDay,
    content_hash,
    days_between,
    group_by_day,
    is_stale,
    landed_days,
)
from pp_pipeline.landing.file_ledger import FileRecord, all_records, files_in_force, record_changes
from pp_pipeline.landing.files import InboxFile, differs, scan_inbox
from pp_pipeline.landing.judging import JudgedFile
from pp_pipeline.landing.result import DayOutcome, LandedFile, LandingResult
from pp_pipeline.landing.tables import prepare_tables
from pp_pipeline.landing.tools import LoadTools
from pp_pipeline.landing.writing import merchants_differ, write_days, write_merchants
from pp_pipeline.merchants import Merchant
from pp_pipeline.settings import Settings

if TYPE_CHECKING:
    from pp_pipeline.ledger.store import Ledger
    from pp_pipeline.warehouse import Connection

# How many bytes of files are read, judged and written at once; it bounds the memory that a first load of
# years takes (1M rows are 138 MB and take 1.3 GB). Days are never divided.
BYTES_AT_ONCE = 128_000_000

ConnectionFactory = Callable[[], AbstractContextManager["Connection"]]
Progress = Callable[[str, int, int], None]


def load_days(
    settings: Settings,
    ledger: "Ledger",
    connect: ConnectionFactory,
    first: date,
    last: date,
    merchants: Mapping[str, Merchant],
    *,
    today: date | None = None,
    progress: Progress | None = None,
) -> LandingResult:
    """Adopt the unread files dated first..last and write those of these days that are not as they should be.

    Args:
        settings: the home whose inbox and archive are meant.
        ledger: remembers every content looked at.
        connect: opens the warehouse, such as `Warehouse(settings).connect`; used briefly, several times.
        first: the first day. Files dated before 2000 are refused whatever it is.
        last: the last day. Files dated later are not looked at.
        merchants: by name.
        today: a file dated later is refused; default: the newest local date of a merchant.
        progress: told what was done, and with how many days of how many.

    Raises:
        GateError: Great Expectations itself failed. Nothing of the files in hand was adopted.
        WarehouseError: it can't be opened. What was adopted is written by the next load.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    days = days_between(first, last)
    with FileLock(settings.home / "landing.lock"):
        erasure = Erasure(ledger, contact_secret(settings))
        load = _Load(LoadTools(settings, merchants, today, erasure), ledger, connect)
        take_out_again(settings, load.tools.feeds, erasure)
        inbox = scan_inbox(settings, load.tools.feeds)
        load.files = [LandedFile(name, None, "refused", reason) for name, reason in inbox.misnamed]
        load.in_force = files_in_force(all_records(ledger))
        with connect() as connection:
            prepare_tables(connection)
            load.landed = landed_days(connection)
            has_other_merchants = merchants_differ(connection, merchants)
        vanished = _vanished(inbox.files, load.in_force, first, last)
        asked = [file for file in inbox.files if file.is_dated_too_early or first <= file.file_date <= last]
        unread = [file for file in asked if differs(file, load.in_force.get(file.name), erasure.redactions)]
        inbox.hashes.save()
        load.adopt([file for file in unread if file.is_dated_too_early])
        unread = [file for file in unread if not file.is_dated_too_early]
        done = 0
        for portion in _portions(days, [*unread, *load.in_force.values()]):
            load.land(portion, [file for file in unread if portion[0] <= file.file_date <= portion[-1]])
            done += len(portion)
            if progress:
                progress("days landed", done, len(days))
        if has_other_merchants:
            with connect() as connection:
                write_merchants(connection, merchants)
    return LandingResult(
        first=first,
        last=last,
        days=load.outcomes(days),
        files=tuple(sorted(load.files, key=lambda file: file.name)),
        vanished=vanished,
        unrecognised=inbox.unrecognised,
        later=tuple(file.name for file in inbox.files if file.file_date > last),
        rules=load.tools.outcomes,
    )


@dataclass
class _Load:
    """A load under way: what is in force and what is landed, as they come to stand."""

    tools: LoadTools
    ledger: "Ledger"
    connect: ConnectionFactory
    in_force: dict[str, FileRecord] = field(default_factory=dict)
    landed: dict[date, LandedDay] = field(default_factory=dict)
    files: list[LandedFile] = field(default_factory=list)
    problems: dict[date, str] = field(default_factory=dict)
    rewritten: set[date] = field(default_factory=set)

    def adopt(self, unread: list[InboxFile]) -> Mapping[str, JudgedFile]:
        """Judge unread files; from here on the accepted ones are in force."""
        adoption = adopt_files(unread, self.in_force, self.tools, self.ledger)
        self.files += adoption.files
        self.in_force |= adoption.records
        return adoption.judged

    def land(self, days: list[date], unread: list[InboxFile]) -> None:
        """Adopt the unread files of these days, then write the days that are not as they should be."""
        judged = self.adopt(unread)
        by_day = group_by_day(self.in_force.values())
        hashes = {day: content_hash(by_day.get(day, ()), self.tools.rules) for day in days}
        changed = [day for day in days if is_stale(self.landed.get(day), hashes[day])]
        found = rows_of_days({day: by_day.get(day, []) for day in changed}, judged, self.tools)
        self.problems |= {day: rows.problem for day, rows in found.items() if rows.problem}
        sound = {day: rows for day, rows in found.items() if not rows.problem}
        record_changes(self.ledger, [change for rows in sound.values() for change in rows.changes])
        if sound:
            with self.connect() as connection:
                self.landed = write_days(connection, sound, hashes)
            self.rewritten |= set(sound)

    def outcomes(self, days: list[date]) -> tuple[DayOutcome, ...]:
        """Each day as it stands now."""
        by_day = group_by_day(self.in_force.values())
        nothing = LandedDay(date.min, "", "", 0)
        return tuple(
            DayOutcome(
                day=day,
                row_count=self.landed.get(day, nothing).row_count,
                content_hash=self.landed.get(day, nothing).content_hash,
                files_hash=self.landed.get(day, nothing).files_hash,
                file_names=tuple(record.name for record in by_day.get(day, ())),
                is_rewritten=day in self.rewritten,
                problem=self.problems.get(day, ""),
            )
            for day in days
        )


def _vanished(
    files: Sequence[InboxFile], in_force: Mapping[str, FileRecord], first: date, last: date
) -> tuple[str, ...]:
    """Names in force of these days that the inbox no longer holds: reported, not forgotten."""
    missing = in_force.keys() - {file.name for file in files}
    return tuple(sorted(name for name in missing if first <= in_force[name].file_date <= last))


def _portions(days: list[date], files: Iterable[InboxFile | FileRecord]) -> Iterator[list[date]]:
    """The days in portions whose files have at most `BYTES_AT_ONCE` (one day's may have more)."""
    sizes: Counter[date] = Counter()
    for file in files:
        sizes[file.file_date] += file.size
    portion: list[date] = []
    taken = 0
    for day in days:
        if portion and taken + sizes[day] > BYTES_AT_ONCE:
            yield portion
            portion, taken = [], 0
        portion.append(day)
        taken += sizes[day]
    if portion:
        yield portion
