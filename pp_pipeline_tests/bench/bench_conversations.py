"""Measures conversations on large data: 20 conversations, a million events that could begin runs, a year.

    python -m pp_pipeline_tests.bench.bench_conversations
    python -m pp_pipeline_tests.bench.bench_conversations --target postgres

Of the events a third come from contacts with many of them, one contact has thousands. Orders and events are generated
in the warehouse; runs, fired events and messages are built through `DbtProject` for the last day, for the last 90 days
in one pass, and for the whole year.
"""

import argparse
import contextlib
import tempfile
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.dbt_project import DbtProject
from pp_pipeline.warehouse import Warehouse
from pp_pipeline_tests.bench.measuring import Cost, cost_of, machine
from pp_pipeline_tests.conversation_examples import message, talk, thread, wait
from pp_pipeline_tests.conversation_facts import Facts
from pp_pipeline_tests.conversation_pipeline import MODELS, Case, ConversationPipeline
from pp_pipeline_tests.postgres_server import PostgresServer

FIRST, LAST = date(2025, 8, 1), date(2026, 7, 31)
_DAYS = (LAST - FIRST).days + 1

_EVENTS = """
insert into external_events
select
    md5(cast(number as varchar)), 'e' || (number % 20), null, 'main',
    'c' || case when number % 500 = 0 then 0 when number % 3 = 0 then number % 4001 else number % 400009 end,
    null, cast(number as varchar), null, date '{first}' + cast({hash_of_number} % {days} as integer)
from generate_series(0, {events} - 1) as numbers (number)
"""
_VERSIONS = """
insert into order_versions (
    merchant, order_number, known_on, contact_key, is_purchase, ordered_at, ordered_on, ship_date, delivered_on, status,
    refunded_cents, line_count, shipped_lines, returned_lines, canceled_lines, version_id, order_id
)
select
    'main', order_number, occurred_on + step.later, contact_key, step.later < 5 or {hash_of_order} % 50 <> 0,
    occurred_on + interval '12 hours', occurred_on, case when step.later > 0 then occurred_on + 2 end, null,
    case when step.later = 0 then 'processing' when {hash_of_order} % 50 = 0 then 'returned' else 'shipped' end,
    0, 1, 0, 0, 0, cast(md5(order_number || step.later) as uuid), cast(md5(order_number) as uuid)
from external_events, (values (0), (3), (20)) as step (later)
order by occurred_on + step.later
"""
_FEEDBACK = """
insert into feedback_rows
    (file_date, feed_file, feed_line, merchant, event, contact_key, message_id, occurred_at, occurred_on, row_in_file,
    attributes)
select
    occurred_on + 1, 'f', 1, 'main', case when {hash_of_event} % 3 = 0 then 'clicked' else 'opened' end, contact_key,
    md5('3:c' || lpad(substring(event_name, 2), 2, '0') || '32:' || event_id || '3:ask1:11:1'),
    occurred_on, occurred_on, 1, '{{}}'
from external_events
where {hash_of_event} % 2 = 0
"""
_HASHES = {
    "duckdb": "cast('0x' || substring(md5(cast({} as varchar)), 1, 7) as bigint)",
    "postgres": "cast(cast('x' || substring(md5(cast({} as varchar)), 1, 7) as bit(28)) as integer)",
}
_INDEXES = {
    "external_events": ("occurred_on", "contact_key"),
    "order_versions": ("known_on", "merchant, order_number", "contact_key", "ordered_on", "ship_date", "order_id"),
}
"""As the models of these tables declare them, which are written here without dbt."""


def conversations() -> list[Conversation]:
    """20 of them: letters on the day, repeats, splits, loops, and win-backs that a repeat purchase restarts."""
    return [Conversation.model_validate({"conversation": f"c{number:02}", **_text(number)}) for number in range(20)]


def _text(number: int) -> dict[str, Any]:
    event = [f"e{number}"]
    match number % 5:
        case 0:
            return talk(thread("write", event, message("ask")), scope="order", exit_when=["canceled"])
        case 1:
            steps = (wait(3), message("ask", passes=3, after=4))
            return talk(thread("write", event, *steps), exit_when=["unsubscribed", "returned"])
        case 2:
            asked = ({"clicked": "ask"}, {"bought": True})
            branches = [{"when": condition, "thread": "more"} for condition in asked]
            return talk(
                thread("write", event, message("ask"), wait(5), {"split": branches}, message("again")),
                thread("more", [], wait(2), message("more")),
                scope="order",
            )
        case 3:
            loop = (wait(30, "pause"), message("ask"), {"go_to": "write.pause", "times": 3})
            return talk(thread("write", event, *loop), goal="purchased_again")
        case _:
            return talk(
                thread("hold", [], wait(90, "hold"), message("ask", passes=2, after=7)),
                thread("entry", event, {"go_to": "hold.hold"}, rank=2),
                goal="purchased_again",
            )


def main() -> None:
    """Prints a table of docs/performance.md."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=1_000_000)
    options.add_argument("--days", type=int, nargs="*", default=[1, 90, _DAYS])
    options.add_argument("--target", choices=("duckdb", "postgres"), default="duckdb")
    chosen = options.parse_args()
    events, days = chosen.events, chosen.days
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pp-bench-"))
        pipeline = ConversationPipeline(Path(folder), _server_url(stack) if chosen.target == "postgres" else "")
        fill(pipeline, events)
        print(f"{events:,} events in 20 conversations over {_DAYS} days; {machine()}\n")
        print("| days | runs and fired events: s | messages: s | processor s | peak MB | runs | messages |")
        print(f"{'| --- ' * 7}|")
        _row(pipeline, _DAYS - max(days), quiet=True)
        for count in days:
            _row(pipeline, count)


def _server_url(stack: contextlib.ExitStack) -> str:
    """A new PostgreSQL server, as it comes, that ends with the stack."""
    server = PostgresServer()
    stack.callback(server.stop)
    return server.create_database().url


def fill(pipeline: ConversationPipeline, events: int) -> None:
    """Orders, events and feedback of a year."""
    pipeline.begin_anew([Case({"conversation": "none", **_text(0)}, Facts())], conversations())
    number, order, event = (
        _HASHES[pipeline.settings.target].format(column) for column in ("number", "order_number", "event_id")
    )
    with pipeline.warehouse.connect() as connection:
        connection.execute(_EVENTS.format(first=FIRST, days=_DAYS, events=events, hash_of_number=number))
        connection.execute(_VERSIONS.format(hash_of_order=order))
        connection.execute(_FEEDBACK.format(hash_of_event=event))
        for table, indexes in _INDEXES.items() if connection.dialect == "postgres" else ():
            for columns in indexes:
                connection.execute(f"create index on {table} ({columns})")
        connection.execute("analyze")


def _row(pipeline: ConversationPipeline, days: int, quiet: bool = False) -> None:
    """Build the last days (or, quietly, the first: what a daily run finds built) and print what it took."""
    if days <= 0:
        return
    first, last = (FIRST, FIRST + timedelta(days=days - 1)) if quiet else (LAST - timedelta(days=days - 1), LAST)
    runs = cost_of(partial(_build, pipeline.project, MODELS[:-1], first, last))
    messages = cost_of(partial(_build, pipeline.project, MODELS[-1:], first, last))
    if not quiet:
        print(_cells(pipeline.warehouse, days, first, runs, messages), flush=True)


def _cells(warehouse: Warehouse, days: int, first: date, runs: Cost, messages: Cost) -> str:
    with warehouse.connect() as connection:
        begun = connection.rows("select count(*) from conversation_runs where begun_on >= ?", (first,))[0][0]
        due = connection.rows("select count(*) from planned_messages where due_on >= ?", (first,))[0][0]
    processor = runs.processor_seconds + messages.processor_seconds
    peak = max(runs.peak_memory_mb, messages.peak_memory_mb)
    return (
        f"| {days} | {runs.seconds:.1f} | {messages.seconds:.1f} | {processor:.1f} | {peak:,} | {begun:,} | {due:,} |"
    )


def _build(project: DbtProject, models: tuple[str, ...], first: date, last: date) -> float:
    """The seconds of the models, as dbt counts them."""
    results = project.build(models, first, last)
    failed = [f"{result.name}: {result.message}" for result in results if result.status not in ("success", "pass")]
    assert not failed, failed
    return sum(result.seconds for result in results)


if __name__ == "__main__":
    main()
