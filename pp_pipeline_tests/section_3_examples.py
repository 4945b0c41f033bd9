"""The table of examples in DESIGN 3, row by row."""

from pp_pipeline_tests.worked_examples import Example, row

ORDER_DATE = {"date_basis": "order_date", "repeat_orders": "each"}
RESTART = {"date_basis": "order_date", "repeat_orders": "restart"}
SHIP_DATE_ONLY = {"date_basis": "ship_date", "ship_trigger": "ship_date_only", "repeat_orders": "each"}
SHIP_DATE_OR_STATUS = {**SHIP_DATE_ONLY, "ship_trigger": "ship_date_or_status"}

SECTION_3 = (
    Example(
        "an order is released after the wait",
        {1: [row("A", 1)]},
        ORDER_DATE,
        ("1 A entered order_date 1 due 8", "8 A left released order_date 1 due 8"),
    ),
    Example(
        "a canceled order leaves",
        {1: [row("A", 1)], 5: [row("A", 1, "canceled")]},
        ORDER_DATE,
        ("1 A entered order_date 1 due 8", "5 A left canceled order_date 1 due 8"),
    ),
    Example(
        "an order enters once its ship date is known",
        {1: [row("A", 1)], 4: [row("A", 1, "shipped", shipped=3)]},
        SHIP_DATE_ONLY,
        ("4 A entered ship_date 3 due 10", "10 A left released ship_date 3 due 10"),
    ),
    Example(
        "a changed ship date moves the order",
        {1: [row("A", 1)], 4: [row("A", 1, "shipped", shipped=3)], 6: [row("A", 1, "shipped", shipped=5)]},
        SHIP_DATE_ONLY,
        (
            "4 A entered ship_date 3 due 10",
            "6 A moved ship_date 5 due 12",
            "12 A left released ship_date 5 due 12",
        ),
    ),
    Example(
        "a ship date changed after the release changes nothing",
        {1: [row("A", 1)], 4: [row("A", 1, "shipped", shipped=3)], 11: [row("A", 1, "shipped", shipped=5)]},
        SHIP_DATE_ONLY,
        ("4 A entered ship_date 3 due 10", "10 A left released ship_date 3 due 10"),
    ),
    Example(
        "the status stands in for a ship date that never comes",
        {1: [row("A", 1)], 4: [row("A", 1, "shipped")]},
        SHIP_DATE_OR_STATUS,
        ("4 A entered status_change 4 due 11", "11 A left released status_change 4 due 11"),
    ),
    Example(
        "a newer order of the contact restarts the wait",
        {1: [row("A", 1)], 5: [row("B", 5)]},
        RESTART,
        (
            "1 A entered order_date 1 due 8",
            "5 A left superseded order_date 1 due 8",
            "5 B entered order_date 5 due 12",
            "12 B left released order_date 5 due 12",
        ),
    ),
    Example(
        "a canceled repurchase gives the older order its timer back",
        {1: [row("A", 1)], 5: [row("B", 5)], 6: [row("B", 5, "canceled")]},
        RESTART,
        (
            "1 A entered order_date 1 due 8",
            "5 A left superseded order_date 1 due 8",
            "5 B entered order_date 5 due 12",
            "6 A entered order_date 1 due 8",
            "6 B left canceled order_date 5 due 12",
            "8 A left released order_date 1 due 8",
        ),
    ),
    Example(
        "an order that comes eleven days late expires",
        {20: [row("A", 2)]},
        ORDER_DATE,
        ("20 A entered order_date 2 due 9", "20 A left expired order_date 2 due 9"),
    ),
    Example(
        "an order that comes five days late is released",
        {14: [row("A", 2)]},
        ORDER_DATE,
        ("14 A entered order_date 2 due 9", "14 A left released order_date 2 due 9"),
    ),
    Example(
        "an order that is no longer canceled enters again",
        {1: [row("A", 1)], 3: [row("A", 1, "canceled")], 6: [row("A", 1)]},
        ORDER_DATE,
        (
            "1 A entered order_date 1 due 8",
            "3 A left canceled order_date 1 due 8",
            "6 A entered order_date 1 due 8",
            "8 A left released order_date 1 due 8",
        ),
    ),
    Example(
        "an order on hold is released when the hold ends",
        {1: [row("A", 1, "hold")], 10: [row("A", 1)]},
        {**ORDER_DATE, "hold_statuses": ["hold"]},
        ("1 A entered order_date 1 due 8", "10 A left released order_date 1 due 8"),
    ),
    Example(
        "an order from before the window never enters",
        {1: [row("A", 1)], 12: [row("A", 1)]},
        {**ORDER_DATE, "active_from": "2026-01-10"},
        (),
    ),
)
