"""A look at the first and last bytes of a file, so that a hopeless one is refused before it is read whole.

It says less than reading does: a file that passes may still be refused.
"""

import os
from pathlib import Path

from pp_pipeline.landing.formats.shared import LONGEST_LINE, MOST_BYTES
from pp_pipeline.landing.shapes import endless_line_words

_PACKED = (".gz", ".parquet", ".xlsx")  # their bytes are no lines


def first_look(path: Path) -> str | None:
    """Why a file can be refused by a look, in words without its name; None if it has to be read.

    Reads at most 8 MB of it.

    Raises:
        OSError: it can't be read.
    """
    size = path.stat().st_size
    if size > MOST_BYTES:
        return f"is larger than {MOST_BYTES // 1_000_000_000} GB; send it in parts"
    name = path.name.lower()
    with path.open("rb") as file:
        if name.endswith(".parquet"):
            first = file.read(4)
            file.seek(max(size - 4, 0), os.SEEK_SET)
            if first == b"PAR1" != file.read(4):
                return "is damaged: the end of the parquet file is missing; send the whole file again"
        elif not name.endswith(_PACKED) and size > LONGEST_LINE:
            first = file.read(LONGEST_LINE)
            # A packed file under another name, too, is no text.
            if not first.startswith((b"\x1f\x8b", b"PAR1", b"PK\x03\x04")) and not (b"\n" in first or b"\r" in first):
                return endless_line_words(1)
    return None
