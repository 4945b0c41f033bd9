"""The plain feeds, which need no declaration: `orders_DATE.csv` and its like in the inbox (DESIGN 9).

Their rows may name the merchant in a column; without one they are of the merchant `main`.
"""

from collections.abc import Mapping

from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.kinds import KINDS_OF_FEEDS
from pp_pipeline.merchants import Merchant

PLAIN_FEEDS = tuple(Feed(feed=kind, kind=kind, files=f"{kind}_{{date}}.{{ext}}") for kind in KINDS_OF_FEEDS)  # type: ignore[arg-type]


def all_feeds(merchants: Mapping[str, Merchant]) -> tuple[Feed, ...]:
    """The feeds that merchants declare, then the plain ones."""
    return (*(feed for merchant in merchants.values() for feed in merchant.feeds), *PLAIN_FEEDS)
