"""What unread contents say otherwise than those in force under their names: the rows that a correction changes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pp_pipeline.landing.content_rows import ContentRows, content_rows
from pp_pipeline.landing.file_ledger import FileRecord
from pp_pipeline.landing.files import InboxFile
from pp_pipeline.landing.tools import LoadTools

SHIPPED_STATUSES = ("shipped", "completed")
_SHIPPED = ("ship_date", "line_ship_date", "shipped_on")


@dataclass(frozen=True)
class Statement:
    """A row that only one of the two contents has, or that stands elsewhere among those of its order.

    `order_number` and `contact_key` are None where the row speaks of none; a row that has neither is about a product.
    `may_be_shipped` says whether an order may pass for shipped by its status from the file's date on.
    """

    file_date: date
    merchant: str
    order_number: str | None
    contact_key: str | None
    ordered_on: frozenset[date]
    shipped_on: frozenset[date]
    delivered_on: frozenset[date]
    may_be_shipped: bool


def differing_rows(
    tools: LoadTools, files: Sequence[InboxFile], in_force: Mapping[str, FileRecord]
) -> Iterator[Statement]:
    """Compare files of the inbox with what is in force under their names; a new file differs in all of its rows.

    Compared are the rows of each order, in their order (the last one wins), or of each contact. A file that can't be
    read now says nothing: a load refuses it, and what is in force stays.

    Args:
        in_force: by name.
    """
    for file in files:
        try:
            now = content_rows(tools, file.name, file.file_date, file.sha256, file.path.read_bytes())
        except OSError:  # gone, or not to be read now: looked at the next time
            continue
        if now is None:
            continue
        record = in_force.get(file.name)
        before = content_rows(tools, record.name, record.file_date, record.sha256) if record else None
        said_now, said_before = _by_subject(now), _by_subject(before) if before else {}
        for content, said, other, day in (
            (now, said_now, said_before, file.file_date),
            (before, said_before, said_now, record.file_date if record else file.file_date),
        ):
            places = [
                place
                for subject, rows in said.items()
                if [row_hash for _, row_hash in rows] != [row_hash for _, row_hash in other.get(subject, ())]
                for place, _ in rows
            ]
            if content and places:
                yield from _statements(content, places, day)


def _by_subject(content: ContentRows) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """Place and hash of the rows that speak of each order, contact or product."""
    rows = content.rows
    column = next(name for name in (_number_column(content), "contact_key", "sku") if name in rows)
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for place, (merchant, subject, row_hash) in enumerate(
        zip(rows["merchant"], rows[column], content.hashes(), strict=True)
    ):
        found.setdefault((merchant, subject), []).append((place, row_hash))
    return found


def _number_column(content: ContentRows) -> str:
    # What a contact did may name an order and changes nothing about it.
    return "" if content.kind.kind == "feedback" else "order_number"


def _statements(content: ContentRows, places: Sequence[int], day: date) -> Iterator[Statement]:
    rows = content.rows.iloc[places]
    number_column = _number_column(content)
    for row in rows.to_dict("records"):
        yield Statement(
            file_date=day,
            merchant=row["merchant"],
            order_number=_text(row.get(number_column)),
            contact_key=_text(row.get("contact_key")),
            ordered_on=_days(row, ("ordered_on",)),
            shipped_on=_days(row, _SHIPPED),
            delivered_on=_days(row, ("delivered_on",)),
            may_be_shipped=row["status"] in SHIPPED_STATUSES if "status" in row else bool(number_column),
        )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _days(row: Mapping[str, Any], columns: Sequence[str]) -> frozenset[date]:
    import pandas

    moments = [row[name] for name in columns if name in row]
    return frozenset(moment.date() for moment in moments if not pandas.isna(moment))
