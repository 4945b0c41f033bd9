"""The whole way in one installation, for the tests of rebuilding, cost, orders, list and events.

Order files go through landing and dbt, all models of them, with campaigns, segments and conversations that the
tests know. dbt parses a checkout once; `begin_anew` empties the home for the next test.
"""

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.tables import write_conversation_tables
from pp_pipeline.dbt_project import DbtProject
from pp_pipeline.landing.load import load_days
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import load_merchants
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Warehouse
from pp_pipeline_tests.cases import Case, write_inbox, write_merchants
from pp_pipeline_tests.facts_oracle import OrderFile
from pp_pipeline_tests.pipeline import ORDERS, copy_checkout
from pp_pipeline_tests.postgres_server import PostgresDatabase

SECRET = "a secret of the tests, the same each time"

_CAMPAIGN = {"date_basis": "order_date", "active_from": "2025-12-28"}
CAMPAIGNS: dict[str, dict[str, Any]] = {
    "each_order": {"wait_days": 3},
    "newest_order": {"wait_days": 5, "repeat_orders": "restart"},
    "first_order": {"wait_days": 4, "repeat_orders": "first", "max_days_late": 2},
    "shipped_order": {
        **{"wait_days": 2, "date_basis": "ship_date", "ship_trigger": "ship_date_or_status"},
        **{"hold_statuses": ["hold"]},
    },
    "recent_order": {"wait_days": 0},
    "table_lovers": {
        **{"wait_days": 6, "repeat_orders": "restart"},
        "audience": "order_count >= 2 and bought_category('Tables', within_days=10) and not in_segment('chairs')",
    },
}
"""What each queue of the checkout is made with, `_CAMPAIGN` and the event (its name) aside."""

SEGMENTS = {
    "chairs": "bought_category('Chairs', within_days=4)",
    "repeat": "order_count >= 2 and days_since_last_order < 6",
}
"""The condition of each segment of the checkout."""

SEGMENT_TABLES = tuple(f"segment_{name}" for name in SEGMENTS)
LIST = ("post_purchase_list", *SEGMENT_TABLES, "segment_snapshots")
QUEUES = tuple(f"queue_{name}" for name in CAMPAIGNS)
RUNS = tuple(f"conversation_runs_{level}" for level in (1, 2, 3))
ACTIONS = tuple(f"conversation_actions_{level}" for level in (1, 2, 3))
STEPS = (
    *(ORDERS, LIST, QUEUES, ("external_events",)),
    *((RUNS[0],), (ACTIONS[0],), (RUNS[1],), (ACTIONS[1],), (RUNS[2],), (ACTIONS[2],)),
    ("conversation_runs", "all_events", "set_fields", "planned_messages"),
)
MODELS = tuple(model for step in STEPS for model in step)
DAY_COLUMNS = {
    **dict.fromkeys(ORDERS, "known_on"),
    **dict.fromkeys(SEGMENT_TABLES, "snapshot_on"),
    **dict.fromkeys(QUEUES, "movement_on"),
    **{"external_events": "occurred_on", "planned_messages": "due_on"},
    **dict.fromkeys(RUNS, "begun_on"),
    **dict.fromkeys(ACTIONS, "occurred_on"),
}
"""The day column of each table that dbt writes; what is missing here is a view."""

VIEWS = ("post_purchase_list", "segment_snapshots", "products", "conversation_runs", "all_events", "set_fields")

Contents = dict[str, Counter[tuple[Any, ...]]]


def conversation(name: str, events: Sequence[str], **words: Any) -> Conversation:
    """A conversation of one message on those events."""
    steps = [{"trigger": list(events)}, {"id": "letter", "message": {"channel": "email", "template": "hello"}}]
    thread = {"thread": "write", "steps": steps}
    return Conversation.model_validate({"conversation": name, "threads": [thread], **words})


def firing(name: str, events: Sequence[str], fires: str, asks: str = "nobody") -> Conversation:
    """A conversation that fires an event, sets a field of its name, waits a day, and writes twice to who did not react;
    to nobody for whom another one set its field."""
    steps = [
        {"trigger": list(events)},
        {"id": "tell", "action": {"fire": fires}},
        {"id": "mark", "action": {"set": {name: "done"}}},
        {"split": [{"when": {"profile": asks, "is": "done"}, "thread": "leave"}]},
        {"wait": {"days": 1}},
        {"id": "letter", "message": {"channel": "email", "template": "hello", "passes": 2, "after": 1}},
    ]
    leave = {"thread": "leave", "steps": [{"trigger": []}, {"exit": True}]}
    return Conversation.model_validate({"conversation": name, "threads": [{"thread": "write", "steps": steps}, leave]})


CONVERSATIONS = (
    conversation("welcome", ["purchase", "recent_order"], entries="once"),
    conversation("thanks", ["each_order", "shipped_order"], scope="order", exit_when=["canceled", "returned"]),
    conversation("back_again", ["newest_order", "shipped"], live_from="2026-01-06"),
    conversation("sorry", ["canceled", "returned"], scope="order", entries="once"),
    firing("follow_up", ["purchase", "shipped"], "followed"),
    firing("second", ["followed"], "seconded"),
    firing("third", ["seconded", "shipped"], "thirded", asks="second"),
)


class WholeWay:
    """An installation with a checkout of its own.

    Args:
        folder: for the checkout and the home.
        warehouse_url: of PostgreSQL; DuckDB without.
        campaigns: the campaigns of the checkout, by name.
        segments: the segments of the checkout, by name.
        models: further models, by path below dbt/models.
    """

    def __init__(
        self,
        folder: Path,
        warehouse_url: str = "",
        campaigns: Mapping[str, Mapping[str, Any]] = CAMPAIGNS,
        segments: Mapping[str, str] = SEGMENTS,
        models: Mapping[str, str] | None = None,
    ) -> None:
        self.settings = Settings(
            home=folder / "home",
            checkout=folder / "checkout",
            target="postgres" if warehouse_url else "duckdb",
            warehouse_url=warehouse_url,
            secret=SECRET,
        )
        copy_checkout(self.settings.checkout)
        for path in (*self.models_dir.glob("campaigns/queue_*.sql"), *self.models_dir.glob("list/segment_*.sql")):
            if path.stem != "segment_snapshots":
                path.unlink()
        (self.models_dir / "list/list.yml").unlink()
        for name, parameters in campaigns.items():
            self.write_campaign(name, parameters)
        for name, condition in segments.items():
            self.write_segment(name, condition)
        for name, sql in (models or {}).items():
            self.write_model(name, sql)
        self.project = DbtProject(self.settings)
        self.warehouse = Warehouse(self.settings)
        self._merchant = Case("main", (), {}, (date(2026, 1, 1), date(2026, 1, 1)))

    @property
    def models_dir(self) -> Path:
        return self.settings.dbt_dir / "models"

    def write_campaign(self, name: str, parameters: Mapping[str, Any]) -> None:
        """Put a campaign into the checkout, or change it; its event is its name."""
        given = {"event": name, "merchant": "main", **_CAMPAIGN, **parameters}
        words = "".join(f"    {key} = {value!r},\n" for key, value in given.items())
        self.write_model(f"campaigns/queue_{name}.sql", f"{{{{ campaign(\n{words}) }}}}\n")

    def write_segment(self, name: str, condition: str) -> None:
        """Put a segment into the checkout, or change it."""
        self.write_model(f"list/segment_{name}.sql", f'{{{{ segment(condition = "{condition}") }}}}\n')

    def write_model(self, path: str, sql: str) -> None:
        """Put a model into the checkout."""
        (self.models_dir / path).write_text(sql)

    def begin_anew(self, conversations: Sequence[Conversation] = CONVERSATIONS, **merchant: Any) -> None:
        """Empty inbox, warehouse and ledger; merchant `main` in UTC with dollars, unless told otherwise."""
        if self.settings.target == "postgres":
            with self.warehouse.connect() as connection:
                connection.execute(f"drop schema {self.settings.warehouse_schema} cascade")
        for path in self.settings.home.iterdir() if self.settings.home.exists() else ():
            if path.is_dir() and path.name != "dbt":
                shutil.rmtree(path)
            elif path.is_file():
                path.unlink()
        shutil.rmtree(self.settings.merchants_dir)
        self._merchant = replace(self._merchant, **{"zone": "UTC", "ineligible_emails": (), **merchant})
        write_merchants([self._merchant], self.settings.merchants_dir)
        with self.warehouse.connect() as connection:
            write_conversation_tables(connection, conversations)

    def drop(self, files: Iterable[OrderFile]) -> None:
        """Put files into the inbox, over what is there under their names."""
        write_inbox([replace(self._merchant, files=tuple(files))], self.settings.inbox)

    def load(self, first: date, last: date) -> None:
        """Land the files of these days; a refused one fails the test."""
        with Ledger(self.settings) as ledger:
            result = load_days(
                self.settings, ledger, self.warehouse.connect, first, last, load_merchants(self.settings)
            )
        assert not result.refused, [file.reason for file in result.refused]

    def build(self, first: date, last: date, models: Sequence[str] = MODELS, **variables: object) -> None:
        """Build models for a range of days in one pass; one that fails fails the test, as do data tests that don't
        just warn."""
        results = self.project.build(models, first, last, variables=variables)
        failed = [f"{node.name}: {node.message}" for node in results if node.status not in ("success", "pass", "warn")]
        assert not failed, failed

    def run(self, files: Iterable[OrderFile], first: date, last: date, models: Sequence[str] = MODELS) -> None:
        """Drop, load and build."""
        self.drop(files)
        self.load(first, last)
        self.build(first, last, models)

    def forget(self, models: Iterable[str] = MODELS) -> None:
        """Empty the tables that dbt built; what landed stays."""
        with self.warehouse.connect() as connection:
            for model in models:
                if model not in VIEWS:
                    connection.execute(f"delete from {model}")

    def rows(self, sql: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self.warehouse.connect() as connection:
            return connection.rows(sql, params)

    def execute(self, sql: str, params: Sequence[object] = ()) -> None:
        """Change the warehouse by hand."""
        with self.warehouse.connect() as connection:
            connection.execute(sql, params)

    def contents(self, models: Iterable[str] = MODELS) -> Contents:
        """Every row of every table and view, each with how often it is there."""
        with self.warehouse.connect() as connection:
            return {model: Counter(connection.rows(f"select * from {model}")) for model in models}


def differences(found: Contents, expected: Contents) -> dict[str, list[tuple[str, tuple[Any, ...]]]]:
    """What is too much and what is missing, the first rows of each table that differs; empty when equal."""
    different = {}
    for model, rows in expected.items():
        changes = [("too much", row) for row in found[model] - rows] + [("missing", row) for row in rows - found[model]]
        if changes:
            different[model] = sorted(changes, key=repr)[:6]
    return different


@cache
def _on_duckdb(folder: Path) -> WholeWay:
    return WholeWay(folder)


def whole_way_on(target: str, request: pytest.FixtureRequest, factory: pytest.TempPathFactory) -> WholeWay:
    """The installation that all tests of a session share; on PostgreSQL those of a module."""
    if target == "duckdb":
        return _on_duckdb(factory.getbasetemp() / "whole_way")
    database: PostgresDatabase = request.getfixturevalue("postgres_module_database")
    return WholeWay(factory.mktemp("whole_way"), database.url)
