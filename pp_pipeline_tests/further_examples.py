"""Examples beside the table of DESIGN 3: each fixes how one sentence of the section is read."""

from pp_pipeline_tests.leaving_examples import FILES, LEAVING, SHIPPING
from pp_pipeline_tests.section_3_examples import ORDER_DATE, RESTART, SHIP_DATE_ONLY
from pp_pipeline_tests.worked_examples import BEN, Example, row

FIRST = {"date_basis": "order_date", "repeat_orders": "first"}

_WINDOW = (
    Example(
        "both ends of the window belong to it",
        {4: [row("A", 4)], 5: [row("B", 5)], 8: [row("C", 8)], 9: [row("D", 9)]},
        {**ORDER_DATE, "active_from": "2026-01-05", "active_to": "2026-01-08"},
        (
            "5 B entered order_date 5 due 12",
            "8 C entered order_date 8 due 15",
            "12 B left released order_date 5 due 12",
            "15 C left released order_date 8 due 15",
        ),
    ),
    Example(
        "the window looks at the basis date and governs entering only",
        {3: [row("A", 1, shipped=3)], 6: [row("A", 1, shipped=9)], 12: [row("B", 1, shipped=4)]},
        {**SHIP_DATE_ONLY, "active_from": "2026-01-02", "active_to": "2026-01-05"},
        (
            "3 A entered ship_date 3 due 10",
            "6 A moved ship_date 9 due 16",
            "12 B entered ship_date 4 due 11",
            "12 B left released ship_date 4 due 11",
            "16 A left released ship_date 9 due 16",
        ),
    ),
    Example(
        "back population reaches before the window, and entering waits for it",
        {2: [row("A", 2), row("B", 3)]},
        {**ORDER_DATE, "active_from": "2026-01-05", "back_populate_days": 2},
        ("5 B entered order_date 3 due 10", "10 B left released order_date 3 due 10"),
    ),
    Example(
        "wait 0 is up to 10 days late whatever is written",
        {11: [row("A", 1)], 12: [row("B", 1)]},
        {**ORDER_DATE, "wait_days": 0, "max_days_late": 1},
        (
            "11 A entered order_date 1 due 1",
            "11 A left released order_date 1 due 1",
            "12 B entered order_date 1 due 1",
            "12 B left expired order_date 1 due 1",
        ),
    ),
    Example(
        "wait 0 looks back at least 10 days",
        {1: [row("A", -1), row("B", 0)]},
        {**ORDER_DATE, "wait_days": 0, "active_from": "2026-01-10", "back_populate_days": 3},
        (
            "10 B entered order_date 2025-12-31 due 2025-12-31",
            "10 B left released order_date 2025-12-31 due 2025-12-31",
        ),
    ),
)

_CONTACTS = (
    Example(
        "of equal instants the larger order number is newer, bytewise, until the order is another contact's",
        {1: [row("a", 1), row("Z", 1, at="T07:00:00-05:00")], 3: [row("a", 1, email=BEN)]},
        RESTART,
        (
            "1 a entered order_date 1 due 8",
            "3 Z entered order_date 1 due 8",
            "3 a moved order_date 1 due 8 for ben@example.com",
            "8 Z left released order_date 1 due 8",
            "8 a left released order_date 1 due 8 for ben@example.com",
        ),
    ),
    Example(
        "9 is a larger order number than 10",
        {1: [row("10", 1), row("9", 1)]},
        RESTART,
        ("1 9 entered order_date 1 due 8", "8 9 left released order_date 1 due 8"),
    ),
    Example(
        "the instant tells the newer order, not the date or the number",
        {1: [row("A", 1, at="T18:00:00"), row("B", 1, at="T12:00:00")]},
        RESTART,
        ("1 A entered order_date 1 due 8", "8 A left released order_date 1 due 8"),
    ),
    Example(
        "a newer order supersedes though it is in no queue: no ship date, or released already",
        {
            1: [row("A", 1, shipped=1), row("B", 2, email=BEN, shipped=-2)],
            3: [row("C", 3)],
            6: [row("D", 1, email=BEN, shipped=4)],
        },
        {**SHIP_DATE_ONLY, "repeat_orders": "restart"},
        (
            "1 A entered ship_date 1 due 8",
            "1 B entered ship_date 2025-12-29 due 5 for ben@example.com",
            "3 A left superseded ship_date 1 due 8",
            "5 B left released ship_date 2025-12-29 due 5 for ben@example.com",
        ),
    ),
    Example(
        "what supersedes is told by the campaign's own stop statuses",
        {1: [row("A", 1)], 3: [row("B", 3, "returned")], 5: [row("C", 5, "canceled")]},
        {**RESTART, "stop_statuses": ["canceled"]},
        (
            "1 A entered order_date 1 due 8",
            "3 A left superseded order_date 1 due 8",
            "3 B entered order_date 3 due 10",
            "10 B left released order_date 3 due 10",
        ),
    ),
    Example(
        "with first an older order that comes later takes the place, and gives it back when canceled",
        {3: [row("B", 3)], 5: [row("A", 1)], 7: [row("A", 1, "canceled")]},
        FIRST,
        (
            "3 B entered order_date 3 due 10",
            "5 A entered order_date 1 due 8",
            "5 B left superseded order_date 3 due 10",
            "7 A left canceled order_date 1 due 8",
            "7 B entered order_date 3 due 10",
            "10 B left released order_date 3 due 10",
        ),
    ),
    Example(
        "canceled comes before withdrawn, withdrawn before superseded",
        {
            1: [row("A", 1), row("B", 1, email=BEN)],
            3: [row("A", 1, "canceled", email=""), row("B", 1, email="nobody"), row("C", 3, email=BEN)],
            4: [row("C", 3, "canceled", email=BEN), row("D", 4, email=BEN)],
        },
        RESTART,
        (
            "1 A entered order_date 1 due 8",
            "1 B entered order_date 1 due 8 for ben@example.com",
            "3 A left canceled order_date 1 due 8",
            "3 B left withdrawn order_date 1 due 8 for ben@example.com",
            "3 C entered order_date 3 due 10 for ben@example.com",
            "4 C left canceled order_date 3 due 10 for ben@example.com",
            "4 D entered order_date 4 due 11 for ben@example.com",
            "11 D left released order_date 4 due 11 for ben@example.com",
        ),
    ),
    Example(
        "the e-mail alone moves an order, its capitals do not",
        {1: [row("A", 1)], 3: [row("A", 1, email="Ann@Example.com")], 5: [row("A", 1, email=BEN)]},
        ORDER_DATE,
        (
            "1 A entered order_date 1 due 8",
            "5 A moved order_date 1 due 8 for ben@example.com",
            "8 A left released order_date 1 due 8 for ben@example.com",
        ),
    ),
)

_SHIPPED = row("A", 1, "shipped", shipped=2)
_DELIVERY = (
    Example(
        "an order waits from its delivery, from the day on which that is known",
        {1: [_SHIPPED], 4: [{**_SHIPPED, "delivered_date": "2026-01-03"}]},
        {"date_basis": "delivered_date"},
        ("4 A entered delivered_date 3 due 10", "10 A left released delivered_date 3 due 10"),
    ),
    Example(
        "the ship date and the days of transit stand in until a delivery is known",
        {1: [_SHIPPED], 8: [{**_SHIPPED, "delivered_date": "2026-01-07"}]},
        {"date_basis": "delivered_date", "transit_days": 3},
        (
            *("1 A entered transit 5 due 12", "8 A moved delivered_date 7 due 14"),
            "14 A left released delivered_date 7 due 14",
        ),
    ),
)

FURTHER = (*_WINDOW, *_CONTACTS, *LEAVING, *SHIPPING, *FILES, *_DELIVERY)
