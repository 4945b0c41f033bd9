"""From the text of one cell to a value and the kind of value that it is.

A reader never raises and never judges: it gives `(value, kind)`, with no value where the text is not of
a kind that it knows. Which kinds a column may hold stands in `columns.py` and is judged by Great
Expectations in `gate.py`, which so sees kinds of values and never the values (DESIGN 6: personal data).
The kind is also what the quarantine shows of a bad cell.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

# The first group are kinds that a column may ask for, the second what unreadable cells are described by.
KINDS = (
    "blank", "text", "identifier", "merchant", "address", "iso_date", "iso_time", "status", "money",
    "integer", "currency",
    "number", "date", "control_characters", "too_long", "out_of_range",
)  # fmt: skip

Cell = tuple[Any, str]

LONGEST_IDENTIFIER = 100  # Listrak's limit for order numbers and SKUs
LONGEST_EMAIL = 254

# Words of DESIGN 3, by their letters alone (so `Pre-Order` is `preorder`), with the spellings that can only
# mean the same. `refunded`, `open`, `paid` and the like are none of them: quarantined, never guessed.
STATUS_WORDS = {
    "notset": "not_set",
    "misc": "misc",
    "preorder": "pre_order",
    "preordered": "pre_order",
    "backorder": "back_order",
    "backordered": "back_order",
    "pending": "pending",
    "hold": "hold",
    "onhold": "hold",
    "processing": "processing",
    "shipped": "shipped",
    "complete": "completed",
    "completed": "completed",
    "returned": "returned",
    "canceled": "canceled",
    "cancelled": "canceled",
    "unknown": "unknown",
    "closed": "closed",
}
# Listrak's numbers (its order item file), 0 to 11.
STATUS_NUMBERS = (
    "not_set", "misc", "pre_order", "back_order", "pending", "hold", "processing", "shipped", "completed",
    "returned", "canceled", "unknown",
)  # fmt: skip

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_MONEY = re.compile(r"(-?)([0-9]{1,13})(?:\.([0-9]{1,2}))?")
_INTEGER = re.compile(r"-?[0-9]{1,9}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([01][0-9]|2[0-3])(:[0-5][0-9])(?:(:[0-5][0-9])([.,][0-9]{1,9})?)?"
    r"\s?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?",
    re.IGNORECASE,
)
_LOOKS_LIKE_DATE = re.compile(r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}(\D.*)?", re.DOTALL)
_LOOKS_LIKE_NUMBER = re.compile(r"[-+]?[^\w\s.,+-]?\s?[0-9][0-9.,' ]*", re.ASCII)
_ATOM = r"[^\s@\"(),:;<>\[\]\\.\x00-\x1f\x7f-\x9f]+"
_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"
_EMAIL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[^\W_][\w-]*[^\W_]")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = _EPOCH.toordinal()
_YEARS = range(1970, 2200)


class CellCache(dict[Any, Any]):
    """What a reader made of each different text: most cells of a feed repeat one before.

    It is emptied when it holds `limit` texts, so that a column of different texts costs no memory.
    """

    def __init__(self, read: Callable[[Any], Any], limit: int = 250_000) -> None:
        super().__init__()
        self._read = read
        self._limit = limit

    def __missing__(self, text: Any) -> Any:
        if len(self) >= self._limit:
            self.clear()
        result = self[text] = self._read(text)
        return result


def read_identifier(text: str) -> Cell:
    """An order number or a SKU: one line, at most 100 characters."""
    text = text.strip()
    if not text:
        return None, "blank"
    if len(text) > LONGEST_IDENTIFIER:
        return None, "too_long"
    is_clean = text.isprintable() or not _CONTROL.search(text)  # the first is quicker, and nearly always true
    return (text, "identifier") if is_clean else (None, "control_characters")


def read_text(text: str) -> Cell:
    """A name or a category: anything, also over several lines; blank is an empty text."""
    text = text.strip()
    return text, "text" if text else "blank"


def read_status(text: str) -> Cell:
    """A word of DESIGN 3 in any common spelling, or Listrak's number; blank is `not_set`."""
    text = text.strip()
    if not text:
        return "not_set", "blank"
    if text.isascii() and text.isdigit():
        return (STATUS_NUMBERS[int(text)], "status") if text in _NUMBERS else (None, "number")
    word = STATUS_WORDS.get(re.sub(r"[\s_-]", "", text).lower())
    return (word, "status") if word else (None, misfit(text))


_NUMBERS = {str(number) for number in range(len(STATUS_NUMBERS))}


def read_money(text: str) -> Cell:
    """Cents out of digits with at most two decimals after a point; other separators are not guessed at."""
    text = text.strip()
    if not text:
        return None, "blank"
    match = _MONEY.fullmatch(text)
    if not match:
        return None, misfit(text)
    sign, whole, decimals = match.groups()
    cents = int(whole) * 100 + int((decimals or "").ljust(2, "0"))
    return -cents if sign else cents, "money"


def read_quantity(text: str) -> Cell:
    """A whole number; blank is one piece."""
    text = text.strip()
    if not text:
        return 1, "blank"
    return (int(text), "integer") if _INTEGER.fullmatch(text) else (None, misfit(text))


def read_currency(text: str, default: str) -> Cell:
    """Three letters, made capital; blank is the merchant's currency."""
    text = text.strip().upper()
    if not text:
        return default, "blank"
    return (text, "currency") if _CURRENCY.fullmatch(text) else (None, misfit(text))


def read_instant(text: str, zone: ZoneInfo) -> Cell:
    """`(microseconds since 1970 in UTC, day number of the merchant's local date)` out of ISO 8601.

    Without an offset it is the merchant's local time, a date alone its midnight. A local time that the
    clocks skip in spring counts with the offset before the change (02:30 becomes 03:30); of one that they
    pass twice in autumn it is the first (both are `fold=0`), so every reading gives the same instant.
    """
    text = text.strip()
    if not text:
        return None, "blank"
    moment, kind = _moment(text)
    if moment is None:
        return None, kind
    moment = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment
    local = moment.astimezone(UTC).astimezone(zone)
    since = moment - _EPOCH
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds, _day_number(local)), kind


def read_day(text: str, zone: ZoneInfo) -> Cell:
    """The day number of a date, or of the merchant's local date of an ISO 8601 time."""
    text = text.strip()
    if not text:
        return None, "blank"
    moment, kind = _moment(text)
    if moment is None:
        return None, kind
    return _day_number(moment if moment.tzinfo is None else moment.astimezone(zone)), kind


def read_email(text: str) -> Cell:
    """The normalised address (trimmed, lower case), or none where the text is no address."""
    text = text.strip().lower()
    if not text:
        return None, "blank"
    if len(text) > LONGEST_EMAIL:
        return None, "too_long"
    return (text, "address") if _EMAIL.fullmatch(text) else (None, misfit(text))


def misfit(text: str) -> str:
    """The kind of a text that a reader does not know: what it looks like, never what it says."""
    if _CONTROL.search(text):
        return "control_characters"
    if _LOOKS_LIKE_DATE.fullmatch(text):
        return "date"
    return "number" if _LOOKS_LIKE_NUMBER.fullmatch(text) else "text"


def _moment(text: str) -> tuple[datetime | None, str]:
    try:
        if _DATE.fullmatch(text):
            day = date.fromisoformat(text)
            moment, kind = datetime(day.year, day.month, day.day), "iso_date"
        else:
            match = _TIME.fullmatch(text)
            if not match:
                return None, misfit(text)
            day_text, hour, minute, second, fraction, offset = match.groups()
            micros = (fraction or ".0").replace(",", ".")[:7]
            moment = datetime.fromisoformat(
                f"{day_text}T{hour}{minute}{second or ':00'}{micros.ljust(7, '0')}{(offset or '').upper()}"
            )
            kind = "iso_time"
    except ValueError:  # a day or an offset that does not exist
        return None, "date"
    return (moment, kind) if moment.year in _YEARS else (None, "out_of_range")


def _day_number(moment: datetime) -> int:
    return moment.toordinal() - _EPOCH_DAY
