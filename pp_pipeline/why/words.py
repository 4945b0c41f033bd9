"""The sentences of `pp why`: reasons and dates in plain words."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pp_pipeline.campaigns.conditions import LIST_COLUMNS, ORDER_COLUMNS
from pp_pipeline.campaigns.parameters import Campaign
from pp_pipeline.why.history import MovementRow, VersionRow

_TEXT = re.compile(r"'(?:[^']|'')*'")
_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*(?:\.[A-Za-z_][A-Za-z_0-9]*)?")

BASIS = {
    "order_date": "order date",
    "ship_date": "ship date",
    "status_change": "first known as shipped on",
    "delivered_date": "delivered on",
    "transit": "ship date and transit",
}


def money(cents: int | None, currency: str) -> str:
    """An amount with its currency."""
    if cents is None:
        return "total not known"
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100:,}.{abs(cents) % 100:02} {currency}"


def days(count: int) -> str:
    """A number of days."""
    return f"{count} day" if count == 1 else f"{count} days"


def _facts(version: VersionRow) -> list[str]:
    """What is known beyond status and ship date: delivery, payment, refund, lines that went or came back alone."""
    facts = []
    if version.delivered_on:
        facts.append(f"delivered {version.delivered_on}")
    if version.paid_on:
        facts.append(f"paid {version.paid_on}")
    if version.refunded_cents:
        facts.append(f"{money(version.refunded_cents, version.currency)} refunded")
    if 0 < version.shipped_lines < version.line_count:
        facts.append(f"{version.shipped_lines} of {version.line_count} lines shipped")
    if 0 < version.returned_lines < version.line_count:
        facts.append(f"{version.returned_lines} of {version.line_count} lines returned")
    return facts


def version_words(version: VersionRow, before: VersionRow | None) -> str:
    """What a version states: always status, ship date and total; the rest where it is new."""
    parts = [version.status]
    if before is None or before.ordered_on != version.ordered_on:
        parts.append(f"ordered {version.ordered_on}")
    parts.append(f"ship date {version.ship_date}" if version.ship_date else "no ship date")
    parts.append(money(version.total_cents, version.currency))
    told = [] if before is None else _facts(before)
    parts += [fact for fact in _facts(version) if fact not in told]
    if before is not None and before.email != version.email:
        parts.append(f"now of {version.email}" if version.email else "without a valid e-mail address")
    elif before is None and version.email is None:
        parts.append("without a valid e-mail address")
    if not version.is_eligible and (before is None or before.is_eligible):
        parts.append("declared no purchase (ineligible_emails)")
    return ", ".join(parts)


def due_words(campaign: Campaign, movement: MovementRow) -> str:
    """The due date and what it counts from."""
    basis = f"{BASIS.get(movement.basis_source or '', 'basis')} {movement.basis_date}"
    return f"due {movement.due_on} ({basis}" + (f" + {days(campaign.wait_days)})" if campaign.wait_days else ")")


def basis_missing(campaign: Campaign) -> str:
    """Why an order has no basis date."""
    if campaign.date_basis == "delivered_date":
        return "no delivery is known" + (", and no ship date" if campaign.transit_days is not None else "")
    if campaign.ship_trigger == "ship_date_or_status":
        return "no ship date, and not known as shipped"
    return "no ship date"


def outside_window(campaign: Campaign, basis_date: date) -> str:
    """Why a basis date does not let an order in."""
    basis = {"order_date": "order date", "ship_date": "ship date", "delivered_date": "delivery"}[campaign.date_basis]
    if campaign.active_to is not None and basis_date > campaign.active_to:
        return f"its {basis} {basis_date} lies after the campaign's end on {campaign.active_to}"
    first = date.fromordinal(campaign.active_from.toordinal() - campaign.back_populate_days)
    return f"its {basis} {basis_date} lies before the campaign's window, which begins on {first}"


def late_words(movement: MovementRow) -> str:
    """How late an order left, if it did."""
    late = (movement.movement_on - movement.due_on).days if movement.due_on else 0
    return f", {days(late)} late" if late > 0 else ""


def audience_values(
    audience: str, purchases: Sequence[Mapping[str, Any]], version: VersionRow | None
) -> dict[str, Any]:
    """The values of what an audience asks: columns of the list, of the order, and helper calls.

    Args:
        purchases: rows of `Rules.audience_facts` for the contact and day; empty: it was not on the list.
    """
    words = set(_NAME.findall(_TEXT.sub("''", audience)))
    facts: Mapping[str, Any] = purchases[0] if purchases else {}
    values = {column: facts[column] for column in LIST_COLUMNS if column in words and column in facts}
    for column in ORDER_COLUMNS:
        if f"order.{column}" not in words or version is None:
            continue
        if column == "rank":
            ranks = [row["purchase_rank"] for row in purchases if row["order_number"] == version.order_number]
            values["order.rank"] = ranks[0] if ranks else None
        else:
            values[f"order.{column}"] = getattr(version, column)
    calls = [name for name in facts if name.startswith("call_")]
    return values | {facts[name]: facts[name.replace("call_", "helper_")] == 1 for name in sorted(calls)}


def value_words(values: Mapping[str, Any]) -> str:
    """Values as `name = value`; truths as yes and no."""

    def shown(value: Any) -> Any:
        if isinstance(value, bool):
            return "yes" if value else "no"
        return "not known" if value is None else value

    return ", ".join(f"{name} = {shown(value)}" for name, value in values.items())
