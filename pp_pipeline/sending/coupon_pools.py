"""How the pools stand that conversations draw from: enough, low, or empty."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.ledger.coupon_stock import Pool, pools
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.settings import utc_now

LATELY = timedelta(days=14)
FEWEST_CODES = 50


@dataclass(frozen=True)
class PoolStanding:
    """A pool, and the messages that draw from it (`conversation.step`). `pool` is None where no code ever came in.

    `usable` are the codes in stock that are good for all of the messages' `min_days_valid`.
    """

    name: str
    used_by: Sequence[str]
    pool: Pool | None
    usable: int

    @property
    def state(self) -> str:
        """`ok`, `low`, `empty` or `unknown` (no code was ever imported); `unused` where no message draws from it."""
        if not self.used_by:
            return "unused"
        if self.pool is None:
            return "unknown"
        if not self.usable:
            return "empty"
        return "low" if self.usable < max(FEWEST_CODES, self.pool.drawn_lately) else "ok"

    @property
    def warning(self) -> str:
        """A sentence for a person where something is to be done; else ''."""
        name, drawn = self.name, self.pool.drawn_lately if self.pool else 0
        match self.state:
            case "unknown":
                return f"coupon pool {name}: no code was ever imported; `pp coupons import {name} FILE`"
            case "empty":
                return (
                    f"coupon pool {name}: no code in stock; messages get their fallback or are skipped; "
                    f"`pp coupons import {name} FILE` takes in more"
                )
            case "low":
                days = LATELY.days
                return (
                    f"coupon pool {name} is low: {self.usable} codes in stock, {drawn} drawn in the last {days} days; "
                    f"`pp coupons import {name} FILE` takes in more"
                )
        return ""


def pool_standings(ledger: Ledger, conversations: Iterable[Conversation], today: date) -> list[PoolStanding]:
    """All pools that are used or hold codes, by name."""
    users: dict[str, list[str]] = {}
    good_until: dict[str, date] = {}
    for each in conversations:
        for step in each.messages:
            if use := each.coupon_of(step):
                users.setdefault(use.pool, []).append(f"{each.conversation}.{step}")
                day = today + timedelta(days=use.min_days_valid)
                good_until[use.pool] = max(day, good_until.get(use.pool, day))
    found = pools(ledger, utc_now() - LATELY)
    return [
        PoolStanding(
            name,
            users.get(name, []),
            found.get(name),
            found[name].in_stock(good_until.get(name, today)) if name in found else 0,
        )
        for name in sorted(found.keys() | users.keys())
    ]


def coupon_warnings(ledger: Ledger, conversations: Sequence[Conversation], today: date) -> list[str]:
    """What is to be done about the pools that messages draw from; without such messages the ledger is not asked."""
    if not any(message.coupon for each in conversations for message in each.messages.values()):
        return []
    return [each.warning for each in pool_standings(ledger, conversations, today) if each.warning]
