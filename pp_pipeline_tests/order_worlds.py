"""Small random worlds for the queue: order files and a campaign, drawn so that the rules meet.

A world is one merchant with one to six orders of up to three contacts over four weeks of January 2026.
Names and cells carry traps on purpose: file names and order numbers whose order differs between bytes and
locales, equal instants written differently, addresses in capitals, numbers with leading zeros.
`test_campaigns_property` counts how often everything that can happen comes about.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any, NamedTuple, TypeVar

from hypothesis import strategies as st

from pp_pipeline_tests.campaign_worlds import CAMPAIGNS
from pp_pipeline_tests.cases import Case
from pp_pipeline_tests.fact_worlds import fact_files, in_other_words
from pp_pipeline_tests.facts_oracle import OrderFile, Row

Drawn = TypeVar("Drawn")

FIRST_DAY = date(2026, 1, 1)
LAST_DAY = date(2026, 1, 28)

CONTACTS = ("ann@example.com", "ben@example.com", "cy@example.com")
ANN_IN_CAPITALS = " ANN@Example.com "
NO_CONTACTS = ("", "nobody", "ann@relay.example.com")
INELIGIBLE_EMAILS = ("*@relay.example.com",)
ORDER_NUMBERS = ("10", "B-1", "9", "a-1", "010", "Z-1", "é-1")
FILE_NAME_ENDINGS = ("", "_10", "_B", "_9", "_a", "_b")
ZONES = ("UTC", "UTC", "America/New_York", "Pacific/Auckland")
PRODUCTS = (("SKU-1", "Tables"), ("SKU-2", "Chairs"), ("sku-1", "tables"), ("SKU-3", "Tables"))
TOTALS = ("20", "20.00", "19.99", "19.99", "19.9", "23.35", "45.50", "-7.01", "")
SHIPPED = ("shipped", "completed", "7")

# The first three are one instant at a merchant in UTC, and the next two another one.
_TIMES = (
    *("T12:00:00", "T12:00:00Z", "T07:00:00-05:00", "T04:30:00Z", "T23:30:00-05:00"),
    *("T12:00:00", "T12:00:00", "T12:00:00", "T09:15:00", "T18:45:00+13:00"),
)
_STATUSES = (
    "processing",
    "pending",
    "shipped",
    "7",
    "completed",
    "closed",
    "",
    "misc",
    "unknown",
    "back_order",
)
_FIRST_KNOWN = (*range(10), *range(10), -12)
_LAST_FILE_DATE = date(2026, 1, 24)
_GAPS = (0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 8)
_ORDER_LAGS = (0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 5, 9, 11, -1, -3)
_LAGS_OF_A_WORLD = (_ORDER_LAGS, _ORDER_LAGS, _ORDER_LAGS, (*_ORDER_LAGS, 28, 30, 31), (175, 179, 180, 181, 185))
_SHIP_LAGS = (0, 0, 0, 1, 1, 2, 5, -1, -2, -4, -9)

# A world keeps to one theme, so that its changes meet; what the campaign looks at is added to each.
_THEMES = (
    ("status", "stop", "hold", "shipped", "undo", "restated", "email", "no_email", "order_total", "lines"),
    ("stop", "stop", "status", "undo", "undo", "hold"),
    ("email", "email", "no_email", "undo", "stop"),
    ("ordered_at", "ship_date", "shipped", "shipped", "ship_date_as_shipped", "undo", "restated"),
    ("lines", "lines", "order_total", "undo", "stop", "email"),
)
_CHANGES_OF_THE_BASIS = {
    "order_date": ("ordered_at",),
    "ship_date_only": ("ship_date",),
    "delivered_date": ("ship_date", "shipped", "status"),
    "ship_date_or_status": (
        *("ship_date", "shipped", "shipped", "shipped", "unshipped"),
        *("ship_date_as_shipped", "ship_date_as_shipped", "ship_date_as_shipped"),
    ),
}


class Statement(NamedTuple):
    """What the shop states about one order on one day: the order's cells, and its products."""

    file_date: date
    cells: dict[str, str]
    products: tuple[tuple[str, str], ...]


class Dice:
    """Draws from hypothesis; making strategies is most of the cost, so one a number of choices is kept."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self._draw = draw

    def campaign(self) -> dict[str, Any]:
        """Parameters of a campaign."""
        return self._draw(CAMPAIGNS)

    def one_of(self, options: Sequence[Drawn]) -> Drawn:
        """One of them, each as likely."""
        return options[self._draw(_below(len(options)))]

    def once_in(self, times: int) -> bool:
        """True once in that many times."""
        return self._draw(_below(times)) == times - 1

    def some_of(self, options: Sequence[Drawn], count: int) -> list[Drawn]:
        """At most `count` different ones, in a changed order."""
        start, step = self._draw(_below(len(options))), 1 + self._draw(_below(len(options) - 1))
        return list(dict.fromkeys(options[(start + place * step) % len(options)] for place in range(count)))


@st.composite
def worlds(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Case:
    """A case whose merchant is named `main`; give it another by `of_merchant`."""
    dice = Dice(draw)
    story = Story(dice, campaign=dice.campaign(), contacts=CONTACTS[: dice.one_of((1, 1, 2, 2, 3))])
    stated: list[Statement] = []
    for order_number in dice.some_of(ORDER_NUMBERS, dice.one_of((1, 2, 2, 3, 3, 4, 5, 6))):
        stated += story.of_order(order_number)
    files: list[OrderFile] = []
    for day in sorted({statement.file_date for statement in stated}):
        files += _draw_files(dice, day, stated)
    first_known: dict[str, date] = {}
    for statement in stated:
        first_known.setdefault(statement.cells["order_number"], statement.file_date)
    is_by_delivery = story.campaign["date_basis"] == "delivered_date"
    files = in_other_words(dice, files) + fact_files(dice, first_known, _LAST_FILE_DATE, is_by_delivery)
    return Case(
        merchant="main",
        files=tuple(files),
        campaign=story.campaign,
        days=(FIRST_DAY, LAST_DAY),
        zone=dice.one_of(ZONES),
        currency=dice.one_of(("USD", "USD", "USD", "EUR")),
        ineligible_emails=INELIGIBLE_EMAILS,
    )


class Story:
    """What a shop tells about its orders: how each comes in, and up to four changes after."""

    def __init__(self, dice: Dice, campaign: dict[str, Any], contacts: tuple[str, ...]) -> None:
        self.campaign = campaign
        self._dice = dice
        self._contacts = contacts
        self._stops = campaign.get("stop_statuses", ["canceled", "returned"])
        self._holds = campaign.get("hold_statuses", ["hold"])
        self._is_by_ship_date = campaign["date_basis"] != "order_date"
        basis = campaign.get("ship_trigger", campaign["date_basis"])
        holds = ("hold", "hold", "unhold", "unhold") if "hold_statuses" in campaign else ()
        self._changes = (*dice.one_of(_THEMES), *_CHANGES_OF_THE_BASIS[basis], *holds)
        self._lags = dice.one_of(_LAGS_OF_A_WORLD) if "audience" in campaign else _ORDER_LAGS
        self._one_moment = self._ordered_at(FIRST_DAY + timedelta(days=3), self._lags)

    def of_order(self, order_number: str) -> list[Statement]:
        """The order's statements, in the order of their days."""
        dice = self._dice
        day = FIRST_DAY + timedelta(days=dice.one_of(_FIRST_KNOWN))
        first = {
            "order_number": order_number,
            "email": dice.one_of((*self._contacts, *self._contacts, CONTACTS[0], ANN_IN_CAPITALS)),
            "ordered_at": self._one_moment if dice.once_in(5) else self._ordered_at(day, self._lags),
            "ship_date": self._ship_date(day) if self._is_by_ship_date and not dice.once_in(3) else "",
            "status": dice.one_of((*("processing",) * 6, "shipped", "completed", *self._holds * 3, *self._stops)),
            "order_total": dice.one_of(TOTALS),
            "currency": dice.one_of(("USD", "USD", "USD", "", "EUR")),
        }
        told = [Statement(day, first, self._products())]
        for _ in range(dice.one_of((0, 1, 1, 1, 2, 2, 3, 4))):
            day += timedelta(days=dice.one_of(_GAPS))
            if day > _LAST_FILE_DATE:
                break
            cells, products = dict(told[-1].cells), told[-1].products
            for _ in range(dice.one_of((1, 1, 1, 2))):
                change = dice.one_of(self._changes)
                if change == "lines":
                    products = self._products()
                elif change == "undo":
                    cells = dict(first)
                else:
                    cells |= self._changed_cells(change, day, told)
            told.append(Statement(day, cells, products))
        return told

    def _changed_cells(self, change: str, day: date, told: list[Statement]) -> dict[str, str]:
        dice = self._dice
        match change:
            case "status":
                return {"status": dice.one_of(_STATUSES)}
            case "stop":
                return {"status": dice.one_of((*self._stops, "canceled", "returned", "10"))}
            case "hold":
                return {"status": dice.one_of((*self._holds, "processing"))}
            case "unhold":
                return {"status": dice.one_of(("misc", "", "0", "closed"))}
            case "shipped":
                return {"status": dice.one_of(SHIPPED), "ship_date": dice.one_of(("", "", "", day.isoformat()))}
            case "unshipped":
                return {"status": "processing", "ship_date": ""}
            case "ship_date_as_shipped":
                first_day = next((past.file_date for past in told if past.cells["status"] in SHIPPED), day)
                return {"status": "shipped", "ship_date": first_day.isoformat()}
            case "ship_date":
                return {"ship_date": "" if dice.once_in(4) else self._ship_date(day)}
            case "email":
                return {"email": dice.one_of((*CONTACTS, CONTACTS[0], ANN_IN_CAPITALS))}
            case "no_email":
                return {"email": dice.one_of(NO_CONTACTS)}
            case "ordered_at":
                return {"ordered_at": self._ordered_at(day, _ORDER_LAGS)}
            case "order_total":
                return {"order_total": dice.one_of(TOTALS)}
            case _:
                return {}

    def _products(self) -> tuple[tuple[str, str], ...]:
        return tuple(self._dice.one_of(PRODUCTS) for _ in range(self._dice.one_of((1, 1, 2))))

    def _ordered_at(self, known_on: date, lags: tuple[int, ...]) -> str:
        ordered_on = known_on - timedelta(days=self._dice.one_of(lags))
        return ordered_on.isoformat() + self._dice.one_of(_TIMES)

    def _ship_date(self, known_on: date) -> str:
        """In the past, on the day, or announced for a day to come."""
        return (known_on - timedelta(days=self._dice.one_of(_SHIP_LAGS))).isoformat()


def _draw_files(dice: Dice, day: date, stated: list[Statement]) -> list[OrderFile]:
    """The day's statements in one to three files, some with rows of another state among them."""
    number_of_files = dice.one_of((1, 1, 2, 2, 3))
    endings = dice.some_of(FILE_NAME_ENDINGS, number_of_files) if number_of_files > 1 else [""]
    rows_of: dict[str, list[Row]] = {ending: [] for ending in endings}
    for statement in stated:
        if statement.file_date != day:
            continue
        rows = [_row(statement.cells, product) for product in statement.products]
        if dice.once_in(5):
            other = {**dice.one_of(stated).cells, "order_number": statement.cells["order_number"]}
            rows.insert(dice.one_of(range(len(rows) + 1)), _row(other, PRODUCTS[0]))
        rows_of[dice.one_of(endings)] += rows
    return [
        OrderFile(f"orders_{day.isoformat()}{ending}.csv", day, tuple(reversed(rows) if dice.once_in(8) else rows))
        for ending, rows in rows_of.items()
        if rows
    ]


def _row(cells: dict[str, str], product: tuple[str, str]) -> Row:
    sku, category = product
    line = {"sku": sku, "product_name": f"{category} {sku}", "category": category, "quantity": "1"}
    return {**cells, **line, "unit_price": cells["order_total"]}


@cache
def _below(limit: int) -> st.SearchStrategy[int]:
    return st.integers(0, limit - 1)
