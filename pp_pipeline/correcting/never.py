"""What a person decides is never to be sent: final in the ledger, as if it had been skipped."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import uuid4

from sqlalchemy import func, select, update

from pp_pipeline.ledger.resolving import hold_finishing
from pp_pipeline.ledger.schema import deliveries
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.portions import portions
from pp_pipeline.sending.batches import Batch, are_newest
from pp_pipeline.sending.planned import Planned, ledger_columns
from pp_pipeline.sending.releases import ApprovalError, finish

NEVER_SEND = "never_send"
_PART = 1_000
_MAY_STILL_GO = ("failed", "deferred")
_IN_HAND = ("claimed", *_MAY_STILL_GO)


def mark_never(
    ledger: Ledger, batch: Batch, items: Sequence[Planned], marked_by: str, today: date, now: datetime
) -> int:
    """Mark what a batch plans and was not sent as never to be sent, for the target of the batch; how many were.

    What is sent, skipped or unknown stays as it is, and so does what a sender has in hand. With nothing left to do the
    batch is finished.

    Args:
        items: all that the batch plans.
        marked_by: stands behind the reason in the ledger.

    Raises:
        ApprovalError: a newer version of the batch was sealed meanwhile.
    """
    target, token, reason = batch.release.target, uuid4().hex, f"{NEVER_SEND}: {marked_by}"
    settled = {"state": "skipped", "reason": reason, "claim": token, "settled_at": now, "deferred_until": None}
    with ledger.writing() as connection:
        hold_finishing(connection)
        if batch.number not in are_newest(connection, [batch]):
            raise ApprovalError(f"{batch} is no longer what is planned: look at the newest version first")
        rows = [
            {"target": target, "key": item.key, "batch": batch.number, "first_tried_on": today}
            | {"claimed_at": now, "lease_until": now, **settled, **ledger_columns(item)}
            for item in sorted(items, key=lambda item: item.key)
        ]
        left = 0
        for some in portions(rows, _PART):
            ledger.insert_new(connection, deliveries, list(some))
            part = (deliveries.c.target == target, deliveries.c.key.in_([row["key"] for row in some]))
            connection.execute(update(deliveries).where(*part, deliveries.c.state.in_(_MAY_STILL_GO)).values(**settled))
            in_hand = select(func.count()).select_from(deliveries).where(*part, deliveries.c.state.in_(_IN_HAND))
            left += connection.execute(in_hand).scalar_one()
        count = select(func.count()).select_from(deliveries).where(deliveries.c.claim == token)
        marked = connection.execute(count).scalar_one()
        if not left:
            finish(connection, [batch.number], target, now)
        return marked
