"""Wrong readings of DESIGN 3, second part: the window, why orders leave and with what, the audience."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Self

from pp_pipeline_tests.audience_pairs import AUDIENCES, AudienceFacts
from pp_pipeline_tests.cases import Case, sorted_book
from pp_pipeline_tests.queue_oracle import Basis, Campaign, Waiting
from pp_pipeline_tests.wrong_readings import In, Misreading


class ExpiresOnTheLastDayAllowed(Misreading):
    def settle_what_is_due(self, day: date) -> None:
        for number, waiting in list(self.waiting.items()):
            if waiting.due_on <= day and (day - waiting.due_on).days == self.campaign.lateness_allowed:
                self.leave(number, "expired", day)
        super().settle_what_is_due(day)


class _OtherCampaign(Misreading):
    @classmethod
    def of(cls, case: Case) -> Self:
        return cls(case.orders(), cls.other(Campaign.of(case.campaign)))

    @staticmethod
    def other(campaign: Campaign) -> Campaign:
        raise NotImplementedError


class WaitZeroKeepsItsLateness(_OtherCampaign):
    @staticmethod
    def other(campaign: Campaign) -> Campaign:
        class Literal(Campaign):
            @property
            def lateness_allowed(self) -> int:
                return self.max_days_late

        return Literal(**vars(campaign))


class WaitZeroKeepsItsWindow(_OtherCampaign):
    @staticmethod
    def other(campaign: Campaign) -> Campaign:
        class Literal(Campaign):
            @property
            def days_back(self) -> int:
                return self.back_populate_days

        return Literal(**vars(campaign))


class WindowEndIsExcluded(_OtherCampaign):
    @staticmethod
    def other(campaign: Campaign) -> Campaign:
        return replace(campaign, active_to=campaign.active_to and campaign.active_to - timedelta(days=1))


class WindowBeginIsExcluded(Misreading):
    def may_enter(self, order_number: str, known: In, day: date) -> bool:
        basis = self.basis(order_number, known, day)
        assert basis is not None
        begin = self.campaign.active_from - timedelta(days=self.campaign.days_back)
        return basis.on != begin and super().may_enter(order_number, known, day)


class WindowLooksAtDue(Misreading):
    def may_enter(self, order_number: str, known: In, day: date) -> bool:
        due_on = self.stand(order_number, known, day).due_on
        campaign = self.campaign
        first = campaign.active_from - timedelta(days=campaign.days_back)
        in_window = first <= due_on and (campaign.active_to is None or due_on <= campaign.active_to)
        return day >= campaign.active_from and in_window


class WindowLooksAtToday(Misreading):
    def may_enter(self, order_number: str, known: In, day: date) -> bool:
        ended = self.campaign.active_to is not None and day > self.campaign.active_to
        return not ended and super().may_enter(order_number, known, day)


class WindowGovernsStaying(Misreading):
    def reason_not_wanted(self, order_number: str, known: In, day: date) -> str | None:
        reason = super().reason_not_wanted(order_number, known, day)
        return reason or (None if self.may_enter(order_number, known, day) else "withdrawn")


class EntersBeforeActiveFrom(Misreading):
    def may_enter(self, order_number: str, known: In, day: date) -> bool:
        return super().may_enter(order_number, known, max(day, self.campaign.active_from))


class EntersOnlyWithANewVersion(Misreading):
    def may_enter(self, order_number: str, known: In, day: date) -> bool:
        restated = any(version.on == day for version in self.orders.history[order_number])
        return restated and super().may_enter(order_number, known, day)


class NeverEntersAgain(Misreading):
    def may_enter(self, order_number: str, known: In, day: date) -> bool:
        was_inside = any(row.order_number == order_number for row in self.book)
        return not was_inside and super().may_enter(order_number, known, day)


class HeldOrdersNeverExpire(Misreading):
    def leave(self, order_number: str, reason: str, day: date) -> None:
        status = self.orders.in_force(day)[order_number].fields.status
        if reason != "expired" or status not in self.campaign.hold_statuses:
            super().leave(order_number, reason, day)


class HeldOrdersStayOutside(Misreading):
    def may_enter(self, order_number: str, known: In, day: date) -> bool:
        held = known[order_number].fields.status in self.campaign.hold_statuses
        return not held and super().may_enter(order_number, known, day)


class HoldIsIgnored(_OtherCampaign):
    @staticmethod
    def other(campaign: Campaign) -> Campaign:
        return replace(campaign, hold_statuses=())


class _NotFinal(Misreading):
    not_final: str

    def leave(self, order_number: str, reason: str, day: date) -> None:
        super().leave(order_number, reason, day)
        if reason == self.not_final:
            self.gone_for_good.discard(order_number)


class ReleasedIsNotFinal(_NotFinal):
    not_final = "released"


class ExpiredIsNotFinal(_NotFinal):
    not_final = "expired"


class FilteredIsNotFinal(_NotFinal):
    not_final = "filtered"


class FilteredGoesOnWaiting(Misreading):
    def leave(self, order_number: str, reason: str, day: date) -> None:
        if reason != "filtered":
            super().leave(order_number, reason, day)


class StopBringsBackWhatIsFinal(Misreading):
    def take_in_the_day(self, day: date) -> None:
        for number, version in self.orders.in_force(day).items():
            if version.fields.status in self.campaign.stop_statuses:
                self.gone_for_good.discard(number)
        super().take_in_the_day(day)


class AudienceAsOfDue(Misreading):
    def is_in_audience(self, order_number: str, day: date) -> bool:
        known_on = self.orders.history[order_number][0].on
        return super().is_in_audience(order_number, max(self.waiting[order_number].due_on, known_on))


class AudienceAsOfTheDayBefore(Misreading):
    def is_in_audience(self, order_number: str, day: date) -> bool:
        known_on = self.orders.history[order_number][0].on
        return super().is_in_audience(order_number, max(day - timedelta(days=1), known_on))


class AudienceAsOfTheLastDay(Misreading):
    def is_in_audience(self, order_number: str, day: date) -> bool:
        return super().is_in_audience(order_number, max(day, self.orders.file_dates[-1]))


class NullAudienceIsTrue(Misreading):
    def is_in_audience(self, order_number: str, day: date) -> bool:
        if self.campaign.audience is None:
            return True
        facts = AudienceFacts.of(self.orders, day, order_number)
        return AUDIENCES[self.campaign.audience](facts) is not False


class AudienceIsIgnored(_OtherCampaign):
    @staticmethod
    def other(campaign: Campaign) -> Campaign:
        return replace(campaign, audience=None)


class LeftCarriesTheVersionInForce(Misreading):
    def leave(self, order_number: str, reason: str, day: date) -> None:
        known = self.orders.in_force(day)
        if known[order_number].fields.email and self.basis(order_number, known, day):
            self.waiting[order_number] = self.stand(order_number, known, day)
        super().leave(order_number, reason, day)


class LeftCarriesTheLastMovement(Misreading):
    def leave(self, order_number: str, reason: str, day: date) -> None:
        last = [row for row in self.book if row.order_number == order_number][-1]
        basis = Basis(last.basis_date, last.basis_source)
        self.waiting[order_number] = Waiting(last.email, basis, last.due_on)
        super().leave(order_number, reason, day)


class SourceAloneIsAMove(Misreading):
    def go_on_waiting(self, order_number: str, known: In, day: date) -> None:
        before = self.waiting[order_number]
        super().go_on_waiting(order_number, known, day)
        now = self.waiting[order_number]
        if (now.due_on, now.email) == (before.due_on, before.email) and now.basis != before.basis:
            self.write("moved", order_number, day)


class _NoMove(Misreading):
    watched: str

    def go_on_waiting(self, order_number: str, known: In, day: date) -> None:
        before, now = self.waiting[order_number], self.stand(order_number, known, day)
        self.waiting[order_number] = now
        if getattr(before, self.watched) != getattr(now, self.watched):
            self.write("moved", order_number, day)


class EmailAloneIsNoMove(_NoMove):
    watched = "due_on"


class DueAloneIsNoMove(_NoMove):
    watched = "email"


def misreadings(kind: type[Misreading] = Misreading) -> Iterator[type[Misreading]]:
    """Every wrong reading of both modules."""
    for reading in kind.__subclasses__():
        if not reading.__name__.startswith("_"):
            yield reading
        yield from misreadings(reading)


def notices(case: Case, misreading: type[Misreading]) -> bool:
    """Whether the wrong reading gives the case another book."""
    return sorted_book(misreading.of(case).movements(case.days[1])) != case.expected_book()
