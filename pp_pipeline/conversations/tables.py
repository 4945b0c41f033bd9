"""The warehouse tables that conversations are handed to dbt in: what compiling.py rolls out, as rows.

They are small, and written whole: a configuration has no effective date. Days count from the day of entry.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from pp_pipeline.conversations.compiling import compile_conversation
from pp_pipeline.conversations.conversation import Conversation, InSegment
from pp_pipeline.conversations.levels import levels
from pp_pipeline.conversations.programs import Compiled, Program

if TYPE_CHECKING:
    import pandas

    from pp_pipeline.warehouse import Connection

Row = tuple[Any, ...]
RUN_MODELS = ("conversation_runs_1", "conversation_runs_2", "conversation_runs_3")

TABLES = {
    # one row per event that begins a run, thread and, where it matters, day of the week
    "conversation_programs": {
        "conversation": "varchar not null",
        "level": "integer not null",
        "program": "varchar not null",
        "thread_place": "integer not null",
        "rank": "integer not null",
        "weekday": "integer",  # 0: Monday
        "event_name": "varchar not null",
        "scope": "varchar not null",
        "entries": "varchar not null",
        "live_from": "date",
        "goal": "varchar not null",
        "horizon": "integer not null",  # days after entry of the last thing that can happen
        "looks_back": "boolean not null",  # what began before decides whether an event acts
    },
    "conversation_exits": {
        "conversation": "varchar not null",
        "word": "varchar not null",
        "value": "varchar not null",  # the segment; of unsubscribed the channel
    },
    # where runs wait: from the end of a day to before another
    "conversation_stays": {
        "program": "varchar not null",
        "node": "integer not null",
        "check_count": "integer not null",
        "thread_place": "integer not null",  # of the wait in the file, from 0
        "step_place": "integer not null",
        "rank": "integer not null",
        "is_pullable": "boolean not null",  # a thread of higher rank has events
        "from_days": "integer not null",
        "to_days": "integer not null",
    },
    # what is done: messages, and actions (what is drawn, the sender draws)
    "conversation_deeds": {
        "conversation": "varchar not null",
        "program": "varchar not null",
        "node": "integer not null",
        "check_count": "integer not null",
        "step": "varchar not null",
        "occurrence": "integer not null",
        "pass": "integer not null",
        "after_days": "integer not null",
        "not_before": "varchar",  # the time of day
        "channel": "varchar",  # of messages
        "template": "varchar",
        "drawn_occurrence": "integer",  # of messages whose coupon an action draws: how often it was reached by then
        "fires": "varchar",  # of actions: the event
        "sets": "varchar",  # or the profile field
        "set_to": "varchar",
        "place": "integer not null",  # of two deeds of a run the later has the higher
    },
    # other templates for shares of contacts, from 0 to 1
    "conversation_variants": {
        "conversation": "varchar not null",
        "step": "varchar not null",
        "variant": "varchar not null",
        "template": "varchar not null",
        "from_share": "double precision not null",
        "to_share": "double precision not null",
    },
    # a node is reached when all its checks come out as expected
    "conversation_checks": {
        "program": "varchar not null",
        "node": "integer not null",
        "condition": "varchar not null",
        "judged_days": "integer not null",
        "expected": "boolean not null",
    },
    # a condition is true when of one of its clauses every atom is as wanted
    "conversation_wishes": {
        "condition": "varchar not null",
        "clause": "integer not null",
        "atom": "varchar not null",
        "wanted": "boolean not null",
    },
    "conversation_atoms": {
        "atom": "varchar not null",
        "kind": "varchar not null",
        "subject": "varchar not null",
        "value": "varchar not null",
        "number": "double precision",
        # of reactions to messages: which occurrences and passes of the step count
        "from_visit": "integer not null",
        "to_visit": "integer not null",
        "to_pass": "integer not null",
    },
}
"""The columns of each table, with the types that DuckDB and PostgreSQL share."""


def conversation_tables(conversations: Sequence[Conversation]) -> dict[str, list[Row]]:
    """The rows of each table of `TABLES`, in an order that depends on the conversations alone."""
    level_of = levels(conversations)
    rows: dict[str, list[Row]] = {name: [] for name in TABLES}
    for conversation in sorted(conversations, key=lambda each: each.conversation):
        compiled = compile_conversation(conversation)
        for program in compiled.programs:
            rows["conversation_programs"] += _program_rows(compiled, program, level_of[conversation.conversation])
            rows["conversation_stays"] += _stay_rows(conversation, program)
            rows["conversation_deeds"] += _deed_rows(conversation, program)
            rows["conversation_checks"] += _check_rows(program)
        rows["conversation_exits"] += _exit_rows(conversation)
        rows["conversation_variants"] += _variant_rows(conversation)
        wishes, atoms = _condition_rows(compiled)
        rows["conversation_wishes"] += wishes
        rows["conversation_atoms"] += atoms
    return rows


def run_hashes(conversations: Sequence[Conversation]) -> dict[str, str]:
    """What the books of runs are held against besides dbt's own files, by model: a hash of all tables."""
    tables = hashlib.sha256(repr(conversation_tables(conversations)).encode()).hexdigest()[:32]
    return dict.fromkeys(RUN_MODELS, tables)


def write_conversation_tables(connection: "Connection", conversations: Sequence[Conversation]) -> None:
    """Write all tables anew."""
    rows = conversation_tables(conversations)
    for name, columns in TABLES.items():
        body = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        connection.execute(f"drop table if exists {name}")
        connection.execute(f"create table {name} ({body})")
        connection.insert(name, _frame(columns, rows[name]))


def _frame(columns: dict[str, str], rows: list[Row]) -> "pandas.DataFrame":
    import pandas

    return pandas.DataFrame(rows, columns=list(columns), dtype=object)


def _program_rows(compiled: Compiled, program: Program, level: int) -> Iterator[Row]:
    conversation = compiled.conversation
    looks_back = conversation.entries == "once" or any(each.stays for each in compiled.programs)
    place = next(place for place, each in enumerate(conversation.threads) if each.thread == program.thread)
    thread = conversation.threads[place]
    ends = [stay.to_offset for stay in program.stays] + [deed.offset for deed in program.deeds]
    for event in thread.events:
        yield (
            *(conversation.conversation, level, program.name, place, thread.rank, program.weekday, event),
            *(conversation.scope, conversation.entries, conversation.live_from, conversation.goal),
            *(max(ends, default=0), looks_back),
        )


def _exit_rows(conversation: Conversation) -> Iterator[Row]:
    for word in conversation.exit_when:
        if isinstance(word, InSegment):
            yield conversation.conversation, "segment", word.segment
        else:
            for value in conversation.channels if word == "unsubscribed" else [""]:
                yield conversation.conversation, word, value


def _stay_rows(conversation: Conversation, program: Program) -> Iterator[Row]:
    highest = max(thread.rank for thread in conversation.threads if thread.events)
    for stay in program.stays:
        place = (program.name, stay.node, len(program.nodes[stay.node]))
        yield (*place, *stay.place, stay.rank, stay.rank < highest, stay.from_offset, stay.to_offset)


def _deed_rows(conversation: Conversation, program: Program) -> Iterator[Row]:
    for place, deed in enumerate(program.deeds):
        stands = (conversation.conversation, program.name, deed.node, len(program.nodes[deed.node]))
        about = (deed.step, deed.occurrence, deed.pass_number, deed.offset, deed.not_before)
        if message := conversation.messages.get(deed.step):
            shows = (message.channel, message.template, deed.drawn_occurrence)
            yield (*stands, *about, *shows, None, None, None, place)
        else:
            action = conversation.actions[deed.step]
            for does in (
                [(action.fire, None, None)] if action.fire else [(None, *pair) for pair in (action.set or {}).items()]
            ):
                yield (*stands, *about, None, None, None, *does, place)


def _variant_rows(conversation: Conversation) -> Iterator[Row]:
    for step, message in conversation.messages.items():
        begins = 0.0
        for each in message.variants:
            ends = round(begins + each.share, 9)
            yield conversation.conversation, step, each.variant, each.template, begins, ends
            begins = ends


def _check_rows(program: Program) -> Iterator[Row]:
    for node in sorted({each.node for each in (*program.stays, *program.deeds)}):
        for check in sorted(program.nodes[node], key=lambda each: (each.offset, each.condition, each.expected)):
            condition = _condition_name(program.conversation, check.condition)
            yield program.name, node, condition, check.offset, check.expected


def _condition_rows(compiled: Compiled) -> tuple[list[Row], list[Row]]:
    name = compiled.conversation.conversation
    atoms = sorted({atom for clauses in compiled.conditions for clause in clauses for atom, _ in clause}, key=str)
    numbers = {atom: f"{name}:{number}" for number, atom in enumerate(atoms)}
    wishes = [
        (_condition_name(name, number), place, numbers[atom], wanted)
        for number, clauses in enumerate(compiled.conditions)
        for place, clause in enumerate(clauses)
        for atom, wanted in sorted(clause, key=str)
    ]
    return wishes, [(numbers[atom], *astuple(atom)) for atom in atoms]


def _condition_name(conversation: str, number: int) -> str:
    return f"{conversation}:{number}"
