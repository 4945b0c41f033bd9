"""Examples beside the table of DESIGN 3, second part: leaving, shipping, and what the files say."""

from pp_pipeline_tests.section_3_examples import ORDER_DATE, SHIP_DATE_ONLY, SHIP_DATE_OR_STATUS
from pp_pipeline_tests.worked_examples import BEN, Example, row

LEAVING = (
    Example(
        "an order is expired once it is more than max_days_late late, on hold too",
        {
            9: [row("A", 1), row("B", 2, "hold"), row("C", 4, "hold")],
            11: [row("D", 2), row("E", 1)],
            13: [row("C", 4)],
        },
        {**ORDER_DATE, "max_days_late": 2, "hold_statuses": ["hold"]},
        (
            "9 A entered order_date 1 due 8",
            "9 A left released order_date 1 due 8",
            "9 B entered order_date 2 due 9",
            "9 C entered order_date 4 due 11",
            "11 D entered order_date 2 due 9",
            "11 D left released order_date 2 due 9",
            "11 E entered order_date 1 due 8",
            "11 E left expired order_date 1 due 8",
            "12 B left expired order_date 2 due 9",
            "13 C left released order_date 4 due 11",
        ),
    ),
    Example(
        "released and expired are for good, through a cancellation too",
        {
            8: [row("A", 1)],
            9: [row("A", 1, "canceled")],
            10: [row("A", 9)],
            12: [row("B", -8)],
            13: [row("B", 10)],
        },
        {**ORDER_DATE, "max_days_late": 3},
        (
            "8 A entered order_date 1 due 8",
            "8 A left released order_date 1 due 8",
            "12 B entered order_date 2025-12-23 due 2025-12-30",
            "12 B left expired order_date 2025-12-23 due 2025-12-30",
        ),
    ),
    Example(
        "filtered is for good, and the audience is judged on the day of the release",
        {
            1: [row("A", 1)],
            2: [row("B", 2, "hold", email=BEN)],
            10: [row("C", 10), row("D", 1, email=BEN)],
            11: [row("B", 2, email=BEN)],
        },
        {**ORDER_DATE, "audience": "order_count >= 2", "hold_statuses": ["hold"]},
        (
            "1 A entered order_date 1 due 8",
            "2 B entered order_date 2 due 9 for ben@example.com",
            "8 A left filtered order_date 1 due 8",
            "10 C entered order_date 10 due 17",
            "10 D entered order_date 1 due 8 for ben@example.com",
            "10 D left released order_date 1 due 8 for ben@example.com",
            "11 B left released order_date 2 due 9 for ben@example.com",
            "17 C left released order_date 10 due 17",
        ),
    ),
    Example(
        "an audience that is not known is false: a returned order that waits on, its contact on no list",
        {1: [row("A", 1, "returned")]},
        {**ORDER_DATE, "stop_statuses": ["canceled"], "audience": "not (order_count >= 2)"},
        ("1 A entered order_date 1 due 8", "8 A left filtered order_date 1 due 8"),
    ),
    Example(
        "who is on no list has bought nothing",
        {1: [row("A", 1, "returned")]},
        {**ORDER_DATE, "stop_statuses": ["canceled"], "audience": "not bought_sku('SKU-2', within_days=30)"},
        ("1 A entered order_date 1 due 8", "8 A left released order_date 1 due 8"),
    ),
    Example(
        "the audience knows the day's own orders, and those of later days not",
        {1: [row("A", 1), row("B", 1, email=BEN)], 8: [row("C", 8)], 9: [row("D", 8, email=BEN)]},
        {**ORDER_DATE, "audience": "order_count >= 2", "active_to": "2026-01-01"},
        (
            "1 A entered order_date 1 due 8",
            "1 B entered order_date 1 due 8 for ben@example.com",
            "8 A left released order_date 1 due 8",
            "8 B left filtered order_date 1 due 8 for ben@example.com",
        ),
    ),
    Example(
        "what left carries the version under which it waited",
        {1: [row("A", 1)], 4: [row("A", 3, "canceled", email=BEN)]},
        ORDER_DATE,
        ("1 A entered order_date 1 due 8", "4 A left canceled order_date 1 due 8"),
    ),
    Example(
        "a due date in the past moves an order and releases it on the same day",
        {1: [row("A", 1, shipped=9)], 6: [row("A", 1, shipped=-3)]},
        SHIP_DATE_ONLY,
        (
            "1 A entered ship_date 9 due 16",
            "6 A moved ship_date 2025-12-28 due 4",
            "6 A left released ship_date 2025-12-28 due 4",
        ),
    ),
)

SHIPPING = (
    Example(
        "a change of the basis source alone is no move, and what left tells the last source",
        {4: [row("A", 1, "shipped")], 6: [row("A", 1, "shipped", shipped=4)]},
        SHIP_DATE_OR_STATUS,
        ("4 A entered status_change 4 due 11", "11 A left released ship_date 4 due 11"),
    ),
    Example(
        "the first day with a shipped status counts, whatever came between",
        {
            2: [row("A", 1, "shipped")],
            4: [row("A", 1, "processing")],
            6: [row("A", 1, "completed")],
            7: [row("A", 1, "completed", sku="SKU-2")],
        },
        SHIP_DATE_OR_STATUS,
        (
            "2 A entered status_change 2 due 9",
            "4 A left withdrawn status_change 2 due 9",
            "6 A entered status_change 2 due 9",
            "9 A left released status_change 2 due 9",
        ),
    ),
    Example(
        "a ship date that is taken back leaves the first day with a shipped status",
        {2: [row("A", 1, "shipped", shipped=1)], 5: [row("A", 1, "shipped")]},
        SHIP_DATE_OR_STATUS,
        (
            "2 A entered ship_date 1 due 8",
            "5 A moved status_change 2 due 9",
            "9 A left released status_change 2 due 9",
        ),
    ),
)

FILES = (
    Example(
        "of a day's files the last by name wins as a whole, bytewise",
        {
            (1, "_B"): [row("A", 1, "canceled")],
            (1, "_a"): [row("A", 1), row("B", 1, email=BEN)],
            (3, "_10"): [row("A", 1, "canceled")],
            (3, "_9"): [row("A", 1), row("B", 1, email="")],
        },
        ORDER_DATE,
        (
            "1 A entered order_date 1 due 8",
            "1 B entered order_date 1 due 8 for ben@example.com",
            "3 B left withdrawn order_date 1 due 8 for ben@example.com",
            "8 A left released order_date 1 due 8",
        ),
    ),
    Example(
        "of a file's rows with different order fields the last win, and only their rows are lines",
        {
            1: [
                *(row("A", 1, sku="SKU-1"), row("A", 1, "canceled", sku="SKU-1"), row("A", 1, sku="SKU-3")),
                *(row("B", 1, "hold", email=BEN, sku="SKU-1"), row("B", 1, email=BEN, sku="SKU-3")),
            ],
        },
        {**ORDER_DATE, "wait_days": 3, "audience": "bought_sku('SKU-1', within_days=5)"},
        (
            "1 A entered order_date 1 due 4",
            "1 B entered order_date 1 due 4 for ben@example.com",
            "4 A left released order_date 1 due 4",
            "4 B left filtered order_date 1 due 4 for ben@example.com",
        ),
    ),
    Example(
        "within 5 days leaves out the day 5 days ago",
        {1: [row("A", 1), row("B", 2, email=BEN)]},
        {**ORDER_DATE, "wait_days": 5, "audience": "bought_sku('SKU-1', within_days=5)"},
        (
            "1 A entered order_date 1 due 6",
            "1 B entered order_date 2 due 7 for ben@example.com",
            "6 A left filtered order_date 1 due 6",
            "7 B left filtered order_date 2 due 7 for ben@example.com",
        ),
    ),
    Example(
        "the order date is the merchant's local date",
        {3: [row("A", 2, at="T03:00:00Z"), row("B", 2, at="T23:00:00", email=BEN)]},
        {**ORDER_DATE, "active_to": "2026-01-02"},
        (
            "3 A entered order_date 1 due 8",
            "3 B entered order_date 2 due 9 for ben@example.com",
            "8 A left released order_date 1 due 8",
            "9 B left released order_date 2 due 9 for ben@example.com",
        ),
        zone="America/New_York",
    ),
)
