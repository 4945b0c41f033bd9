"""A merchant's policy for what goes out: consent, quiet hours, caps, blackouts and warm-up (DESIGN 5).

It stands in the merchant's file under `sending`; everything in it may be left out. What it means when a message is
about to go is in `pp_pipeline/sending/guards/`.
"""

import re
from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, field_validator, model_validator

Basis = Literal["explicit", "soft_opt_in", "implied"]
PolicyChannel = Literal["email", "sms"]


def _time_of_day(value: Any) -> Any:
    # YAML makes a number of minutes of 21:00 without quotes, and pydantic seconds of that
    if not isinstance(value, str | time) or not re.fullmatch(r"[0-9]{2}:[0-9]{2}(:00)?", str(value)):
        raise ValueError("write a time of day in quotes, in hours and minutes, such as '21:00'")
    return value


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
Seed = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_lower=True, pattern=r"^([^@\s]+@[^@\s]+\.[^@\s.]+|\+[1-9][0-9]{6,14})$"
    ),
]
"""An address, or a phone number (E.164)."""
CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class _Part(BaseModel, frozen=True, extra="forbid"):
    """A part of the policy."""


class ConsentRule(_Part, frozen=True):
    """On which basis commercial e-mail goes."""

    basis: Basis = Field(default="soft_opt_in", description="explicit, soft_opt_in or implied")
    days: int | None = Field(default=None, ge=1, strict=True, description="of implied: so long after a purchase")

    @model_validator(mode="after")
    def _days_are_of_implied(self) -> Self:
        if self.days is not None and self.basis != "implied":
            raise ValueError("days belong to the basis implied; take them away, or write basis: implied")
        return self


def _rule(value: Any) -> Any:
    return {"basis": value} if isinstance(value, str) else value


class EmailConsent(ConsentRule, frozen=True):
    """The basis of commercial e-mail, and that of some countries."""

    countries: Mapping[CountryCode, Annotated[ConsentRule, BeforeValidator(_rule)]] = Field(
        default_factory=dict, description="basis by country (two letters): a word, or basis and days"
    )

    def of(self, country: str) -> ConsentRule:
        """The rule for a country; '' is one that nobody knows."""
        return self.countries.get(country, self)


class ConsentPolicy(_Part, frozen=True):
    """Consent by channel. SMS has no choice: only explicit consent with evidence will do."""

    email: Annotated[EmailConsent, BeforeValidator(_rule)] = Field(default=EmailConsent(), description="of e-mail")


class Hours(_Part, frozen=True):
    """A part of the day by the contact's clock; `to` is the first minute after it."""

    from_: TimeOfDay = Field(alias="from", description="time of day in quotes, such as '21:00'")
    to: TimeOfDay = Field(description="time of day in quotes, such as '08:00'; may be the next morning's")

    @model_validator(mode="after")
    def _leaves_some_time(self) -> Self:
        if self.from_ == self.to:
            raise ValueError("from and to are the same, so nothing would ever go; write two times")
        return self

    def is_quiet_at(self, clock: time) -> bool:
        """Whether what these hours are for keeps messages back at a time of day."""
        return self.include(clock)

    def include(self, clock: time) -> bool:
        """Whether a time of day lies in them."""
        if self.from_ < self.to:
            return self.from_ <= clock < self.to
        return clock >= self.from_ or clock < self.to


class QuietHours(Hours, frozen=True):
    """When nothing goes."""


class Window(Hours, frozen=True):
    """When commercial messages go, and at no other time."""

    def is_quiet_at(self, clock: time) -> bool:
        """Whether a time of day lies outside."""
        return not self.include(clock)


class Cap(_Part, frozen=True):
    """At most so many messages in any so many times 24 hours."""

    messages: int = Field(ge=1, strict=True, description="so many messages")
    days: int = Field(ge=1, le=366, strict=True, description="in so many days")

    @property
    def window(self) -> timedelta:
        """How far back it looks."""
        return timedelta(days=self.days)


class Blackout(_Part, frozen=True):
    """Days, the merchant's, on which commercial messages wait."""

    from_: date = Field(alias="from", description="first day, such as 2026-11-26")
    to: date = Field(description="last day")
    why: str = Field(default="", description="a word for people")

    @model_validator(mode="after")
    def _ends_after_it_began(self) -> Self:
        if self.to < self.from_:
            raise ValueError("to lies before from; write the last day under to")
        return self


class DailyCeiling(_Part, frozen=True):
    """At most so many messages of a channel on a day of the merchant: a warm-up, or a throttle where growth is 1."""

    first: int = Field(ge=1, strict=True, description="messages on the first day")
    from_: date | None = Field(default=None, alias="from", description="the first day; before it there is no ceiling")
    growth: float = Field(default=1.0, ge=1, le=10, description="each day so many times the ceiling of the day before")
    most: int | None = Field(default=None, ge=1, strict=True, description="never more than that")

    @model_validator(mode="after")
    def _growth_has_a_beginning(self) -> Self:
        if self.growth > 1 and self.from_ is None:
            raise ValueError("growth needs the day on which it begins; write from, such as 2026-11-01")
        return self

    def on(self, day: date) -> int | None:
        """The ceiling of a day; None where there is none yet."""
        if self.from_ is None:
            return self._at_most(self.first)
        if day < self.from_:
            return None
        count = float(self.first)
        for _ in range((day - self.from_).days if self.growth > 1 else 0):
            count *= self.growth
            if count >= (self.most or 1e12):  # further days change nothing
                break
        return self._at_most(int(count))

    def _at_most(self, count: int) -> int:
        return count if self.most is None else min(count, self.most)


class Sunset(_Part, frozen=True):
    """When a contact gets no more advertising, as it shows no interest in it."""

    days: int = Field(ge=1, le=3_650, strict=True, description="so long without a purchase, an opening, a click, ...")
    exempt: tuple[str, ...] = Field(default=(), description="conversations that go all the same, such as a farewell")


class SendingPolicy(_Part, frozen=True):
    """All of it, of one merchant."""

    consent: ConsentPolicy = Field(default=ConsentPolicy(), description="on which basis commercial e-mail goes")
    quiet_hours: Mapping[PolicyChannel, QuietHours] = Field(
        default_factory=dict, description="by channel: when nothing goes"
    )
    window: Mapping[PolicyChannel, Window] = Field(
        default_factory=dict, description="by channel: when commercial messages go"
    )
    caps: Mapping[PolicyChannel, Cap] = Field(default_factory=dict, description="by channel: messages to a contact")
    discount_cap: Cap | None = Field(default=None, description="messages with an offer to a contact, on any channel")
    spacing_hours: int | None = Field(
        default=None, ge=1, le=720, strict=True, description="between messages by two channels to a contact"
    )
    blackouts: tuple[Blackout, ...] = Field(default=(), description="days on which commercial messages wait")
    daily_ceiling: Mapping[PolicyChannel, DailyCeiling] = Field(
        default_factory=dict, description="by channel: messages of the merchant on a day"
    )
    sunset: Sunset | None = Field(default=None, description="who gets no more advertising for want of interest")
    seeds: tuple[Seed, ...] = Field(
        default=(),
        description="addresses and phone numbers of the shop's own that get a proof of each step and day that is sent",
    )
    max_defer_days: int = Field(
        default=3, ge=0, le=30, strict=True, description="so long a message waits before it is dropped"
    )

    @field_validator("spacing_hours", "discount_cap", "sunset", mode="before")
    @classmethod
    def _blank_is_refused(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("holds nothing; write a value or take the line away")
        return value

    @model_validator(mode="after")
    def _window_is_open(self) -> Self:
        """A window that lies in the quiet hours would let nothing go, ever."""
        minutes = [time(minute // 60, minute % 60) for minute in range(24 * 60)]
        for channel, window in self.window.items():
            quiet = self.quiet_hours.get(channel)
            if quiet and all(quiet.is_quiet_at(clock) or window.is_quiet_at(clock) for clock in minutes):
                raise ValueError(
                    f"the window of {channel} lies in its quiet_hours, so nothing commercial would ever go; move one"
                )
        return self

    @property
    def looks_back(self) -> timedelta | None:
        """How far back the ledger has to be read for a contact; None where nothing asks for it."""
        windows = [cap.window for cap in self.caps.values()]
        if self.discount_cap:
            windows.append(self.discount_cap.window)
        if self.spacing_hours:
            windows.append(timedelta(hours=self.spacing_hours))
        if self.sunset:
            windows.append(timedelta(days=self.sunset.days))
        return max(windows, default=None)
