"""The coupons of the messages of one claim (DESIGN 5): drawn when it is live, made up when it is a rehearsal."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.steps import CouponUse
from pp_pipeline.ledger.coupons import Coupon, Draws, Wanted, look_up, oldest_in_stock
from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.gates import DeliveryTarget
from pp_pipeline.sending.outlets.outlet import Outcome
from pp_pipeline.sending.planned import Planned, PlannedMessage

NO_COUPON = Outcome("skipped", "no_coupon")
REHEARSAL = "REHEARSAL-"


@dataclass(frozen=True)
class CouponDesk:
    """Gives the messages of one claim their coupons.

    Attributes:
        uses, wanted: by message; of messages that show what one action drew, `wanted` names the same draw.
        draws: None in a rehearsal, which draws nothing.
        rehearsal_days: by pool and the day that a code has to be good for: the last day that a rehearsal shows.
    """

    uses: Mapping[str, CouponUse]
    wanted: Mapping[str, Wanted]
    draws: Draws | None
    rehearsal_days: Mapping[tuple[str, date], date | None]

    @classmethod
    def open(
        cls,
        connection: Connection,
        target: DeliveryTarget,
        items: Sequence[Planned],
        conversations: Mapping[str, Conversation],
        merchants: Mapping[str, Merchant],
        moment: datetime,
    ) -> "CouponDesk":
        """Look up what the claim's messages may draw, in the claim's transaction."""
        uses: dict[str, CouponUse] = {}
        wanted: dict[str, Wanted] = {}
        for item in items:
            if not isinstance(item, PlannedMessage):
                continue
            conversation = conversations[item.conversation]
            use = conversation.coupon_of(item.step) if item.step in conversation.messages else None
            if use is not None:
                today = moment.astimezone(ZoneInfo(merchants[item.merchant].zone)).date()
                good_until = today + timedelta(days=use.min_days_valid)
                uses[item.key] = use
                draw = drawn_for(item, conversation.messages[item.step].draws_from)
                wanted[item.key] = Wanted(draw, use.pool, today, good_until)
        if target == "live":
            return cls(uses, wanted, look_up(connection, list(wanted.values())) if wanted else None, {})
        days: dict[tuple[str, date], date | None] = {}
        for pool, day in {(each.pool, each.good_until) for each in wanted.values()}:
            first = oldest_in_stock(connection, pool, day, 1)
            days[pool, day] = first[0][1].expires_on if first else None
        return cls(uses, wanted, None, days)

    def serve(self, item: PlannedMessage) -> PlannedMessage | Outcome:
        """The message with its coupon, if it declares one; the outcome it must have when there is none left."""
        use = self.uses.get(item.key)
        if use is None:
            return item
        wanted = self.wanted[item.key]
        if self.draws is None:
            day = self.rehearsal_days[wanted.pool, wanted.good_until]
            return replace(item, coupon=Coupon(REHEARSAL + wanted.drawn_for[:8], day))
        coupon = self.draws.take(wanted.drawn_for) or (Coupon(use.fallback) if use.fallback else None)
        return replace(item, coupon=coupon) if coupon else NO_COUPON

    def close(self, connection: Connection, now: datetime) -> None:
        """Write down what was drawn."""
        if self.draws is not None:
            self.draws.write(connection, now)


def drawn_for(message: PlannedMessage, action: str | None) -> str:
    """What the code of a message is drawn for: the message itself, or the visit of the action that draws it.

    A visit's id is made as the id of a message is (run_atoms.sql), so codes are drawn for one of either.
    """
    if action is None:
        return message.key
    fields = (message.conversation, message.event_id, action, str(message.drawn_occurrence or 1), "1")
    text = "".join(f"{len(field)}:{field}" for field in fields)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
