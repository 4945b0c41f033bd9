"""Conversations through the pipeline's SQL: facts are written as the tables that its models read, then dbt builds.

Many cases share one build. Each has a merchant, a conversation and events of its own, while order numbers and contacts
are the same everywhere on purpose.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pandas
import pytest

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.tables import write_conversation_tables
from pp_pipeline.dbt_project import DbtProject
from pp_pipeline.landing.tables import prepare_tables
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Connection, Warehouse
from pp_pipeline_tests.conversation_answers import hashed, message_id
from pp_pipeline_tests.conversation_facts import Facts
from pp_pipeline_tests.conversation_oracle import ConversationOracle, Planned
from pp_pipeline_tests.pipeline import copy_checkout
from pp_pipeline_tests.postgres_server import PostgresDatabase

FIRST, LAST = date(2026, 1, 1), date(2026, 1, 24)
RUNS = tuple(f"conversation_{what}_{level}" for level in (1, 2, 3) for what in ("runs", "actions"))
MODELS = (*RUNS, "conversation_runs", "all_events", "set_fields", "planned_messages")

_TABLES = {
    "external_events": "event_id text, event_name text, campaign text, merchant text, contact_key text, email text, "
    "order_number text, sku text, occurred_on date",
    "order_versions": "merchant text, order_number text, known_on date, contact_key text, email text, "
    "is_eligible boolean, is_purchase boolean, paid_on date, refunded_on date, "
    "ordered_at timestamp, ordered_on date, ship_date date, delivered_on date, status text, refunded_cents bigint, "
    "line_count integer, shipped_lines integer, returned_lines integer, canceled_lines integer, version_id uuid, "
    "order_id uuid",
    "order_lines": "version_id uuid, known_on date, sku text, category text, status text",
    "segment_snapshots": "segment text, snapshot_on date, contact_key text, merchant text",
}


@dataclass(frozen=True)
class Case:
    """One conversation, as its file states it, and what is known of one merchant.

    `others` are conversations that only set profile fields, which the one may ask for.
    """

    conversation: dict[str, Any]
    facts: Facts
    merchant: str = "main"
    others: tuple[dict[str, Any], ...] = ()

    def oracle(self) -> ConversationOracle:
        """The slow reading of the case, not yet run."""
        return ConversationOracle(Conversation.model_validate(self.conversation), self.known())

    def known(self) -> Facts:
        """The facts with what the others set."""
        oracles = [ConversationOracle(Conversation.model_validate(other), self.facts) for other in self.others]
        for oracle in oracles:
            oracle.plan(FIRST, LAST)
        return replace(self.facts, fields=[one for oracle in oracles for one in oracle.sets])

    def expected(self) -> list[Planned]:
        """What the oracle plans."""
        # what is fired on the last day occurs on the day after
        return [one for one in self.oracle().plan(FIRST, LAST) if one.pass_number or one.due_on < LAST]

    def in_slot(self, slot: int) -> "Case":
        """The same case at a merchant of its own, with names and event ids of its own."""
        prefix = f"c{slot:02}_"
        name = prefix + self.conversation["conversation"]
        ids = {event.event_id: prefix + event.event_id for event in self.facts.events}
        events = [event._replace(event_id=ids[event.event_id], name=prefix + event.name) for event in self.facts.events]
        feedback = [
            row if row.message_id is None else row._replace(message_id=_own_message_id(name, ids, row.message_id))
            for row in self.facts.feedback
        ]
        return Case(
            _prefixed(self.conversation, prefix),
            replace(self.facts, events=events, feedback=feedback),
            merchant=f"m{slot:02}",
            others=tuple(_prefixed(other, prefix) for other in self.others),
        )


def _prefixed(conversation: dict[str, Any], prefix: str) -> dict[str, Any]:
    """The same with a name and events of its own."""
    threads = []
    for thread in conversation["threads"]:
        trigger, *rest = thread["steps"]
        own = {"trigger": [prefix + event for event in trigger["trigger"]]}
        rest = [
            {**step, "action": {"fire": prefix + step["action"]["fire"]}} if "fire" in step.get("action", {}) else step
            for step in rest
        ]
        threads.append({**thread, "steps": [own, *rest]})
    return {**conversation, "conversation": prefix + conversation["conversation"], "threads": threads}


def _own_message_id(conversation: str, event_ids: Mapping[str, str], written: str) -> str:
    """Of a message that the drawn facts write as event id, step, occurrence and pass."""
    event_id, step, occurrence, number = written.split("|")
    return message_id(conversation, event_ids.get(event_id, event_id), step, int(occurrence), int(number))


class ConversationPipeline:
    """A checkout without campaigns and segments, and a warehouse that every run begins anew."""

    def __init__(self, folder: Path, warehouse_url: str = "") -> None:
        checkout = folder / "checkout"
        copy_checkout(checkout)
        for path in (*checkout.glob("dbt/models/campaigns/*.sql"), *checkout.glob("dbt/models/list/segment_*.sql")):
            if path.stem != "segment_snapshots":
                path.unlink()
        (checkout / "dbt/models/list/list.yml").unlink()
        self.settings = Settings(
            home=folder / "home",
            checkout=checkout,
            target="postgres" if warehouse_url else "duckdb",
            warehouse_url=warehouse_url,
        )
        self.project = DbtProject(self.settings)
        self.warehouse = Warehouse(self.settings)

    def planned(
        self, cases: Sequence[Case], ranges: Sequence[tuple[date, date]] = ((FIRST, LAST),)
    ) -> list[list[Planned]]:
        """What the SQL plans for each case, built range by range, model by model."""
        cases = [case.in_slot(slot) for slot, case in enumerate(cases)]
        self.begin_anew(cases)
        for first, last in ranges:
            self.build(first, last)
        return [self.plan_of(case) for case in cases]

    def begin_anew(self, cases: Sequence[Case], conversations: Sequence[Conversation] = ()) -> None:
        """Empty the warehouse and write what the cases know; other conversations than theirs where some are given."""
        if self.settings.target == "postgres":
            with self.warehouse.connect() as connection:
                connection.execute(f"drop schema {self.settings.warehouse_schema} cascade")
        (self.settings.home / "warehouse.duckdb").unlink(missing_ok=True)
        with self.warehouse.connect() as connection:
            prepare_tables(connection)
            for name, columns in _TABLES.items():
                connection.execute(f"create table {name} ({columns})")
            for case in cases:
                write_facts(connection, case.merchant, case.facts)
            own = [Conversation.model_validate(one) for case in cases for one in (case.conversation, *case.others)]
            write_conversation_tables(connection, conversations or own)

    def build(self, first: date, last: date) -> None:
        """Build runs and messages for a range of days; a model or data test that fails fails the test."""
        results = self.project.build(MODELS, first, last)
        failed = [f"{node.name}: {node.message}" for node in results if node.status not in ("success", "pass")]
        assert not failed, failed

    def waiting(self, day: date) -> dict[str, Counter[tuple[int, int]]]:
        """How many runs wait at each step at the end of a day, by conversation."""
        variables = {"from_day": day.isoformat(), "to_day": day.isoformat()}
        sql = self.project.compiled("{{ standing_on_last_day() }}", variables)
        found: dict[str, Counter[tuple[int, int]]] = defaultdict(Counter)
        with self.warehouse.connect() as connection:
            for conversation, thread, step, count in connection.rows(sql):
                found[conversation][thread, step] = count
        return found

    def plan_of(self, case: Case) -> list[Planned]:
        """The rows of one case, with the events that its actions fire (pass 0, on the day before they occur)."""
        name = case.conversation["conversation"]
        columns = "due_on, run_key, step, occurrence, pass, event_id, coalesce(not_before, ''), message_id"
        fired = "select occurred_on, event_id from all_events"
        keys = "select conversation, event_id, run_key from conversation_runs"
        with self.warehouse.connect() as connection:
            rows = connection.rows(f"select {columns} from planned_messages where merchant = ?", (case.merchant,))
            fires = connection.rows(f"{fired} where merchant = ? and conversation = ?", (case.merchant, name))
            runs = connection.rows(f"{keys} where merchant = ?", (case.merchant,))
        found = []
        for *row, key in rows:
            planned = Planned(*row)
            assert key == message_id(name, planned.event_id, planned.step, planned.occurrence, planned.pass_number)
            found.append(planned)
        actions = {
            fired_id(case.merchant, step["action"]["fire"], name, event_id, step["id"], occurrence): (
                *(run_key, step["id"], occurrence, 0, event_id),
            )
            for _, event_id, run_key in runs
            for thread in case.conversation["threads"]
            for step in thread["steps"]
            if "fire" in step.get("action", {})
            for occurrence in range(1, 30)
        }
        found += [Planned(day - timedelta(days=1), *actions[event_id]) for day, event_id in fires]
        return sorted(found)


def fired_id(merchant: str, fires: str, conversation: str, event_id: str, step: str, occurrence: int) -> str:
    """The id of an event that an action fires."""
    return hashed(merchant, "fired", fires, conversation, event_id, step, str(occurrence))


@cache
def _on_duckdb(folder: Path) -> ConversationPipeline:
    return ConversationPipeline(folder)


def conversation_pipeline_on(
    target: str, request: pytest.FixtureRequest, factory: pytest.TempPathFactory
) -> ConversationPipeline:
    """The pipeline that the tests of a session share (dbt parses a checkout once); on PostgreSQL those of a module."""
    if target == "duckdb":
        return _on_duckdb(factory.getbasetemp() / "conversation_pipeline")
    database: PostgresDatabase = request.getfixturevalue("postgres_module_database")
    return ConversationPipeline(factory.mktemp("conversation_pipeline"), database.url)


def write_facts(connection: Connection, merchant: str, facts: Facts) -> None:
    """Add what is known of a merchant to the tables."""

    def insert(table: str, rows: list[dict[str, Any]]) -> None:
        if rows:
            connection.insert(table, pandas.DataFrame([{"merchant": merchant, **row} for row in rows], dtype=object))

    events = [
        {
            "event_id": event.event_id,
            "event_name": event.name,
            "contact_key": event.contact,
            "order_number": event.order_number,
            "sku": event.sku,
            "occurred_on": event.occurred_on,
        }
        for event in facts.events
    ]
    insert("external_events", events)
    versions, lines = [], []
    for one in facts.versions:
        order_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{merchant} {one.order_number}"))
        version_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{merchant} {one.order_number} {one.known_on}"))
        row = one._asdict()
        row |= {"contact_key": row.pop("contact"), "ordered_on": one.ordered_on, "is_purchase": one.is_purchase}
        row |= {"line_count": len(one.lines), "version_id": version_id, "order_id": order_id}
        lines += [{**line._asdict(), "version_id": version_id, "known_on": one.known_on} for line in row.pop("lines")]
        del row["is_eligible"]
        versions.append(row)
    insert("order_versions", versions)
    if lines:
        connection.insert("order_lines", pandas.DataFrame(lines, dtype=object))
    insert("feedback_rows", [_landed(row._asdict(), place) for place, row in enumerate(facts.feedback, 1)])
    insert("contact_rows", [_landed(row._asdict(), place) for place, row in enumerate(facts.contacts, 1)])
    members = [
        {"segment": segment, "snapshot_on": day, "contact_key": contact} for segment, day, contact in facts.segments
    ]
    insert("segment_snapshots", members)


def _landed(row: dict[str, Any], place: int) -> dict[str, Any]:
    row["contact_key"] = row.pop("contact")
    if "occurred_at" in row:
        row["occurred_on"] = row["occurred_at"].date()
    return {"attributes": "{}", **row, "email": "", "feed_file": "file.csv", "feed_line": place, "row_in_file": place}
