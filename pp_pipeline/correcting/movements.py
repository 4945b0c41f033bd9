"""Where the orders of deliveries that are planned no more stand now, in words: in the queue that released them."""

import hashlib
from collections.abc import Collection, Sequence
from typing import Literal

from sqlalchemy import Connection as LedgerConnection
from sqlalchemy import select

from pp_pipeline.conversations.across import ORDER_EVENTS
from pp_pipeline.correcting.known import Known
from pp_pipeline.ledger.schema import batches
from pp_pipeline.portions import portions
from pp_pipeline.sending.plan import marks
from pp_pipeline.warehouse import Connection

_LOOKUP_SIZE = 5_000


def movement_words(reading: LedgerConnection, warehouse: Connection, gone: Sequence[Known]) -> dict[str, str]:
    """By key: what became of the event behind it: what the queue that released it says of the order now, or of which
    event of orders it was. '' for other events, and where the queue still releases it on that day.

    Args:
        reading: the ledger; it knows from which campaigns the rows of a batch came.
        gone: deliveries that are planned no more.
    """
    of_event = _released(reading, gone)
    found = {known.key: _order_event(known) for known in gone}
    for campaign in sorted({campaign for campaign, _ in of_event.values()}):
        of_campaign = [known for known, (name, _) in of_event.items() if name == campaign]
        newest = _newest_movements(
            warehouse, campaign, {number for name, number in of_event.values() if name == campaign}
        )
        for known in of_campaign:
            place = (known.batch.merchant, known.order_number or "")
            found[known.key] = newest.get(place, f"never entered {campaign}")
    return found


def event_id(merchant: str, kind: Literal["release", "order"], name: str, order_number: str) -> str:
    """The id of the event that a queue fires when it releases an order, or of an event of the order itself; the macro
    `event_id` makes the same."""
    fields = (merchant, kind, name, order_number)
    text = "".join(f"{len(field)}:{field}" for field in fields) + "-:"  # it is of no line
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _order_event(known: Known) -> str:
    number = known.order_number or ""
    names = [name for name in ORDER_EVENTS if event_id(known.batch.merchant, "order", name, number) == known.event_id]
    return f"it was for `{names[0]}`" if names else ""


def _released(reading: LedgerConnection, gone: Sequence[Known]) -> dict[Known, tuple[str, str]]:
    """The campaign and order of those that come from the release of a queue."""
    numbers = {known.first_batch for known in gone if known.order_number and known.first_batch}
    if not numbers:
        return {}
    query = select(batches.c.id, batches.c.campaigns).where(batches.c.id.between(min(numbers), max(numbers)))
    campaigns = {number: names.split() for number, names in reading.execute(query) if number in numbers}
    found = {}
    for known in gone:
        for campaign in campaigns.get(known.first_batch or 0, ()):
            number = known.order_number or ""
            if event_id(known.batch.merchant, "release", campaign, number) == known.event_id:
                found[known] = (campaign, number)
    return found


def _newest_movements(
    warehouse: Connection, campaign: str, order_numbers: Collection[str]
) -> dict[tuple[str, str], str]:
    """The last movement of orders in a queue, in words, by merchant and number; '' for a release."""
    queue = f"queue_{campaign}"
    if not queue.isidentifier() or not warehouse.table_exists(queue):
        return {}
    found: dict[tuple[str, str], str] = {}
    for part in portions(sorted(order_numbers), _LOOKUP_SIZE):
        sql = f"""
            select merchant, order_number, movement_on, movement, reason, due_on from {queue}
            where order_number in ({marks(part)})
            order by movement_on, case movement when 'entered' then 0 when 'moved' then 1 else 2 end
        """
        for merchant, number, day, movement, reason, due_on in warehouse.rows(sql, part):
            words = (
                f"left {campaign} on {day}: {reason}" if movement == "left" else f"waits in {campaign}, due {due_on}"
            )
            found[merchant, number] = "" if reason == "released" else words
    return found
