"""The Post Purchase list as of a day, read the slow way (DESIGN 3, "Post Purchase list as of T")."""

from datetime import date
from typing import NamedTuple

from pp_pipeline_tests.orders_oracle import Orders, Version, by_age

NO_PURCHASE_STATUSES = ("canceled", "returned")


class ListRow(NamedTuple):
    """One contact on the list; money in cents of the merchant's currency."""

    email: str
    first_order_on: date
    last_order_on: date
    order_count: int
    total_spend_cents: int
    average_order_cents: int
    days_since_last_order: int
    lifecycle_stage: str


class Purchase(NamedTuple):
    """An order that counts for its contact."""

    order_number: str
    version: Version


def purchases_as_of(orders: Orders, day: date) -> dict[str, list[Purchase]]:
    """The purchases of each contact as of the day, oldest first.

    A purchase is an order with a contact, dated on or before the day, not canceled or returned, and eligible.
    Contacts without one are missing.
    """
    of_contact: dict[str, list[Purchase]] = {}
    known = orders.in_force(day)
    for order_number, version in sorted(known.items(), key=lambda item: by_age(*item)):
        fields = version.fields
        if fields.email is None or not fields.is_eligible:
            continue
        if fields.ordered_on > day or fields.status in NO_PURCHASE_STATUSES:
            continue
        of_contact.setdefault(fields.email, []).append(Purchase(order_number, version))
    return of_contact


def list_as_of(orders: Orders, day: date) -> dict[str, ListRow]:
    """The list as of the day, by e-mail.

    Money is that of purchases in the merchant's currency, refunds taken off; without one it is 0. A total that is not
    known adds nothing to the sum and counts in the average.
    """
    return {
        email: _list_row(email, purchases, day, orders.currency)
        for email, purchases in purchases_as_of(orders, day).items()
    }


def _list_row(email: str, purchases: list[Purchase], day: date, currency: str) -> ListRow:
    order_dates = [purchase.version.fields.ordered_on for purchase in purchases]
    totals = [
        (purchase.version.fields.total_cents or 0) - purchase.version.fields.refunded_cents
        for purchase in purchases
        if purchase.version.fields.currency == currency
    ]
    age = (day - max(order_dates)).days
    return ListRow(
        email=email,
        first_order_on=min(order_dates),
        last_order_on=max(order_dates),
        order_count=len(purchases),
        total_spend_cents=sum(totals),
        average_order_cents=sum(totals) // len(totals) if totals else 0,
        days_since_last_order=age,
        lifecycle_stage=lifecycle_stage(len(purchases), age),
    )


def lifecycle_stage(order_count: int, days_since_last_order: int) -> str:
    """The stage of a contact; "within 180 days" means T - 180 < date, so an age of at most 179 days."""
    if order_count == 1 and days_since_last_order <= 30:
        return "recent_new"
    if order_count >= 3:
        return "loyal" if days_since_last_order < 180 else "lapsed_loyal"
    if days_since_last_order > 180:
        return "lapsed_non_engaged"
    return "in_between"
