"""What the warehouse holds of somebody, before; and the proof that no table of it says anything of them, after."""

from collections.abc import Iterator, Sequence

from pp_pipeline.landing.tables import ROW_TABLES
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Connection, Warehouse

_KEY, _ADDRESS, _MERCHANT = "contact_key", "email", "merchant"
_WHY = "the table of the warehouse still holds {} of the person; build its days again with `pp run` and forget again"


def landed_rows(settings: Settings, contact_key: str) -> int:
    """The landed rows of the contact."""
    if not settings.has_warehouse:
        return 0
    with Warehouse(settings).connect() as connection:
        tables = [name for name, columns in ROW_TABLES.items() if _KEY in columns]
        return sum(
            int(connection.rows(f"select count(*) from {table} where {_KEY} = ?", (contact_key,))[0][0])
            for table in tables
            if connection.table_exists(table)
        )


def left_in_warehouse(
    settings: Settings, merchant: str, contact_key: str, addresses: Sequence[str]
) -> list[tuple[str, str]]:
    """Tables with rows that bear the contact's key, or an address of the merchant's contact; each with what to do.

    Args:
        addresses: the spellings of the address, in lower case.
    """
    if not settings.has_warehouse:
        return []
    with Warehouse(settings).connect() as connection:
        found = [
            (table, _count(connection, table, columns, merchant, contact_key, addresses))
            for table, columns in _tables(connection)
        ]
    return [(table, _WHY.format(f"{count} rows")) for table, count in found if count]


def _tables(connection: Connection) -> Iterator[tuple[str, set[str]]]:
    """Tables and views with such columns, each with its columns."""
    rows = connection.rows(
        "select table_name, column_name from information_schema.columns where table_schema = current_schema()"
    )
    for table in sorted({table for table, _ in rows}):
        columns = {column for name, column in rows if name == table}
        if columns & {_KEY, _ADDRESS}:
            yield table, columns


def _count(
    connection: Connection,
    table: str,
    columns: set[str],
    merchant: str,
    contact_key: str,
    addresses: Sequence[str],
) -> int:
    conditions: list[str] = []
    values: list[str] = []
    if _KEY in columns:
        conditions.append(f"{_KEY} = ?")
        values.append(contact_key)
    if _ADDRESS in columns:
        marks = ", ".join("?" for _ in addresses)
        is_hers = f"lower({_ADDRESS}) in ({marks})"
        values += addresses
        if _MERCHANT in columns:  # another merchant's contact may have the same address
            is_hers += f" and {_MERCHANT} = ?"
            values.append(merchant)
        conditions.append(is_hers)
    where = " or ".join(f"({condition})" for condition in conditions)
    return int(connection.rows(f'select count(*) from "{table}" where {where}', values)[0][0])
