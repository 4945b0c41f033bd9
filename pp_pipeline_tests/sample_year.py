"""A year of the sample in a home of its own: its four months, repeated by the same customers, and what they do with the
messages that reach them. Every four weeks are built in one pass, then sealed and sent day by day.
"""

import csv
import hashlib
import io
import shutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import select

from pp_pipeline.conversations.loading import load_conversations
from pp_pipeline.conversations.tables import write_conversation_tables
from pp_pipeline.dbt_project import DbtProject
from pp_pipeline.landing.load import load_days
from pp_pipeline.ledger import schema
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import load_merchants
from pp_pipeline.sending.sealing import seal_batches
from pp_pipeline.sending.sender import send
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Warehouse
from pp_pipeline_tests.pipeline import CHECKOUT, copy_checkout

FIRST, LAST = date(2026, 7, 3), date(2027, 7, 2)
SAMPLE_DAYS = 120  # from one round of the sample's orders to the next; its first file opens the first round only
_INBOX = CHECKOUT / "data" / "inbox"
_STEP = timedelta(days=28)
_DEFERRED_FOR = timedelta(days=7)  # longer than any merchant's max_defer_days and any pause


class Delivery(NamedTuple):
    """A row of the ledger, with the address that it went to."""

    key: str
    contact_key: str
    conversation: str
    step: str
    occurrence: int
    pass_number: int
    run_key: str
    order_number: str
    state: str
    reason: str
    due_on: date


class SampleYear:
    """The installation."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(home=folder / "home", checkout=folder / "checkout", secret="a secret of this year")
        copy_checkout(self.settings.checkout)
        merchant = self.settings.merchants_dir / "main.yml"
        merchant.write_text(merchant.read_text().partition("relays:")[0])  # messages are looked at here
        self.settings.inbox.mkdir(parents=True)
        self.warehouse = Warehouse(self.settings)
        self.project = DbtProject(self.settings)
        self.merchants = load_merchants(self.settings)
        self._told: set[str] = set()
        self._write_orders()
        shutil.copy(_INBOX / f"contacts_{FIRST}.csv", self.settings.inbox)

    def live_through(self) -> None:
        """Every day from the first to the last: build, seal, send, and hear what the contacts do with it."""
        first = FIRST
        heard_from = FIRST
        with Ledger(self.settings) as ledger:
            while first <= LAST:
                last = min(first + _STEP - timedelta(days=1), LAST)
                self._build(ledger, first, last)
                for number in range((last - first).days + 1):
                    self._send(ledger, first + timedelta(days=number))
                self._write("feedback", last + timedelta(days=1), self._reactions(heard_from, last))
                heard_from, first = first, last + timedelta(days=1)

    def planned(self) -> dict[str, tuple[Any, ...]]:
        """All that is planned: conversation, step, occurrence, pass and due day by key. One key twice is an error."""
        with self.warehouse.connect() as connection:
            rows = connection.rows(
                "select message_id, conversation, step, occurrence, pass, due_on from planned_messages"
            )
        found = {key: tuple(rest) for key, *rest in rows}
        assert len(found) == len(rows), "a key stands twice in the plan"
        return found

    def deliveries(self) -> list[Delivery]:
        """All messages in the ledger."""
        table = schema.deliveries
        columns = [table.c["pass" if name == "pass_number" else name] for name in Delivery._fields]
        with Ledger(self.settings) as ledger, ledger.reading() as connection:
            return [Delivery(*row) for row in connection.execute(select(*columns).where(table.c.kind == "message"))]

    def _build(self, ledger: Ledger, first: date, last: date) -> None:
        landed = load_days(self.settings, ledger, self.warehouse.connect, first, last, self.merchants, today=last)
        assert not landed.refused, [file.reason for file in landed.refused]
        if first == FIRST:
            conversations = load_conversations(self.settings.conversations_dir, self.merchants)
            with self.warehouse.connect() as connection:
                write_conversation_tables(connection, conversations)
        results = self.project.build(["path:models"], first, last)
        failed = [f"{node.name}: {node.message}" for node in results if node.status not in ("success", "pass", "warn")]
        assert not failed, failed

    def _send(self, ledger: Ledger, today: date) -> None:
        settings = self.settings.model_copy(update={"today": today})
        seal_batches(ledger, self.warehouse, settings, today, today, self.merchants, today)
        summary = send(settings, ledger, self.warehouse, max(FIRST, today - _DEFERRED_FOR), today, today)
        assert not [report.problem for report in summary.reports if report.problem]

    def _reactions(self, first: date, last: date) -> Iterator[dict[str, Any]]:
        """What contacts do with what they got in some days, not told before: some open, click, review, unsubscribe."""
        addresses = self._addresses()
        for one in self.deliveries():
            if one.state != "sent" or not first <= one.due_on <= last or one.key in self._told:
                continue
            self._told.add(one.key)
            common = {"email": addresses[one.contact_key], "occurred_at": f"{one.due_on}T20:00:00"}
            common |= {"message_id": one.key, "channel": "sms" if one.conversation == "review_by_text" else "email"}
            for event, share in (("opened", 30), ("clicked", 15), ("unsubscribed", 1)):
                if _drawn(f"{event} {one.key}") < share:
                    yield common | {"event": event, "feedback_id": f"{event} {one.key}"}
            if one.conversation == "review_request" and _drawn(f"review {one.key}") < 20:
                yield common | {"event": "review_left", "rating": "5", "order_number": one.order_number}

    def _addresses(self) -> Mapping[str, str]:
        with self.warehouse.connect() as connection:
            return dict(connection.rows("select distinct contact_key, email from order_versions where email <> ''"))

    def _write(self, kind: str, day: date, rows: Iterable[Mapping[str, Any]]) -> None:
        rows = list(rows)
        text = io.StringIO()
        columns = list(dict.fromkeys(column for row in rows for column in row))
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        if rows:
            (self.settings.inbox / f"{kind}_{day}.csv").write_text(text.getvalue(), encoding="utf-8")

    def _write_orders(self) -> None:
        """The sample's files, then those after the first again and again under other numbers and later dates."""
        for path in sorted(_INBOX.glob("orders_*.csv")):
            day, rows = date.fromisoformat(path.stem.removeprefix("orders_")), list(csv.DictReader(path.open()))
            for number in range(3):
                shift = timedelta(days=number * SAMPLE_DAYS)
                if (day > FIRST or not number) and day + shift <= LAST:
                    self._write("orders", day + shift, [_later(row, number, shift) for row in rows])


def _later(row: dict[str, str], number: int, shift: timedelta) -> dict[str, str]:
    """A row of a later round."""
    if not number:
        return row
    shipped = date.fromisoformat(row["ship_date"]) + shift if row["ship_date"] else ""
    ordered_at = datetime.fromisoformat(row["ordered_at"]) + shift
    return row | {
        "order_number": f"{number}-{row['order_number']}",
        "ordered_at": ordered_at.isoformat(),
        "ship_date": str(shipped),
    }


def _drawn(purpose: str) -> int:
    """A number from 0 to 99 that depends on the words alone."""
    return int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "big") % 100
