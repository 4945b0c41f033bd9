"""Cases of the order events that other feeds than the order files bring about: paid, shipped, delivered, refunded."""

from collections.abc import Mapping

from pp_pipeline_tests.event_cases import LONG_AGO, EventCase, Told
from pp_pipeline_tests.facts_oracle import OrderFile, Row
from pp_pipeline_tests.worked_examples import january, row


def _shipment(
    day: int, number: str = "1", shipped: int | None = None, delivered: int | None = None
) -> tuple[str, int, Row]:
    cells = {"shipment_number": number, "shipped_date": _cell(shipped), "delivered_date": _cell(delivered)}
    return "shipments", day, cells


def _refund(day: int, amount: str = "5.00", on: int | None = None) -> tuple[str, int, Row]:
    cells = {"return_number": "R1", "line": "1", "sku": "SKU-1", "refunded_amount": amount, "refunded_date": _cell(on)}
    return "returns", day, cells


def _payment(day: int, on: int) -> tuple[str, int, Row]:
    return "payments", day, {"paid_at": _cell(on)}


def _cell(day: int | None) -> str:
    return "" if day is None else january(day).isoformat()


def _lines(*statuses: str, shipped: int | None = None) -> tuple[Row, ...]:
    """Order A of long ago with a line in each of the statuses; the order itself says processing."""
    stated = row("A", LONG_AGO, shipped=shipped)
    return tuple({**stated, "sku": f"SKU-{place}", "line_status": status} for place, status in enumerate(statuses))


_OLD = {4: row("A", LONG_AGO)}

FACT_EVENT_CASES = (
    EventCase("a payment fires when it is known", _OLD, ("7 payment_received",), (_payment(7, on=4),)),
    EventCase("a payment of four days ago does not", _OLD, (), (_payment(8, on=4),)),
    EventCase("the earliest payment counts", _OLD, (), (_payment(7, on=3), _payment(8, on=8))),
    EventCase("a later file may state an earlier one", _OLD, ("7 payment_received",), (_payment(7, 7), _payment(9, 6))),
    EventCase(
        "a payment that is known before its order waits for it",
        {7: row("A", 6)},
        ("7 purchase", "7 payment_received"),
        (_payment(5, on=5),),
    ),
    EventCase("of an order that no file states nothing fires", {}, (), (_payment(5, on=5), _shipment(5, delivered=5))),
    EventCase("a shipment's date is a ship date", _OLD, ("7 shipped",), (_shipment(7, shipped=6),)),
    EventCase(
        "shipped when all known shipments are",
        _OLD,
        ("9 shipped",),
        (_shipment(7, shipped=6), _shipment(7, number="2"), _shipment(9, number="2", shipped=8)),
    ),
    EventCase(
        "delivered when all known shipments are",
        _OLD,
        ("9 delivered",),
        (_shipment(7, delivered=6), _shipment(7, number="2"), _shipment(9, number="2", delivered=9)),
    ),
    EventCase("a delivery of four days ago does not fire", _OLD, (), (_shipment(8, delivered=4),)),
    EventCase("a delivery to come fires on its date", _OLD, ("10 delivered",), (_shipment(7, delivered=10),)),
    EventCase(
        "a delivery that is taken back before its date",
        _OLD,
        ("12 delivered",),
        (_shipment(7, delivered=10), _shipment(9), _shipment(12, delivered=12)),
    ),
    EventCase("delivered once", _OLD, ("7 delivered",), (_shipment(7, delivered=7), _shipment(9, delivered=9))),
    EventCase("a refund is dated as the feed says", _OLD, ("7 refunded",), (_refund(7, on=5),)),
    EventCase("a refund of four days ago does not fire", _OLD, (), (_refund(7, on=3),)),
    EventCase("without a date it is dated when it is known", _OLD, ("7 refunded",), (_refund(7),)),
    EventCase("with the order itself it is as old as the order", {7: row("A", LONG_AGO)}, (), (_refund(7),)),
    EventCase("nothing given back is no refund", _OLD, (), (_refund(7, amount="", on=7), _refund(8, amount="0", on=8))),
    EventCase("shipped in part is not shipped", {4: _lines("shipped", "back_order", shipped=4)}, ()),
    EventCase(
        "it is when the last line that is not canceled is",
        {5: _lines("shipped", "canceled", "hold", shipped=5), 7: _lines("completed", "canceled", "shipped", shipped=5)},
        ("7 shipped",),
    ),
)


def fact_files_of(cases: Mapping[str, Told]) -> list[OrderFile]:
    """The files of the other feeds, all about order A of each case."""
    rows_of: dict[tuple[str, int], list[Row]] = {}
    for prefix, told in cases.items():
        for kind, day, cells in told:
            rows_of.setdefault((kind, day), []).append({"order_number": f"A/{prefix}", **cells})
    return [
        OrderFile(f"{kind}_{january(day)}.csv", january(day), tuple(rows), kind)
        for (kind, day), rows in rows_of.items()
    ]
