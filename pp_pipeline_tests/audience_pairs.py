"""Audiences twice: the SQL that a marketer writes, and the condition in plain Python (DESIGN 3, "Audience").

A predicate answers True, False or None ("not known"). The SQL's null is None here, and
null is false once the whole condition is judged.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from pp_pipeline_tests.lines_oracle import STATUSES, Line
from pp_pipeline_tests.list_oracle import ListRow, list_as_of, purchases_as_of
from pp_pipeline_tests.orders_oracle import OrderFields, Orders

Truth = bool | None


@dataclass(frozen=True)
class AudienceFacts:
    """What an audience may ask about one order on the day of its release.

    `list_row` is None where the order's contact is not on the list that day.
    """

    orders: Orders
    day: date
    order_number: str
    list_row: ListRow | None

    @classmethod
    def of(cls, orders: Orders, day: date, order_number: str) -> "AudienceFacts":
        """The facts of an order that is known on the day."""
        email = orders.in_force(day)[order_number].fields.email
        on_the_list = list_as_of(orders, day)
        return cls(orders, day, order_number, on_the_list.get(email) if email else None)

    @property
    def order_count(self) -> int | None:
        return self.list_row.order_count if self.list_row else None

    @property
    def total_spend_cents(self) -> int | None:
        return self.list_row.total_spend_cents if self.list_row else None

    @property
    def average_order_cents(self) -> int | None:
        return self.list_row.average_order_cents if self.list_row else None

    @property
    def days_since_last_order(self) -> int | None:
        return self.list_row.days_since_last_order if self.list_row else None

    @property
    def lifecycle_stage(self) -> str | None:
        return self.list_row.lifecycle_stage if self.list_row else None

    @property
    def order(self) -> OrderFields:
        return self.orders.in_force(self.day)[self.order_number].fields

    @property
    def order_total_cents(self) -> int | None:
        return self.order.total_cents

    def lines_in(self, *statuses: str) -> int:
        """How many of the order's lines are in one of the statuses."""
        return self.orders.in_force(self.day)[self.order_number].count(*statuses)

    @property
    def order_rank(self) -> int | None:
        """Position of the order, from 1, among its contact's purchases; None if it is no purchase."""
        for purchases in purchases_as_of(self.orders, self.day).values():
            for position, purchase in enumerate(purchases, start=1):
                if purchase.order_number == self.order_number:
                    return position
        return None

    def bought_sku(self, sku: str, within_days: int) -> bool:
        return any(sku == line.sku for line in self._lines_bought(within_days))

    def bought_category(self, category: str, within_days: int) -> bool:
        return any(category == line.category for line in self._lines_bought(within_days))

    def _lines_bought(self, within_days: int) -> Iterator[Line]:
        """Lines of the contact's purchases dated T - within_days < date <= T; none where it is on no list."""
        email = self.orders.in_force(self.day)[self.order_number].fields.email
        for purchase in purchases_as_of(self.orders, self.day).get(email or "", []):
            if self.day - timedelta(days=within_days) < purchase.version.fields.ordered_on <= self.day:
                yield from purchase.version.lines


def at_least(value: int | None, limit: int) -> Truth:
    return None if value is None else value >= limit


def one_of(value: str | None, *words: str) -> Truth:
    return None if value is None else value in words


def no(truth: Truth) -> Truth:
    return None if truth is None else not truth


def both(left: Truth, right: Truth) -> Truth:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def either(left: Truth, right: Truth) -> Truth:
    return no(both(no(left), no(right)))


AUDIENCES: dict[str, Callable[[AudienceFacts], Truth]] = {
    "order_count >= 2": lambda facts: at_least(facts.order_count, 2),
    "order_count = 1": lambda facts: both(at_least(facts.order_count, 1), no(at_least(facts.order_count, 2))),
    "not (order_count >= 2)": lambda facts: no(at_least(facts.order_count, 2)),
    "total_spend_cents >= 4000": lambda facts: at_least(facts.total_spend_cents, 4000),
    "average_order_cents < 2000": lambda facts: no(at_least(facts.average_order_cents, 2000)),
    "days_since_last_order <= 4": lambda facts: no(at_least(facts.days_since_last_order, 5)),
    "days_since_last_order > 6": lambda facts: at_least(facts.days_since_last_order, 7),
    "lifecycle_stage = 'recent_new'": lambda facts: one_of(facts.lifecycle_stage, "recent_new"),
    "lifecycle_stage in ('loyal', 'lapsed_loyal')": lambda facts: one_of(
        facts.lifecycle_stage, "loyal", "lapsed_loyal"
    ),
    "lifecycle_stage <> 'in_between'": lambda facts: no(one_of(facts.lifecycle_stage, "in_between")),
    "order.total_cents >= 2000": lambda facts: at_least(facts.order_total_cents, 2000),
    "order.rank = 1": lambda facts: both(at_least(facts.order_rank, 1), no(at_least(facts.order_rank, 2))),
    "order.rank >= 2 or order.total_cents < 2000": lambda facts: either(
        at_least(facts.order_rank, 2), no(at_least(facts.order_total_cents, 2000))
    ),
    "order.rank is null": lambda facts: facts.order_rank is None,
    "order.refunded_cents = 0": lambda facts: facts.order.refunded_cents == 0,
    "order.delivered_on is null or order.paid_on is not null": lambda facts: (
        facts.order.delivered_on is None or facts.order.paid_on is not None
    ),
    "order.refunded_on is null and order.canceled_lines + order.returned_lines = 0": lambda facts: (
        facts.order.refunded_on is None and facts.lines_in("canceled", "returned") == 0
    ),
    "order.shipped_lines < order.line_count": lambda facts: (
        facts.lines_in("shipped", "completed") < facts.lines_in(*STATUSES)
    ),
    "bought_sku('SKU-1', within_days=5)": lambda facts: facts.bought_sku("SKU-1", within_days=5),
    "not bought_sku('SKU-2', within_days=30)": lambda facts: no(facts.bought_sku("SKU-2", within_days=30)),
    "bought_category('Tables', within_days=4)": lambda facts: facts.bought_category("Tables", within_days=4),
    "order_count >= 2 and bought_category('Tables', within_days=200)": lambda facts: both(
        at_least(facts.order_count, 2), facts.bought_category("Tables", within_days=200)
    ),
    "bought_sku('SKU-2', within_days=7) or order_count >= 3": lambda facts: either(
        facts.bought_sku("SKU-2", within_days=7), at_least(facts.order_count, 3)
    ),
}
"""Each audience that the worlds draw, by its SQL text."""
