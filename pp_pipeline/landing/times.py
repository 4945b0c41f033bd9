"""Dates and times as shops write them, to the merchant's dates and to instants in UTC (DESIGN 6)."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from pp_pipeline.landing.cells import Cell, misfit

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([01][0-9]|2[0-3])(:[0-5][0-9])(?:(:[0-5][0-9])([.,][0-9]{1,9})?)?"
    r"\s?(Z|UTC|[+-][0-9]{2}(?::?[0-9]{2})?)?",
    re.IGNORECASE,
)
_NUMBERS = re.compile(
    r"(?P<first>[0-9]{1,2})[-/.](?P<second>[0-9]{1,2})[-/.](?P<year>[0-9]{4}|[0-9]{2})"
    r"(?:,?[T ]\s?(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<seconds>[0-9]{2}))?\s?(?P<half>[AaPp]\.?[Mm]\.?)?)?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = _EPOCH.toordinal()
_YEARS = range(1970, 2200)


@dataclass(frozen=True)
class TimeWriting:
    """How a feed writes times: `dates` and `offsets` of its declaration, and its zone."""

    zone: ZoneInfo
    local_zone: ZoneInfo
    dates: str = "iso"
    ignores_offsets: bool = False


def read_instant(text: str, writing: TimeWriting) -> Cell:
    """`(microseconds since 1970 in UTC, day number of the merchant's local date)`.

    Without an offset it is a time of the feed's zone, a date alone its midnight; where the feed's offsets are to
    be ignored, every time is. A local time that the clocks skip in spring counts with the offset before the
    change (02:30 becomes 03:30); of one that they pass twice in autumn it is the first (both are `fold=0`), so
    every reading gives the same instant.
    """
    text = text.strip()
    if not text:
        return None, "blank"
    moment, kind = _moment(text, writing.dates)
    if moment is None:
        return None, kind
    if writing.ignores_offsets or moment.tzinfo is None:
        moment = moment.replace(tzinfo=writing.zone)
    local = moment.astimezone(UTC).astimezone(writing.local_zone)
    # a date alone is the merchant's date, whatever zone the feed's times are in
    day = _day_number(moment if kind == "date_read" else local)
    since = moment - _EPOCH
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds, day), kind


def read_day(text: str, writing: TimeWriting) -> Cell:
    """The day number of a date, or of the merchant's local date of a time."""
    instant, kind = read_instant(text, writing)
    return (instant[1] if instant else None), kind


def _moment(text: str, dates: str) -> tuple[datetime | None, str]:
    try:
        if dates == "iso":
            moment, kind = _iso(text)
        elif dates in ("day_first", "month_first"):
            moment, kind = _by_numbers(text, dates)
        else:
            moment, kind = (
                datetime.strptime(text, dates),
                "time_read" if "%H" in dates or "%I" in dates else "date_read",
            )
    except (ValueError, OverflowError):  # not of the format, or a day or an offset that does not exist
        return None, "date" if dates in ("iso", "day_first", "month_first") else misfit(text)
    if moment is None:
        return None, misfit(text)
    return (moment, kind) if moment.year in _YEARS else (None, "out_of_range")


def _iso(text: str) -> tuple[datetime | None, str]:
    if _DATE.fullmatch(text):
        day = date.fromisoformat(text)
        return datetime(day.year, day.month, day.day), "date_read"
    match = _TIME.fullmatch(text)
    if not match:
        return None, ""
    day_text, hour, minute, second, fraction, offset = match.groups()
    micros = (fraction or ".0").replace(",", ".")[:7].ljust(7, "0")
    offset = "Z" if (offset or "").upper() == "UTC" else (offset or "").upper()
    return datetime.fromisoformat(f"{day_text}T{hour}{minute}{second or ':00'}{micros}{offset}"), "time_read"


def _by_numbers(text: str, dates: str) -> tuple[datetime | None, str]:
    """Day or month first, as the feed says; a date that begins with the year can only be ISO."""
    match = _NUMBERS.fullmatch(text)
    if not match:
        return _iso(text)
    first, second, year = int(match["first"]), int(match["second"]), int(match["year"])
    month, day = (second, first) if dates == "day_first" else (first, second)
    year += 2000 if len(match["year"]) == 2 else 0
    if match["hour"] is None:
        return datetime(year, month, day), "date_read"
    hour = int(match["hour"])
    if match["half"]:
        if not 1 <= hour <= 12:
            raise ValueError("no such hour")
        hour = hour % 12 + (12 if match["half"][0] in "Pp" else 0)
    return datetime(year, month, day, hour, int(match["minute"]), int(match["seconds"] or 0)), "time_read"


def _day_number(moment: datetime) -> int:
    return moment.toordinal() - _EPOCH_DAY
