"""What a data team should know about its campaigns, though nothing is broken (DESIGN 3).

Each check is a sentence that should be true (`event_is_taken`); a finding says whether it is, and
in one sentence what to do.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from pp_pipeline.campaigns.books import StaleDay
from pp_pipeline.campaigns.conditions import lacks_time_frame
from pp_pipeline.campaigns.parameters import Campaign
from pp_pipeline.warehouse import Connection

CHECKS = {
    "event_is_taken": "A conversation or a relay takes the event while the campaign is active.",
    "book_is_complete": "Every day since active_from was built with today's configuration and files.",
    "feed_has_ship_dates": "The merchant's order files bring ship dates (or shipped statuses, where those count).",
    "feed_has_deliveries": "The merchant's feeds bring delivery dates (or ship dates, where transit_days stands in).",
    "wait_is_positive": "wait_days is above 0; with 0 the event fires for the orders of the last 10 days.",
    "audience_has_time_frame": "bought_sku and bought_category say within_days.",
}


@dataclass(frozen=True)
class Finding:
    """A check of one campaign: whether it passed, and one sentence for people."""

    check: str
    passed: bool
    text: str


def checks_of(campaign: Campaign) -> list[str]:
    """The checks that apply to a campaign."""
    checks = ["event_is_taken", "book_is_complete"]
    if campaign.date_basis == "ship_date":
        checks.append("feed_has_ship_dates")
    if campaign.date_basis == "delivered_date":
        checks.append("feed_has_deliveries")
    if campaign.is_customers_of_last_days:
        checks.append("wait_is_positive")
    if campaign.audience:
        checks.append("audience_has_time_frame")
    return checks


def findings(
    connection: Connection,
    campaign: Campaign,
    takers: Collection[str],
    stale: Mapping[str, StaleDay],
    today: date,
) -> list[Finding]:
    """Judge one campaign; one finding per check that applies to it.

    Args:
        takers: who takes the campaign's event, in words (pp_pipeline/conversations/takers.py).
        stale: the first stale day by model (pp_pipeline/campaigns/books.py).
    """
    found = {
        "event_is_taken": _event_is_taken(campaign, takers, today),
        "book_is_complete": _book_is_complete(stale.get(campaign.queue)),
    }
    checks = checks_of(campaign)
    if "feed_has_ship_dates" in checks:
        found["feed_has_ship_dates"] = _feed_has_ship_dates(connection, campaign)
    if "feed_has_deliveries" in checks:
        found["feed_has_deliveries"] = _feed_has_deliveries(connection, campaign)
    if "wait_is_positive" in checks:
        found["wait_is_positive"] = (
            False,
            f"`{campaign.name}` waits 0 days: it fires for everyone who ordered in the last 10 days",
        )
    if "audience_has_time_frame" in checks:
        endless = lacks_time_frame(campaign.audience)
        text = "a product helper has no within_days: it looks at all orders ever" if endless else "every look back ends"
        found["audience_has_time_frame"] = (not endless, text)
    return [Finding(check, *found[check]) for check in checks]


def _event_is_taken(campaign: Campaign, takers: Collection[str], today: date) -> tuple[bool, str]:
    if takers:
        return True, f"taken by {', '.join(sorted(takers))}"
    if campaign.active_to is not None and campaign.active_to < today:
        return True, f"nobody takes `{campaign.event}`, but the campaign ended on {campaign.active_to}"
    return False, (
        f"nobody takes `{campaign.event}`: name it in a conversation's trigger, or under relays in "
        f"pp_pipeline/merchants/{campaign.merchant}.yml"
    )


def _book_is_complete(stale: StaleDay | None) -> tuple[bool, str]:
    if stale is None:
        return True, "every day holds"
    return False, (
        f"{stale.stale_days} days from {stale.day} on don't hold ({stale.reason}); "
        "`pp run` rebuilds them in one pass, or materialize them from the asset graph"
    )


def _feed_has_ship_dates(connection: Connection, campaign: Campaign) -> tuple[bool, str]:
    takes_status = campaign.ship_trigger == "ship_date_or_status"
    counts = "ship_date is not null" + (" or status in ('shipped', 'completed')" if takes_status else "")
    if _has_order(connection, campaign, counts):
        return True, "orders arrive as shipped"
    if takes_status:
        return False, f"no order of `{campaign.merchant}` was ever shipped: use date_basis = 'order_date'"
    return False, (
        f"no order of `{campaign.merchant}` ever had a ship date: use ship_trigger = 'ship_date_or_status' "
        "or date_basis = 'order_date'"
    )


def _feed_has_deliveries(connection: Connection, campaign: Campaign) -> tuple[bool, str]:
    has_transit = campaign.transit_days is not None
    if _has_order(
        connection, campaign, "delivered_on is not null" + (" or ship_date is not null" if has_transit else "")
    ):
        return True, "orders arrive as delivered" + (", or with a ship date" if has_transit else "")
    if has_transit:
        return False, f"no order of `{campaign.merchant}` was ever delivered or shipped: use date_basis = 'order_date'"
    return False, (
        f"no order of `{campaign.merchant}` was ever delivered: give a feed of shipments with delivery dates, or "
        "transit_days"
    )


def _has_order(connection: Connection, campaign: Campaign, condition: str) -> bool:
    sql = f"select 1 from order_versions where merchant = ? and ({condition}) limit 1"
    return bool(connection.rows(sql, (campaign.merchant,)))
