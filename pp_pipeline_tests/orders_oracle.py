"""Order files read the slow way: which version of an order is known on which day (DESIGN 3, "A day's files").

The oracles work on what stands here, and nothing of pp_pipeline is imported: two readings of the
same rules, one of them in plain Python, are compared by the tests.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pp_pipeline_tests.facts_oracle import FactFiles, OrderFile, Row, Told, cents, date_or_none
from pp_pipeline_tests.lines_oracle import Line, line_of, ship_date_of_lines, status_of_lines, status_word

ONE_DAY = timedelta(days=1)


class OrderFields(NamedTuple):
    """The fields of an order that its rows repeat, in the form in which they are compared.

    `email` is normalised, None where it is blank or no address. `ordered_on` is the merchant's local date.
    `total_cents` is None where it is not known, `refunded_cents` 0. `status` of a statement whose lines make it is
    empty until they are read.
    """

    email: str | None
    ordered_at: datetime
    ordered_on: date
    ship_date: date | None
    delivered_on: date | None
    status: str
    total_cents: int | None
    currency: str
    is_eligible: bool
    paid_on: date | None
    refunded_cents: int
    refunded_on: date | None


class Version(NamedTuple):
    """An order as the files of one day state it; `told` is the file and line that make it."""

    fields: OrderFields
    lines: tuple[Line, ...]
    told: Told

    def count(self, *statuses: str) -> int:
        """How many lines are in one of the statuses."""
        return sum(line.status in statuses for line in self.lines)


class Statement(NamedTuple):
    """What the files of one day state of an order: its fields, and its lines with the cells they were read from."""

    fields: OrderFields
    lines: tuple[tuple[Row, Told], ...]
    told: Told


class Known(NamedTuple):
    """A version and the day from which it is known."""

    on: date
    version: Version


class Orders:
    """Every version of every order that the files state.

    Args:
        files: the files with their content in force; of two with one name the later in the list counts.
        zone: the merchant's zone, for local times and local dates.
        currency: the merchant's currency, of rows that state none.
        ineligible_emails: patterns of addresses whose orders are no purchases (DESIGN 6).
    """

    def __init__(
        self,
        files: Iterable[OrderFile],
        zone: str = "UTC",
        currency: str = "USD",
        ineligible_emails: tuple[str, ...] = (),
    ) -> None:
        self._zone = ZoneInfo(zone)
        self.currency = currency
        self._ineligible_emails = ineligible_emails
        in_force = {file.name: file for file in files}
        self.file_dates = sorted({file.file_date for file in in_force.values()})
        self.history: dict[str, list[Known]] = {}
        self._facts = FactFiles(in_force.values())
        newest: dict[str, Statement] = {}
        for day in self.file_dates:
            stated = self._read_day([file for file in in_force.values() if file.file_date == day])
            told = self._facts.told_on(day)
            newest |= stated
            for order_number in sorted(newest.keys() & (stated.keys() | told.keys())):
                statement = newest[order_number]
                if order_number not in stated:
                    statement = statement._replace(told=told[order_number])
                version = self._version(order_number, statement, day)
                self.history.setdefault(order_number, []).append(Known(day, version))

    def in_force(self, day: date) -> dict[str, Version]:
        """The newest version of each order that is known on the day, by order number."""
        known: dict[str, Version] = {}
        for order_number, versions in self.history.items():
            for known_on, version in versions:
                if known_on <= day:
                    known[order_number] = version
        return known

    def first_known_with(self, order_number: str, statuses: Iterable[str], day: date) -> date | None:
        """The first day, up to `day`, on which the order was known with one of the statuses."""
        wanted = set(statuses)
        for known_on, version in self.history[order_number]:
            if known_on <= day and version.fields.status in wanted:
                return known_on
        return None

    def _read_day(self, files: list[OrderFile]) -> dict[str, Statement]:
        """Of several files of one day that state the same order, the last by name wins as a whole."""
        known: dict[str, Statement] = {}
        lines: dict[str, tuple[tuple[Row, Told], ...]] = {}
        for file in sorted(files, key=lambda file: file.name.encode()):
            if file.kind in ("orders", "order_headers"):
                known.update(self._read_file(file))
            elif file.kind == "order_lines":
                lines.update({number: tuple(rows) for number, rows in _rows_by_order(file).items()})
        for order_number, statement in known.items():
            if not statement.lines:
                known[order_number] = statement._replace(lines=lines.get(order_number, ()))
        return known

    def _read_file(self, file: OrderFile) -> dict[str, Statement]:
        """The last row's order fields win, and only the rows that carry them are lines; header rows are none."""
        statements: dict[str, Statement] = {}
        for order_number, rows in _rows_by_order(file).items():
            last_row, told = rows[-1]
            fields = self.order_fields(last_row)
            lines = [(row, at) for row, at in rows if file.kind == "orders" and self.order_fields(row) == fields]
            statements[order_number] = Statement(fields, tuple(lines), told)
        return statements

    def _version(self, order_number: str, statement: Statement, day: date) -> Version:
        """The statement with what follows from its lines, and with what the feeds say as of the day."""
        fields = statement.fields
        if not fields.status:
            rows = [row for row, _ in statement.lines]
            ship_date = fields.ship_date or ship_date_of_lines(rows)
            fields = fields._replace(status=status_of_lines(rows), ship_date=ship_date)
        facts = self._facts.as_of(order_number, day)
        fields = fields._replace(
            ship_date=fields.ship_date or facts.shipped_on,
            delivered_on=facts.delivered_on or fields.delivered_on,
            paid_on=facts.paid_on or fields.paid_on,
            refunded_cents=fields.refunded_cents if facts.refunded_cents is None else facts.refunded_cents,
            refunded_on=facts.refunded_on,
        )
        lines = [line_of(row, told, fields.status, fields.ship_date) for row, told in statement.lines]
        return Version(fields, tuple(lines), statement.told)

    def order_fields(self, row: Row) -> OrderFields:
        """The order fields of a row of an orders or order_headers file."""
        ordered_at = datetime.fromisoformat(row["ordered_at"])
        if ordered_at.tzinfo is None:
            ordered_at = ordered_at.replace(tzinfo=self._zone)
        email = normalised_email(row["email"])
        is_ineligible = any(fnmatchcase(email or "", pattern) for pattern in self._ineligible_emails)
        return OrderFields(
            email=email,
            ordered_at=ordered_at.astimezone(UTC),
            ordered_on=ordered_at.astimezone(self._zone).date(),
            ship_date=date_or_none(row.get("ship_date", "")),
            delivered_on=date_or_none(row.get("delivered_date", "")),
            # a header row (without a SKU) that says nothing leaves it to the lines; a plain row is `not_set`
            status=status_word(row["status"]) if "sku" in row or row.get("status") else "",
            total_cents=cents(row["order_total"]) if row["order_total"] else None,
            currency=row["currency"] or self.currency,
            is_eligible=not is_ineligible,
            paid_on=date_or_none(row.get("paid_at", "")),
            refunded_cents=cents(row.get("refunded_amount") or "0"),
            refunded_on=None,
        )


def normalised_email(text: str) -> str | None:
    """The address without spaces around it and in lower case; None where it is blank or no address."""
    address = text.strip().lower()
    name, at, domain = address.partition("@")
    is_address = bool(name and at and "." in domain and "@" not in domain and " " not in address)
    return address if is_address else None


def by_age(order_number: str, version: Version) -> tuple[datetime, bytes]:
    """What makes an order newer: a later instant of ordering, then the larger order number, bytewise."""
    return version.fields.ordered_at, order_number.encode()


def days_between(first: date, last: date) -> Iterator[date]:
    """Every day from first to last, both included."""
    day = first
    while day <= last:
        yield day
        day += ONE_DAY


def _rows_by_order(file: OrderFile) -> dict[str, list[tuple[Row, Told]]]:
    rows_of: dict[str, list[tuple[Row, Told]]] = {}
    for line, row in enumerate(file.rows, start=2):
        rows_of.setdefault(row["order_number"], []).append((row, Told(file.name, line)))
    return rows_of
