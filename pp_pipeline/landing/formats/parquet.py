"""Parquet files: each column's values as the text that a shop would have written in csv."""

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from pp_pipeline.landing.feeds import Feed
from pp_pipeline.landing.formats.shared import (
    Block,
    BrokenShape,
    check_cells,
    moment_of_feed,
    most_unpacked_bytes,
    number_of_feed,
    plain_number,
    trimmed_header,
)
from pp_pipeline.landing.shapes import FileShape

if TYPE_CHECKING:
    import pyarrow

_MAGIC = b"PAR1"
_ROWS_AT_ONCE = 5_000  # a dictionary may repeat one long text in every row


def read_parquet(content: bytes, feed: Feed, shape: FileShape) -> Iterator[Block]:
    """First the names of the columns, then the rows; the line of a row is its number + 1, as in a csv of it.

    Times with a zone are ISO 8601 with their offset, those without are local; null is "".

    Raises:
        BrokenShape: what the shape says.
    """
    import pyarrow
    import pyarrow.parquet

    if not content.endswith(_MAGIC):
        shape.damage = "the end of the parquet file is missing"
        raise BrokenShape
    try:
        file = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(content))
        names = list(file.schema_arrow.names)
        metadata = file.metadata
        claimed = sum(metadata.row_group(place).total_byte_size for place in range(metadata.num_row_groups))
        claimed = max(claimed, metadata.num_rows * len(names))
    except Exception:  # whatever pyarrow makes of random bytes; its words may hold some of them
        shape.damage = "the table of contents of the parquet file can't be read"
        raise BrokenShape from None
    _refuse_bomb(claimed, shape)
    header = trimmed_header(names, shape)
    check_cells([header], [1], shape)
    yield [header], [1]
    begins_on = 2
    unpacked = 0
    batches = file.iter_batches(batch_size=_ROWS_AT_ONCE)
    while True:
        batch = None
        try:
            batch = next(batches, None)
            if batch is None:
                break
            unpacked += batch.nbytes
            rows = _rows(batch, feed)
        except UnicodeDecodeError:
            shape.not_utf8_line = begins_on + (_first_not_utf8(batch, feed) if batch is not None else 0)
            raise BrokenShape from None
        except Exception:
            shape.damage = f"the rows from line {begins_on} on can't be read"
            raise BrokenShape from None
        _refuse_bomb(unpacked, shape)
        lines = list(range(begins_on, begins_on + len(rows)))
        check_cells(rows, lines, shape)
        if rows:
            yield rows, lines
        begins_on += len(rows)


def _refuse_bomb(byte_count: int, shape: FileShape) -> None:
    limit = most_unpacked_bytes(shape.size)
    if byte_count > limit:
        shape.unpacks_beyond = limit
        raise BrokenShape


def _rows(batch: "pyarrow.RecordBatch", feed: Feed) -> list[list[str]]:
    return list(map(list, zip(*(_texts(column, feed) for column in batch.columns), strict=True)))


def _first_not_utf8(batch: "pyarrow.RecordBatch", feed: Feed) -> int:
    """The place of the row whose bytes are no text."""
    for place in range(batch.num_rows):
        try:
            _rows(batch.slice(place, 1), feed)
        except UnicodeDecodeError:
            return place
        except Exception:  # damaged otherwise, and that comes second
            continue
    return 0


def _texts(column: "pyarrow.Array", feed: Feed) -> list[str]:
    """The values of a column as text."""
    import pyarrow

    kinds = pyarrow.types
    if kinds.is_dictionary(column.type):
        column = column.dictionary_decode()
    if kinds.is_timestamp(column.type):
        # Microseconds are what a Python time holds; what is finer is no time of an order.
        column = column.cast(pyarrow.timestamp("us", column.type.tz), safe=False)
    write = _writer(column.type, feed)
    return ["" if value is None else write(value) for value in column.to_pylist()]


def _writer(kind: "pyarrow.DataType", feed: Feed) -> Callable[[Any], str]:
    import numpy
    import pyarrow

    kinds = pyarrow.types
    if kinds.is_boolean(kind):
        return lambda value: "true" if value else "false"
    if kinds.is_float64(kind):
        return lambda value: number_of_feed(plain_number(repr(value)), feed)
    if kinds.is_floating(kind):  # as many digits as the shorter kinds of number really have: 19.9
        shorter = numpy.float32 if kinds.is_float32(kind) else numpy.float16
        return lambda value: number_of_feed(plain_number(str(shorter(value))), feed)
    if kinds.is_decimal(kind):
        return lambda value: number_of_feed(format(value, "f"), feed)
    if kinds.is_timestamp(kind) or kinds.is_date(kind) or kinds.is_time(kind):
        return lambda value: moment_of_feed(value, feed)
    if kinds.is_binary(kind) or kinds.is_large_binary(kind) or kinds.is_fixed_size_binary(kind):
        return lambda value: value.decode("utf-8")  # old writers don't say that their bytes are text
    if kinds.is_nested(kind):
        return lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return str
