"""Recommendations read the slow way: what dbt/models/list and pp_pipeline/sending/recommending.py have to say."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from itertools import groupby
from typing import NamedTuple

REASONS = ("refill", "accessory", "bought_again", "bought_together", "category", "best_seller")
REFILL, _, AGAIN, TOGETHER, CATEGORY, BEST_SELLER = range(6)
YEAR = timedelta(days=365)


class Product(NamedTuple):
    """What a shop says of an article; `is_fed`: in its product file. One without a name is recommended to nobody."""

    category: str | None = None
    group: str | None = None
    refill_of: str | None = None
    accessory_of: str | None = None
    is_fed: bool = True
    name: str = "A thing"


class Order(NamedTuple):
    """An order with the SKUs of its lines. `contact` is None where it is nobody's purchase; `turn` tells the order of
    one day's orders."""

    number: str
    contact: str | None
    day: date
    turn: int
    status: str
    skus: tuple[str, ...]


class Return(NamedTuple):
    """An article of an order that comes back: of that SKU, on that line (from 1), or with neither all of it."""

    number: str
    sku: str | None = None
    line: int | None = None


class Bought(NamedTuple):
    """An SKU of an order."""

    order: Order
    sku: str
    came_back: bool


class Found(NamedTuple):
    """An article to recommend."""

    sku: str
    why: str
    score: int


@dataclass
class Shop:
    """A shop as of a day: its orders in force, all of them dated up to it, its articles and its returns."""

    products: dict[str, Product]
    orders: list[Order]
    as_of: date
    returns: list[Return] = field(default_factory=list)

    def bought(self) -> list[Bought]:
        """What contacts bought, a row per order and SKU; canceled orders are none."""
        found = []
        for order in self.orders:
            if order.contact is None or order.status == "canceled":
                continue
            for sku in sorted(set(order.skus)):
                lines = [line for line, other in enumerate(order.skus, start=1) if other == sku]
                found.append(Bought(order, sku, all(self._came_back(order, sku, line) for line in lines)))
        return found

    def _came_back(self, order: Order, sku: str, line: int) -> bool:
        return order.status == "returned" or any(
            back.number == order.number and back.sku in (None, sku) and back.line in (None, line)
            for back in self.returns
        )

    def of_the_year(self) -> list[Bought]:
        """What was bought in the 365 days up to `as_of`."""
        return [each for each in self.bought() if each.order.day > self.as_of - YEAR]

    @cached_property
    def sold(self) -> Counter[str]:
        """Orders of the year in which each article was bought and stayed."""
        return Counter(each.sku for each in self.of_the_year() if not each.came_back)

    @cached_property
    def returned(self) -> Counter[str]:
        """Orders of the year of which each article came back."""
        return Counter(each.sku for each in self.of_the_year() if each.came_back)

    def best_sellers(self, category: str | None = None) -> list[str]:
        """The articles that sold and did not mostly come back, the best first; of a category if one is named."""
        sold, returned = self.sold, self.returned
        sellers = [sku for sku in {*sold, *returned} if returned[sku] <= sold[sku]]
        if category is not None:
            sellers = [sku for sku in sellers if self.products[sku].category == category]
        return sorted(sellers, key=lambda sku: (-sold[sku], sku.encode()))

    @cached_property
    def pairs(self) -> dict[str, list[tuple[str, int, int]]]:
        """Per article the others that were bought with or after it: SKU, orders, score; the best first."""
        sold, places = self.sold, {sku: place for place, sku in enumerate(self.best_sellers())}
        kept = [each for each in self.of_the_year() if not each.came_back and sold[each.sku] >= 2]
        baskets: dict[Order, list[str]] = {}
        for each in kept:
            baskets.setdefault(each.order, []).append(each.sku)
        for order, skus in baskets.items():
            baskets[order] = sorted(skus, key=lambda sku: (places.get(sku, 10**9), sku.encode()))[:50]
        together: Counter[tuple[str, str]] = Counter()
        for order, skus in baskets.items():
            later = sorted(
                (other for other in baskets if other.contact == order.contact and _turn(other) >= _turn(order)),
                key=_turn,
            )[:11]
            near = [other for other in later if (other.day - order.day).days <= 30]
            followers = {sku for other in near for sku in baskets[other]}
            again = {sku for other in near if other != order for sku in baskets[other]}
            together.update((sku, other) for sku in skus for other in followers if other != sku or other in again)
        found: dict[str, list[tuple[str, int, int]]] = {}
        for (sku, other), count in together.items():
            if count >= 2:
                found.setdefault(sku, []).append((other, count, count * 1_000_000 // (sold[sku] + 20)))
        return {sku: sorted(others, key=lambda one: (-one[2], one[0].encode()))[:50] for sku, others in found.items()}

    @cached_property
    def recommendations(self) -> dict[str, list[Found]]:
        """The table `recommendations`: per article bought in the year the 10 best."""
        sold, returned, pairs = self.sold, self.returned, self.pairs
        found = {}
        for sku in {*sold, *returned}:
            of = self.products[sku]
            named = [
                *((REFILL, other, sold[other]) for other, one in self.products.items() if one.refill_of == sku),
                *((1, other, sold[other]) for other, one in self.products.items() if one.accessory_of == sku),
                *((TOGETHER, other, score) for other, _, score in pairs.get(sku, [])),
                *((CATEGORY, other, sold[other]) for other in self.best_sellers(of.category)[:30] if of.category),
                *((BEST_SELLER, other, sold[other]) for other in self.best_sellers()[:30]),
            ]
            allowed = [
                (reason, other, score)
                for reason, other, score in named
                if other != sku
                and returned[other] <= sold[other]
                and (reason == REFILL or of.group is None or self.products[other].group != of.group)
            ]
            found[sku] = _best(allowed, 10)
        return found

    def recommend(self, number: str, contact: str, at_most: int, not_again_days: int) -> list[Found]:
        """What `recommend` has to answer for an order and a contact, asked on `as_of`."""
        table, pairs = self.recommendations, self.pairs
        own = {sku for order in self.orders if order.number == number for sku in order.skus}
        groups = {self.products[sku].group for sku in own} - {None}
        theirs = [each for each in self.bought() if each.order.contact == contact]
        lately = self.as_of - timedelta(days=not_again_days)
        never = own | {each.sku for each in theirs if each.order.day > lately}
        for order in self.orders:
            if order.contact == contact:
                never |= {sku for line, sku in enumerate(order.skus, start=1) if self._came_back(order, sku, line)}
        earlier = {each.sku for each in theirs if not each.came_back and each.order.day > self.as_of - YEAR} - own
        named = [(REASONS.index(one.why), one.sku, one.score) for sku in own for one in table.get(sku, [])]
        for sku in earlier:
            named += [(TOGETHER, one.sku, one.score) for one in table.get(sku, []) if one.why == REASONS[TOGETHER]]
            named += [(AGAIN, sku, score) for other, _, score in pairs.get(sku, []) if other == sku]
        sold = self.sold
        named += [(BEST_SELLER, sku, sold[sku]) for sku in self.best_sellers()[:50]]
        summed: Counter[str] = Counter()
        for reason, sku, score in named:
            summed[sku] += score if reason == TOGETHER else 0
        named = [(reason, sku, summed[sku] if reason == TOGETHER else score) for reason, sku, score in named]
        never |= {sku for sku, one in self.products.items() if not one.name.strip()}
        best = _best([one for one in named if one[1] not in never], len(named))
        siblings = {sku for sku, one in self.products.items() if one.group in groups}
        return [one for one in best if one.sku not in siblings or one.why == REASONS[REFILL]][:at_most]


def _turn(order: Order) -> tuple[date, int]:
    return order.day, order.turn


def _best(named: Iterable[tuple[int, str, int]], at_most: int) -> list[Found]:
    """Each article once, for its strongest reason; the best first."""
    by_sku = sorted(named, key=lambda one: (one[1], one[0], -one[2]))
    once = [next(ones) for _, ones in groupby(by_sku, key=lambda one: one[1])]
    ranked = sorted(once, key=lambda one: (one[0], -one[2], one[1].encode()))
    return [Found(sku, REASONS[reason], score) for reason, sku, score in ranked[:at_most]]
