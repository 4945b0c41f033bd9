"""Conditions: the `audience` of a campaign and the condition of a segment (DESIGN 3).

A condition is SQL over known columns. It is judged when the program loads, so that a misspelt
column or segment is named before anything runs. `dbt/macros/conditions.sql` turns it into a query.
"""

import difflib
import re
from collections.abc import Collection

LIST_COLUMNS = (
    "merchant", "contact_key", "email", "first_order_on", "last_order_on", "order_count", "total_spend_cents",
    "average_order_cents", "days_since_first_order", "days_since_last_order",
    "last_click_on", "days_since_last_click", "lifecycle_stage",
)  # fmt: skip
ORDER_COLUMNS = (
    "total_cents", "refunded_cents", "currency", "status", "ordered_on", "ship_date", "delivered_on", "paid_on",
    "refunded_on", "line_count", "shipped_lines", "returned_lines", "canceled_lines", "rank",
)  # fmt: skip
_HELPER_CALL = re.compile(r"\b(bought_sku|bought_category|in_segment)\s*\(((?:[^()']|'(?:[^']|'')*')*)\)")
_ATTRIBUTE_CALL = re.compile(r"\border\.attribute\s*\(\s*'[A-Za-z0-9_ ]+'\s*\)")


class ConditionError(ValueError):
    """A condition can't be used; the text says which word and what is allowed."""


def check_condition(condition: str, segments: Collection[str] | None, with_order: bool) -> None:
    """Judge a condition: it parses, and every column, helper and segment in it exists.

    Args:
        segments: names of the segments that exist; None leaves that open.
        with_order: whether `order.<column>` may be used (campaigns: yes, segments: no).

    Raises:
        ConditionError: names the word that is wrong, and what is allowed.
    """
    import sqlglot
    import sqlglot.errors
    from sqlglot import exp

    for name, arguments in _HELPER_CALL.findall(condition):
        _check_helper(name, arguments, segments)
    if not with_order and re.search(r"\border\.", _without_texts(condition)):
        raise ConditionError("order.<column> is only for campaigns; a segment knows contacts")
    plain = _ATTRIBUTE_CALL.sub("'attribute'", _HELPER_CALL.sub("(1 = 1)", condition))
    plain = re.sub(r"\border\.", "this_order.", plain)
    try:
        parsed = sqlglot.parse_one(f"select 1 where {plain}", dialect="duckdb")
    except sqlglot.errors.SqlglotError:
        raise ConditionError(f"it can't be read as SQL: {condition}") from None
    if list(parsed.find_all(exp.Subquery)) or len(list(parsed.find_all(exp.Select))) > 1 or ";" in plain:
        raise ConditionError("a condition holds no query of its own; use the columns and helpers")
    for column in parsed.find_all(exp.Column):
        known = ORDER_COLUMNS if column.table == "this_order" else LIST_COLUMNS
        if column.table not in ("", "this_order") or column.name not in known:
            raise ConditionError(_unknown_column(column.table, column.name))


def lacks_time_frame(condition: str | None) -> bool:
    """Whether a product helper of the condition has no `within_days` (such an audience carries a warning)."""
    calls = _HELPER_CALL.findall(condition or "")
    return any(name != "in_segment" and "within_days" not in arguments for name, arguments in calls)


def _check_helper(name: str, arguments: str, segments: Collection[str] | None) -> None:
    values = [value.replace("''", "'") for value in re.findall(r"'((?:[^']|'')*)'", arguments)]
    rest = re.sub(r"'(?:[^']|'')*'", "", arguments)
    rest = re.sub(r"within_days\s*=>?\s*[0-9]+", "", rest).replace(",", "").strip()
    if not values or rest or (name == "in_segment" and ("within_days" in arguments or len(values) != 1)):
        form = "in_segment('name')" if name == "in_segment" else f"{name}('A', 'B', within_days=30)"
        raise ConditionError(f"{name}({arguments}) is not understood; write {form}")
    if name == "in_segment" and segments is not None and values[0] not in segments:
        if not segments:
            raise ConditionError("in_segment is for campaigns; a segment says its condition itself")
        known = ", ".join(sorted(segments))
        raise ConditionError(f"there is no segment '{values[0]}'; known are {known}")


def _unknown_column(table: str, name: str) -> str:
    if table not in ("", "this_order"):
        return f"'{table}.{name}' is unknown; allowed are columns of the list, and order.<column>"
    known = ORDER_COLUMNS if table else LIST_COLUMNS
    prefix = "order." if table else ""
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {prefix}{near[0]}?" if near else ""
    return f"'{prefix}{name}' is unknown{hint} Allowed are {', '.join(prefix + column for column in known)}"


def _without_texts(condition: str) -> str:
    return re.sub(r"'(?:[^']|'')*'", "''", condition)
