"""Unwrapping gzip, within bounds."""

import gzip
import io
import zlib

from pp_pipeline.landing.formats.shared import BrokenShape, most_unpacked_bytes
from pp_pipeline.landing.shapes import FileShape

GZIP_MAGIC = b"\x1f\x8b"
_PIECE = 1 << 20


def unwrapped(name: str, content: bytes, shape: FileShape) -> bytes:
    """The content without gzip around it, if the name or the first bytes say that there is some.

    Raises:
        BrokenShape: it is damaged, cut off, empty inside, or unpacks to far too much.
    """
    if not content.startswith(GZIP_MAGIC):
        if name.lower().endswith(".gz"):
            shape.other_format = "no gzip file, though its name ends in .gz"
            raise BrokenShape
        return content
    limit = most_unpacked_bytes(len(content))
    unpacked = io.BytesIO()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            while piece := packed.read(_PIECE):
                unpacked.write(piece)
                if unpacked.tell() > limit:
                    shape.unpacks_beyond = limit
                    raise BrokenShape
    except EOFError:
        shape.damage = "the gzip file ends too early"
        raise BrokenShape from None
    except (OSError, zlib.error):
        shape.damage = "the gzip file can't be unpacked"
        raise BrokenShape from None
    if not unpacked.tell():
        shape.damage = "the gzip file is empty inside"
        raise BrokenShape
    return unpacked.getvalue()
