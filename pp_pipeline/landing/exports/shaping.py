"""What the exports share: finding their columns by name, and picking our cells out of their rows.

The way of a row: `[*row, "", *computed]`. Behind their cells stand one blank and what the export computed;
our row is picked out of that by positions that are found once per file, so a row costs microseconds.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from operator import itemgetter

from pp_pipeline.landing.cells import LONGEST_IDENTIFIER, CellCache
from pp_pipeline.landing.exports.export import Block, column_key

ORDER_COLUMNS = ("order_number", "email", "ordered_at", "ship_date", "status", "order_total", "currency")
LINE_COLUMNS = ("sku", "product_name", "category", "quantity", "unit_price")

# Our column: their names for it (as `column_key` has them), the first that a file has is taken.
Takes = Mapping[str, tuple[str, ...]]

_BLANKS = re.compile(r"\s+")
# Three digits behind a point may be a thousand (1.234); four or more can only be decimals.
_FINE_AMOUNT = re.compile(r"-?[0-9]{1,13}\.[0-9]{4,30}")
_WHOLE_WITH_DECIMALS = re.compile(r"(-?[0-9]+)\.0+")
_AMOUNT = re.compile(r"-?[0-9]{1,13}(?:\.[0-9]{1,10})?")
_WHOLE = re.compile(r"-?[0-9]{1,9}")
_CENT = Decimal("0.01")


class TheirColumns:
    """Where the columns of a file stand. A column that it doesn't have stands on the blank behind each row."""

    def __init__(self, header: Sequence[str]) -> None:
        self.header = header
        self.blank = len(header)
        self._places: dict[str, int] = {}
        for place, name in enumerate(header):
            self._places.setdefault(column_key(name), place)

    def has(self, name: str) -> bool:
        """Whether the file has a column of that name."""
        return name in self._places

    def place(self, *names: str) -> int:
        """Where the first of these columns stands that the file has, else the blank."""
        return next((self._places[name] for name in names if name in self._places), self.blank)

    def numbered(self, pattern: str) -> list[int]:
        """Places of the columns whose names match a pattern with a number in it, by number."""
        found = [(match, place) for name, place in self._places.items() if (match := re.fullmatch(pattern, name))]
        return [place for match, place in sorted(found, key=lambda pair: int(pair[0][1]))]


class Picker:
    """Our columns of one file: `header`, and `pick`, which takes a row of theirs with the added cells behind.

    Further columns of theirs follow under their own names, in lower case and with `_` for blanks. One with
    exactly the name of a column of ours stands for it where the export has no other source for that column;
    else, and for `merchant` (a declared feed knows its merchant), the name of the export is put before it.

    Args:
        export: its name.
        columns: of the file.
        always: columns of ours that every file of the export gives, blank where nothing is known.
        takes: where cells of ours are copied from.
        added: names of the cells of ours that the export computes, in the order in which it adds them.
        spent: places of columns that are not kept, because the added cells say all of what they hold.
    """

    def __init__(
        self,
        export: str,
        columns: TheirColumns,
        always: Sequence[str],
        takes: Takes,
        added: Sequence[str] = (),
        spent: Collection[int] = (),
    ) -> None:
        first_added = columns.blank + 1
        places: dict[str, int] = {}
        for name in dict.fromkeys((*always, *takes, *added)):
            if name in added:
                places[name] = first_added + added.index(name)
            else:
                place = columns.place(*takes.get(name, ()), name)
                if place != columns.blank or name in always:
                    places[name] = place
        used = {*places.values(), *spent}
        for place, name in enumerate(columns.header):
            if place not in used:
                places[_free_name(attribute_name(name), export, places)] = place
        self.header = list(places)
        self.pick: Callable[[list[str]], tuple[str, ...]] = itemgetter(*places.values())


def attribute_name(name: str) -> str:
    """Under which name a further column of theirs is kept."""
    return _BLANKS.sub("_", column_key(name))


def pick_rows(
    picker: Picker, blocks: Iterable[Block], compute: Callable[[list[str]], tuple[str, ...]] | None = None
) -> Iterator[Block]:
    """One row of ours per row of theirs; `compute` gives the added cells of a row that ends with the blank."""
    pick = picker.pick
    yield [picker.header], [1]
    for rows, lines in blocks:
        with_blank = [[*row, ""] for row in rows]
        if compute is not None:
            for row in with_blank:
                row.extend(compute(row))
        yield list(map(list, map(pick, with_blank))), lines


def unpack_rows(
    picker: Picker,
    blocks: Iterable[Block],
    compute: Callable[[list[str]], tuple[str, ...]],
    items: Callable[[list[str]], Iterable[tuple[str, ...]]],
) -> Iterator[Block]:
    """A row of ours for each line that is packed into a row of theirs, all with its line number.

    Both functions take a row that ends with the blank: `compute` gives the added cells of the order, `items` those
    of each of its lines.
    """
    yield [picker.header], [1]
    for rows, lines in blocks:
        ours: list[list[str]] = []
        our_lines: list[int] = []
        for row, line in zip(rows, lines, strict=True):
            order = [*row, ""]
            order += compute(order)
            for item in items(order):
                ours.append(list(picker.pick([*order, *item])))
                our_lines.append(line)
        yield ours, our_lines


def translation(words: Mapping[str, str]) -> CellCache:
    """From their word for a status to ours, by lower-case words between blanks (so `on-hold` is `on hold`).

    A word that is not among them comes out as it went in: it is for the gate to judge.
    """

    def translate(word: str) -> str:
        return words.get(plain_words(word), word)

    return CellCache(translate)


def plain_words(text: str) -> str:
    """A status word in one spelling: lower case, one blank for `-`, `_` and blanks."""
    return " ".join(re.split(r"[\s_-]+", text.lower())).strip()


def read_amount(text: str) -> Decimal | None:
    """An amount to reckon with, or nothing where the text is none."""
    text = text.strip()
    return Decimal(text) if _AMOUNT.fullmatch(text) else None


def read_whole(text: str) -> int | None:
    """A number of pieces to reckon with, or nothing where the text is none."""
    text = text.strip()
    return int(text) if _WHOLE.fullmatch(text) else None


def write_amount(amount: Decimal) -> str:
    """An amount in cents, half a cent up."""
    return str(amount.quantize(_CENT, ROUND_HALF_UP))


def _to_cents(text: str) -> str:
    return write_amount(Decimal(text.strip())) if _FINE_AMOUNT.fullmatch(text.strip()) else text


def _to_whole(text: str) -> str:
    match = _WHOLE_WITH_DECIMALS.fullmatch(text.strip())
    return match[1] if match else text


def to_cents() -> CellCache:
    """Amounts that databases write with four or more decimals, in cents (`36.3900` is `36.39`); others stay."""
    return CellCache(_to_cents)


def to_whole() -> CellCache:
    """Quantities that databases write with decimals, without them (`2.0000` is `2`); others stay."""
    return CellCache(_to_whole)


def known(text: str, stand_in: str) -> str:
    """The text, or what stands in for a blank one."""
    return text if text and not text.isspace() else stand_in


def sku_or(sku: str, stand_in: str) -> str:
    """The SKU; an article without one (a tip, a gift card) is known by something else that names it."""
    return sku if sku and not sku.isspace() else " ".join(stand_in.split())[:LONGEST_IDENTIFIER]


def sku_or_id(sku: str, product_id: str) -> str:
    """The SKU; an article without one is known by the shop's number, as `id:2471`."""
    return sku_or(sku, f"id:{product_id.strip()}" if product_id.strip() else "")


def _free_name(name: str, export: str, taken: Collection[str]) -> str:
    if name in taken or name == "merchant":
        name = f"{export}_{name}"
    free, number = name, 2
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free
