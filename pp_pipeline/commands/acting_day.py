"""Which day a command acts as of."""

from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from pp_pipeline.merchants import Merchant
from pp_pipeline.settings import Settings, SettingsError, parse_day


def acting_day(settings: Settings, merchants: Mapping[str, Merchant], today: str | None) -> date:
    """Today where the merchants are (in UTC where their zones differ), or the day that a rehearsal names.

    Raises:
        SettingsError: `--today` in live mode, or not a day.
    """
    if today:
        if settings.live:
            raise SettingsError("--today is refused in live mode (PP_LIVE=1): what goes out goes out today")
        return parse_day(today)
    zones = {merchant.zone for merchant in merchants.values()}
    return datetime.now(ZoneInfo(zones.pop() if len(zones) == 1 else "UTC")).date()
