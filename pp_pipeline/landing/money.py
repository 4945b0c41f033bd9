"""Amounts of money as shops write them, to integer cents; never through a float (DESIGN 6)."""

import re

from pp_pipeline.landing.cells import Cell, misfit

# Blanks of every kind, apostrophes and the other mark divide thousands; a sign or code stands before or after.
_MARK = r"(?:[A-Z]{3}|[A-Z]{0,2}[$€£¥₹₩₽₺₫₪₱฿₴]|kr\.?|zł|Kč|Ft|R|Fr\.?)"
_APOSTROPHE, _MINUS = "\u2019", "\u2212"
_SPACES = "\u00a0\u202f\u2009 "


def _pattern(decimal: str) -> re.Pattern[str]:
    thousands = rf"[{re.escape(',' if decimal == '.' else '.')}'{_APOSTROPHE}{_SPACES}]"
    whole = rf"(?:[0-9]{{1,13}}|[0-9]{{1,3}}(?:{thousands}[0-9]{{3}}){{1,4}})"
    number = rf"(?P<whole>{whole})(?:{re.escape(decimal)}(?P<cents>[0-9]{{0,2}})0*)?"
    return re.compile(
        rf"(?P<open>\()?(?P<sign>[-{_MINUS}+]?)\s?(?:{_MARK}[{_SPACES}]?)?(?P<sign2>[-{_MINUS}]?){number}"
        rf"(?:[{_SPACES}]?{_MARK})?(?P<after>-?)(?P<close>\))?"
    )


_PATTERNS = {decimal: _pattern(decimal) for decimal in ".,"}
_PLAIN = re.compile(r"(-?)([0-9]{1,13})(?:\.([0-9]{1,2}))?")


def read_money(text: str, decimal: str = ".") -> Cell:
    """Cents: `12.50`, `1,234.50`, `$12`, `12,50 €` (with decimal `,`), `-3.00`, `(3.00)`, `12.5000`.

    A third decimal that is not 0 is none that money has, so it is not read: it would have to be guessed what it
    means. The sign of the currency says nothing here; the column `currency` does.
    """
    text = text.strip()
    if not text:
        return None, "blank"
    plain = _PLAIN.fullmatch(text) if decimal == "." else None
    if plain:  # most amounts, read in half the time
        sign, whole, decimals = plain.groups()
        cents = int(whole) * 100 + int((decimals or "").ljust(2, "0"))
        return -cents if sign else cents, "money"
    match = _PATTERNS[decimal].fullmatch(text)
    if not match or bool(match["open"]) != bool(match["close"]):
        return None, misfit(text)
    signs = [bool(match["open"]), match["sign"] in ("-", _MINUS), bool(match["sign2"]), bool(match["after"])]
    if sum(signs) > 1:
        return None, misfit(text)
    cents = int(re.sub(r"[^0-9]", "", match["whole"])) * 100 + int((match["cents"] or "").ljust(2, "0"))
    return -cents if any(signs) else cents, "money"
