"""A small installation for the tests of sending: one conversation, a warehouse written by hand."""

import email
import email.policy
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pandas
from sqlalchemy import select

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.loading import load_conversations
from pp_pipeline.landing.tables import TABLES
from pp_pipeline.ledger.schema import deliveries
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import load_merchants
from pp_pipeline.sending.batches import Batch, BatchState, batch_states, newest_batches
from pp_pipeline.sending.gates import Gates
from pp_pipeline.sending.releases import approve
from pp_pipeline.sending.sealing import SealSummary, seal_batches
from pp_pipeline.sending.sender import Sender
from pp_pipeline.sending.summary import SendSummary
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Connection, Warehouse

DAY = date(2026, 7, 10)

_MERCHANT = """
zone: UTC
currency: USD
sender_name: Corner Shop
sender_email: shop@example.com
postal_address: 1 Corner Street
unsubscribe_url: https://example.com/unsubscribe
site_url: https://example.com
relays:
  - {relay: outbox_relay, events: [recent_buyers], segments: [loyal]}
"""

_CONVERSATION = """
conversation: hello
scope: order
exit_when: [canceled]
threads:
  - thread: write
    steps:
      - trigger: [thank_you]
      - id: greet
        message: {channel: email, template: hello}
"""

_TEXT = """{# body #}{{ order.total_cents | money(order.currency) }}, {{ order.attributes.color }}
{{ unsubscribe_url }} {{ merchant.postal_address }}
"""

_MJML = """<mjml>
<mj-head>
<mj-title>Hello {{ contact.first_name }}</mj-title>
<mj-preview>Order {{ order.number }}</mj-preview>
</mj-head>
<mj-body><mj-section><mj-column><mj-text>{# body #}{{ contact.first_name }}
{% for line in order.lines %}<b>{{ line.product_name }}</b>{% endfor %}
<a href="{{ unsubscribe_url }}">Unsubscribe</a> {{ merchant.postal_address }}</mj-text>
</mj-column></mj-section></mj-body>
</mjml>
"""

_SMS = "{{ merchant.sender_name }}: order {{ order.number }} is waiting. {{ words.reply_stop }}\n"

_OF_EVENTS = "event_id, event_name, merchant, contact_key, email, order_number, sku, occurred_on"

_TABLES = (
    """create table planned_messages (
        message_id varchar, run_key varchar, conversation varchar, step varchar, occurrence integer,
        pass integer, channel varchar, template varchar, variant varchar, merchant varchar,
        contact_key varchar, event_id varchar, order_number varchar, due_on date, not_before varchar,
        drawn_occurrence integer)""",
    """create table external_events (
        event_id varchar, event_name varchar, campaign varchar, merchant varchar, contact_key varchar,
        email varchar, order_number varchar, sku varchar, occurred_on date)""",
    """create table conversation_actions_1 (
        event_id varchar, event_name varchar, conversation varchar, merchant varchar, contact_key varchar,
        email varchar, order_number varchar, sku varchar, occurred_on date)""",
    f"""create view all_events as
        select {_OF_EVENTS}, campaign, null as conversation from external_events
        union all
        select {_OF_EVENTS}, null, conversation from conversation_actions_1""",
    """create table segment_snapshots (
        segment varchar, snapshot_on date, contact_key varchar, merchant varchar)""",
    """create table order_versions (
        merchant varchar, order_number varchar, known_on date, contact_key varchar, email varchar,
        ordered_on date, ship_date date, status varchar, total_cents bigint, currency varchar,
        attributes varchar, returned_lines integer default 0, refunded_cents bigint default 0,
        is_purchase boolean default true, order_file varchar default 'orders_2026-07-07.csv',
        order_file_line integer default 2)""",
    """create table order_lines (
        merchant varchar, order_number varchar, known_on date, line integer, sku varchar,
        product_name varchar, category varchar, quantity bigint, unit_price_cents bigint)""",
)

_FEEDBACK_COLUMNS = TABLES["feedback_rows"]
_FEEDBACK = (
    f"create table feedback_rows ({', '.join(f'{name} {kind}' for name, kind in _FEEDBACK_COLUMNS.items())})",
    # somebody is heard, always: else no pass would follow another
    "insert into feedback_rows (merchant, file_date, feed_file, feed_line, row_in_file, attributes)"
    " values ('main', '2999-01-01', 'f', 1, 1, '{}')",
)


@dataclass(frozen=True)
class World:
    """An installation, and words for what the tests do with it."""

    settings: Settings

    @classmethod
    def make(cls, folder: Path, **settings: Any) -> "World":
        """A checkout and a home in a folder, with empty warehouse tables."""
        package = folder / "checkout" / "pp_pipeline"
        (package / "merchants").mkdir(parents=True)
        (package / "conversations" / "hello").mkdir(parents=True)
        (package / "merchants" / "main.yml").write_text(_MERCHANT)
        (package / "conversations" / "hello" / "conversation.yml").write_text(_CONVERSATION)
        (package / "conversations" / "hello" / "hello.txt.j2").write_text(_TEXT)
        (package / "conversations" / "hello" / "hello.mjml.j2").write_text(_MJML)
        (folder / "home").mkdir()
        world = cls(Settings(home=folder / "home", checkout=folder / "checkout", **settings))
        world.make_tables()
        return world

    def make_tables(self) -> None:
        """The warehouse's tables, empty."""
        with self.warehouse.connect() as connection:
            for statement in (*_TABLES, *_FEEDBACK):
                connection.execute(statement)

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse(self.settings)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.settings)

    @property
    def conversation_folder(self) -> Path:
        return self.settings.conversations_dir / "hello"

    def conversations(self) -> list[Conversation]:
        """The conversations as the sender reads them."""
        return load_conversations(self.settings.conversations_dir, load_merchants(self.settings))

    def with_settings(self, **changes: Any) -> "World":
        """The same installation, set otherwise."""
        return World(self.settings.model_copy(update=changes))

    def plan(self, day: date, count: int, start: int = 0, **order: Any) -> None:
        """Add messages to a day's plan: for the orders number `start` and up, each of another contact."""
        self.plan_numbers(day, range(start, start + count), **order)

    def plan_numbers(self, day: date, numbers: Sequence[int], **order: Any) -> None:
        """Add the messages of these orders to a day's plan."""
        with self.warehouse.connect() as connection:
            _insert(connection, "planned_messages", [_message(number, day) for number in numbers])
            _insert(connection, "external_events", [_event(number, day, "thank_you") for number in numbers])
            _insert(connection, "order_versions", [_order(number, day) | order for number in numbers])
            _insert(connection, "order_lines", [_line(number, day) for number in numbers])

    def plan_days(self, last: date, days: int, count: int) -> None:
        """The same number of messages on each of the days before `last`."""
        for back in range(days, 0, -1):
            self.plan(last - timedelta(days=back), count, start=100_000 + back * 1_000)

    def plan_events(self, day: date, count: int, start: int = 0) -> None:
        """Add events that the relay takes."""
        rows = [_event(number, day, "recent_buyers") for number in range(start, start + count)]
        with self.warehouse.connect() as connection:
            _insert(connection, "external_events", rows)

    def plan_snapshot(self, day: date, count: int) -> None:
        """Add a snapshot of the segment that the relay takes, with its members' orders."""
        rows = [
            {"segment": "loyal", "snapshot_on": day, "contact_key": _contact(number), "merchant": "main"}
            for number in range(count)
        ]
        with self.warehouse.connect() as connection:
            _insert(connection, "segment_snapshots", rows)
            _insert(connection, "order_versions", [_order(number, day) for number in range(count)])

    def execute(self, sql: str, params: Sequence[object] = ()) -> None:
        """Change the warehouse by hand, as a rebuild would."""
        with self.warehouse.connect() as connection:
            connection.execute(sql, params)

    def seal(self, first: date = DAY, last: date = DAY, today: date = DAY) -> SealSummary:
        with self.ledger as ledger:
            merchants = load_merchants(self.settings)
            return seal_batches(ledger, self.warehouse, self.settings, first, last, merchants, today)

    def states(self, first: date = DAY, last: date = DAY, today: date = DAY) -> list[tuple[Batch, BatchState]]:
        with self.ledger as ledger:
            return batch_states(ledger, self.settings, first, last, today)

    def state(self, today: date = DAY, day: date = DAY) -> tuple[str, str]:
        """State and reason of the day's batch of messages."""
        states = [state for batch, state in self.states(day, day, today) if batch.id.kind == "messages"]
        assert len(states) == 1
        return states[0].state, states[0].reason

    def send(self, first: date = DAY, last: date = DAY, today: date = DAY, **sender: Any) -> SendSummary:
        with self.ledger as ledger:
            return Sender(self.settings, ledger, self.warehouse, **sender).send(first, last, today)

    def run(self, first: date = DAY, last: date = DAY, today: date = DAY, **sender: Any) -> SendSummary:
        """Seal and send."""
        self.seal(first, last, today)
        return self.send(first, last, today, **sender)

    def approve(self) -> Batch:
        """Approve the first batch of DAY."""
        with self.ledger as ledger:
            newest = newest_batches(ledger, Gates(self.settings, ledger), DAY, DAY)
            return approve(ledger, self.settings, newest[0].hash[:8], "ann")

    def mails(self) -> list[Path]:
        """The messages in the outbox."""
        return sorted(self.settings.outbox.glob("messages/*/*.eml"))

    def event_lines(self) -> list[dict[str, Any]]:
        """The events in the outbox."""
        files = sorted(self.settings.outbox.glob("events/*/*.jsonl"))
        return [json.loads(line) for path in files for line in path.read_text().splitlines()]

    def deliveries(self) -> list[tuple[str, str, str]]:
        """The ledger's deliveries: key, state, reason."""
        with self.ledger as ledger, ledger.reading() as connection:
            query = select(deliveries.c.key, deliveries.c.state, deliveries.c.reason)
            return sorted((row.key, row.state, row.reason) for row in connection.execute(query))

    def states_of_deliveries(self) -> dict[str, int]:
        """How many deliveries the ledger holds in each state."""
        states = [state for _, state, _ in self.deliveries()]
        return {state: states.count(state) for state in sorted(set(states))}


def add_text_template(world: World) -> None:
    """What the conversation says in texts, and the words that all messages share."""
    (world.conversation_folder / "hello.sms.j2").write_text(_SMS)
    shared = Settings(home=world.settings.home).conversations_dir / "words.yml"
    shutil.copy(shared, world.settings.conversations_dir)


def key_of(number: int, day: date = DAY) -> str:
    """The message_id of an order's message."""
    return f"m{number:06d}{day:%Y%m%d}" + "0" * 16


def read_mail(path: Path) -> EmailMessage:
    """A message as a mail program reads it."""
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def later(moment: datetime, **by: float) -> datetime:
    """A moment after another."""
    return moment + timedelta(**by)


def _contact(number: int) -> str:
    return f"c{number:06d}"


def _message(number: int, day: date) -> dict[str, Any]:
    return {
        "message_id": key_of(number, day),
        "run_key": f"{_contact(number)}:{number}",
        "conversation": "hello",
        "step": "greet",
        "occurrence": 1,
        "pass": 1,
        "channel": "email",
        "template": "hello",
        "variant": "",
        "merchant": "main",
        "contact_key": _contact(number),
        "event_id": f"thank_you{number:06d}",
        "order_number": f"A{number}",
        "due_on": day,
    }


def _event(number: int, day: date, name: str) -> dict[str, Any]:
    return {
        "event_id": f"{name}{number:06d}",
        "event_name": name,
        "campaign": name,
        "merchant": "main",
        "contact_key": _contact(number),
        "email": f"person{number}@example.com",
        "order_number": f"A{number}",
        "sku": None,
        "occurred_on": day,
    }


def _order(number: int, day: date) -> dict[str, Any]:
    return {
        "merchant": "main",
        "order_number": f"A{number}",
        "known_on": day - timedelta(days=3),
        "contact_key": _contact(number),
        "email": f"person{number}@example.com",
        "ordered_on": day - timedelta(days=3),
        "ship_date": None,
        "status": "processing",
        "total_cents": 123_456,
        "currency": "USD",
        "attributes": '{"color": "blue", "first_name": "Ann"}',
    }


def _line(number: int, day: date) -> dict[str, Any]:
    return {
        "merchant": "main",
        "order_number": f"A{number}",
        "known_on": day - timedelta(days=3),
        "line": 1,
        "sku": "S1",
        "product_name": "Fish & <Chips>",
        "category": "Food",
        "quantity": 2,
        "unit_price_cents": 61_728,
    }


def _insert(connection: Connection, table: str, rows: Sequence[dict[str, Any]]) -> None:
    connection.insert(table, pandas.DataFrame(list(rows), dtype=object))
