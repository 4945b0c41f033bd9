"""What a drawn shop says beyond plain order files: pairs of files, optional columns, shipments, returns, payments."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pp_pipeline_tests.facts_oracle import OrderFile, Row

if TYPE_CHECKING:
    from pp_pipeline_tests.order_worlds import Dice

_LINE_COLUMNS = ("sku", "product_name", "category", "quantity", "unit_price")
_LINE_STATUSES = ("", "", "shipped", "shipped", "completed", "processing", "canceled", "returned", "back_order", "hold")
_GAPS = (-2, 0, 0, 1, 1, 2, 3, 5, 8)
_LAGS = (0, 0, 1, 2, 4, 9, -1, -3, None)
_ENDINGS = ("", "", "_B", "_a")


def in_other_words(dice: "Dice", files: Sequence[OrderFile]) -> list[OrderFile]:
    """The same order files with optional columns, as pairs of headers and lines, or as they are."""
    words = dice.one_of(("plain", "plain", "plain", "columns", "pairs"))
    changed: list[OrderFile] = []
    for file in files:
        if words == "pairs" and not dice.once_in(4):
            changed += _as_pair(dice, file)
        elif words == "columns" and not dice.once_in(3):
            changed.append(file._replace(rows=tuple(_with_columns(dice, row) for row in file.rows)))
        else:
            changed.append(file)
    return changed


def _as_pair(dice: "Dice", file: OrderFile) -> list[OrderFile]:
    """Headers with or without a status; lines in one file or two, at times not those of every order."""
    has_status = dice.once_in(2)
    name = file.name.removeprefix("orders_")
    dropped = set(_LINE_COLUMNS) | (set() if has_status else {"status"})
    headers = [{column: cell for column, cell in row.items() if column not in dropped} for row in file.rows]
    lines: dict[str, list[Row]] = {}
    for row in file.rows:
        line = {column: row[column] for column in ("order_number", *_LINE_COLUMNS)}
        words = {} if has_status and dice.once_in(2) else _line_words(dice, row["status"])
        for ending in dice.one_of((("",), ("",), ("",), ("_more",), ("", "_more"), ())):
            lines.setdefault(f"order_lines_{name.removesuffix('.csv')}{ending}.csv", []).append({**line, **words})
    pair = [OrderFile(f"order_headers_{name}", file.file_date, tuple(headers), "order_headers")]
    return pair + [OrderFile(name, file.file_date, tuple(rows), "order_lines") for name, rows in lines.items()]


def _with_columns(dice: "Dice", row: Row) -> Row:
    order = {"delivered_date": "", "refunded_amount": "", "paid_at": ""}
    if dice.once_in(3):
        order |= {
            "delivered_date": row["ordered_at"][:10],
            "refunded_amount": "3.50",
            "paid_at": row["ordered_at"][:10],
        }
    return {**row, **order, **_line_words(dice, "")}


def _line_words(dice: "Dice", status_of_order: str) -> dict[str, str]:
    return {
        "line_status": status_of_order if dice.once_in(2) else dice.one_of(_LINE_STATUSES),
        "line_ship_date": dice.one_of(("", "2026-01-04", "2026-01-07", "2026-01-11")),
        "returned_quantity": dice.one_of(("", "", "0", "1")),
    }


def fact_files(dice: "Dice", first_known: dict[str, date], last: date, is_by_delivery: bool) -> list[OrderFile]:
    """Files of shipments, returns and payments about the orders, from about the day each is first known on.

    Args:
        first_known: the first file date of each order.
        last: the last file date.
        is_by_delivery: whether the campaign asks for deliveries, so that there are many.
    """
    rows_of: dict[tuple[date, str, str], list[Row]] = {}
    for order_number, known_on in first_known.items():
        day = known_on
        kinds = ["shipments"] * dice.one_of((0, 1, 1, 2, 3, 4) if is_by_delivery else (0, 0, 0, 1))
        kinds += ["returns"] * dice.one_of((0, 0, 0, 1, 2)) + ["payments"] * dice.one_of((0, 0, 0, 1))
        for kind in kinds:
            day += timedelta(days=dice.one_of(_GAPS))
            if day <= last:
                row = {"order_number": order_number, **_fact(dice, kind, day)}
                rows_of.setdefault((day, f"{kind}_{day}{dice.one_of(_ENDINGS)}.csv", kind), []).append(row)
    return [OrderFile(name, day, tuple(rows), kind) for (day, name, kind), rows in rows_of.items()]


def _fact(dice: "Dice", kind: str, day: date) -> Row:
    match kind:
        case "shipments":
            number = dice.one_of(("1", "1", "1", "", "2"))
            return {"shipment_number": number, "shipped_date": _before(dice, day), "delivered_date": _before(dice, day)}
        case "returns":
            amount = dice.one_of(("5.00", "19.99", "20.00", ""))
            number, line = dice.one_of((("R1", "1"), ("R1", "2"), ("R2", "")))
            told = {"return_number": number, "line": line, "sku": "SKU-1", "refunded_amount": amount}
            return {**told, "refunded_date": _before(dice, day)}
        case _:
            return {"paid_at": _before(dice, day) or str(day)}


def _before(dice: "Dice", day: date) -> str:
    """A date some days before (or after), or blank."""
    lag = dice.one_of(_LAGS)
    return "" if lag is None else (day - timedelta(days=lag)).isoformat()
