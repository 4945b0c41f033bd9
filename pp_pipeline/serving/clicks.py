"""Clicks on tracking links, taken down as feedback once whoever clicked is on the way to the shop.

Only clicks on messages that went out live are a contact's; the ledger says whose. Those on proofs and rehearsals lead
to the shop as well, and say nothing.
"""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from pp_pipeline.ledger.schema import deliveries
from pp_pipeline.link_policy import Tracking
from pp_pipeline.merchants import Merchant
from pp_pipeline.serving.intake import LOG, Intake
from pp_pipeline.serving.link_tokens import TrackedLink
from pp_pipeline.serving.rows import FeedbackRow, id_of

_SAYS_PURPOSE = ("sec-purpose", "purpose", "x-purpose", "x-moz")


def is_fetched_ahead(headers: Mapping[str, str]) -> bool:
    """Whether a browser fetches a page in case somebody will want it; headers by their names in lower case."""
    return any(word in headers.get(name, "").lower() for name in _SAYS_PURPOSE for word in ("prefetch", "preview"))


def take_click(intake: Intake, merchants: Mapping[str, Merchant], link: TrackedLink, agent: str) -> None:
    """Write down that somebody clicked, once a minute for a message and a link.

    Nothing is written where the message did not go out live or too long ago, where the merchant no longer tracks
    links, and where a program came. A ledger that can't be read is logged, and the click is lost.

    Args:
        agent: how the program that came names itself.
    """
    try:
        with intake.ledger.reading() as connection:
            delivery = connection.execute(_DELIVERY.where(deliveries.c.key == link.message_id)).one_or_none()
    except SQLAlchemyError as error:
        LOG.error("a click was not taken down: the ledger can't be read: %s", type(error).__name__)
        return
    if delivery is None or not (merchant := merchants.get(delivery.merchant)):
        return
    tracking, now = merchant.links.tracking, intake.now()
    if tracking is None or now - delivery.claimed_at > timedelta(days=tracking.days) or _is_robot(tracking, agent):
        return
    number = id_of("clicked", link.message_id, link.url, f"{now:%Y-%m-%d %H:%M}")
    cells = {"message_id": link.message_id, "channel": delivery.channel, "link": link.url}
    intake.take(merchant, [FeedbackRow(merchant.merchant, delivery.contact_key, "clicked", now, number, cells)])


_DELIVERY = select(
    deliveries.c.merchant, deliveries.c.contact_key, deliveries.c.channel, deliveries.c.claimed_at
).where(deliveries.c.target == "live", deliveries.c.kind == "message")


def _is_robot(tracking: Tracking, agent: str) -> bool:
    """Whether a program came by itself; so does whatever gives no name."""
    return not agent or any(word in agent.lower() for word in tracking.robots)
