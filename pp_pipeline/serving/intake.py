"""The one place where what came in is written down: first the feedback file, then, in one transaction, the ledger.

The ledger is the condition of every yes. The file comes first, so that whatever was promised stands in both, even
after a power cut between them; the same once more changes nothing in either (DESIGN 5 and 6). A file that can't be
written holds no suppression up: that it failed is logged, without saying for whom.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from sqlalchemy import Connection, update
from sqlalchemy.exc import SQLAlchemyError

from pp_pipeline.landing.suppressing import feedback_change
from pp_pipeline.ledger.schema import deliveries
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.suppressions import Change, apply_changes
from pp_pipeline.merchants import Merchant
from pp_pipeline.serving.feedback_files import FeedbackFiles
from pp_pipeline.serving.lately import Lately
from pp_pipeline.serving.rows import FeedbackRow, channel_of
from pp_pipeline.settings import utc_now

LOG = logging.getLogger("pp_pipeline.serving")


class LedgerBusy(RuntimeError):
    """The ledger could not be read or written; whoever asked has to ask again."""


@dataclass
class Intake:
    """Takes rows in. Threads may do so at once: they write one after the other."""

    ledger: Ledger
    files: FeedbackFiles
    now: Callable[[], datetime] = utc_now
    answers: Lately = field(default_factory=Lately, repr=False)
    """Numbers of inbound SMS that were dealt with: an old START that comes once more must not undo a later STOP."""
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)

    def take(self, merchant: Merchant, rows: Sequence[FeedbackRow], changes: Sequence[Change] = ()) -> None:
        """Write down rows of one merchant: further changes, then what the rows say of who may be written to.

        Raises:
            LedgerBusy: nothing of it counts yet.
        """
        now = self.now()
        said = [
            feedback_change(
                row.contact_key, channel_of(row), row.event, row.cells.get("bounce", "").lower(), row.occurred_at
            )
            for row in rows
        ]
        all_changes = [*changes, *(change for change in said if change)]
        delivered = [row for row in rows if row.event == "delivered" and row.cells.get("message_id")]
        with self._lock:
            try:
                self.files.append([(merchant, row) for row in rows], now)
            except OSError as error:
                LOG.error("%s rows of feedback are in no file: %s", len(rows), type(error).__name__)
            if not all_changes and not delivered:
                return  # opened, clicked, answered: the ledger keeps nothing of it
            try:
                with self.ledger.writing() as connection:
                    apply_changes(connection, all_changes)
                    _settle_delivered(connection, merchant.merchant, delivered, now)
            except SQLAlchemyError as error:
                raise LedgerBusy(type(error).__name__) from None


def _settle_delivered(connection: Connection, merchant: str, delivered: Sequence[FeedbackRow], now: datetime) -> None:
    """What nobody could tell of a message, its provider can: `unknown` becomes `sent`."""
    for row in delivered:
        connection.execute(
            update(deliveries)
            .where(
                deliveries.c.target == "live",
                deliveries.c.key == row.cells["message_id"].strip(),
                deliveries.c.kind == "message",
                deliveries.c.merchant == merchant,
                deliveries.c.contact_key == row.contact_key,
                deliveries.c.state == "unknown",
            )
            .values(state="sent", reason="provider_feedback", settled_at=now)
        )
