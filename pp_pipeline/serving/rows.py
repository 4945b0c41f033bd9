"""Rows of feedback: what comes in from outside is judged as the cells of a feedback file are (docs/feeds.md)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pp_pipeline.landing.cell_types import CHANNELS
from pp_pipeline.landing.other_kinds import FEEDBACK
from pp_pipeline.landing.plain_feeds import PLAIN_FEEDS
from pp_pipeline.landing.row_context import RowContext
from pp_pipeline.merchants import Merchant

COLUMNS = tuple(column.name for column in FEEDBACK.columns)
FEED = next(feed for feed in PLAIN_FEEDS if feed.kind == FEEDBACK.kind)
LONGEST_TEXT = 2_000
_OURS = ("merchant", "email", "contact_key", "event", "occurred_at", "feedback_id")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class FeedbackRow:
    """One thing that a contact did or said; `cells` are the other columns of the feed, the address not among them."""

    merchant: str
    contact_key: str
    event: str
    occurred_at: datetime
    feedback_id: str
    cells: Mapping[str, str] = field(default_factory=dict, repr=False)

    def in_columns(self) -> list[str]:
        """The row as a feedback file has it."""
        ours = {
            "merchant": self.merchant,
            "contact_key": self.contact_key,
            "event": self.event,
            "occurred_at": self.occurred_at.isoformat(),
            "feedback_id": self.feedback_id,
        }
        return [one_line(ours.get(name) or self.cells.get(name, "")) for name in COLUMNS]


def read_row(cells: Mapping[str, str], merchant: Merchant, secret: bytes, now: datetime) -> FeedbackRow | None:
    """The row that cells state, or none where one of them breaks its column's rule.

    Args:
        cells: by the columns of the feedback feed; others are left aside. Without a `feedback_id` the row gets one
            that the same cells get again.
        now: what is said to have happened later happened now: else it would outlive what is lifted meanwhile.
    """
    context = RowContext(merchant, FEED, secret)
    if cells.get("merchant", "").strip() not in ("", merchant.merchant):
        return None
    values = {}
    for column in FEEDBACK.columns:
        if column.name == "merchant":
            continue
        value, kind = column.cell_type.read(cells.get(column.name, ""), context)
        # an address and a key may stand in for each other
        if kind not in column.accepts and not (column.name == "email" and kind == "blank"):
            return None
        values[column.name] = value
    key = values["email"][0] if values["email"] else values["contact_key"]
    if key is None:
        return None
    microseconds, _ = values["occurred_at"]
    others = {name: cells[name] for name in COLUMNS if name not in _OURS and cells.get(name, "").strip()}
    if values["channel"]:
        others["channel"] = values["channel"]
    at = _EPOCH + timedelta(microseconds=microseconds)
    number = values["feedback_id"] or id_of(key, values["event"], at.isoformat(), *sorted(others.values()))
    return FeedbackRow(merchant.merchant, key, values["event"], min(at, now), number, others)


def id_of(*parts: str) -> str:
    """A feedback id that says nothing: the same for the same parts."""
    return "pp-" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def one_line(text: str) -> str:
    """A text as it may stand in a file: one line, without control characters, of bearable length."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:LONGEST_TEXT]


def channel_of(row: FeedbackRow) -> str:
    """The channel that a row is about; '' where it names none."""
    channel = row.cells.get("channel", "")
    return channel if channel in CHANNELS else ""
