"""Small random worlds for the queue: order files and a campaign, drawn so that the rules meet.

A world is one merchant with one to five orders of one to three contacts over four weeks of
January 2026. Names and cells carry traps on purpose: file names and order numbers whose order differs
between bytes and locales, equal instants written differently, addresses in capitals, numbers with leading zeros.
`test_campaigns_property` counts how often each movement and reason comes about.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, NamedTuple

from hypothesis import strategies as st

from pp_pipeline_tests.audience_pairs import AUDIENCES
from pp_pipeline_tests.cases import Case
from pp_pipeline_tests.orders_oracle import OrderFile, Row

Draw = Callable[[st.SearchStrategy[Any]], Any]

FIRST_DAY = date(2026, 1, 1)
LAST_DAY = date(2026, 1, 28)
_LAST_FILE_DATE = date(2026, 1, 24)

CONTACTS = ("ann@example.com", "ben@example.com", "cy@example.com")
NO_CONTACTS = ("", "nobody", "ann@relay.example.com")
INELIGIBLE_EMAILS = ("*@relay.example.com",)
ORDER_NUMBERS = ("10", "9", "010", "B-1", "Z-1", "a-1", "é-1")
FILE_NAME_ENDINGS = ("", "_10", "_9", "_B", "_a", "_b")
ZONES = ("UTC", "UTC", "America/New_York", "Pacific/Auckland")
PRODUCTS = (("SKU-1", "Tables"), ("SKU-2", "Chairs"), ("sku-1", "tables"), ("SKU-3", "Tables"))
TOTALS = ("20", "20.00", "19.99", "19.99", "19.9", "23.35", "45.50", "-7.01", "")

# The first three are one instant at a merchant in UTC, and the next two another one.
_TIMES = (
    *("T12:00:00", "T12:00:00Z", "T07:00:00-05:00", "T04:30:00Z", "T23:30:00-05:00"),
    *("T12:00:00", "T12:00:00", "T12:00:00", "T09:15:00", "T18:45:00+13:00"),
)
_STATUSES = ("processing", "pending", "shipped", "7", "completed", "closed", "", "misc", "unknown", "back_order")
_FIRST_KNOWN = (*range(10), *range(10), -12)
_GAPS = (0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 8)
_ORDER_LAGS = (0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 5, 9, -1, -3)
_OLD_ORDER_LAGS = (*_ORDER_LAGS * 2, 28, 30, 31, 175, 179, 180, 181, 185)
_SHIP_LAGS = (0, 0, 0, 1, 1, 2, 5, -1, -2, -4, -9)

# A world keeps to one theme, so that what it changes comes together; the campaign's own date is added to each.
_THEMES = (
    ("status", "stop", "hold", "shipped", "undo", "restated", "email", "no_email", "order_total", "lines"),
    ("stop", "stop", "status", "undo", "undo", "hold"),
    ("email", "email", "no_email", "undo", "stop"),
    ("ordered_at", "ship_date", "shipped", "shipped", "ship_date_as_shipped", "undo", "restated"),
    ("lines", "lines", "order_total", "undo", "stop", "email"),
)


class Statement(NamedTuple):
    """What the shop states about one order on one day: the order's cells, and its products."""

    file_date: date
    cells: dict[str, str]
    products: tuple[tuple[str, str], ...]


def campaigns() -> st.SearchStrategy[dict[str, Any]]:
    """Parameters of a campaign; each that has a default is sometimes left out."""
    return st.fixed_dictionaries(
        {
            "event": st.just("case_event"),
            "wait_days": st.sampled_from((0, 1, 2, 3, 4, 5, 5, 6, 7, 7, 9, 12)),
            "active_from": st.sampled_from(
                ("2025-12-01", "2025-12-01", "2025-12-28", "2026-01-01", "2026-01-02", "2026-01-04", "2026-01-08")
            ),
            "repeat_orders": st.sampled_from(("each", "restart", "restart", "restart", "first", "first")),
            "basis": st.sampled_from(
                (
                    {"date_basis": "order_date"},
                    {"date_basis": "order_date"},
                    {"date_basis": "ship_date", "ship_trigger": "ship_date_only"},
                    {"date_basis": "ship_date", "ship_trigger": "ship_date_or_status"},
                    {"date_basis": "ship_date", "ship_trigger": "ship_date_or_status"},
                )
            ),
        },
        optional={
            "active_to": st.sampled_from(("2026-01-07", "2026-01-09", "2026-01-12", "2026-01-20")),
            "back_populate_days": st.sampled_from((0, 1, 2, 4, 10, 12)),
            "max_days_late": st.sampled_from((0, 0, 1, 1, 2, 3, 4, 7, 10, 12)),
            "stop_statuses": st.sampled_from(
                (
                    ["canceled", "returned"],
                    ["canceled"],
                    ["canceled", "returned", "closed"],
                    ["returned", "closed"],
                    ["returned"],
                    ["canceled", "returned", "unknown", "misc"],
                )
            ),
            "hold_statuses": st.sampled_from((["hold"], ["hold"], ["hold", "back_order"], ["pending", "processing"])),
            "audience": st.sampled_from(sorted(AUDIENCES) + [text for text in AUDIENCES if "bought" in text]),
        },
    ).map(lambda drawn: {**{k: v for k, v in drawn.items() if k != "basis"}, **drawn["basis"]})


@st.composite
def worlds(draw: Draw) -> Case:
    """A case whose merchant is named `main`; give it another by `of_merchant`."""
    campaign = draw(campaigns())
    contacts = CONTACTS[: draw(st.sampled_from((1, 1, 2, 2, 3)))]
    theme = draw(st.sampled_from(_THEMES))
    number_of_orders = draw(st.sampled_from((1, 2, 2, 3, 3, 4, 5, 6)))
    one_moment = _draw_ordered_at(draw, FIRST_DAY + timedelta(days=3), _ORDER_LAGS)
    stated: list[Statement] = []
    for order_number in draw(st.permutations(ORDER_NUMBERS))[:number_of_orders]:
        stated += _draw_story(draw, order_number, campaign, contacts, theme, one_moment)
    files: list[OrderFile] = []
    for day in sorted({statement.file_date for statement in stated}):
        files += _draw_files(draw, day, stated)
    return Case(
        merchant="main",
        files=tuple(files),
        campaign=campaign,
        days=(FIRST_DAY, LAST_DAY),
        zone=draw(st.sampled_from(ZONES)),
        currency=draw(st.sampled_from(("USD", "USD", "USD", "EUR"))),
        ineligible_emails=INELIGIBLE_EMAILS,
    )


def _draw_story(
    draw: Draw,
    order_number: str,
    campaign: dict[str, Any],
    contacts: tuple[str, ...],
    theme: tuple[str, ...],
    one_moment: str,
) -> list[Statement]:
    """What is stated about one order: how it comes in, and up to four changes after."""
    stops = campaign.get("stop_statuses", ["canceled", "returned"])
    holds = campaign.get("hold_statuses", ["hold"])
    by_ship_date = campaign["date_basis"] == "ship_date"
    day = FIRST_DAY + timedelta(days=draw(st.sampled_from(_FIRST_KNOWN)))
    lags = _OLD_ORDER_LAGS if "audience" in campaign else _ORDER_LAGS
    first = {
        "order_number": order_number,
        "email": draw(st.sampled_from((*contacts, *contacts, contacts[0], f" {contacts[0].upper()} "))),
        "ordered_at": one_moment if draw(st.integers(0, 4)) == 0 else _draw_ordered_at(draw, day, lags),
        "ship_date": _draw_ship_date(draw, day) if by_ship_date and draw(st.integers(0, 2)) else "",
        "status": draw(st.sampled_from(("processing",) * 6 + ("shipped", "completed", *holds, *stops))),
        "order_total": draw(st.sampled_from(TOTALS)),
        "currency": draw(st.sampled_from(("USD", "USD", "USD", "", "EUR"))),
    }
    products = _draw_products(draw)
    story = [Statement(day, first, products)]
    for _ in range(draw(st.sampled_from((0, 1, 1, 1, 2, 2, 3, 4)))):
        day += timedelta(days=draw(st.sampled_from(_GAPS)))
        if day > _LAST_FILE_DATE:
            break
        cells = dict(story[-1].cells)
        for _ in range(draw(st.sampled_from((1, 1, 1, 2)))):
            match draw(st.sampled_from((*theme, *_changes_of_the_basis(campaign)))):
                case "status":
                    cells["status"] = draw(st.sampled_from(_STATUSES))
                case "stop":
                    cells["status"] = draw(st.sampled_from((*stops, "canceled", "returned", "10")))
                case "hold":
                    cells["status"] = draw(st.sampled_from((*holds, "processing")))
                case "shipped":
                    cells["status"] = draw(st.sampled_from(("shipped", "completed")))
                    cells["ship_date"] = draw(st.sampled_from(("", "", day.isoformat())))
                case "unshipped":
                    cells |= {"status": "processing", "ship_date": ""}
                case "ship_date_as_shipped":
                    shipped_on = [past.file_date for past in story if past.cells["status"] in ("shipped", "completed", "7")]
                    cells |= {"status": "shipped", "ship_date": min(shipped_on, default=day).isoformat()}
                case "ship_date":
                    cells["ship_date"] = "" if draw(st.integers(0, 3)) == 0 else _draw_ship_date(draw, day)
                case "email":
                    cells["email"] = draw(st.sampled_from((*CONTACTS, contacts[0], f" {contacts[0].upper()} ")))
                case "no_email":
                    cells["email"] = draw(st.sampled_from(NO_CONTACTS))
                case "ordered_at":
                    cells["ordered_at"] = _draw_ordered_at(draw, day, _ORDER_LAGS)
                case "order_total":
                    cells["order_total"] = draw(st.sampled_from(TOTALS))
                case "lines":
                    products = _draw_products(draw)
                case "undo":
                    cells = dict(first)
                case _:
                    pass
        story.append(Statement(day, cells, products))
    return story


def _changes_of_the_basis(campaign: dict[str, Any]) -> tuple[str, ...]:
    if campaign["date_basis"] == "order_date":
        return ("ordered_at",)
    if campaign["ship_trigger"] == "ship_date_only":
        return ("ship_date",)
    return ("ship_date", "ship_date_as_shipped", "shipped", "shipped", "unshipped")


def _draw_products(draw: Draw) -> tuple[tuple[str, str], ...]:
    return tuple(draw(st.sampled_from(PRODUCTS)) for _ in range(draw(st.sampled_from((1, 1, 2)))))


def _draw_ordered_at(draw: Draw, known_on: date, lags: tuple[int, ...]) -> str:
    ordered_on = known_on - timedelta(days=draw(st.sampled_from(lags)))
    return ordered_on.isoformat() + draw(st.sampled_from(_TIMES))


def _draw_ship_date(draw: Draw, known_on: date) -> str:
    """In the past, on the day, or announced for a day to come."""
    return (known_on - timedelta(days=draw(st.sampled_from(_SHIP_LAGS)))).isoformat()


def _draw_files(draw: Draw, day: date, stated: list[Statement]) -> list[OrderFile]:
    """The day's statements in one to three files, some with rows of an older state among them."""
    number_of_files = draw(st.sampled_from((1, 1, 2, 2, 3)))
    endings = draw(st.permutations(FILE_NAME_ENDINGS))[:number_of_files] if number_of_files > 1 else [""]
    rows_of: dict[str, list[Row]] = {ending: [] for ending in endings}
    for statement in stated:
        if statement.file_date != day:
            continue
        rows = rows_of[draw(st.sampled_from(endings))]
        new_rows = [_row(statement.cells, product) for product in statement.products]
        if draw(st.integers(0, 4)) == 0:
            other = draw(st.sampled_from(stated)).cells
            stale = {**other, "order_number": statement.cells["order_number"]}
            new_rows.insert(draw(st.integers(0, len(new_rows))), _row(stale, PRODUCTS[0]))
        rows += new_rows
    files: list[OrderFile] = []
    for ending, rows in rows_of.items():
        if rows:
            if draw(st.integers(0, 7)) == 0:
                rows = draw(st.permutations(rows))
            files.append(OrderFile(f"orders_{day.isoformat()}{ending}.csv", day, tuple(rows)))
    return files


def _row(cells: dict[str, str], product: tuple[str, str]) -> Row:
    sku, category = product
    line = {"sku": sku, "product_name": f"{category} {sku}", "category": category, "quantity": "1"}
    return {**cells, **line, "unit_price": cells["order_total"]}
