"""What is in quarantine: the rows of accepted files that were not taken, by day and rule, never with a value."""

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pp_pipeline.warehouse import Connection

_LINES_SHOWN = 5
_QUARANTINE = """
select file_date, column_name, rule, order_file, order_file_line, value_kind from quarantined_rows
where file_date between ? and ? order by file_date, column_name, rule, order_file, order_file_line
"""


@dataclass
class BrokenRule:
    """A rule that rows of a day break: how many, and where the first of them stand (file, line, kind of value)."""

    column: str
    rule: str
    count: int = 0
    first: list[tuple[str, int, str]] = field(default_factory=list)


def words_of_kind(value_kind: str) -> str:
    """What a bad cell holds, for people."""
    return "a date, written otherwise than its feed declares" if value_kind == "date" else value_kind.replace("_", " ")


def broken_rules(connection: "Connection", first: date, last: date) -> dict[date, list[BrokenRule]]:
    """The quarantine of the days, rule by rule, the most broken first."""
    if not connection.table_exists("quarantined_rows"):
        return {}
    found: dict[tuple[date, str, str], BrokenRule] = {}
    for day, column, rule, file, line, kind in connection.rows(_QUARANTINE, [first, last]):
        entry = found.setdefault((day, column, rule), BrokenRule(column, rule))
        entry.count += 1
        if len(entry.first) < _LINES_SHOWN:
            entry.first.append((file, line, kind))
    days: dict[date, list[BrokenRule]] = {}
    for (day, _, _), entry in found.items():
        days.setdefault(day, []).append(entry)
    return {day: sorted(entries, key=lambda entry: -entry.count) for day, entries in days.items()}


def quarantine_lines(connection: "Connection", first: date, last: date) -> list[str]:
    """A line for each file, column and rule of the days, with the first line of the file that breaks it."""
    if not connection.table_exists("quarantined_rows"):
        return []
    found: dict[tuple[str, str, str], list[int]] = {}
    for _, column, rule, file, line, _ in connection.rows(_QUARANTINE, [first, last]):
        found.setdefault((file, column, rule), []).append(line)
    return [
        f"{file}: {column} breaks {rule} in {len(lines)} rows, the first on line {min(lines)}"
        for (file, column, rule), lines in sorted(found.items())
    ]
