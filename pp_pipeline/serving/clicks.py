"""Clicks on tracking links, taken down as feedback while whoever clicked is on the way to the shop.

Only clicks on messages that went out live are a contact's; the ledger says whose. Those on proofs and rehearsals lead
to the shop as well, and say nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy import Row, exists, select

from pp_pipeline.forgetting.words import FORGOTTEN
from pp_pipeline.ledger.schema import deliveries, suppressions
from pp_pipeline.link_policy import Tracking
from pp_pipeline.merchants import Merchant
from pp_pipeline.serving.intake import LOG, Intake
from pp_pipeline.serving.link_tokens import TrackedLink
from pp_pipeline.serving.rows import FeedbackRow, id_of

_SAYS_PURPOSE = ("sec-purpose", "purpose", "x-purpose", "x-moz")
_MOST_WAITING = 5_000


def is_fetched_ahead(headers: Mapping[str, str]) -> bool:
    """Whether a browser fetches a page in case somebody will want it; headers by their names in lower case."""
    return any(word in headers.get(name, "").lower() for name in _SAYS_PURPOSE for word in ("prefetch", "preview"))


@dataclass(frozen=True)
class _Click:
    link: TrackedLink
    agent: str
    at: datetime


class Clicks:
    """Takes clicks down in a thread of its own, all that wait at once: a sync of the disk for each, in the time of the
    request, would let a mailing's clicks crowd out those who unsubscribe."""

    def __init__(self, intake: Intake, merchants: Mapping[str, Merchant]) -> None:
        self._intake = intake
        self._merchants = merchants
        self._lock = Lock()
        self._waiting: list[_Click] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="clicks")

    def add(self, link: TrackedLink, agent: str) -> None:
        """Somebody clicked, once a minute for a message and a link.

        Nothing is written where the message did not go out live or too long ago, where its contact was forgotten, where
        the merchant no longer tracks links, and where a program came. A click that can't be taken down is lost, and
        that is logged.

        Args:
            agent: how the program that came names itself.
        """
        with self._lock:
            if len(self._waiting) == _MOST_WAITING:
                LOG.error("a click was not taken down: %s wait already", _MOST_WAITING)
                return
            self._waiting.append(_Click(link, agent, self._intake.now()))
            if len(self._waiting) == 1:
                self._thread.submit(self._take_waiting)

    def wait(self) -> None:
        """Wait until all that was added is taken down."""
        self._thread.submit(int).result()

    def _take_waiting(self) -> None:
        with self._lock:
            clicks, self._waiting = self._waiting, []
        try:
            by_merchant: dict[str, list[FeedbackRow]] = {}
            for row in self._rows(clicks):
                by_merchant.setdefault(row.merchant, []).append(row)
            for merchant, rows in by_merchant.items():
                self._intake.take(self._merchants[merchant], rows)
        except Exception as error:  # nobody waits for this thread's answer
            LOG.error("%s clicks were not taken down: %s", len(clicks), type(error).__name__)

    def _rows(self, clicks: Sequence[_Click]) -> Iterator[FeedbackRow]:
        with self._intake.ledger.reading() as connection:
            query = _DELIVERIES.where(deliveries.c.key.in_({click.link.message_id for click in clicks}))
            sent = {delivery.key: delivery for delivery in connection.execute(query)}
        for click in clicks:
            if (delivery := sent.get(click.link.message_id)) and (merchant := self._merchants.get(delivery.merchant)):
                tracking = merchant.links.tracking
                if tracking and _is_a_contacts(click, delivery, tracking):
                    yield _row(click, delivery)


_DELIVERIES = select(
    deliveries.c.key, deliveries.c.merchant, deliveries.c.contact_key, deliveries.c.channel, deliveries.c.claimed_at
).where(
    deliveries.c.target == "live",
    deliveries.c.kind == "message",
    ~exists().where(suppressions.c.contact_key == deliveries.c.contact_key, suppressions.c.reason == FORGOTTEN),
)


def _is_a_contacts(click: _Click, delivery: Row, tracking: Tracking) -> bool:
    """Whether a click came in time, and no program's: whatever gives no name is one."""
    if not click.agent or any(word in click.agent.lower() for word in tracking.robots):
        return False
    return click.at - delivery.claimed_at <= timedelta(days=tracking.days)


def _row(click: _Click, delivery: Row) -> FeedbackRow:
    link = click.link
    number = id_of("clicked", link.message_id, link.url, f"{click.at:%Y-%m-%d %H:%M}")
    cells = {"message_id": link.message_id, "channel": delivery.channel, "link": link.url}
    return FeedbackRow(delivery.merchant, delivery.contact_key, "clicked", click.at, number, cells)
