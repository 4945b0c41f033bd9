"""Reading what the warehouse knows of some orders: versions, quarantined rows, movements, events, plans."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from pp_pipeline.portions import portions
from pp_pipeline.sending.contact_facts import newest_row_first
from pp_pipeline.sending.plan import marks
from pp_pipeline.warehouse import Connection
from pp_pipeline.why.entries import Source

_CHUNK = 1_000


class VersionRow(NamedTuple):
    """A row of `order_versions`."""

    order_number: str
    known_on: date
    contact_key: str | None
    email: str | None
    is_eligible: bool
    ordered_at: datetime
    ordered_on: date
    ship_date: date | None
    status: str
    total_cents: int | None
    currency: str
    order_file: str
    order_file_line: int
    delivered_on: date | None
    paid_on: date | None
    refunded_on: date | None
    refunded_cents: int
    line_count: int
    shipped_lines: int
    returned_lines: int
    canceled_lines: int

    @property
    def source(self) -> Source:
        """The line that states it."""
        return Source(self.order_file, self.order_file_line)

    @property
    def age(self) -> tuple[datetime, bytes]:
        """What orders of a contact are older or newer by (DESIGN 3)."""
        return self.ordered_at, self.order_number.encode()


class MovementRow(NamedTuple):
    """A row of a campaign's book."""

    campaign: str
    order_number: str
    movement_on: date
    movement: str
    reason: str | None
    contact_key: str | None
    email: str | None
    basis_date: date | None
    basis_source: str | None
    due_on: date | None
    event_id: str | None
    order_file: str
    order_file_line: int


class EventRow(NamedTuple):
    """A row of `all_events`."""

    event_id: str
    event_name: str
    campaign: str | None
    conversation: str | None
    contact_key: str
    order_number: str | None
    sku: str | None
    occurred_on: date


class MessageRow(NamedTuple):
    """A row of `planned_messages`."""

    message_id: str
    run_key: str
    conversation: str
    step: str
    channel: str
    contact_key: str
    event_id: str
    order_number: str | None
    due_on: date


class FeedbackRow(NamedTuple):
    """A row of `feedback_rows`."""

    file_date: date
    occurred_on: date
    occurred_at: datetime
    contact_key: str
    event: str
    feed_file: str
    feed_line: int
    message_id: str | None
    order_number: str | None
    channel: str | None
    is_machine_open: bool | None
    link: str | None
    bounce: str | None
    rating: float | None
    action: str | None


class QuarantineRow(NamedTuple):
    """A row of `quarantined_rows`."""

    order_number: str
    file_date: date
    order_file: str
    order_file_line: int
    column_name: str
    rule: str
    value_kind: str


@dataclass(frozen=True)
class History:
    """Reads one merchant's orders out of an open warehouse. What was not built yet is empty."""

    connection: Connection
    merchant: str

    def orders_of(self, contact_keys: Iterable[str]) -> list[str]:
        """The orders that were ever a contact's."""
        sql = "select distinct order_number from order_versions where merchant = ? and contact_key in ({})"
        return [row[0] for row in self._rows("order_versions", sql, sorted(contact_keys))]

    def versions(self, order_numbers: Iterable[str]) -> dict[str, list[VersionRow]]:
        """All versions of the orders, oldest first, by order number."""
        found: dict[str, list[VersionRow]] = {}
        for row in self._typed(VersionRow, "order_versions", "order_number", order_numbers, "known_on"):
            found.setdefault(row.order_number, []).append(row)
        return found

    def quarantined(self, order_numbers: Iterable[str]) -> list[QuarantineRow]:
        """The rows that name the orders and were not taken; of a row with an unreadable merchant too."""
        columns = ", ".join(QuarantineRow._fields)
        sql = f"""
            select {columns} from quarantined_rows
            where (merchant = ? or merchant is null) and order_number in ({{}})
            order by file_date, order_file, order_file_line, column_name
        """
        return [QuarantineRow(*row) for row in self._rows("quarantined_rows", sql, sorted(order_numbers))]

    def phone(self, contact_key: str) -> str:
        """The contact's phone number now; '' where none is known."""
        sql = f"""
            select phone from contact_rows
            where merchant = ? and contact_key in ({{}})
            order by {newest_row_first(self.connection)}
            limit 1
        """
        return next((row[0] or "" for row in self._rows("contact_rows", sql, [contact_key])), "")

    def movements(self, queue: str, order_numbers: Iterable[str]) -> list[MovementRow]:
        """The movements of the orders in a queue, in the order in which they happened."""
        order = "movement_on, case movement when 'entered' then 0 when 'moved' then 1 else 2 end"
        return self._typed(MovementRow, queue, "order_number", order_numbers, order)

    def events(self, order_numbers: Iterable[str], contact_keys: Iterable[str]) -> list[EventRow]:
        """The events of the orders, whoever fired them, and those of the contacts that are about no order."""
        columns = ", ".join(EventRow._fields)
        by_order = f"select {columns} from all_events where merchant = ? and order_number in ({{}})"
        by_contact = (
            f"select {columns} from all_events where merchant = ? and order_number is null and contact_key in ({{}})"
        )
        found = [
            *self._rows("all_events", by_order, sorted(order_numbers)),
            *self._rows("all_events", by_contact, sorted(contact_keys)),
        ]
        return sorted(
            (EventRow(*row) for row in found), key=lambda row: (row.occurred_on, row.event_name, row.event_id)
        )

    def messages(self, contact_keys: Iterable[str]) -> list[MessageRow]:
        """The messages planned for the contacts."""
        order = "due_on, conversation, message_id"
        return self._typed(MessageRow, "planned_messages", "contact_key", contact_keys, order)

    def feedback(self, contact_keys: Iterable[str]) -> list[FeedbackRow]:
        """What came back from the contacts, in order of time."""
        order = "occurred_at, event, feed_file, feed_line"
        return self._typed(FeedbackRow, "feedback_rows", "contact_key", contact_keys, order)

    def segment_days(self, contact_key: str) -> dict[str, set[date]]:
        """The days on which a contact is in each segment."""
        sql = "select segment, snapshot_on from segment_snapshots where merchant = ? and contact_key in ({})"
        found: dict[str, set[date]] = {}
        for segment, on in self._rows("segment_snapshots", sql, [contact_key]):
            found.setdefault(segment, set()).add(on)
        return found

    def built_days(self, model: str) -> list[date]:
        """The days of a model that were built, in order."""
        if not self.connection.table_exists("built_days"):
            return []
        sql = "select distinct day from built_days where model = ? order by day"
        return [row[0] for row in self.connection.rows(sql, (model,))]

    def _typed(self, kind: Any, table: str, column: str, values: Iterable[str], order: str) -> list[Any]:
        sql = f"""
            select {", ".join(kind._fields)} from {table} where merchant = ? and {column} in ({{}}) order by {order}
        """
        return [kind(*row) for row in self._rows(table, sql, sorted(values))]

    def _rows(self, table: str, sql: str, values: Sequence[str]) -> list[tuple[Any, ...]]:
        """The rows for these values, some at a time: `{}` in the statement is where their marks go."""
        if not values or not self.connection.table_exists(table):
            return []
        rows = []
        for part in portions(values, _CHUNK):
            rows += self.connection.rows(sql.format(marks(part)), [self.merchant, *part])
        return rows


def in_force(versions: Sequence[VersionRow], on: date) -> VersionRow | None:
    """The version in force on a day."""
    known = [version for version in versions if version.known_on <= on]
    return known[-1] if known else None
