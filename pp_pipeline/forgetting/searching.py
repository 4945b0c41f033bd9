"""Looking for a person's address in a file of any kind, when nothing says how it is to be read.

For what no feed takes, and to see at the end that nothing is left. Texts are looked at as UTF-8, Latin-1 and UTF-16,
packed ones unpacked.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

_GZIP, _ZIP, _PARQUET = b"\x1f\x8b", b"PK\x03\x04", b"PAR1"
_LARGEST = 2_000_000_000


class Search:
    """Looks for addresses, in any case, and as whole ones: `ann@example.com` is not in `joann@example.com`.

    Args:
        addresses: the spellings of one address: normalised, with its domain in Unicode, ...
    """

    def __init__(self, addresses: Sequence[str]) -> None:
        words = "|".join(re.escape(address).replace("@", "(?:@|%40)") for address in addresses)
        self._pattern = re.compile(rf"(?<![\w.+-])(?<!\w')(?:{words})(?![\w-]|\.\w)", re.IGNORECASE)
        # Domains, quick to look for: as text of one byte per letter, and of two whichever comes first.
        domains = {address.rpartition("@")[2] for address in addresses}
        self._bytes = [found for domain in domains for found in (domain.encode(), domain.encode("utf-16-le")[:-1])]

    def is_in(self, content: bytes) -> bool:
        """Whether a content holds one of the addresses."""
        return any(self._is_in_text(piece) for piece in _pieces(content))

    def is_in_file(self, path: Path) -> bool:
        """Whether a file does. Raises OSError where it can't be read."""
        return self.is_in(path.read_bytes())

    def _is_in_text(self, piece: bytes) -> bool:
        lower = piece.lower()
        if not any(found in lower for found in self._bytes):
            return False
        decoded = (piece.decode(encoding, errors="ignore") for encoding in ("utf-8", "latin-1"))
        utf_16 = (piece[start:].decode("utf-16-le", errors="ignore") for start in (0, 1) if b"\0" in piece)
        return any(self._pattern.search(text) for found in (decoded, utf_16) for text in found)


def spellings(address: str) -> list[str]:
    """A normalised address, and the same with its domain as people write it."""
    local, _, domain = address.rpartition("@")
    try:
        return list(dict.fromkeys([address, f"{local}@{domain.encode('ascii').decode('idna')}"]))
    except UnicodeError:
        return [address]


def _pieces(content: bytes) -> Iterator[bytes]:
    """The content, and what it is a packing of."""
    yield content
    unpack = next((unpack for beginning, unpack in _UNPACKERS if content.startswith(beginning)), None)
    if unpack is None:
        return
    try:
        for piece in unpack(content):
            yield from _pieces(piece)
    except Exception:  # damaged, and of any library: then its bytes are all there is to look at
        return


def _gunzipped(content: bytes) -> Iterator[bytes]:
    yield zlib.decompressobj(wbits=31).decompress(content, _LARGEST)


def _unzipped(content: bytes) -> Iterator[bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        for part in parts.infolist():
            if part.file_size < _LARGEST:
                yield parts.read(part)


def _values(content: bytes) -> Iterator[bytes]:
    import pyarrow
    import pyarrow.parquet

    for batch in pyarrow.parquet.ParquetFile(pyarrow.BufferReader(content)).iter_batches():
        yield "\n".join(str(value) for column in batch.columns for value in column.to_pylist()).encode()


_UNPACKERS: tuple[tuple[bytes, Callable[[bytes], Iterator[bytes]]], ...] = (
    (_GZIP, _gunzipped),
    (_ZIP, _unzipped),
    (_PARQUET, _values),
)
