"""Which feed a file of the inbox belongs to, and its file date, by its name (DESIGN 6).

After the date a name may have more, as in `orders_2026-10-01_2.csv`, and `.gz` at its end. Of several files of
a day that state the same order, the last by name wins, bytewise: `-` sorts before `.`, and `.` before `_`, so
`_2` wins over the plain name and `-late` does not.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from pp_pipeline.landing.feeds import DATE, DATE_PARTS, EXTENSION, FORMATS, Feed

_MORE = r"(?:[._-][A-Za-z0-9._-]*?)?"
_EXTENSIONS = "|".join(re.escape(extension[1:]) for extension in FORMATS)


@dataclass(frozen=True)
class NamedFile:
    """What a name says: the feed and the file date; or, of one that is nearly a feed's, why it has none."""

    feed: Feed | None = None
    file_date: date | None = None
    fault: str = ""


def read_name(name: str, feeds: Sequence[Feed]) -> NamedFile:
    """What a name says. A name that no feed knows gives neither feed nor fault.

    Args:
        name: of the file, relative to the inbox, with / between folders.
        feeds: all of them. A declared feed comes before a plain one; two declared feeds are a fault.
    """
    found = [(feed, match) for feed in feeds if (match := _pattern(feed).fullmatch(name))]
    declared = [(feed, match) for feed, match in found if feed.merchant]
    found = declared or found
    if len(found) > 1:
        names = " and ".join(f"{feed.merchant}.{feed.feed}" for feed, _ in found)
        return NamedFile(fault=f"{name}: the feeds {names} both take this name; make their `files` differ")
    for feed, match in found:
        try:
            moment = datetime.strptime(match["date"], feed.date_format)
            return NamedFile(feed, moment.date())
        except ValueError:
            return NamedFile(fault=f"{name}: there is no day {match['date']}; {_how_to_name(feed)}")
    for feed in feeds:
        if _nearly(feed).fullmatch(name):
            return NamedFile(fault=f"{name}: no file date can be read from its name; {_how_to_name(feed)}")
    return NamedFile()


def format_of(name: str, feed: Feed) -> str:
    """The format of a file: what the feed says, else by the extension under `.gz`; csv where that says nothing."""
    if feed.format:
        return feed.format
    bare = name.lower().removesuffix(".gz")
    return next((kind for extension, kind in FORMATS.items() if bare.endswith(extension)), "csv")


def _how_to_name(feed: Feed) -> str:
    example = feed.files.replace(EXTENSION, "csv")
    day = re.sub("%.", lambda part: _SHOWN[part[0]], feed.date_format)
    first = example.replace(DATE, day)
    second = example.replace(DATE, f"{day}_2")
    return f"name it {first}, a second one of that day {second}"


_SHOWN = {"%Y": "YYYY", "%y": "YY", "%m": "MM", "%d": "DD", "%j": "DDD", "%H": "hh", "%M": "mm", "%S": "ss"}


@lru_cache(maxsize=1000)
def _pattern(feed: Feed) -> re.Pattern[str]:
    parts = []
    for part in re.split(r"(\{date\}|\{ext\}|\*|\?)", feed.files):
        if part == DATE:
            parts.append(f"(?P<date>{_date_pattern(feed.date_format)}){_MORE}")
        elif part == EXTENSION:
            parts.append(f"(?:{_EXTENSIONS})")
        else:
            parts.append({"*": "[^/]*?", "?": "[^/]"}.get(part, re.escape(part)))
    return re.compile("".join(parts) + r"(?:\.gz)?")


def _date_pattern(date_format: str) -> str:
    return "".join(DATE_PARTS.get(part, re.escape(part)) for part in re.split("(%.)", date_format))


@lru_cache(maxsize=1000)
def _nearly(feed: Feed) -> re.Pattern[str]:
    """Names that somebody probably meant for this feed: its first word, then something with a digit."""
    word = re.split(r"[{*?]", feed.files)[0].rstrip(" ._-")
    if not word:
        return re.compile(r"(?!)")
    singular = re.escape(word.removesuffix("s"))
    return re.compile(rf"{singular}s?[ ._-]?[0-9].*\.(?:{_EXTENSIONS})(?:\.gz)?", re.IGNORECASE)
