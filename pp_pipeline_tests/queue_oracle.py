"""The queue rules of DESIGN 3, day by day, order by order: slow, and as close to the words as Python gets.

What the pipeline computes with windows and joins has to be exactly what stands here. Each rule is a
method of its own, so that a test can put a wrong reading in its place and see that it is noticed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple, Self

from pp_pipeline_tests.audience_pairs import AUDIENCES, AudienceFacts
from pp_pipeline_tests.orders_oracle import Orders, Version, by_age, days_between

SHIPPED_STATUSES = ("shipped", "completed")
FINAL_REASONS = ("released", "expired", "filtered")
DAYS_BACK_OF_WAIT_ZERO = 10


class Movement(NamedTuple):
    """One row of a campaign's book; `reason` stands on what left only."""

    movement_on: date
    movement: str
    reason: str | None
    order_number: str
    email: str
    basis_date: date
    basis_source: str
    due_on: date


class Basis(NamedTuple):
    """The date from which an order waits, and which of its dates that is."""

    on: date
    source: str


class Waiting(NamedTuple):
    """Under what an order waits."""

    email: str
    basis: Basis
    due_on: date


@dataclass(frozen=True)
class Campaign:
    """The parameters of section 3; `audience` is a text of `AUDIENCES`, None for everyone."""

    wait_days: int
    date_basis: str
    active_from: date
    active_to: date | None = None
    ship_trigger: str = "ship_date_only"
    transit_days: int | None = None
    back_populate_days: int = 0
    repeat_orders: str = "each"
    max_days_late: int = 10
    stop_statuses: tuple[str, ...] = ("canceled", "returned")
    hold_statuses: tuple[str, ...] = ()
    audience: str | None = None

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Self:
        """The campaign that a model's parameters describe (dates as text, lists, the names left out)."""
        values = {name: value for name, value in parameters.items() if name not in ("event", "merchant")}
        for name in ("active_from", "active_to"):
            if values.get(name):
                values[name] = date.fromisoformat(values[name])
        for name in ("stop_statuses", "hold_statuses"):
            if name in values:
                values[name] = tuple(values[name])
        return cls(**values)

    @property
    def lateness_allowed(self) -> int:
        """Days; 10 with `wait_days` = 0, whatever is written."""
        return DAYS_BACK_OF_WAIT_ZERO if self.wait_days == 0 else self.max_days_late

    @property
    def days_back(self) -> int:
        """How far before `active_from` the window begins; at least 10 days with `wait_days` = 0."""
        at_least = DAYS_BACK_OF_WAIT_ZERO if self.wait_days == 0 else 0
        return max(at_least, self.back_populate_days)


@dataclass
class QueueOracle:
    """One campaign's queue over one merchant's orders.

    `movements` makes the book; `waiting_after` then tells who waits at the end of each day.
    """

    orders: Orders
    campaign: Campaign
    book: list[Movement] = field(default_factory=list)
    waiting: dict[str, Waiting] = field(default_factory=dict)
    gone_for_good: set[str] = field(default_factory=set)
    waiting_after: dict[date, dict[str, Waiting]] = field(default_factory=dict)

    def movements(self, last_day: date) -> list[Movement]:
        """The book from the first day on which anything can happen to the last, in the order of happening."""
        first_day = min([self.campaign.active_from, *self.orders.file_dates])
        for day in days_between(first_day, last_day):
            self.take_in_the_day(day)
            self.settle_what_is_due(day)
            self.waiting_after[day] = dict(self.waiting)
        return self.book

    def take_in_the_day(self, day: date) -> None:
        """Step 1 of section 3."""
        known = self.orders.in_force(day)
        for order_number in sorted(known, key=str.encode):
            if order_number in self.gone_for_good:
                continue
            reason = self.reason_not_wanted(order_number, known, day)
            if order_number in self.waiting:
                if reason is not None:
                    self.leave(order_number, reason, day)
                else:
                    self.go_on_waiting(order_number, known, day)
            elif reason is None and self.may_enter(order_number, known, day):
                self.waiting[order_number] = self.stand(order_number, known, day)
                self.write("entered", order_number, day)

    def settle_what_is_due(self, day: date) -> None:
        """Step 2 of section 3."""
        known = self.orders.in_force(day)
        for order_number in sorted(self.waiting, key=str.encode):
            due_on = self.waiting[order_number].due_on
            if due_on > day:
                continue
            if (day - due_on).days > self.campaign.lateness_allowed:
                self.leave(order_number, "expired", day)
            elif known[order_number].fields.status in self.campaign.hold_statuses:
                continue
            elif not self.is_in_audience(order_number, day):
                self.leave(order_number, "filtered", day)
            else:
                self.leave(order_number, "released", day)

    def reason_not_wanted(self, order_number: str, known: dict[str, Version], day: date) -> str | None:
        """The first reason that holds; None when the order is wanted."""
        fields = known[order_number].fields
        if fields.status in self.campaign.stop_statuses:
            return "canceled"
        if fields.email is None or not fields.is_eligible or self.basis(order_number, known, day) is None:
            return "withdrawn"
        if self.is_superseded(order_number, known):
            return "superseded"
        return None

    def is_superseded(self, order_number: str, known: dict[str, Version]) -> bool:
        """By a newer order of the contact with restart, an older one with first; not by stopped ones."""
        mine = known[order_number]
        for other_number, other in known.items():
            if other_number == order_number or other.fields.email != mine.fields.email:
                continue
            if other.fields.status in self.campaign.stop_statuses or not other.fields.is_eligible:
                continue
            other_is_newer = by_age(other_number, other) > by_age(order_number, mine)
            if self.campaign.repeat_orders == "restart" and other_is_newer:
                return True
            if self.campaign.repeat_orders == "first" and not other_is_newer:
                return True
        return False

    def basis(self, order_number: str, known: dict[str, Version], day: date) -> Basis | None:
        """The basis date by the version in force, None where there is none."""
        fields = known[order_number].fields
        if self.campaign.date_basis == "order_date":
            return Basis(fields.ordered_on, "order_date")
        if self.campaign.date_basis == "delivered_date":
            if fields.delivered_on is not None:
                return Basis(fields.delivered_on, "delivered_date")
            if fields.ship_date is not None and self.campaign.transit_days is not None:
                return Basis(fields.ship_date + timedelta(days=self.campaign.transit_days), "transit")
            return None
        if fields.ship_date is not None:
            return Basis(fields.ship_date, "ship_date")
        if self.campaign.ship_trigger == "ship_date_or_status" and fields.status in SHIPPED_STATUSES:
            first_shipped = self.orders.first_known_with(order_number, SHIPPED_STATUSES, day)
            assert first_shipped is not None
            return Basis(first_shipped, "status_change")
        return None

    def may_enter(self, order_number: str, known: dict[str, Version], day: date) -> bool:
        """The window, both ends included; it governs entering only."""
        if day < self.campaign.active_from:
            return False
        basis = self.basis(order_number, known, day)
        assert basis is not None
        if basis.on < self.campaign.active_from - timedelta(days=self.campaign.days_back):
            return False
        return self.campaign.active_to is None or basis.on <= self.campaign.active_to

    def go_on_waiting(self, order_number: str, known: dict[str, Version], day: date) -> None:
        """A change of due date or e-mail is a move; a change of the basis source alone is not."""
        before = self.waiting[order_number]
        now = self.stand(order_number, known, day)
        self.waiting[order_number] = now
        if (now.due_on, now.email) != (before.due_on, before.email):
            self.write("moved", order_number, day)

    def stand(self, order_number: str, known: dict[str, Version], day: date) -> Waiting:
        """Under what a wanted order waits on the day."""
        email = known[order_number].fields.email
        basis = self.basis(order_number, known, day)
        assert email is not None and basis is not None
        return Waiting(email, basis, basis.on + timedelta(days=self.campaign.wait_days))

    def is_in_audience(self, order_number: str, day: date) -> bool:
        """Whether the audience is true of the order as of the day; null is false."""
        if self.campaign.audience is None:
            return True
        facts = AudienceFacts.of(self.orders, day, order_number)
        return AUDIENCES[self.campaign.audience](facts) is True

    def leave(self, order_number: str, reason: str, day: date) -> None:
        """The row carries the last version under which the order waited."""
        self.write("left", order_number, day, reason)
        del self.waiting[order_number]
        if reason in FINAL_REASONS:
            self.gone_for_good.add(order_number)

    def write(self, movement: str, order_number: str, day: date, reason: str | None = None) -> None:
        email, basis, due_on = self.waiting[order_number]
        self.book.append(Movement(day, movement, reason, order_number, email, basis.on, basis.source, due_on))
