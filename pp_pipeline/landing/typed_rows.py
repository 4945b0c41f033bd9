"""From rows of text to typed rows: the columns of the kind's table, and the kind of each cell.

Cells are read once per different text (`CellCache`), so a million rows take seconds.
"""

import fnmatch
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pp_pipeline.landing.cells import KINDS, CellCache
from pp_pipeline.landing.feed_columns import FeedColumn
from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.kinds import KINDS_OF_FEEDS
from pp_pipeline.landing.row_context import RowContext
from pp_pipeline.landing.words import bare_word
from pp_pipeline.merchants import Merchant

if TYPE_CHECKING:
    import numpy
    import pandas

DEFAULT_MERCHANT = "main"
KEY_TYPE = "contact_key"
_KIND_CODES = {kind: code for code, kind in enumerate(KINDS)}
_NO_TIME = -(2**63)  # how numpy writes "not a time"
# Of these, rows of one order that differ state different things (DESIGN 3, "A day's files").
_ORDER_FIELDS = ("email", "ordered_at", "ship_date", "status", "total_cents", "currency", "refunded_cents",
                 "delivered_on", "paid_on")  # fmt: skip


class RowReader:
    """Reads the rows of one feed; keeps what it made of each text.

    Args:
        feed: whose rows are read.
        merchants: by name; a row of any other merchant is of the kind that the rules quarantine.
        secret: the contact secret.
    """

    def __init__(self, feed: Feed, merchants: Mapping[str, Merchant], secret: bytes) -> None:
        self.kind = KINDS_OF_FEEDS[feed.kind]
        self.feed = feed
        self._contexts = {name: RowContext(merchant, feed, secret) for name, merchant in merchants.items()}
        self._merchant_names = CellCache(self._read_merchant)
        self._caches: dict[tuple[str, str | None], CellCache] = {}
        self._ineligible = [
            (_ours(feed, rule.column), re.compile(fnmatch.translate(rule.matches), re.IGNORECASE))
            for rule in feed.ineligible
        ]

    def rules_without_column(self, header: Sequence[str]) -> list[str]:
        """The columns that rules of the feed ask for and a header (in our columns) lacks."""
        there = {bare_word(name) for name in header}
        return [column for column, _ in self._ineligible if column not in there]

    def read(
        self, rows: Sequence[Sequence[str]], lines: Sequence[int], header: Sequence[str]
    ) -> "tuple[pandas.DataFrame, pandas.DataFrame]":
        """The rows, typed, and the kinds of their cells (categories of `KINDS`, a column per feed column).

        A value that could not be read is missing; whether its row may stay is for the gate to judge.
        """
        import numpy
        import pandas

        count = len(rows)
        texts = dict(zip(header, map(list, zip(*rows, strict=True)), strict=True)) if rows else {}
        all_texts = dict(texts)
        names = [self._merchant_names[text] for text in texts.pop("merchant", None) or [self._default] * count]
        merchants = [name for name, _ in names]
        values: dict[str, Any] = {self.kind.file_columns[1]: numpy.array(lines, dtype="int32")}
        values["merchant"] = _array("text", merchants)
        kinds = {"merchant": [code for _, code in names]}
        order_fields: dict[str, Sequence[Any]] = {}
        for column in self.kind.columns:
            if column.name == "merchant":
                continue
            read, kinds[column.name] = self._read_column(column, texts.pop(column.name, None), merchants)
            stored = column.stored_columns
            parts = [read] if len(stored) == 1 else list(zip(*read, strict=True)) or [()] * len(stored)
            if column.type == KEY_TYPE:  # after the address, which it stands in for
                parts = [_keys_for_blanks(read, order_fields[column.name], kinds[column.name], kinds["email"])]
            for (name, sql_type), part in zip(stored.items(), parts, strict=True):
                order_fields[name] = part
                values[name] = _array(sql_type.split()[0], part)
        if self.kind.kind in ("orders", "order_headers"):
            if self._ineligible:
                values["is_eligible"] &= self._eligible_by_columns(all_texts, count)
            fields = zip(*(order_fields[name] for name in _ORDER_FIELDS), strict=True)
            values["order_fields_hash"] = _array("text", _hashes_of_order_fields(fields))
        values["attributes"] = _array("text", _attributes(texts, count))
        codes = {name: numpy.array(code, dtype="int8") for name, code in kinds.items()}
        categories = {name: pandas.Categorical.from_codes(code, categories=KINDS) for name, code in codes.items()}
        return pandas.DataFrame(values), pandas.DataFrame(categories)

    @property
    def _default(self) -> str:
        return self.feed.merchant or DEFAULT_MERCHANT

    def _read_merchant(self, text: str) -> tuple[str | None, int]:
        """The name of a declared merchant; a feed that a merchant declares may not hold another's rows."""
        name = text.strip()
        is_known = name in self._contexts and self.feed.merchant in ("", name)
        kind = "merchant" if is_known else "blank" if not name else "text"
        return (name if is_known else None), _KIND_CODES[kind]

    def _read_column(
        self, column: FeedColumn, texts: list[str] | None, merchants: Sequence[str | None]
    ) -> tuple[list[Any], list[int]]:
        """Values (tuples where the type fills several columns) and the codes of their kinds."""
        if texts is None:
            texts = [""] * len(merchants)
        if len(set(merchants)) == 1:  # nearly always: one merchant, one cache
            found = list(map(self._cache(column, merchants[0]).__getitem__, texts))
        else:
            found = [self._cache(column, name)[text] for name, text in zip(merchants, texts, strict=True)]
        return [value for value, _ in found], [code for _, code in found]

    def _cache(self, column: FeedColumn, merchant: str | None) -> CellCache:
        key = (column.type, merchant)
        if key not in self._caches:
            # a row of an unknown merchant is quarantined, whatever the rest of it says
            context = self._contexts[merchant] if merchant else next(iter(self._contexts.values()))
            cell_type = column.cell_type

            def read(text: str) -> tuple[Any, int]:
                value, kind = cell_type.read(text, context)
                return (cell_type.when_blank if value is None else value), _KIND_CODES[kind]

            self._caches[key] = CellCache(read)
        return self._caches[key]

    def _eligible_by_columns(self, texts: Mapping[str, list[str]], count: int) -> "numpy.ndarray":
        import numpy

        eligible = numpy.ones(count, dtype=bool)
        named = {bare_word(name): cells for name, cells in texts.items()}
        for column, pattern in self._ineligible:
            matches = CellCache(lambda text, pattern=pattern: bool(pattern.fullmatch(text.strip())))
            if column in named:
                eligible &= ~numpy.array([matches[text] for text in named[column]], dtype=bool)
        return eligible


def _keys_for_blanks(
    stated: Sequence[str | None], keys: Sequence[str | None], kinds: Sequence[int], email_kinds: list[int]
) -> list[str | None]:
    """The contact keys of rows that may state one in place of an address.

    `email_kinds` of those that do become those of an address: its rule is kept.
    """
    found = list(keys)
    for place, (key, email_kind) in enumerate(zip(stated, email_kinds, strict=True)):
        if key is not None and email_kind == _KIND_CODES["blank"] and kinds[place] == _KIND_CODES["identifier"]:
            found[place] = key
            email_kinds[place] = _KIND_CODES["address"]
    return found


def _ours(feed: Feed, column: str) -> str:
    """The column that a rule of the feed means, which may say the feed's name for it, as names are compared."""
    theirs = {bare_word(name): ours for ours, name in feed.columns.items()}
    return bare_word(theirs.get(bare_word(column), column))


def _array(sql_type: str, values: Sequence[Any]) -> Any:
    """Values as the array that both databases take for a column of the type."""
    import numpy
    import pandas

    if sql_type == "date":  # midnights, out of day numbers since 1970
        seconds = [_NO_TIME if day is None else day * 86_400 for day in values]
        return numpy.array(seconds, dtype="int64").view("datetime64[s]")
    if sql_type == "timestamp":
        moments = [_NO_TIME if moment is None else moment for moment in values]
        return numpy.array(moments, dtype="int64").view("datetime64[us]")
    if sql_type == "boolean":
        return pandas.array(values, dtype="boolean") if None in values else numpy.array(values, dtype=bool)
    return pandas.array(values, dtype={"bigint": "Int64", "double": "Float64"}.get(sql_type, "str"))


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
    """Digests of the order's fields in canonical form.

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
