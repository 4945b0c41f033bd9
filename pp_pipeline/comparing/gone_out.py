"""Which of the rows that differ left the house already: what was sent stays sent (DESIGN 7)."""

from collections.abc import Sequence

from sqlalchemy import select

from pp_pipeline.comparing.differences import Difference
from pp_pipeline.comparing.plan_rows import GOING_OUT
from pp_pipeline.ledger.schema import deliveries
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.portions import portions
from pp_pipeline.sending.gates import DeliveryTarget
from pp_pipeline.sending.ledger_facts import GONE_OUT

_LOOKUP_SIZE = 1_000


def gone_out(ledger: Ledger, differences: Sequence[Difference]) -> list[DeliveryTarget | None]:
    """For each difference, whether its delivery left, or may have: live, in a rehearsal only, or not at all.

    A release or an event has left when a relay got it, or a message of a run that it began went out.
    """
    rows = [row for one in differences for row in (one.before, one.after) if row is not None]
    contacts = sorted({row.contact_key for row in rows if row.contact_key and row.kind in GOING_OUT})
    targets: dict[str, DeliveryTarget] = {}
    with ledger.reading() as connection:
        for part in portions(contacts, _LOOKUP_SIZE):
            query = select(deliveries.c.key, deliveries.c.event_id, deliveries.c.target).where(
                deliveries.c.contact_key.in_(part), deliveries.c.state.in_(GONE_OUT)
            )
            for *names, target in connection.execute(query):
                for name in names:
                    if name and targets.get(name) != "live":
                        targets[name] = target
    return [_target_of(one, targets) for one in differences]


def _target_of(difference: Difference, targets: dict[str, DeliveryTarget]) -> DeliveryTarget | None:
    keys = [row.key for row in (difference.before, difference.after) if row is not None and row.kind in GOING_OUT]
    found = {targets[key] for key in keys if key in targets}
    return "live" if "live" in found else "rehearsal" if found else None
