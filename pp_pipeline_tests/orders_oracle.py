"""Order files read the slow way: which version of an order is known on which day (DESIGN 3, "A day's files").

The oracles work on what stands here, and nothing of pp_pipeline is imported: two readings of the
same rules, one of them in plain Python, are compared by the tests.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import NamedTuple
from zoneinfo import ZoneInfo

Row = Mapping[str, str]
ONE_DAY = timedelta(days=1)
# Listrak's numbers 0 to 11; `closed` has none.
STATUSES = (
    *("not_set", "misc", "pre_order", "back_order", "pending", "hold", "processing", "shipped", "completed"),
    *("returned", "canceled", "unknown", "closed"),
)


class OrderFile(NamedTuple):
    """One order file of the plain feed: its rows are the cells as the shop writes them."""

    name: str
    file_date: date
    rows: tuple[Row, ...]


class Line(NamedTuple):
    """What an audience asks of an order line."""

    sku: str
    category: str


class OrderFields(NamedTuple):
    """The fields of an order that its rows repeat, in the form in which they are compared.

    `email` is normalised, None where it is blank or no address. `ordered_on` is the merchant's local date.
    `total_cents` is None where it is not known.
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


class Version(NamedTuple):
    """An order as the files of one day state it."""

    fields: OrderFields
    lines: tuple[Line, ...]


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
        for day in self.file_dates:
            of_the_day = [file for file in in_force.values() if file.file_date == day]
            for order_number, version in self._read_day(of_the_day).items():
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

    def _read_day(self, files: list[OrderFile]) -> dict[str, Version]:
        """Of several files of one day that state the same order, the last by name wins as a whole."""
        known: dict[str, Version] = {}
        for file in sorted(files, key=lambda file: file.name.encode()):
            known.update(self._read_file(file))
        return known

    def _read_file(self, file: OrderFile) -> dict[str, Version]:
        """The last row's order fields win, and only the rows that carry them are lines."""
        rows_of: dict[str, list[Row]] = {}
        for row in file.rows:
            rows_of.setdefault(row["order_number"], []).append(row)
        versions: dict[str, Version] = {}
        for order_number, rows in rows_of.items():
            fields = self._order_fields(rows[-1])
            lines = [row for row in rows if self._order_fields(row) == fields]
            versions[order_number] = Version(fields, tuple(Line(row["sku"], row["category"]) for row in lines))
        return versions

    def _order_fields(self, row: Row) -> OrderFields:
        ordered_at = datetime.fromisoformat(row["ordered_at"])
        if ordered_at.tzinfo is None:
            ordered_at = ordered_at.replace(tzinfo=self._zone)
        email = normalised_email(row["email"])
        is_ineligible = any(fnmatchcase(email or "", pattern) for pattern in self._ineligible_emails)
        return OrderFields(
            email=email,
            ordered_at=ordered_at.astimezone(UTC),
            ordered_on=ordered_at.astimezone(self._zone).date(),
            ship_date=_date_or_none(row["ship_date"]),
            delivered_on=_date_or_none(row.get("delivered_on", "")),
            status=status_word(row["status"]),
            total_cents=int(Decimal(row["order_total"]) * 100) if row["order_total"] else None,
            currency=row["currency"] or self.currency,
            is_eligible=not is_ineligible,
        )


def normalised_email(text: str) -> str | None:
    """The address without spaces around it and in lower case; None where it is blank or no address."""
    address = text.strip().lower()
    name, at, domain = address.partition("@")
    is_address = bool(name and at and "." in domain and "@" not in domain and " " not in address)
    return address if is_address else None


def status_word(text: str) -> str:
    """The word of section 3 for a word or one of Listrak's numbers; a blank one is not set."""
    status = STATUSES[int(text)] if text.isdigit() else text or "not_set"
    assert status in STATUSES
    return status


def by_age(order_number: str, version: Version) -> tuple[datetime, bytes]:
    """What makes an order newer: a later instant of ordering, then the larger order number, bytewise."""
    return version.fields.ordered_at, order_number.encode()


def days_between(first: date, last: date) -> Iterator[date]:
    """Every day from first to last, both included."""
    day = first
    while day <= last:
        yield day
        day += ONE_DAY


def _date_or_none(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
