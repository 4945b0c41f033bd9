"""From rows of text to typed rows: the columns of `order_file_rows`, and the kind of each cell.

Cells are read once per different text (`CellCache`), so a million rows take seconds.
"""

import fnmatch
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pp_pipeline.contact_keys import contact_key
from pp_pipeline.landing import cells
from pp_pipeline.landing.cells import KINDS, CellCache
from pp_pipeline.merchants import Merchant

if TYPE_CHECKING:
    import numpy
    import pandas

DEFAULT_MERCHANT = "main"
_KIND_CODES = {kind: code for code, kind in enumerate(KINDS)}
_NO_TIME = -(2**63)  # how numpy writes "not a time"
_UTC = ZoneInfo("UTC")


class RowReader:
    """Reads rows for the merchants of one configuration; keeps what it made of each text.

    Args:
        merchants: by name; a row of any other merchant is of the kind that the rules quarantine.
        secret: the contact secret.
    """

    def __init__(self, merchants: Mapping[str, Merchant], secret: bytes) -> None:
        self._merchants = merchants
        self._secret = secret
        self._ineligible = {name: _patterns(merchant) for name, merchant in merchants.items()}
        self._identifiers = _cache(cells.read_identifier)
        self._texts = _cache(cells.read_text)
        self._statuses = _cache(cells.read_status)
        self._amounts = _cache(cells.read_money)
        self._quantities = _cache(cells.read_quantity)
        self._merchant_names = _cache(self._read_merchant)
        self._currencies = _cache(self._read_currency)
        self._instants = _cache(self._read_instant)
        self._days = _cache(self._read_day)
        self._contacts = _cache(self._read_contact)

    def read(
        self, rows: Sequence[Sequence[str]], lines: Sequence[int], header: Sequence[str]
    ) -> "tuple[pandas.DataFrame, pandas.DataFrame]":
        """The rows, typed, and the kinds of their cells (categories of `KINDS`, a column per feed column).

        A value that could not be read is missing; whether its row may stay is for the gate to judge.
        """
        import numpy
        import pandas

        texts = {name: [row[place] for row in rows] for place, name in enumerate(header)}
        merchant_texts = texts.pop("merchant", None) or [DEFAULT_MERCHANT] * len(rows)
        codes: dict[str, numpy.ndarray] = {}

        def values_of(column: str, keys: Iterable[Any], cache: CellCache) -> list[Any]:
            values, codes[column] = _unzip(map(cache.__getitem__, keys))
            return values

        def own(column: str, cache: CellCache) -> list[Any]:
            return values_of(column, texts.pop(column), cache)

        def by_merchant(column: str, cache: CellCache) -> list[Any]:
            return values_of(column, zip(merchants, texts.pop(column), strict=True), cache)

        merchants = values_of("merchant", merchant_texts, self._merchant_names)
        emails_as_given = texts["email"]
        contacts = by_merchant("email", self._contacts)
        emails = [contact[0] for contact in contacts]
        order_numbers = own("order_number", self._identifiers)
        instants = by_merchant("ordered_at", self._instants)
        ship_days = by_merchant("ship_date", self._days)
        statuses = own("status", self._statuses)
        totals = own("order_total", self._amounts)
        currencies = by_merchant("currency", self._currencies)
        moments = [instant[0] if instant else _NO_TIME for instant in instants]
        order_fields = zip(emails, moments, ship_days, statuses, totals, currencies, strict=True)
        typed = {
            "order_file_line": numpy.array(lines, dtype="int32"),
            "merchant": _text_array(merchants),
            "order_number": _text_array(order_numbers),
            "contact_key": _text_array([contact[1] for contact in contacts]),
            "email": _text_array(emails),
            "email_as_given": _text_array(emails_as_given),
            "is_eligible": numpy.array([contact[2] for contact in contacts], dtype=bool),
            "ordered_at": numpy.array(moments, dtype="int64").view("datetime64[us]"),
            "ordered_on": _date_array([instant[1] if instant else None for instant in instants]),
            "ship_date": _date_array(ship_days),
            "status": _text_array(statuses),
            "total_cents": pandas.array(totals, dtype="Int64"),
            "currency": _text_array(currencies),
            "sku": _text_array(own("sku", self._identifiers)),
            "product_name": _text_array(own("product_name", self._texts)),
            "category": _text_array(own("category", self._texts)),
            "quantity": pandas.array(own("quantity", self._quantities), dtype="Int64"),
            "unit_price_cents": pandas.array(own("unit_price", self._amounts), dtype="Int64"),
            "attributes": _text_array(_attributes(texts, len(rows))),
            "order_fields_hash": _text_array(_hashes_of_order_fields(order_fields)),
        }
        kinds = {name: pandas.Categorical.from_codes(code, categories=KINDS) for name, code in codes.items()}
        return pandas.DataFrame(typed), pandas.DataFrame(kinds)

    def _zone(self, merchant: str | None) -> ZoneInfo:
        """The zone of a merchant; a row of an unknown one is quarantined whatever its times say."""
        return self._merchants[merchant].zone_info if merchant else _UTC

    def _read_merchant(self, text: str) -> cells.Cell:
        text = text.strip()
        if not text:
            return None, "blank"
        return (text, "merchant") if text in self._merchants else (None, cells.misfit(text))

    def _read_currency(self, key: tuple[str | None, str]) -> cells.Cell:
        merchant, text = key
        return cells.read_currency(text, self._merchants[merchant].currency if merchant else "")

    def _read_instant(self, key: tuple[str | None, str]) -> cells.Cell:
        return cells.read_instant(key[1], self._zone(key[0]))

    def _read_day(self, key: tuple[str | None, str]) -> cells.Cell:
        return cells.read_day(key[1], self._zone(key[0]))

    def _read_contact(self, key: tuple[str | None, str]) -> cells.Cell:
        """`(email, contact_key, is eligible)`; an order without a contact is eligible, it just has nobody."""
        merchant, text = key
        email, kind = cells.read_email(text)
        if email is None or merchant is None:
            return (None, None, True), kind
        patterns = self._ineligible[merchant]
        is_eligible = not patterns or not any(pattern.fullmatch(email) for pattern in patterns)
        return (email, contact_key(self._secret, merchant, email), is_eligible), kind


def _cache(read: Callable[[Any], cells.Cell]) -> CellCache:
    def value_and_code(text: Any) -> tuple[Any, int]:
        value, kind = read(text)
        return value, _KIND_CODES[kind]

    return CellCache(value_and_code)


def _patterns(merchant: Merchant) -> list[re.Pattern[str]]:
    return [re.compile(fnmatch.translate(pattern)) for pattern in merchant.ineligible_emails]


def _unzip(cells_read: Iterable[tuple[Any, int]]) -> "tuple[list[Any], numpy.ndarray]":
    import numpy

    together = list(cells_read)
    return [cell[0] for cell in together], numpy.frombuffer(bytes([cell[1] for cell in together]), dtype="int8")


def _text_array(values: Sequence[str | None]) -> Any:
    import pandas

    return pandas.array(values, dtype="str")


def _date_array(days: Sequence[int | None]) -> "numpy.ndarray":
    """Dates as midnights, out of day numbers since 1970: what both databases take for a DATE column."""
    import numpy

    seconds = [_NO_TIME if day is None else day * 86_400 for day in days]
    return numpy.array(seconds, dtype="int64").view("datetime64[s]")


def _attributes(texts: Mapping[str, list[str]], count: int) -> Sequence[str]:
    """The further columns as JSON, names sorted; a blank cell stays, so that templates find the name."""
    if not texts:
        return ("{}",) * count
    names = sorted(texts)
    write = CellCache(
        lambda row: json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False, separators=(",", ":"))
    )
    return list(map(write.__getitem__, zip(*(texts[name] for name in names), strict=True)))


def _hashes_of_order_fields(orders: Iterable[tuple[Any, ...]]) -> list[str]:
    """Digests of e-mail, ordered_at, ship date, status, total and currency in canonical form.

    Rows of one order with the same digest state the same order (DESIGN 3). No field can hold a line break,
    and no e-mail is the word `None`, so different fields never look alike.
    """
    hashes = []
    former: tuple[Any, ...] = ()
    digest = ""
    for fields in orders:
        if fields != former:  # the rows of an order mostly follow each other
            former = fields
            digest = hashlib.blake2b("\n".join(map(str, fields)).encode(), digest_size=16).hexdigest()
        hashes.append(digest)
    return hashes
