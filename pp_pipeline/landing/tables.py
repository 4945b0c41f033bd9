"""The landing tables: what Python writes and dbt reads as sources. Types that DuckDB and PostgreSQL share.

A kind of feed has a table (kinds that share one fill its columns as far as they have them), made of its
declared columns. Money is integer cents, times are UTC without a zone, dates are the merchant's. Addresses,
names, phone numbers and `attributes` are personal data.
"""

from typing import TYPE_CHECKING

from pp_pipeline.landing.kinds import KINDS_OF_FEEDS

if TYPE_CHECKING:
    from pp_pipeline.warehouse import Connection

# Rows of accepted files that were not taken: one per broken rule.
QUARANTINED_ROWS = {
    "file_date": "date not null",
    "order_file": "text not null",
    "order_file_line": "integer not null",
    "column_name": "text not null",
    "rule": "text not null",
    "value_kind": "text not null",  # 'blank', 'number', ...: never the value
    "merchant": "text",  # where it could be read: so that an order with a bad row is known (DESIGN 5, guards)
    "order_number": "text",
}

# What each landed day was made of.
LANDED_DAYS = {
    "day": "date not null",
    "content_hash": "text not null",  # over its files in force and what reads them; '' on a day without files
    "files_hash": "text not null",  # chain over the days with files up to this one; '' before the first
    "row_count": "bigint not null",
}

MERCHANTS = {"merchant": "text not null", "zone": "text not null", "currency": "text not null"}


def _rows_of(table: str) -> dict[str, str]:
    """The columns of a table of rows: where they stand in a file, then what the kinds that share it declare."""
    kinds = [kind for kind in KINDS_OF_FEEDS.values() if kind.table == table]
    file_column, line_column = kinds[0].file_columns
    # the line is the physical one on which the row begins; the header is on 1
    columns = {"file_date": "date not null", file_column: "text not null", line_column: "integer not null"}
    for kind in kinds:
        for column in kind.columns:
            columns |= column.stored_columns
    if table == "order_file_rows":
        columns["order_fields_hash"] = "text not null"  # rows of an order with the same one state the same order
    columns["row_in_file"] = "integer not null"  # from 1: a packed line of an export gives several rows
    columns["attributes"] = "text not null"  # JSON object of the further columns, names sorted
    return columns


ROW_TABLES = {kind.table: _rows_of(kind.table) for kind in KINDS_OF_FEEDS.values()}
TABLES = {
    **ROW_TABLES, "quarantined_rows": QUARANTINED_ROWS, "landed_days": LANDED_DAYS, "merchants": MERCHANTS,
}  # fmt: skip


# What PostgreSQL finds a day, and the history of a few orders, by; DuckDB skips by itself.
_INDEXES = ("file_date", "merchant, order_number")


def prepare_tables(connection: "Connection") -> None:
    """Create the landing tables; those of an older form are made anew, and all days land again out of the archive."""
    is_older = any(
        connection.table_exists(name) and connection.columns(name) != list(columns) for name, columns in TABLES.items()
    )
    for name, columns in TABLES.items():
        if is_older:
            connection.execute(f"drop table if exists {name} cascade")
        if not connection.table_exists(name):
            body = ", ".join(f"{column} {kind}" for column, kind in columns.items())
            connection.execute(f"create table {name} ({body})")
            for index in _INDEXES if connection.dialect == "postgres" and name in ROW_TABLES else ():
                if set(index.split(", ")) <= columns.keys():
                    connection.execute(f"create index on {name} ({index})")
