"""A small shop for shadows, previews and comparisons: a checkout of its own, files by day, built without Dagster."""

import hashlib
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pp_pipeline.configuration import Configuration
from pp_pipeline.settings import Settings
from pp_pipeline.shadow.building import build_days
from pp_pipeline.warehouse import Warehouse
from pp_pipeline_tests.pipeline import copy_checkout

SECRET = "a secret of the tests, the same each time"
FIRST, LAST = date(2026, 1, 1), date(2026, 1, 12)
DAY_COLUMNS = {
    **{"order_versions": "known_on", "order_lines": "known_on", "external_events": "occurred_on"},
    **{"planned_messages": "due_on", "conversation_runs": "begun_on", "segment_loyal": "snapshot_on"},
}
"""What is compared, besides the queues."""

CAMPAIGNS: dict[str, dict[str, Any]] = {
    "thank_you": {"wait_days": 2},
    "loyal_customers": {"wait_days": 3, "audience": "order_count >= 2"},
    "review_request": {"wait_days": 3, "date_basis": "ship_date"},
    "win_back": {"wait_days": 5, "repeat_orders": "restart"},
}
# Order number, who, ordered on, ship date, status.
FILES = {
    1: ["A1 ann 2026-01-01 - processing", "B1 ben 2025-12-20 - processing", "C1 cy 2026-01-01 - processing"],
    2: ["D1 dee 2026-01-02 - processing"],
    3: ["C1 cy 2026-01-01 - canceled", "E1 eve 2026-01-03 2026-01-03 shipped"],
    5: ["A2 ann 2026-01-05 - processing", "D1 dee 2026-01-02 2026-01-04 shipped"],
    9: ["E2 eve 2026-01-09 - processing", "F1 fay 2026-01-09 - processing"],
    11: ["D1 dee 2026-01-02 2026-01-04 returned"],
}
HEADER = (
    "order_number,email,ordered_at,ship_date,status,order_total,currency,sku,product_name,category,quantity,unit_price"
)
_JOINING = ("run_id", "version_id", "order_id", "contact_id")
_NOT_DATA = ("warehouse.lock", "warehouse.lock.holder", "landing.lock")


def january(day: int) -> date:
    """A day of the shop."""
    return date(2026, 1, day)


def file_text(orders: Sequence[str]) -> str:
    """An order file; each line says number, who, ordered on, ship date, status."""
    return "\n".join([HEADER, *map(_row, orders)]) + "\n"


def _row(order: str) -> str:
    number, who, ordered_on, shipped_on, status = order.split()
    return (
        f"{number},{who}@example.com,{ordered_on}T12:00:00,{shipped_on.strip('-')},{status},20.00,USD,"
        "S1,Pen,Pens,1,20.00"
    )


@dataclass(frozen=True)
class ShadowShop:
    """A checkout and a home in one folder."""

    settings: Settings

    @classmethod
    def make(
        cls, folder: Path, warehouse_url: str = "", ledger_url: str = "", files: Mapping[int, Sequence[str]] = FILES
    ) -> "ShadowShop":
        """The shop, with its files in the inbox; nothing is built yet."""
        settings = Settings(
            home=folder / "home",
            checkout=folder / "checkout",
            target="postgres" if warehouse_url else "duckdb",
            warehouse_url=warehouse_url,
            warehouse_schema=f"shop_{folder.name}",
            ledger_url=ledger_url,
            secret=SECRET,
            today=LAST,
        )
        copy_checkout(settings.checkout)
        for path in (settings.dbt_dir / "models/campaigns").glob("queue_*.sql"):
            path.unlink()
        shop = cls(settings)
        for name, parameters in CAMPAIGNS.items():
            shop.write_campaign(name, **parameters)
        settings.inbox.mkdir(parents=True)
        for day, orders in files.items():
            shop.write_file(day, orders)
        return shop

    def write_campaign(self, name: str, checkout: Path | None = None, **parameters: Any) -> None:
        """Put a campaign into a checkout (default: the shop's own), or change it; its event is its name."""
        given = {"event": name, "merchant": "main", "date_basis": "order_date", "active_from": "2026-01-01"}
        words = ", ".join(f"{key}={value!r}" for key, value in (given | parameters).items())
        path = (checkout or self.settings.checkout) / f"dbt/models/campaigns/queue_{name}.sql"
        path.write_text(f"{{{{ campaign({words}) }}}}\n")

    def write_conversation(self, name: str, text: str) -> None:
        """Put a conversation into the checkout; the template of the thank-you stands beside it."""
        shutil.copytree(self.settings.conversations_dir / "thank_you", self.settings.conversations_dir / name)
        (self.settings.conversations_dir / name / "conversation.yml").write_text(text)

    def write_file(self, day: int, orders: Sequence[str]) -> Path:
        """Drop an order file."""
        path = self.settings.inbox / f"orders_{january(day)}.csv"
        path.write_text(file_text(orders))
        return path

    def other_checkout(self, folder: Path) -> Path:
        """A copy of the checkout, to be changed."""
        shutil.copytree(self.settings.checkout, folder)
        return folder

    def build(self, first: date = FIRST, last: date = LAST) -> None:
        """Take in the inbox and build what does not hold: what the daily job does up to the planned messages."""
        build_days(Configuration(self.settings), first, last, (), lambda _: None)

    def everything(self) -> dict[str, str]:
        """The hash of every file of home and checkout, of every row of the warehouse and the ledger's where they are
        on a server; locks aside."""
        found = {
            str(path): hashlib.sha256(path.read_bytes()).hexdigest()
            for folder in (self.settings.home, self.settings.checkout)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name not in _NOT_DATA
        }
        for url in {self.settings.warehouse_url, self.settings.ledger_url} - {""}:
            if url.startswith("postgresql"):
                found |= _rows_of_server(url)
        return found


Contents = dict[str, Counter[tuple[Any, ...]]]
"""The rows of tables, by table."""


def contents(settings: Settings, last: date = LAST) -> Contents:
    """The rows of every table up to a day, without the ids that only join and are others on another database."""
    columns = DAY_COLUMNS | {
        f"queue_{name}": "movement_on" for name in Configuration(settings).project.campaign_names()
    }
    found: Contents = {}
    with Warehouse(settings).connect() as connection:
        for table, day_column in columns.items():
            told = ", ".join(column for column in connection.columns(table) if column not in _JOINING)
            found[table] = Counter(connection.rows(f"select {told} from {table} where {day_column} <= ?", (last,)))
    return found


def _rows_of_server(url: str) -> dict[str, str]:
    """A hash of each table of a database."""
    import psycopg2

    raw = psycopg2.connect(url.replace("+psycopg2", ""))
    try:
        with raw.cursor() as cursor:
            cursor.execute(
                "select table_schema, table_name from information_schema.tables "
                "where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'"
            )
            found = {}
            for schema, name in cursor.fetchall():
                cursor.execute(
                    f'select md5(string_agg(t::text, chr(10) order by t::text)) from "{schema}"."{name}" as t'
                )
                found[f"{schema}.{name}"] = str(cursor.fetchone())
            return found
    finally:
        raw.close()
