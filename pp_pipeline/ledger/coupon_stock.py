"""The stock of coupon pools: codes taken in, withdrawn, counted. Nothing here shows a code."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, func, insert, or_, select, text, update

from pp_pipeline.coupon_codes import CouponError, told_lines
from pp_pipeline.ledger.coupons import hold_pools
from pp_pipeline.ledger.schema import coupons
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.portions import portions

# The last day of a code that was withdrawn: before any day on which it could be drawn.
WITHDRAWN_ON = date(1970, 1, 1)
_PART = 10_000
_LOOKUP_SIZE = 1_000


@dataclass(frozen=True)
class Pool:
    """How a pool stands; `by_expiry` are the codes that nobody drew, by their last day."""

    by_expiry: Counter[date | None]
    drawn: int
    drawn_lately: int

    def in_stock(self, good_until: date) -> int:
        """How many codes could be drawn that are good to a day."""
        return sum(count for day, count in self.by_expiry.items() if day is None or day >= good_until)

    def expired(self, today: date) -> int:
        """How many codes expired in stock; those that were withdrawn are not among them."""
        return sum(count for day, count in self.by_expiry.items() if day and WITHDRAWN_ON < day < today)

    @property
    def withdrawn(self) -> int:
        """How many were withdrawn."""
        return self.by_expiry[WITHDRAWN_ON]

    def next_expiry(self, today: date) -> date | None:
        """The first day on which codes in stock are good for the last time; None where none ever expires."""
        return min((day for day in self.by_expiry if day and day >= today), default=None)


@dataclass(frozen=True)
class Imported:
    """What became of the codes of a file: new in the pool, and known there before (those stay as they are)."""

    new: int
    known: int


@dataclass(frozen=True)
class Withdrawn:
    """What became of the codes that were to be withdrawn; one of a file that was withdrawn before is counted again."""

    withdrawn: int
    drawn_before: int
    not_in_pool: int


def pools(ledger: Ledger, lately: datetime) -> dict[str, Pool]:
    """All pools by name; `drawn_lately` counts from a moment on."""
    is_drawn = coupons.c.drawn_for.is_not(None)
    counts = select(coupons.c.pool, coupons.c.expires_on, is_drawn, func.count()).group_by(
        coupons.c.pool, coupons.c.expires_on, is_drawn
    )
    drawn_lately = (
        select(coupons.c.pool, func.count().label("lately"))
        .where(is_drawn, coupons.c.drawn_at >= lately)
        .group_by(coupons.c.pool)
    )
    stock: dict[str, Counter[date | None]] = {}
    drawn: Counter[str] = Counter()
    with ledger.reading() as connection:
        for pool, expires_on, is_gone, count in connection.execute(counts):
            by_expiry = stock.setdefault(pool, Counter())
            if is_gone:
                drawn[pool] += count
            else:
                by_expiry[expires_on] += count
        recent = Counter({row.pool: row.lately for row in connection.execute(drawn_lately)})
    return {pool: Pool(stock[pool], drawn[pool], recent[pool]) for pool in sorted(stock)}


def import_codes(
    ledger: Ledger,
    pool: str,
    codes: Sequence[str],
    expires_on: date | None,
    now: datetime,
    lines: Sequence[int] = (),
    *,
    allow_shared: bool = False,
    dry_run: bool = False,
) -> Imported:
    """Put codes into a pool, in one transaction. Those that it knows already stay as they are, drawn or not.

    Args:
        lines: the line of each code in its file, to name it by; without them, its place among the codes.

    Raises:
        CouponError: a code stands in another pool, and that is not allowed; or one differs from another only in
            upper and lower case, which most shops redeem as one. Nothing is imported then.
    """
    with ledger.writing() as connection:
        _hold_imports(connection)
        wanted = set(codes)
        folded: dict[str, list[int]] = {}
        for code, line in zip(codes, lines or range(1, len(codes) + 1), strict=True):
            folded.setdefault(code.casefold(), []).append(line)
        alike = {line for of_one in folded.values() if len(of_one) > 1 for line in of_one}
        elsewhere: Counter[str] = Counter()
        known: set[str] = set()
        everything = select(coupons.c.pool, coupons.c.code).execution_options(yield_per=_PART)
        for other, code in connection.execute(everything):  # once through it: no index leads with the code
            if code in wanted:
                if other == pool:
                    known.add(code)
                else:
                    elsewhere[other] += 1
            elif (other == pool or not allow_shared) and (found := folded.get(code.casefold())):
                alike.update(found)
        if elsewhere and not allow_shared:
            places = ", ".join(f"{count} in {other}" for other, count in sorted(elsewhere.items()))
            raise CouponError(
                f"nothing was imported: codes of the file stand in another pool ({places}), and could reach two "
                "people; take them out, or say --allow-shared"
            )
        if alike:
            raise CouponError(
                f"nothing was imported: the codes of {len(alike)} lines ({told_lines(sorted(alike))}) differ from "
                "another code of the file or of a pool only in upper and lower case: many shops redeem both as one, "
                "and two people would get it; take them out"
            )
        new = [code for code in codes if code not in known]
        if not dry_run:
            _insert(connection, new, {"pool": pool, "expires_on": expires_on, "imported_at": now})
    return Imported(len(new), len(known))


def withdraw(ledger: Ledger, pool: str, codes: Sequence[str] | None) -> Withdrawn:
    """Take codes out of stock for good, all of the pool or those given; what was drawn stays with its message."""
    with ledger.writing() as connection:
        hold_pools(connection, {pool})
        out = update(coupons).where(coupons.c.pool == pool, coupons.c.drawn_for.is_(None))
        out = out.values(expires_on=WITHDRAWN_ON)
        if codes is None:
            out = out.where(or_(coupons.c.expires_on.is_(None), coupons.c.expires_on > WITHDRAWN_ON))
            return Withdrawn(connection.execute(out).rowcount, 0, 0)
        withdrawn = drawn = 0
        for some in portions(codes, _LOOKUP_SIZE):
            part = coupons.c.code.in_(some)
            withdrawn += connection.execute(out.where(part)).rowcount
            is_drawn = (coupons.c.pool == pool, coupons.c.drawn_for.is_not(None), part)
            drawn += connection.execute(select(func.count()).select_from(coupons).where(*is_drawn)).scalar_one()
        return Withdrawn(withdrawn, drawn, len(codes) - withdrawn - drawn)


def _insert(connection: Connection, codes: Sequence[str], values: dict[str, object]) -> None:
    """In parts; on PostgreSQL each as one array, which takes a third of the time, and with its statistics renewed: by
    those of an empty table it would sort the whole pool for each draw."""
    for part in portions(codes, _PART):
        if connection.dialect.name == "sqlite":
            connection.execute(insert(coupons), [{"code": code, **values} for code in part])
        else:
            columns = "pool, code, expires_on, imported_at"
            array = "unnest(cast(:codes as text[])) with ordinality as given (code, place)"
            rows = f"select :pool, code, cast(:expires_on as date), :imported_at from {array} order by place"
            connection.execute(text(f"insert into coupons ({columns}) {rows}"), {"codes": part, **values})
    if connection.dialect.name != "sqlite":
        connection.execute(text("analyze coupons"))


def _hold_imports(connection: Connection) -> None:
    """One import at a time: two at once could put a code into two pools."""
    if connection.dialect.name != "sqlite":
        connection.execute(text("select pg_advisory_xact_lock(hashtextextended('coupon imports', 0))"))
