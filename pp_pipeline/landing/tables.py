"""The landing tables: what Python writes and dbt reads as sources. Types that DuckDB and PostgreSQL share.

Money is integer cents, times are UTC without a zone, dates are the merchant's. `email`, `email_as_given`
and `attributes` hold personal data.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pp_pipeline.warehouse import Connection

# Rows of the files in force, one per row of a file, each day replaced whole.
ORDER_FILE_ROWS = {
    "file_date": "date not null",
    "order_file": "text not null",
    "order_file_line": "integer not null",  # physical line on which the row begins; the header is on 1
    "merchant": "text not null",
    "order_number": "text not null",
    "contact_key": "text",  # null where there is no valid e-mail
    "email": "text",  # normalised
    "email_as_given": "text not null",
    "is_eligible": "boolean not null",  # not by the merchant's patterns a reseller's, test order and the like
    "ordered_at": "timestamp not null",
    "ordered_on": "date not null",
    "ship_date": "date",
    "status": "text not null",
    "total_cents": "bigint",
    "currency": "text not null",
    "sku": "text not null",
    "product_name": "text not null",
    "category": "text not null",
    "quantity": "bigint not null",
    "unit_price_cents": "bigint",
    "attributes": "text not null",  # JSON object of the further columns, names sorted
    "order_fields_hash": "text not null",  # rows of an order with the same one state the same order
}

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

TABLES = {
    "order_file_rows": ORDER_FILE_ROWS,
    "quarantined_rows": QUARANTINED_ROWS,
    "landed_days": LANDED_DAYS,
    "merchants": MERCHANTS,
}


def create_missing_tables(connection: "Connection") -> None:
    """Create the landing tables that are not there yet."""
    for name, columns in TABLES.items():
        if not connection.table_exists(name):
            body = ", ".join(f"{column} {kind}" for column, kind in columns.items())
            connection.execute(f"create table {name} ({body})")
