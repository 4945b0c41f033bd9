"""A small installation for the tests of guards: a commercial message, a transactional one, an event and a snapshot."""

import json
import shutil
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pandas
from sqlalchemy import insert, select

from pp_pipeline.landing.tables import prepare_tables
from pp_pipeline.ledger import schema
from pp_pipeline.sending.guards import DeliveryKind
from pp_pipeline_tests.sending_world import DAY, World

NOON = datetime(2026, 7, 10, 12, tzinfo=UTC)
CONTACT = "c000000"


def set_policy(world: World, policy: dict[str, Any]) -> None:
    """Write the merchant's `sending`."""
    path = world.settings.merchants_dir / "main.yml"
    path.write_text(f"{path.read_text()}\nsending: {json.dumps(policy)}\n")


def add_transactional_conversation(world: World) -> None:
    """A copy of the conversation `hello`, `news`, that is transactional."""
    folder = world.settings.conversations_dir / "news"
    shutil.copytree(world.conversation_folder, folder)
    path = folder / "conversation.yml"
    path.write_text(path.read_text().replace("conversation: hello", "conversation: news\nkind: transactional"))


def plan_one_of_each_kind(world: World, pass_number: int = 1) -> None:
    """For the first contact and order: two messages, an event and a snapshot."""
    add_transactional_conversation(world)
    world.plan(DAY, 1)
    world.execute("update planned_messages set pass = ?", (pass_number,))
    world.execute(
        "insert into planned_messages select * replace ('t' || message_id as message_id, 'news' as conversation) "
        "from planned_messages"
    )
    world.plan_events(DAY, 1)
    world.execute("insert into segment_snapshots values ('loyal', ?, ?, 'main')", (DAY, CONTACT))


def add_contact(world: World, file_date: date = DAY, contact_key: str = CONTACT, **cells: Any) -> None:
    """A row of the contacts feed."""
    row = {"file_date": file_date, "feed_file": f"contacts_{file_date}.csv", "feed_line": 2, "merchant": "main"}
    row |= {"contact_key": contact_key, "row_in_file": 1, "attributes": "{}", "email": "person0@example.com"} | cells
    _land(world, "contact_rows", row)


def add_feedback(world: World, event: str, day: date, contact_key: str = CONTACT, **cells: Any) -> None:
    """Something that a contact did, at noon of a day."""
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).replace(tzinfo=None)
    row = {"file_date": day, "feed_file": f"feedback_{day}.csv", "feed_line": 2, "merchant": "main", "event": event}
    row |= {"contact_key": contact_key, "occurred_at": at, "occurred_on": day, "row_in_file": 1, "attributes": "{}"}
    _land(world, "feedback_rows", row | cells)


def add_refused_row(world: World, file_date: date, order_number: str = "A0", merchant: str = "main") -> None:
    """A row of an order that was not taken."""
    row = {"file_date": file_date, "order_file": "orders.csv", "order_file_line": 2, "column_name": "status"}
    row |= {"rule": "is_a_status", "value_kind": "text", "merchant": merchant, "order_number": order_number}
    _land(world, "quarantined_rows", row)


def new_version(world: World, **changes: Any) -> None:
    """The order's newest version, of the day after it was planned."""
    columns = {"known_on": DAY, **changes}
    replaced = ", ".join(f"? as {name}" for name in columns)
    world.execute(f"insert into order_versions select * replace ({replaced}) from order_versions", [*columns.values()])


def add_sent(world: World, key: str, at: datetime, **columns: Any) -> None:
    """A message that the ledger knows of; as it stands another one of the first contact, sent by e-mail."""
    row: dict[str, Any] = {"target": "rehearsal", "key": key, "kind": "message", "state": "sent", "merchant": "main"}
    row |= {"contact_key": CONTACT, "run_key": f"run of {key}", "conversation": "other", "step": "greet"}
    row |= {"occurrence": 1, "pass": 1, "channel": "email", "message_kind": "commercial", "due_on": at.date()}
    row |= {"claimed_at": at, "lease_until": at, "acted_at": at, "claim": "earlier"}
    with world.ledger as ledger, ledger.writing() as connection:
        connection.execute(insert(schema.deliveries).values(row | columns))


def suppress(world: World, contact_key: str = CONTACT) -> None:
    """A contact on the suppression list, for everything."""
    with world.ledger as ledger, ledger.writing() as connection:
        values = {"contact_key": contact_key, "reason": "manual", "created_at": NOON}
        connection.execute(insert(schema.suppressions).values(values))


def endings(world: World) -> dict[DeliveryKind, str]:
    """What became of one of each kind: state and reason; of a snapshot how many members it had."""
    with world.ledger as ledger, ledger.reading() as connection:
        columns = (schema.deliveries.c.kind, schema.deliveries.c.conversation, schema.deliveries.c.state)
        rows = connection.execute(
            select(*columns, schema.deliveries.c.reason).where(schema.deliveries.c.claim != "earlier")
        ).all()
    kinds: dict[tuple[str, str | None], DeliveryKind] = {
        ("message", "hello"): "commercial",
        ("message", "news"): "transactional",
        ("event", None): "event",
    }
    found: dict[DeliveryKind, str] = {
        kinds[kind, name]: f"{state}: {reason}" if reason else state
        for kind, name, state, reason in rows
        if kind != "snapshot"
    }
    lines = [path.read_text().splitlines() for path in _files(world.settings.outbox, "segments/*/*.jsonl")]
    found["snapshot"] = f"{sum(map(len, lines))} members"
    return found


def _files(folder: Path, pattern: str) -> Sequence[Path]:
    return sorted(folder.glob(pattern))


def _land(world: World, table: str, row: dict[str, Any]) -> None:
    with world.warehouse.connect() as connection:
        prepare_tables(connection)
        connection.insert(table, pandas.DataFrame([row], dtype=object))


def tell_of_ticket(world: World, event: str, hour: int) -> None:
    """Feedback of DAY about the one ticket of the contact."""
    columns = "merchant, contact_key, event, ticket_number, occurred_at, occurred_on, file_date"
    place = "feed_file, feed_line, row_in_file, attributes"
    world.execute(
        f"insert into feedback_rows ({columns}, {place}) values ('main', ?, ?, 'T1', ?, ?, ?, 'f', 1, 1, '{{}}')",
        [CONTACT, event, datetime.combine(DAY, time(hour)), DAY, DAY],
    )
