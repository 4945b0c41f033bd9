"""Drawing coupon codes (DESIGN 5): a code is drawn for one message or one action of a run, which has at most one code.

Codes are drawn in the transaction that claims the message, so a claim that is rolled back has drawn nothing, and
one that is committed keeps its code whatever becomes of it: a message that is tried again shows the same code, and
one that may have gone (`unknown`) keeps it from everybody else. Who draws from a pool holds the pool until the
transaction ends. Skipping codes that others hold would call a pool empty whose last codes are given back a moment
later. Codes are worth money: they stand in no log and in no error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import Connection, case, or_, select, text, update

from pp_pipeline.ledger.schema import coupons
from pp_pipeline.portions import portions

_LOOKUP_SIZE = 1_000


@dataclass(frozen=True)
class Coupon:
    """A code as a message shows it. `expires_on`: the last day it is good for; None where nobody set one."""

    code: str = field(repr=False)
    expires_on: date | None = None


@dataclass(frozen=True)
class Wanted:
    """A message that may draw a code.

    Attributes:
        drawn_for: its id, or that of the action's visit whose code it shows with others.
        today: the merchant's day: a code drawn earlier that expired before it is not shown again.
        good_until: a new code is good to this day at least.
    """

    drawn_for: str
    pool: str
    today: date
    good_until: date


@dataclass
class Draws:
    """The codes within reach of one claim; `take` gives them out, `write` writes down which were taken.

    What is not taken stays in stock.
    """

    wanted: Mapping[str, Wanted]
    drawn: dict[str, Coupon]
    """What was drawn, in an earlier claim or in this one, by what it was drawn for."""
    stock: Mapping[tuple[str, date], Sequence[tuple[int, Coupon]]]
    """By pool and the day that they are good for: the oldest codes, as many as messages want one of that pool."""
    taken: dict[int, str] = field(default_factory=dict)

    def take(self, drawn_for: str) -> Coupon | None:
        """Its code: what was drawn for it before, else the oldest that is left; None when there is none.

        A code drawn before that has expired meanwhile is none either: nothing ever gets a second one.
        """
        wanted = self.wanted[drawn_for]
        if earlier := self.drawn.get(drawn_for):
            is_over = earlier.expires_on is not None and earlier.expires_on < wanted.today
            return None if is_over else earlier
        for number, coupon in self.stock[wanted.pool, wanted.good_until]:
            if number not in self.taken:
                self.taken[number] = drawn_for
                self.drawn[drawn_for] = coupon
                return coupon
        return None

    def write(self, connection: Connection, now: datetime) -> None:
        """Write down what was taken, in the transaction that `look_up` was called in."""
        if not self.taken:
            return
        drawn_for = case(self.taken, value=coupons.c.id)
        drawn = update(coupons).where(coupons.c.id.in_(self.taken)).values(drawn_for=drawn_for, drawn_at=now)
        connection.execute(drawn)


def look_up(connection: Connection, wanted: Sequence[Wanted]) -> Draws:
    """What the messages of a claim may draw; nobody else draws from their pools until the transaction ends."""
    by_draw = {each.drawn_for: each for each in wanted}
    drawn = _drawn(connection, sorted(by_draw))
    new = [each for each in by_draw.values() if each.drawn_for not in drawn]
    hold_pools(connection, {each.pool for each in new})
    # while this one waited for the pools, another claim may have drawn for the same action
    drawn |= _drawn(connection, [each.drawn_for for each in new])
    new = [each for each in new if each.drawn_for not in drawn]
    most = {each.pool: sum(other.pool == each.pool for other in new) for each in new}
    places = {(each.pool, each.good_until) for each in new}
    stock = {(pool, day): oldest_in_stock(connection, pool, day, most[pool]) for pool, day in places}
    return Draws(by_draw, drawn, stock)


def hold_pools(connection: Connection, pools: set[str]) -> None:
    """Keep some pools to this transaction, in one order for everybody; SQLite has one writer anyway."""
    if connection.dialect.name == "sqlite":
        return
    for pool in sorted(pools):
        lock = text("select pg_advisory_xact_lock(hashtextextended(:name, 0))")
        connection.execute(lock, {"name": f"coupon pool {pool}"})


def oldest_in_stock(connection: Connection, pool: str, good_until: date, limit: int) -> list[tuple[int, Coupon]]:
    """The first codes of a pool that nobody drew and that are good to a day, in the order they came in."""
    query = (
        select(coupons.c.id, coupons.c.code, coupons.c.expires_on)
        .where(
            coupons.c.pool == pool,
            coupons.c.drawn_for.is_(None),
            or_(coupons.c.expires_on.is_(None), coupons.c.expires_on >= good_until),
        )
        .order_by(coupons.c.id)
        .limit(limit)
    )
    return [(number, Coupon(code, expires_on)) for number, code, expires_on in connection.execute(query)]


def _drawn(connection: Connection, asked: Sequence[str]) -> dict[str, Coupon]:
    found: dict[str, Coupon] = {}
    for part in portions(asked, _LOOKUP_SIZE):
        query = select(coupons.c.drawn_for, coupons.c.code, coupons.c.expires_on).where(coupons.c.drawn_for.in_(part))
        found |= {what: Coupon(code, expires_on) for what, code, expires_on in connection.execute(query)}
    return found
