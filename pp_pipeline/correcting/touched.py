"""Which campaigns a corrected or late file touches, and from which day on (DESIGN 7).

Told before anything is built, from the rows that differ and from what is known of their orders and contacts: every
campaign whose book will differ is among those named, and one is named only if an order could stand in its queue that
differs, or belongs to a contact of one that does. So it may be named and come out the same.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from pp_pipeline.campaigns.parameters import Campaign
from pp_pipeline.landing.days import landed_days
from pp_pipeline.landing.differing_rows import SHIPPED_STATUSES, Statement, differing_rows
from pp_pipeline.landing.file_ledger import all_records, files_in_force
from pp_pipeline.landing.files import InboxFile
from pp_pipeline.landing.tools import LoadTools
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.sending.plan import marks
from pp_pipeline.warehouse import Connection

MOST_BYTES = 50_000_000
_LOOKUP_SIZE = 5_000
_FOR_GOOD = ("released", "expired", "filtered")
_CUSTOMERS_OF_LAST_DAYS = 10

_Order = tuple[str, str]  # merchant, number


@dataclass(frozen=True)
class Touched:
    """What files that came anew for days of before touch.

    `campaigns` says from which day on each one's book may differ; `order_count` is how many orders differ. Where
    `is_compared` is False the files were too large to be compared in passing, and all campaigns are named.
    """

    files: tuple[str, ...]
    first_day: date
    order_count: int
    campaigns: Mapping[str, date]
    is_compared: bool = True

    def words(self) -> str:
        """For a log or a person: counts, dates, names of files and campaigns."""
        shown = ", ".join(self.files[:3]) + (f" and {len(self.files) - 3} more" if len(self.files) > 3 else "")
        named = ", ".join(f"{name} (from {day})" for name, day in sorted(self.campaigns.items()))
        if not self.is_compared:
            return f"corrected or late: {shown}; too large to be compared beforehand. May touch: {named}"
        orders = "1 order differs" if self.order_count == 1 else f"{self.order_count} orders differ"
        touches = f"May touch: {named}" if named else "Touches no campaign"
        return f"corrected or late: {shown}, from {self.first_day} on; {orders}. {touches}"


@dataclass
class _Known:
    """What is known of an order that may change: from which day on, and on which days its wait may begin."""

    first_day: date
    is_stated: bool = False  # it differs itself, and not just another order of its contact
    ordered_on: set[date] = field(default_factory=set)
    shipped_on: set[date] = field(default_factory=set)
    delivered_on: set[date] = field(default_factory=set)
    passed_for_shipped_on: set[date] = field(default_factory=set)


def touched(
    tools: LoadTools,
    ledger: Ledger,
    connection: Connection,
    campaigns: Sequence[Campaign],
    unread: Iterable[InboxFile],
) -> Touched | None:
    """What the unread files touch that are dated up to the newest day that was landed.

    Args:
        unread: files whose content is not in force; those of days to come are left out.

    Returns: None where none of them is dated so, or nothing was built yet.
    """
    if not connection.table_exists("order_versions"):  # landed, and never built: nothing is there to be touched
        return None
    newest = max(landed_days(connection), default=date.min)
    files = [file for file in unread if file.file_date <= newest]
    if not files:
        return None
    names = tuple(file.name for file in files)
    first = min(file.file_date for file in files)
    if sum(file.size for file in files) > MOST_BYTES:
        return Touched(names, first, 0, {one.name: max(first, one.active_from) for one in campaigns}, False)
    said = list(differing_rows(tools, files, files_in_force(all_records(ledger))))
    orders = _orders(connection, said)
    found: dict[str, date] = {}
    for campaign in campaigns:
        days = [one.file_date for one in said if _is_about_products(one) and one.merchant == campaign.merchant]
        days = days if campaign.audience else []
        days += _days_in_book(connection, campaign, orders)
        if days:
            found[campaign.name] = max(min(days), campaign.active_from)
    differing = {(one.merchant, one.order_number) for one in said if one.order_number}
    return Touched(names, first, len(differing), found)


def _is_about_products(said: Statement) -> bool:
    return said.order_number is None and said.contact_key is None


def _orders(connection: Connection, said: Sequence[Statement]) -> dict[_Order, _Known]:
    """The orders that differ and all others of their contacts, of before and of now."""
    found: dict[_Order, _Known] = {}
    contacts: dict[tuple[str, str], date] = {}

    def note_contact(merchant: str, contact_key: str | None, day: date) -> None:
        if contact_key:
            contacts[merchant, contact_key] = min(day, contacts.get((merchant, contact_key), day))

    for one in said:
        note_contact(one.merchant, one.contact_key, one.file_date)
        if one.order_number:
            order = found.setdefault((one.merchant, one.order_number), _Known(one.file_date, is_stated=True))
            order.first_day = min(order.first_day, one.file_date)
            order.ordered_on |= one.ordered_on
            order.shipped_on |= one.shipped_on
            order.delivered_on |= one.delivered_on
            order.passed_for_shipped_on |= {one.file_date} if one.may_be_shipped else set()
    # A contact that an order had in another version is touched, too: without the row that version is in force.
    for merchant, number, contact_key in _lookup(connection, "order_number", found, "contact_key"):
        note_contact(merchant, contact_key, found[merchant, number].first_day)
    for merchant, contact_key, number in _lookup(connection, "contact_key", contacts, "order_number"):
        day = contacts[merchant, contact_key]
        order = found.setdefault((merchant, number), _Known(day))
        order.first_day = min(order.first_day, day)
    columns = "known_on, ordered_on, ship_date, delivered_on, status"
    for merchant, number, known_on, ordered_on, ship_date, delivered_on, status in _lookup(
        connection, "order_number", found, columns
    ):
        order = found[merchant, number]
        order.ordered_on.add(ordered_on)
        order.shipped_on |= {ship_date} if ship_date else set()
        order.delivered_on |= {delivered_on} if delivered_on else set()
        order.passed_for_shipped_on |= {known_on} if status in SHIPPED_STATUSES else set()
    return found


def _lookup(
    connection: Connection, column: str, wanted: Collection[tuple[str, str]], columns: str
) -> list[tuple[Any, ...]]:
    """Of all versions of orders with these merchants and values: merchant, value and further columns."""
    values = sorted({value for _, value in wanted})
    found: list[tuple[Any, ...]] = []
    for start in range(0, len(values), _LOOKUP_SIZE):
        part = values[start : start + _LOOKUP_SIZE]
        sql = f"select distinct merchant, {column}, {columns} from order_versions where {column} in ({marks(part)})"
        found += [row for row in connection.rows(sql, part) if (row[0], row[1]) in wanted]
    return found


def _days_in_book(connection: Connection, campaign: Campaign, orders: Mapping[_Order, _Known]) -> list[date]:
    """For each order that could stand in the campaign's book otherwise: from which day on."""
    looks_at_others = campaign.repeat_orders != "each" or campaign.audience is not None
    able = {
        number: order.first_day
        for (merchant, number), order in orders.items()
        if merchant == campaign.merchant
        and (order.is_stated or looks_at_others)
        and any(_is_in_window(campaign, day) for day in _basis_days(campaign, order))
    }
    gone = _left_for_good(connection, campaign, able)
    return [day for number, day in able.items() if day <= gone.get(number, day)]


def _basis_days(campaign: Campaign, order: _Known) -> set[date]:
    """All days that its wait may count from."""
    if campaign.date_basis == "order_date":
        return order.ordered_on
    if campaign.date_basis == "ship_date":
        by_status = order.passed_for_shipped_on if campaign.ship_trigger == "ship_date_or_status" else set()
        return order.shipped_on | by_status
    if campaign.transit_days is None:
        return order.delivered_on
    return order.delivered_on | {day + timedelta(days=campaign.transit_days) for day in order.shipped_on}


def _is_in_window(campaign: Campaign, basis: date) -> bool:
    """Whether an order with that basis date may enter (DESIGN 3)."""
    before = campaign.back_populate_days
    if campaign.is_customers_of_last_days:
        before = max(before, _CUSTOMERS_OF_LAST_DAYS)
    return campaign.active_from - timedelta(days=before) <= basis <= (campaign.active_to or date.max)


def _left_for_good(connection: Connection, campaign: Campaign, numbers: Collection[str]) -> dict[str, date]:
    """When those orders left its queue that do not come back; before a file's day no book changes."""
    if not connection.table_exists(campaign.queue):
        return {}
    found: dict[str, date] = {}
    ordered = sorted(numbers)
    for start in range(0, len(ordered), _LOOKUP_SIZE):
        part = ordered[start : start + _LOOKUP_SIZE]
        sql = f"""
            select order_number, movement_on from {campaign.queue}
            where movement = 'left' and reason in ({marks(_FOR_GOOD)}) and order_number in ({marks(part)})
        """
        found.update(connection.rows(sql, [*_FOR_GOOD, *part]))
    return found
