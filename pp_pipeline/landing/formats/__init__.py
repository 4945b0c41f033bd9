"""The formats that shops send: from the bytes of a file to a header and blocks of text rows with lines.

A file is read whole or not at all. What is wrong with it is noted in its `FileShape`; the gate judges it.
"""

import re
from collections.abc import Iterator

from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.file_names import format_of
from pp_pipeline.landing.formats.compression import GZIP_MAGIC, unwrapped
from pp_pipeline.landing.formats.csv_text import read_csv
from pp_pipeline.landing.formats.json_lines import read_json_lines
from pp_pipeline.landing.formats.parquet import read_parquet
from pp_pipeline.landing.formats.shared import Block, BrokenShape
from pp_pipeline.landing.formats.workbook import read_workbook
from pp_pipeline.landing.shapes import FileShape

__all__ = ["Block", "BrokenShape", "open_rows"]

_READERS = {"csv": read_csv, "jsonl": read_json_lines, "parquet": read_parquet, "xlsx": read_workbook}
_BEGINNINGS = (
    (re.compile(re.escape(GZIP_MAGIC)), "gzip inside gzip"),
    (re.compile(b"PAR1"), "a parquet file"),
    (re.compile(b"PK\x03\x04"), "a zip archive or a workbook"),
    (re.compile(b"\xd0\xcf\x11\xe0"), "an old or protected workbook"),
    (re.compile(b"%PDF"), "a PDF"),
    (re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype|html|\?xml)", re.IGNORECASE), "a web page or XML (of a login?)"),
)
_JSON = re.compile(rb"(\xef\xbb\xbf)?\s*(\{\s*\"|\[\s*[\[{])")
_OWN_BEGINNINGS = {"parquet": b"PAR1", "xlsx": b"PK\x03\x04"}


def open_rows(name: str, content: bytes, feed: Feed, shape: FileShape) -> Iterator[Block]:
    """Read a file: first the header alone (line 1), then its rows, each as wide as the header.

    Args:
        name: of the file; its extension says the format if the feed does not.
        content: its bytes, whole.
        feed: how it is written.
        shape: notes what is wrong, and what its words need.

    Raises:
        BrokenShape: reading can't go on, whatever the bytes are; what came so far must not be used.
    """
    shape.file_format = format_of(name, feed)
    if not content:
        shape.row_count = 0
        raise BrokenShape
    content = unwrapped(name, content, shape)
    _refuse_other_format(content, shape)
    yield from _READERS[shape.file_format](content, feed, shape)


def _refuse_other_format(content: bytes, shape: FileShape) -> None:
    """A file of another kind is called by its name, rather than told that it lacks columns."""
    own = _OWN_BEGINNINGS.get(shape.file_format)
    if own and content.startswith(own):
        return
    shape.other_format = next((words for beginning, words in _BEGINNINGS if beginning.match(content)), None)
    if shape.other_format is None and shape.file_format != "jsonl" and _JSON.match(content):
        shape.other_format = "JSON"
    if shape.other_format is None and own:
        shape.other_format = "something else"
    if shape.other_format:
        raise BrokenShape
