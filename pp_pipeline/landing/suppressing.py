"""What files say of who may be written to: rows of `suppressions` and `feedback` as changes of the ledger (DESIGN 5).

They are written down in the transaction that records the file, so a content is never in force without them, and before
anything is sent; once more when a day is read again, as it may be read otherwise then. Contents only ever add
changes: a row that a correction leaves out changes nothing.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from pp_pipeline.landing.cell_types import UNREAD
from pp_pipeline.landing.judging import JudgedFile
from pp_pipeline.ledger.suppressions import COMPLAINED, UNSUBSCRIBED, Change, Lift, Suppress
from pp_pipeline.merchants import Merchant

if TYPE_CHECKING:
    import pandas

# Whoever complained or can't be reached is not written to at all; who unsubscribed still gets what is no advertising.
_EVERY_KIND = (COMPLAINED, "bounced")
_KIND_OF_UNSUBSCRIBED = "commercial"
# From the beginning of the file date: the file may be written on the day after. A slip in a date must neither lift what
# will be said in years to come, nor outlive what a person lifts by hand.
_LATEST = timedelta(days=2)


def changes_of(judged: JudgedFile, merchants: Mapping[str, Merchant]) -> list[Change]:
    """What an accepted content says, in the order of its rows; nothing where it is of another kind."""
    if judged.rows is None or judged.rows.empty:
        return []
    if judged.source.feed.kind == "suppressions":
        return list(_of_suppressions(judged, judged.rows, merchants))
    if judged.source.feed.kind == "feedback":
        return list(_of_feedback(judged, judged.rows, merchants))
    return []


def feedback_change(contact_key: str, channel: str, event: str, bounce: str, at: datetime) -> Suppress | None:
    """What one event of feedback says of who may be written to; most say nothing.

    Args:
        channel: '' is every one.
        bounce: of a bounce, whether it was `hard`: whoever can't be reached just now is not suppressed.
    """
    if event == UNSUBSCRIBED:
        return Suppress(contact_key, channel, _KIND_OF_UNSUBSCRIBED, event, at, "feedback")
    if event == COMPLAINED or (event == "bounced" and bounce == "hard"):
        return Suppress(contact_key, channel, "", event, at, "feedback")
    return None


def _of_suppressions(
    judged: JudgedFile, rows: "pandas.DataFrame", merchants: Mapping[str, Merchant]
) -> Iterator[Change]:
    columns = ("contact_key", "channel", "message_kind", "reason", "is_lifted")
    for row, at in zip(_texts(rows, columns), _moments(judged, rows, "suppressed_at", merchants), strict=True):
        key, channel, kind, reason, is_lifted = row
        if is_lifted and UNREAD in (channel, kind):
            continue  # a slip must not let anybody go
        if is_lifted:
            yield Lift(key, channel or "", kind or "", at)
            continue
        if reason == UNSUBSCRIBED and not kind:
            kind = _KIND_OF_UNSUBSCRIBED
        if reason in _EVERY_KIND or kind == UNREAD:
            kind = ""
        channel = "" if channel == UNREAD else channel
        reason = "manual" if reason == UNREAD else reason
        yield Suppress(key, channel or "", kind or "", reason or "manual", at, "file")


def _of_feedback(judged: JudgedFile, rows: "pandas.DataFrame", merchants: Mapping[str, Merchant]) -> Iterator[Change]:
    rows = rows.loc[rows["event"].isin([UNSUBSCRIBED, COMPLAINED, "bounced"])]
    found = _texts(rows, ("contact_key", "channel", "event", "bounce"))
    for (key, channel, event, bounce), at in zip(found, _moments(judged, rows, "occurred_at", merchants), strict=True):
        change = feedback_change(key, channel or "", event, bounce or "", at)
        if change:
            yield change


def _texts(rows: "pandas.DataFrame", columns: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """The cells of some columns, None where one is missing."""
    parts = [rows[column].astype(object).where(rows[column].notna(), None) for column in columns]
    return list(zip(*parts, strict=True))


def _moments(
    judged: JudgedFile, rows: "pandas.DataFrame", column: str, merchants: Mapping[str, Merchant]
) -> Iterator[datetime]:
    """When each row was said: what it states, else the beginning of the file's day by the merchant's clock, later rows
    a trace later."""
    midnights = {name: _midnight(judged, merchant) for name, merchant in merchants.items()}
    _, line_column = judged.source.kind.file_columns
    is_stated = rows[column].notna()
    for stated, moment, merchant, line in zip(
        is_stated, rows[column], rows["merchant"], rows[line_column], strict=True
    ):
        if stated:
            yield min(moment.to_pydatetime().replace(tzinfo=UTC), midnights[merchant] + _LATEST)
        else:
            yield midnights[merchant] + timedelta(microseconds=int(line))


def _midnight(judged: JudgedFile, merchant: Merchant) -> datetime:
    return datetime.combine(judged.source.file_date, time(), merchant.zone_info).astimezone(UTC)
