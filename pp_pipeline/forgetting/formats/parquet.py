"""Parquet files: columns with changes are made anew, of the same type; the statistics are those of the new values."""

import io
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pp_pipeline.forgetting.formats import Changes, Clean

if TYPE_CHECKING:
    import pyarrow

_FIRST_LINE = 2  # of the first row, as in a csv of it


def rewrite_parquet(content: bytes, changes: Changes, clean: Clean) -> bytes:
    """The content with the changes, in row groups of the size that the first one has."""
    import pyarrow
    import pyarrow.parquet

    file = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(content))
    table = file.read()
    by_column: dict[int, dict[int, str]] = {}
    for line, changed in changes.items():
        for place, text in changed.items():
            by_column.setdefault(place, {})[line - _FIRST_LINE] = text
    for place, texts in by_column.items():
        field = table.schema.field(place).with_nullable(True)
        table = table.set_column(place, field, _changed(table.column(place), texts))
    table = table.replace_schema_metadata(
        {key: value for key, value in (table.schema.metadata or {}).items() if _is_clean(key, clean)
         and _is_clean(value, clean)}
    )  # fmt: skip
    stream = io.BytesIO()
    group = file.metadata.row_group(0) if file.metadata.num_row_groups else None
    compression = group.column(0).compression.lower() if group is not None and group.num_columns else "snappy"
    pyarrow.parquet.write_table(
        table,
        stream,
        compression="none" if compression == "uncompressed" else compression,
        row_group_size=max(group.num_rows, 1) if group is not None else None,
    )
    return stream.getvalue()


def _changed(column: "pyarrow.ChunkedArray", texts: Mapping[int, str]) -> "pyarrow.Array":
    """The values of a column with the new ones, in its type; a nested value is made of its text."""
    import pyarrow

    kinds, kind = pyarrow.types, column.type
    is_dictionary = kinds.is_dictionary(kind)
    plain = kind.value_type if is_dictionary else kind
    values = column.to_pylist()
    for place, text in texts.items():
        values[place] = _value(text, plain) if text else None
    array = pyarrow.array(values, type=plain)
    return array.dictionary_encode().cast(kind) if is_dictionary else array


def _value(text: str, kind: "pyarrow.DataType") -> Any:
    import pyarrow

    kinds = pyarrow.types
    if kinds.is_nested(kind):
        return json.loads(text)
    is_bytes = kinds.is_binary(kind) or kinds.is_large_binary(kind)
    if kinds.is_fixed_size_binary(kind):
        return None  # `forgotten` has another width
    return text.encode() if is_bytes else text


def _is_clean(found: bytes, clean: Clean) -> bool:
    text = found.decode("utf-8", errors="replace")
    return clean(text) == text
