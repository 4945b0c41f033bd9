"""A shop that drops order files, and what landing makes of them: for the tests of landing."""

import csv
import io
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pp_pipeline.landing.file_ledger import FileRecord, all_records
from pp_pipeline.landing.load import load_days
from pp_pipeline.landing.result import LandedFile, LandingResult
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import Merchant
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Connection, Warehouse

HEADER = (
    "order_number,email,ordered_at,ship_date,status,order_total,currency,sku,product_name,category,quantity,unit_price"
)
_ROW = {
    "order_number": "A1",
    "email": "ann@example.com",
    "ordered_at": "2026-01-05T10:00:00",
    "ship_date": "",
    "status": "processing",
    "order_total": "12.50",
    "currency": "USD",
    "sku": "CUP",
    "product_name": "Cup",
    "category": "Kitchen",
    "quantity": "1",
    "unit_price": "12.50",
}


def csv_of(*rows: dict[str, str], columns: str = HEADER) -> str:
    """An order file: its rows say only what differs from a sound row."""
    stream = io.StringIO()
    names = columns.split(",")
    writer = csv.DictWriter(stream, names, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows({name: (_ROW | row).get(name, "") for name in names} for row in rows)
    return stream.getvalue()


def merchant(name: str = "main", **changes: Any) -> Merchant:
    """A merchant in New York."""
    values = {
        "merchant": name,
        "zone": "America/New_York",
        "currency": "USD",
        "sender_name": "Shop",
        "sender_email": "shop@example.com",
        "postal_address": "1 Main Street, Springfield",
        "unsubscribe_url": "https://example.com/unsubscribe",
        "site_url": "https://example.com",
    }
    return Merchant.model_validate(values | changes)


@dataclass
class Shop:
    """An installation, its inbox and its merchants."""

    settings: Settings
    merchants: dict[str, Merchant] = field(default_factory=lambda: {"main": merchant()})
    today: date = date(2026, 1, 31)

    def __post_init__(self) -> None:
        self.settings.inbox.mkdir(parents=True)
        self.ledger = Ledger(self.settings)

    def drop(self, name: str, content: str | bytes) -> Path:
        """Put a file into the inbox."""
        path = self.settings.inbox / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def load(self, first: int = 5, last: int = 10, connect: Any = None) -> LandingResult:
        """Load days of January 2026."""
        connect = connect or self.connect
        days = date(2026, 1, first), date(2026, 1, last)
        return load_days(self.settings, self.ledger, connect, *days, self.merchants, today=self.today)

    def load_one(self, name: str, content: str | bytes) -> LandedFile:
        """Drop a file, load, and say what came of it."""
        self.drop(name, content)
        return next(file for file in self.load().files if file.name == name)

    def connect(self) -> AbstractContextManager[Connection]:
        """Open the warehouse."""
        return Warehouse(self.settings).connect()

    def rows(self, columns: str, table: str = "order_file_rows", order: str = "") -> list[tuple[Any, ...]]:
        """What a table holds, by its first three columns: sorted here, as a database may sort text its own way."""
        with self.connect() as connection:
            if order:
                return connection.rows(f"select {columns} from {table} order by {order}")
            found = connection.rows(f"select {columns} from {table}")
        return sorted(found, key=lambda row: [(value is not None, value) for value in row[:3]])

    def orders(self) -> list[tuple[Any, ...]]:
        """File, line and order number of every row."""
        return self.rows("order_file, order_file_line, order_number")

    def landed(self) -> dict[int, tuple[str, str, int]]:
        """`landed_days` by day of January: content hash, files hash, rows."""
        rows = self.rows("day, content_hash, files_hash, row_count", "landed_days")
        return {day.day: tuple(rest) for day, *rest in rows}

    def files(self) -> list[FileRecord]:
        """The file ledger."""
        return all_records(self.ledger)
