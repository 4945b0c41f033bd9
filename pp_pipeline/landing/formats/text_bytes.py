"""From the bytes of a text file (csv, jsonl) to sound UTF-8, or to what is wrong with them."""

import codecs

from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.formats.shared import LONGEST_LINE, BrokenShape
from pp_pipeline.landing.shapes import FileShape

_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def as_utf8(content: bytes, feed: Feed, shape: FileShape) -> bytes:
    """The content in UTF-8; a UTF-8 file is returned as it is, with its byte order mark and not decoded yet.

    Raises:
        BrokenShape: a line without end, NUL bytes, or another encoding than the feed's.
    """
    _refuse_endless_line(content, shape)
    if _is_utf8_feed(feed):
        if content.startswith(_UTF_16_MARKS) or _seems_utf_16(content):  # which is full of NULs: say what it is
            shape.not_utf8_line = 1
            raise BrokenShape
    else:
        shape.encoding = feed.encoding
        content = _transcoded(content, feed.encoding, shape)
    nul = content.find(b"\0")
    if nul >= 0:
        shape.nul_line = line_at(content, nul)
        raise BrokenShape
    return content


def encoding_of(content: bytes, feed: Feed) -> tuple[bytes, str]:
    """The byte order mark of a sound content, or nothing, and the encoding of what stands behind it."""
    marks = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
    for mark, encoding in marks:
        if content.startswith(mark) and (encoding != "utf-8" or _is_utf8_feed(feed)):
            return mark, encoding
    return b"", _utf_16_of(content) if codecs.lookup(feed.encoding).name == "utf-16" else feed.encoding


def note_not_utf8(content: bytes, shape: FileShape) -> None:
    """Note on which line the content stops being UTF-8, and whether it just ends too early."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        shape.not_utf8_line = line_at(content, error.start)
        shape.ends_in_a_character = error.reason == "unexpected end of data"


def line_at(content: bytes, position: int) -> int:
    """The physical line of a position, counting every kind of line end (LF, CR, CRLF) as the csv reader does."""
    ends = content.count(b"\n", 0, position) + content.count(b"\r", 0, position)
    return ends - content.count(b"\r\n", 0, position) + 1


def _is_utf8_feed(feed: Feed) -> bool:
    return codecs.lookup(feed.encoding).name == "utf-8"


def _refuse_endless_line(content: bytes, shape: FileShape) -> None:
    """Before anything is decoded: a line of a gigabyte would be held in memory several times over."""
    begins = 0
    while len(content) - begins > LONGEST_LINE:
        until = begins + LONGEST_LINE
        end = max(content.rfind(b"\n", begins, until), content.rfind(b"\r", begins, until))
        if end < 0:
            shape.endless_line = line_at(content, begins)
            raise BrokenShape
        begins = end + 1


def _transcoded(content: bytes, encoding: str, shape: FileShape) -> bytes:
    is_utf_16 = codecs.lookup(encoding).name == "utf-16"
    if content.startswith(_UTF_16_MARKS):
        is_another = not is_utf_16
    elif is_utf_16:  # without the NULs of Latin letters it would be decoded to a sound text of nonsense
        is_another = not _seems_utf_16(content)
        encoding = _utf_16_of(content)
    else:
        is_another = content.startswith(codecs.BOM_UTF8)
    if is_another:
        shape.wrong_encoding_line = 1
        raise BrokenShape
    try:
        return content.decode(encoding).encode()
    except UnicodeDecodeError as error:
        shape.ends_in_a_character = error.reason == "truncated data"
        before = content[: error.start].decode(encoding, errors="ignore").encode(errors="replace")
    except UnicodeEncodeError as error:  # UTF-7 can write half a character
        before = error.object[: error.start].encode(errors="replace")
    shape.wrong_encoding_line = line_at(before, len(before))
    raise BrokenShape


def _seems_utf_16(content: bytes) -> bool:
    """Whether about every second byte of the beginning is NUL, as in Latin letters of UTF-16."""
    fewer, more = sorted(_nuls(content))
    return more * 4 > min(len(content), 200) and fewer * 4 < more


def _utf_16_of(content: bytes) -> str:
    """Which of the two kinds without a byte order mark."""
    odd, even = _nuls(content)
    return "utf-16-le" if odd >= even else "utf-16-be"


def _nuls(content: bytes) -> tuple[int, int]:
    """How many NULs stand at odd and at even places of the beginning."""
    return content[1:200:2].count(b"\0"), content[:200:2].count(b"\0")
