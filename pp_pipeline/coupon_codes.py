"""Coupon codes as they come in: from a file of codes, or as a conversation's fallback.

A file is UTF-8: one code per line, or a table with a header (comma, semicolon or tab). What is wrong with it is told
by line, never by what stands there: a code is worth money.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _csv import Reader

LONGEST_CODE = 200
CODE_WORDS = f"one line of up to {LONGEST_CODE} characters without quotes and without blanks around it"
# What shops call the column of codes; as the first line it is a header also where it stands alone.
_HEADERS = frozenset(
    f"{before}{word}{after}"
    for before in ("", "coupon ", "discount ", "promo ", "voucher ")
    for word in ("code", "coupon", "voucher")
    for after in ("", "s")
)
_DELIMITERS = ",;\t"
_LINES_TOLD = 5


class CouponError(ValueError):
    """Codes that can't be taken in or withdrawn; the text says where, what and what to do, and shows no code."""


@dataclass(frozen=True)
class CodeFile:
    """The codes of a file in their order, each once.

    Attributes:
        lines: where each stands.
        repeated_lines: those that state a code again.
        ignored_columns: headers of a table of which nothing is used.
    """

    codes: list[str] = field(repr=False)
    lines: list[int]
    repeated_lines: list[int]
    ignored_columns: list[str] = field(default_factory=list)


def is_code(text: str) -> bool:
    """Whether a text can be a code: printable, not blank, trimmed, not in quotes."""
    return 0 < len(text) <= LONGEST_CODE and text == text.strip() and text.isprintable() and '"' not in text


def told_lines(numbers: Sequence[int]) -> str:
    """The first numbers of lines, for a message."""
    return ", ".join(map(str, numbers[:_LINES_TOLD])) + (", ..." if len(numbers) > _LINES_TOLD else "")


def read_codes(path: Path, column: str = "") -> CodeFile:
    """The codes of a file.

    Args:
        column: the header over the codes; '' finds one such as `code`, or takes a file without a header.

    Raises:
        CouponError: the file can't be read, or a line of it holds no code; nothing of it is to be used then.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = next(file, "").rstrip("\r\n")
            delimiter = max(_DELIMITERS, key=first.count)
            header = [cell.strip() for cell in next(csv.reader([first], delimiter=delimiter), [])]
            place = _place(header, path.name, column)
            if place is None:
                return _once(_bare_lines(chain([first], file)), path.name, [])
            ignored = [cell for number, cell in enumerate(header) if number != place and cell]
            return _once(_cells(csv.reader(file, delimiter=delimiter, strict=True), place, header), path.name, ignored)
    except UnicodeDecodeError:
        raise CouponError(f"{path.name}: is not UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise CouponError(f"{path.name}: can't be read: {error.strerror}") from None
    except csv.Error:
        raise CouponError(f"{path.name}: is no table of codes: a quote is not closed, or a NUL is in it") from None


def _bare_lines(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Number and content of each line that is not blank, of a file without a header."""
    return ((number, line) for number, line in enumerate(lines, start=1) if line.strip())


def _cells(reader: "Reader", place: int, header: list[str]) -> Iterator[tuple[int, str]]:
    """Line number and cell of each row that is not blank, of a table."""
    for row in reader:
        if any(row):
            yield reader.line_num + 1, row[place] if place < len(row) <= len(header) else ""


def _place(header: list[str], name: str, column: str) -> int | None:
    """Where the codes stand; None for a file without a header."""
    words = [_plain(cell) for cell in header]
    wanted = {_plain(column)} if column else _HEADERS
    found = [number for number, word in enumerate(words) if word in wanted]
    if len(found) == 1:
        return found[0]
    if column:
        many = "more than one" if found else "no"
        raise CouponError(f"{name}:1: has {many} column '{column}'; --column names the one that holds the codes")
    if len(header) > 1:
        raise CouponError(f"{name}:1: has {len(header)} columns; say which holds the codes with --column NAME")
    return None


def _plain(header: str) -> str:
    return header.casefold().replace("_", " ").replace("-", " ")


def _once(lines: Iterator[tuple[int, str]], name: str, ignored: list[str]) -> CodeFile:
    codes: dict[str, int] = {}
    repeated: list[int] = []
    wrong: list[int] = []
    for number, cell in lines:
        code = cell.strip()
        if not is_code(code):
            wrong.append(number)
        elif code in codes:
            repeated.append(number)
        else:
            codes[code] = number
    if wrong:
        raise CouponError(
            f"{name}: {len(wrong)} lines hold no code ({told_lines(wrong)}); allowed is {CODE_WORDS}. Nothing was done"
        )
    if not codes:
        raise CouponError(f"{name}: holds no code")
    return CodeFile(list(codes), list(codes.values()), repeated, ignored)
