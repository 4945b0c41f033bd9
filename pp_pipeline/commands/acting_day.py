"""Which days a command is asked for, and which day it acts as of."""

from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from pp_pipeline.merchants import Merchant, zone_of_days
from pp_pipeline.settings import Settings, SettingsError, parse_day


def acting_day(settings: Settings, merchants: Mapping[str, Merchant], today: str | None) -> date:
    """Today where the merchants are (in UTC where their zones differ), or the day that a rehearsal names.

    Raises:
        SettingsError: `--today` in live mode, not a day, or not here yet.
    """
    really = datetime.now(ZoneInfo(zone_of_days(merchants))).date()
    if not today:
        return really
    if settings.live:
        raise SettingsError("--today is refused in live mode (PP_LIVE=1): what goes out goes out today")
    day = parse_day(today)
    if day > really:
        raise SettingsError(f"--today {day} has not come yet (it is {really}); Dagster has no partition for it")
    return day


def asked_days(first: str, last: str, today: date) -> tuple[date, date]:
    """The days --from and --to.

    Raises:
        SettingsError: not days, the wrong way round, or after today.
    """
    from_day, to_day = parse_day(first), parse_day(last)
    if from_day > to_day:
        raise SettingsError(f"--from {from_day} lies after --to {to_day}")
    if to_day > today:
        raise SettingsError(f"--to {to_day} lies after today ({today})")
    return from_day, to_day
