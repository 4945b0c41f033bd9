"""From the text of one cell to a value and the kind of value that it is.

A reader never raises and never judges: it gives `(value, kind)`, with no value where the text is not of
a kind that it knows. Which kinds a column may hold stands in `order_kinds.py` and `other_kinds.py` and is judged
by Great Expectations in `gate.py`, which so sees kinds of values and never the values (DESIGN 6: personal data).
The kind is also what the quarantine shows of a bad cell.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from pp_pipeline.landing.words import NUMBERED, STATUS_WORDS, bare_word

# The first group are kinds that a column may ask for, the second what unreadable cells are described by.
KINDS = (
    "blank", "text", "identifier", "merchant", "address", "date_read", "time_read", "status", "money",
    "integer", "decimal", "currency", "word", "yes_or_no", "phone", "link", "country", "locale", "zone",
    "number", "date", "control_characters", "too_long", "out_of_range",
)  # fmt: skip

Cell = tuple[Any, str]

LONGEST_IDENTIFIER = 100  # Listrak's limit for order numbers and SKUs
LONGEST_LINK = 2000

# Also what nobody sees: with a zero-width blank in it, an order number would be that of another order.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")
_INTEGER = re.compile(r"([+-]?[0-9]{1,9})(?:\.0+)?")
_DECIMAL = re.compile(r"-?[0-9]{1,9}(?:[.,][0-9]{1,6})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_LOCALE = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{2}|[0-9]{3}))?")
_LINK = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_LOOKS_LIKE_DATE = re.compile(r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}(\D.*)?", re.DOTALL)
_LOOKS_LIKE_NUMBER = re.compile(r"[-+]?[^\w\s.,+-]?\s?[0-9][0-9.,' ]*", re.ASCII)
_YES_OR_NO = {"true": True, "yes": True, "y": True, "1": True, "false": False, "no": False, "n": False, "0": False}


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


def read_status(text: str, status_map: Mapping[str, str]) -> Cell:
    """A word that the feed maps, else one of DESIGN 3 in any common spelling, or Listrak's number; blank is
    `not_set`."""
    text = text.strip()
    if not text:
        return "not_set", "blank"
    word = bare_word(text)
    found = status_map.get(word) or NUMBERED.get(text) or STATUS_WORDS.get(word)
    return (found, "status") if found else (None, misfit(text))


def read_word(text: str, words: Mapping[str, str]) -> Cell:
    """One of a list of words, whatever their case and whether blanks, - or _ divide them."""
    text = text.strip()
    if not text:
        return None, "blank"
    found = words.get(bare_word(text))
    return (found, "word") if found else (None, misfit(text))


def read_integer(text: str) -> Cell:
    """A whole number, also written `2.0`."""
    text = text.strip()
    if not text:
        return None, "blank"
    match = _INTEGER.fullmatch(text)
    return (int(match[1]), "integer") if match else (None, misfit(text))


def read_quantity(text: str) -> Cell:
    """A whole number; blank is one piece."""
    value, kind = read_integer(text)
    return (1, kind) if kind == "blank" else (value, kind)


def read_decimal(text: str) -> Cell:
    """A number with a point or a comma before its decimals, such as a rating."""
    text = text.strip()
    if not text:
        return None, "blank"
    return (float(text.replace(",", ".")), "decimal") if _DECIMAL.fullmatch(text) else (None, misfit(text))


def read_yes_or_no(text: str) -> Cell:
    """true, yes, y, 1 or false, no, n, 0, in any case."""
    text = text.strip().lower()
    if not text:
        return None, "blank"
    found = _YES_OR_NO.get(text)
    return (found, "yes_or_no") if found is not None else (None, misfit(text))


def read_currency(text: str, default: str) -> Cell:
    """Three letters, made capital; blank is the merchant's currency."""
    text = text.strip().upper()
    if not text:
        return default, "blank"
    return (text, "currency") if _CURRENCY.fullmatch(text) else (None, misfit(text))


def read_country(text: str) -> Cell:
    """Two letters (ISO 3166-1), made capital."""
    text = text.strip().upper()
    if not text:
        return None, "blank"
    return (text, "country") if _COUNTRY.fullmatch(text) else (None, misfit(text))


def read_locale(text: str) -> Cell:
    """A language, or language and country: `en`, `en_US`, `pt-br`; stored as `en_US`."""
    text = text.strip()
    if not text:
        return None, "blank"
    match = _LOCALE.fullmatch(text)
    if not match:
        return None, misfit(text)
    return match[1].lower() + (f"_{match[2].upper()}" if match[2] else ""), "locale"


def read_zone(text: str) -> Cell:
    """A zone of the IANA database."""
    from zoneinfo import ZoneInfo

    text = text.strip()
    if not text:
        return None, "blank"
    try:
        return ZoneInfo(text).key, "zone"
    except (KeyError, ValueError, OSError):
        return None, misfit(text)


def read_link(text: str) -> Cell:
    """A link that begins with `http://` or `https://`."""
    text = text.strip()
    if not text:
        return None, "blank"
    if len(text) > LONGEST_LINK:
        return None, "too_long"
    return (text, "link") if _LINK.fullmatch(text) else (None, misfit(text))


def misfit(text: str) -> str:
    """The kind of a text that a reader does not know: what it looks like, never what it says."""
    if _CONTROL.search(text):
        return "control_characters"
    if _LOOKS_LIKE_DATE.fullmatch(text):
        return "date"
    return "number" if _LOOKS_LIKE_NUMBER.fullmatch(text) else "text"
