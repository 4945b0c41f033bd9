"""Guards that defer: blackouts, quiet hours, sending windows, caps, spacing, the daily ceiling (DESIGN 5).

Each says until when. What is counted are messages that went or may have gone, of either kind; those that the same
claim lets go before are among them.
"""

from datetime import UTC, date, datetime, time, timedelta

from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.guards.case import Case
from pp_pipeline.sending.guards.zones import clocks, quiet_until
from pp_pipeline.sending.ledger_facts import Recent
from pp_pipeline.sending.outlets.outlet import Outcome
from pp_pipeline.sending_policy import Cap, Hours, PolicyChannel

_DAY = timedelta(days=1)


def blackout(case: Case) -> Outcome | None:
    """Until the day after, by the merchant's calendar."""
    day = case.today
    while held := next((each for each in case.merchant.sending.blackouts if each.from_ <= day <= each.to), None):
        day = held.to + _DAY
    return None if day == case.today else case.defer("blackout", _begin_of(case.merchant, day))


def quiet_hours(case: Case) -> Outcome | None:
    """Until the first minute that is allowed by the contact's clock, or by all clocks of its country."""
    return _outside("quiet_hours", case.merchant.sending.quiet_hours.get(_channel(case)), case)


def outside_window(case: Case) -> Outcome | None:
    """Until the first minute of the merchant's sending window, by the same clocks."""
    return _outside("outside_window", case.merchant.sending.window.get(_channel(case)), case)


def not_before(case: Case) -> Outcome | None:
    """Until the time of day that the wait before it names, by the contact's clock, or by all clocks of its country."""
    if case.item.not_before is None:
        return None
    zones = clocks(case.item.contact.zone, case.country, case.merchant.zone_info)
    until = max(datetime.combine(case.item.due_on, case.item.not_before, zone) for zone in zones)
    return case.defer("not_before", until) if case.moment < until else None


def frequency_cap(case: Case) -> Outcome | None:
    """Until so many of the contact's messages on the channel have left the window that there is room for one."""
    cap = case.merchant.sending.caps.get(_channel(case))
    mine = [each for each in _recent(case) if each.channel == case.item.channel]
    return _capped("frequency_cap", cap, mine, case)


def discount_cap(case: Case) -> Outcome | None:
    """As the frequency cap, for messages with an offer on any channel."""
    if not case.has_offer:
        return None
    return _capped("discount_cap", case.merchant.sending.discount_cap, [e for e in _recent(case) if e.has_offer], case)


def spacing(case: Case) -> Outcome | None:
    """Until the contact's newest message on another channel is long enough ago."""
    apart = timedelta(hours=case.merchant.sending.spacing_hours or 0)
    others = [each.at for each in _recent(case) if each.channel != case.item.channel]
    if not others or max(others) + apart <= case.moment:
        return None
    return case.defer("spacing", max(others) + apart)


def daily_ceiling(case: Case) -> Outcome | None:
    """Until the merchant's next day, when the channel had as many messages today as it may have."""
    ceiling = case.merchant.sending.daily_ceiling.get(_channel(case))
    most = ceiling.on(case.today) if ceiling else None
    count = case.ledger.sent_today.get((case.item.merchant, case.item.channel), 0)
    if most is None or count < most:
        return None
    return case.defer("daily_ceiling", _begin_of(case.merchant, case.today + _DAY))


def midnight(merchant: Merchant, moment: datetime) -> datetime:
    """When the merchant's day began."""
    return _begin_of(merchant, moment.astimezone(merchant.zone_info).date())


def _begin_of(merchant: Merchant, day: date) -> datetime:
    return datetime.combine(day, time(0), merchant.zone_info).astimezone(UTC)


def _outside(name: str, hours: Hours | None, case: Case) -> Outcome | None:
    if hours is None:
        return None
    until = quiet_until(hours, clocks(case.item.contact.zone, case.country, case.merchant.zone_info), case.moment)
    return None if until is None else case.defer(name, until)


def _capped(name: str, cap: Cap | None, counted: list[Recent], case: Case) -> Outcome | None:
    if cap is None:
        return None
    inside = sorted(each.at for each in counted if each.at + cap.window > case.moment)
    if len(inside) < cap.messages:
        return None
    return case.defer(name, inside[len(inside) - cap.messages] + cap.window)


def _recent(case: Case) -> list[Recent]:
    return case.ledger.recent.get(case.item.contact_key, [])


def _channel(case: Case) -> PolicyChannel:
    return case.item.channel  # type: ignore[return-value]
