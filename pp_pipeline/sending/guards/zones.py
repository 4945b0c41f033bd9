"""Quiet hours and sending windows by the contact's clock, where its zone is known and where only its country is."""

from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from pp_pipeline.sending_policy import Hours

_MINUTE = timedelta(minutes=1)
_FURTHEST = timedelta(hours=48)


@cache
def zones_of_country(country: str) -> tuple[ZoneInfo, ...]:
    """All zones of a country, as the IANA database lists them; none for a country that it does not know."""
    lines = (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return tuple(ZoneInfo(row[2]) for row in rows if row[0] == country)


def clocks(zone: str, country: str, merchant_zone: ZoneInfo) -> tuple[ZoneInfo, ...]:
    """The clocks that all must allow it: the contact's; unknown: all of its country's; unknown too: the merchant's."""
    if zone:
        return (ZoneInfo(zone),)
    return zones_of_country(country) or (merchant_zone,)


def is_quiet(hours: Hours, zones: tuple[ZoneInfo, ...], moment: datetime) -> bool:
    """Whether it is quiet on one of the clocks."""
    return any(hours.is_quiet_at(moment.astimezone(zone).time()) for zone in zones)


def quiet_until(hours: Hours, zones: tuple[ZoneInfo, ...], moment: datetime) -> datetime | None:
    """The first full minute that is quiet on none of the clocks; None when it is not quiet now.

    It is looked for minute by minute, as the clocks show them: so it holds on days on which they are changed. Where
    the zones of a country lie so far apart that no minute will do, it is the moment two days from now.
    """
    # In UTC: by the clock of a zone an hour that is shown twice would be one.
    return _quiet_until(hours, zones, moment.astimezone(UTC))


@lru_cache(maxsize=1_000)
def _quiet_until(hours: Hours, zones: tuple[ZoneInfo, ...], moment: datetime) -> datetime | None:
    if not is_quiet(hours, zones, moment):
        return None
    last = moment + _FURTHEST
    until = moment.replace(second=0, microsecond=0) + _MINUTE
    while until < last and is_quiet(hours, zones, until):
        until += _MINUTE
    return until
