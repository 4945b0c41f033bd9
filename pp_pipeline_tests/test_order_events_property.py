"""Order events of random orders, read day by day and by the SQL (DESIGN 3, "External events")."""

import random
import uuid
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

import pandas
import pytest

from pp_pipeline_tests.conversation_pipeline import FIRST, LAST, ConversationPipeline, conversation_pipeline_on
from pp_pipeline_tests.queue_pipelines import TARGETS

ORDERS = 600
MAX_EVENT_AGE_DAYS = 3
DAYS = tuple(FIRST + timedelta(days=day) for day in range((LAST - FIRST).days + 1))


class Version(NamedTuple):
    """An order as it is known from a day on."""

    order_number: str
    known_on: date
    contact_key: str | None
    is_eligible: bool
    ordered_on: date
    status: str
    ship_date: date | None
    delivered_on: date | None
    paid_on: date | None
    refunded_on: date | None
    refunded_cents: int
    line_count: int
    shipped_lines: int
    returned_lines: int

    @property
    def is_someones(self) -> bool:
        return self.contact_key is not None and self.is_eligible

    @property
    def is_purchase(self) -> bool:
        return self.is_someones and self.status not in ("canceled", "returned")

    @property
    def is_shipped(self) -> bool:
        """A date, or a status; not while lines are still to come."""
        has_left = self.ship_date is not None or self.status in ("shipped", "completed")
        in_parts = self.shipped_lines > 0 and self.shipped_lines + self.returned_lines < self.line_count
        return has_left and not in_parts and self.status not in ("canceled", "returned")


class Fact(NamedTuple):
    """What fires an event: whether a version states it, and the date of its own that it has there."""

    holds: Callable[[Version], bool]
    dated: Callable[[Version], date | None]


FACTS = {
    "purchase": Fact(lambda one: one.is_purchase, lambda one: one.ordered_on),
    "payment_received": Fact(lambda one: one.paid_on is not None, lambda one: one.paid_on),
    "shipped": Fact(lambda one: one.is_shipped, lambda one: one.ship_date),
    "delivered": Fact(lambda one: one.delivered_on is not None, lambda one: one.delivered_on),
    "canceled": Fact(lambda one: one.status == "canceled", lambda one: None),
    "returned": Fact(lambda one: one.status == "returned", lambda one: None),
    "refunded": Fact(lambda one: one.refunded_cents > 0, lambda one: one.refunded_on),
}


def expected(versions: list[Version]) -> Iterator[tuple[str, str, date, str | None]]:
    """The events of one order: once each, on the first day on which the fact is known and there is somebody to tell."""
    told: set[str] = set()
    first_true: dict[str, date] = {}
    first_known = versions[0].known_on
    day = first_known
    while day <= LAST:
        one = [version for version in versions if version.known_on <= day][-1]
        for name, fact in FACTS.items():
            dated = fact.dated(one)
            if not fact.holds(one) or (dated is not None and dated > day):
                continue
            first_true.setdefault(name, day)
            if one.is_someones and name not in told:
                told.add(name)
                undated = first_true[name] if first_true[name] > first_known else one.ordered_on
                if (day - (dated or undated)).days <= MAX_EVENT_AGE_DAYS:
                    yield one.order_number, name, day, one.contact_key
        day += timedelta(days=1)


def order(dice: random.Random, number: str) -> list[Version]:
    """Some versions of an order: mostly one thing changes from one to the next."""
    known_on = FIRST + timedelta(days=dice.randint(-6, 18))
    ordered_on = known_on + timedelta(days=dice.choice((0, 0, 0, -1, -3, -4, -30, 2)))
    status = dice.choice(("processing",) * 4 + ("shipped", "canceled", "returned", "hold"))
    nothing = (None, None, None, None, 0, dice.choice((1, 2)), 0, 0)
    one = Version(
        number, known_on, dice.choice(("ann", "ann", None)), dice.random() < 0.8, ordered_on, status, *nothing
    )
    found = [one]
    for _ in range(dice.randint(0, 4)):
        known_on += timedelta(days=dice.choice((1, 1, 2, 3, 6)))
        about = known_on + timedelta(days=dice.choice((-5, -3, -1, 0, 0, 1, 2)))
        one = one._replace(known_on=known_on, **dice.choice(_changes(dice, one, about)))
        found.append(one)
    return found


def _changes(dice: random.Random, one: Version, about: date) -> list[dict[str, Any]]:
    return [
        {"ordered_on": about},
        *(
            {name: dice.choice((about, about, None))}
            for name in ("ship_date", "delivered_on", "paid_on", "refunded_on")
        ),
        *[{"status": dice.choice(("processing", "shipped", "completed", "canceled", "returned"))}] * 3,
        {"contact_key": dice.choice(("ann", "ben", None))},
        {"is_eligible": not one.is_eligible},
        {"refunded_cents": dice.choice((0, 500)), "refunded_on": dice.choice((about, None))},
        {"line_count": 2, "shipped_lines": dice.choice((0, 1, 2)), "returned_lines": dice.choice((0, 1))},
    ]


@pytest.fixture(scope="module", params=TARGETS)
def pipeline(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ConversationPipeline:
    return conversation_pipeline_on(request.param, request, tmp_path_factory)


def test_order_events_fire_once_when_they_are_known_in_one_pass_and_day_by_day(pipeline: ConversationPipeline) -> None:
    dice = random.Random(3)
    orders = [order(dice, str(number)) for number in range(ORDERS)]
    write(pipeline, [version for versions in orders for version in versions])
    wanted = sorted((event for versions in orders for event in expected(versions) if event[2] >= FIRST), key=str)
    assert {name for _, name, _, _ in wanted} == FACTS.keys()
    assert found(pipeline, FIRST, LAST) == wanted
    for day in (DAYS[2], DAYS[9], LAST):
        assert found(pipeline, day, day) == [event for event in wanted if event[2] == day]


def write(pipeline: ConversationPipeline, versions: list[Version]) -> None:
    pipeline.begin_anew([])
    rows = []
    for one in versions:
        row = {"merchant": "main", "email": "", "canceled_lines": 0, **one._asdict(), "is_purchase": one.is_purchase}
        row["ordered_at"] = datetime.combine(one.ordered_on, time(12))
        row["order_id"] = str(uuid.uuid5(uuid.NAMESPACE_URL, one.order_number))
        rows.append(row)
    with pipeline.warehouse.connect() as connection:
        connection.insert("order_versions", pandas.DataFrame(rows, dtype=object))


def found(pipeline: ConversationPipeline, first: date, last: date) -> list[tuple[object, ...]]:
    """The events of a range of days as the SQL finds them, too old ones left out as external_events does."""
    columns = "order_number, event_name, occurred_on, contact_key"
    age = "{{ days_between('occurred_on', 'fact_on') }} <= " + str(MAX_EVENT_AGE_DAYS)
    text = (
        f"with {{{{ order_events() }}}} select {columns} from order_events where {{{{ in_days('occurred_on') }}}} and "
    )
    sql = pipeline.project.compiled(text + age, {"from_day": first.isoformat(), "to_day": last.isoformat()})
    with pipeline.warehouse.connect() as connection:
        return sorted(connection.rows(sql), key=str)
