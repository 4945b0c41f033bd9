"""Which days a run builds: what was asked for, and with it whatever no longer holds (DESIGN 3, 7).

A file that came or changed for day D leads to D..the newest built day; so does a day that is missing,
was built with another configuration, or was built and not sealed. All of it is one pass.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from pp_pipeline.campaigns.books import Book, stale_days
from pp_pipeline.landing import days as landing_days
from pp_pipeline.landing.files import unread_files
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.unsealed import unsealed_days
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Warehouse


@dataclass(frozen=True)
class BuildRange:
    """The days to build, and why they are more than was asked for.

    `read_through` is the last file date whose unread contents are taken in: days after it are only
    built again from what is in force. `is_there` says whether the last day that was asked for was landed before.
    """

    first: date
    last: date
    read_through: date
    reasons: list[str] = field(default_factory=list)
    is_there: bool = False


def build_range(
    settings: Settings,
    ledger: Ledger,
    warehouse: Warehouse,
    books: Sequence[Book],
    merchants: Mapping[str, Merchant],
    first: date,
    last: date,
) -> BuildRange:
    """The days to build when first..last are asked for."""
    reasons, days = [], [first]
    unread = [
        found.file.file_date
        for found in unread_files(settings, ledger, merchants, through=last)
        if not found.refused_before and not found.file.is_dated_too_early
    ]
    if unread:
        reasons.append(f"{len(unread)} new or changed files, the earliest for {min(unread)}")
        days += unread
    with warehouse.connect() as connection:
        landed = sorted(landing_days.landed_days(connection))
        reload = landing_days.stale_days(settings, ledger, connection, merchants, last)
        stale = stale_days(connection, books)
        unsealed = unsealed_days(connection)
    if reload:
        reasons.append(f"{len(reload)} days from {reload[0]} on hold other order rows than their files and rules say")
        days += reload
    for found in stale:
        reasons.append(f"{found.model}: {found.stale_days} days from {found.day} on, {found.reason}")
        days.append(found.day)
    if unsealed:
        reasons.append(f"{len(unsealed)} days from {unsealed[0]} on were built and not sealed")
        days.append(unsealed[0])
    missing = _first_missing(landed, first)
    if missing is not None:
        reasons.append(f"{missing} was never landed")
        days.append(missing)
    newest = landed[-1] if landed and reasons else last
    return BuildRange(min(days), max(last, newest), last, reasons, last in landed)


def _first_missing(landed: Sequence[date], first: date) -> date | None:
    """The first day after the earliest landed one, and before `first`, that was never landed."""
    if not landed:
        return None
    known = set(landed)
    days = (landed[0] + timedelta(days=number) for number in range((first - landed[0]).days))
    return next((day for day in days if day not in known), None)
