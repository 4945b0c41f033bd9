"""The guards that defer, and the sunset rule, read slowly: what of a plan goes when, as DESIGN 5 says it, one quarter
of an hour at a time.

It knows nothing of the sender's code but the policy as it is written. All times of a policy are full quarters, and so
is what a zone is away from UTC, so a guard that holds is asked again for each quarter to find out when it ends.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

QUARTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Wish:
    """A message that somebody planned."""

    key: str
    contact: int
    channel: str
    is_transactional: bool
    priority: int
    due_on: date
    has_offer: bool
    zones: tuple[str, ...]
    """The clocks that count for its contact."""
    conversation: str
    engaged_on: date | None
    """When its contact last did anything of its own."""


@dataclass
class Fate:
    """How far a message is."""

    state: str = ""
    reason: str = ""
    begun_on: date | None = None
    until: datetime | None = None
    at: datetime | None = None


@dataclass
class Simulation:
    """A shop's messages, hour by hour."""

    policy: dict[str, Any]
    merchant_zone: str
    wishes: Sequence[Wish]
    fates: dict[str, Fate] = field(default_factory=dict)

    def act(self, now: datetime) -> None:
        """Send what may go now: one after the other, the most important first."""
        today = self._day(now)
        for wish in sorted(self.wishes, key=lambda each: (-each.priority, each.due_on, each.key)):
            if wish.due_on > today:
                continue
            fate = self.fates.setdefault(wish.key, Fate(begun_on=today))
            if fate.state in ("sent", "skipped"):
                continue
            begun_on = max(fate.begun_on or today, wish.due_on)
            if fate.state == "deferred" and (today - begun_on).days > self.policy.get("max_defer_days", 3):
                fate.state, fate.reason, fate.until = "skipped", f"given_up: {fate.reason}", None
            elif fate.until is None or fate.until <= now:
                self._decide(wish, fate, now)

    def _decide(self, wish: Wish, fate: Fate, now: datetime) -> None:
        if self._is_given_up(wish, now):
            fate.state, fate.reason, fate.until = "skipped", "sunset", None
            return
        for name, holds in self._guards(wish):
            if holds(now):
                until = now
                while holds(until):
                    until += QUARTER
                fate.state, fate.reason, fate.until = "deferred", name, until
                return
        fate.state, fate.reason, fate.until, fate.at = "sent", "", None, now

    def _guards(self, wish: Wish) -> list[tuple[str, Callable[[datetime], bool]]]:
        quiet = ("quiet_hours", lambda at: self._is_quiet(wish, at))
        if wish.is_transactional:
            return [quiet]
        return [
            ("blackout", self._is_blackout),
            quiet,
            ("outside_window", lambda at: self._is_outside(wish, at)),
            ("frequency_cap", lambda at: self._is_capped(wish, at)),
            ("spacing", lambda at: self._is_too_near(wish, at)),
            ("discount_cap", lambda at: self._has_had_offers(wish, at)),
            ("daily_ceiling", lambda at: self._is_full(wish, at)),
        ]

    def _gone(self) -> list[tuple[Wish, datetime]]:
        gone = ((wish, self.fates[wish.key].at) for wish in self.wishes if wish.key in self.fates)
        return [(wish, at) for wish, at in gone if at is not None]

    def _day(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.merchant_zone)).date()

    def _is_given_up(self, wish: Wish, at: datetime) -> bool:
        sunset = self.policy.get("sunset")
        if sunset is None or wish.is_transactional or wish.conversation in sunset.get("exempt", []):
            return False
        first_day = self._day(at) - timedelta(days=sunset["days"] - 1)
        if wish.engaged_on is not None and wish.engaged_on >= first_day:
            return False
        written = [each for each, when in self._gone() if at - timedelta(days=sunset["days"]) < when < at]
        return any(each.contact == wish.contact and each.channel == wish.channel for each in written)

    def _is_blackout(self, at: datetime) -> bool:
        day = self._day(at).isoformat()
        return any(each["from"] <= day <= each["to"] for each in self.policy.get("blackouts", []))

    def _is_quiet(self, wish: Wish, at: datetime) -> bool:
        hours = self.policy.get("quiet_hours", {}).get(wish.channel)
        return hours is not None and any(
            _is_between(hours["from"], hours["to"], at.astimezone(ZoneInfo(zone)).time()) for zone in wish.zones
        )

    def _is_outside(self, wish: Wish, at: datetime) -> bool:
        hours = self.policy.get("window", {}).get(wish.channel)
        return hours is not None and not all(
            _is_between(hours["from"], hours["to"], at.astimezone(ZoneInfo(zone)).time()) for zone in wish.zones
        )

    def _is_capped(self, wish: Wish, at: datetime) -> bool:
        cap = self.policy.get("caps", {}).get(wish.channel)
        if cap is None:
            return False
        same = [each for each, _ in self._since(at - timedelta(days=cap["days"])) if each.channel == wish.channel]
        return sum(each.contact == wish.contact for each in same) >= cap["messages"]

    def _is_too_near(self, wish: Wish, at: datetime) -> bool:
        hours = self.policy.get("spacing_hours")
        if hours is None:
            return False
        others = [each for each, _ in self._since(at - timedelta(hours=hours)) if each.channel != wish.channel]
        return any(each.contact == wish.contact for each in others)

    def _has_had_offers(self, wish: Wish, at: datetime) -> bool:
        cap = self.policy.get("discount_cap")
        if cap is None or not wish.has_offer:
            return False
        had = [each for each, _ in self._since(at - timedelta(days=cap["days"])) if each.has_offer]
        return sum(each.contact == wish.contact for each in had) >= cap["messages"]

    def _is_full(self, wish: Wish, at: datetime) -> bool:
        ceiling = self.policy.get("daily_ceiling", {}).get(wish.channel)
        if ceiling is None:
            return False
        day = self._day(at)
        most = ceiling["first"]
        if "from" in ceiling:
            ahead = (day - date.fromisoformat(ceiling["from"])).days
            if ahead < 0:
                return False
            most = min(int(ceiling["first"] * ceiling["growth"] ** ahead), ceiling["most"])
        return sum(each.channel == wish.channel and self._day(when) == day for each, when in self._gone()) >= most

    def _since(self, begin: datetime) -> list[tuple[Wish, datetime]]:
        return [(wish, at) for wish, at in self._gone() if at > begin]


def _is_between(begin: str, end: str, clock: time) -> bool:
    first, last = time.fromisoformat(begin), time.fromisoformat(end)
    return first <= clock < last if first < last else clock >= first or clock < last


def hours(first: datetime, count: int, step: int) -> list[datetime]:
    """So many moments, so many hours apart."""
    return [first.astimezone(UTC) + timedelta(hours=step * place) for place in range(count)]
