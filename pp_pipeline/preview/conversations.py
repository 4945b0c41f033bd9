"""The preview of a conversation: the messages that are due, and where everybody else of the list stands."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from pp_pipeline.configuration import Configuration
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.drawing import step_words
from pp_pipeline.preview.table import Preview, PreviewRow, in_order
from pp_pipeline.sending.plan import marks
from pp_pipeline.warehouse import Connection, Warehouse

_MARK = "-- query: "
# The list as of the last day; who waits at which step then; which runs were ended before their time, and when.
_QUERIES = """
-- query: list
with days as (select {{ last_day() }} as as_of),
{{ everyone_as_of('days') }}
select merchant, contact_key, email from contact_list order by merchant, email
-- query: standing
with {{ waiting_places() }}
select * from waiting_places where conversation = {{ text(var('asked_conversation')) }} order by until_on, order_number
-- query: ended
with {{ runs_of_the_time(ref('conversation_runs'), var('to_day'), var('to_day')) }},
newest_runs as (
    select * from runs_of_the_time
    where conversation = {{ text(var('asked_conversation')) }} and next_begun_on is null
),
{{ run_orders('newest_runs') }},
{{ run_endings('newest_runs') }}
select run_id, ends_on from endings where ends_on <= {{ last_day() }}
"""
_MESSAGES = """
select merchant, contact_key, event_id, order_number, step, occurrence, pass, channel, template, variant, due_on
from planned_messages
where conversation = ? and due_on between ? and ?
order by due_on, step, pass, message_id
"""
_NEWEST_RUNS = """
select run_id, merchant, contact_key, order_number, begun_on
from (
    select *, row_number() over (partition by merchant, contact_key order by begun_on desc, run_id) as place
    from conversation_runs
    where conversation = ? and begun_on <= ?
) as runs
where place = 1
"""
_NEWEST_EVENTS = """
select merchant, contact_key, event_name, order_number, occurred_on
from (
    select *, row_number() over (partition by merchant, contact_key order by occurred_on desc, event_id) as place
    from external_events
    where event_name in ({}) and occurred_on <= ?
) as events
where place = 1
"""


def preview_conversation(
    configuration: Configuration, name: str, first: date, last: date, merchant: str = ""
) -> Preview:
    """The preview of a conversation out of a home that is built through `last`, such as a shadow.

    Args:
        merchant: only contacts of this one; '' for all.
    """
    conversation = next(one for one in configuration.conversations if one.conversation == name)
    variables = {"from_day": first.isoformat(), "to_day": last.isoformat(), "asked_conversation": name}
    queries = dict(part.split("\n", 1) for part in configuration.project.compiled(_QUERIES, variables).split(_MARK)[1:])
    with Warehouse(configuration.settings).connect() as connection:
        contacts = connection.rows(queries["list"])
        messages = _records(connection, _MESSAGES, (name, first, last))
        teller = _Teller(
            conversation,
            last,
            standing=_by_contact(_records(connection, queries["standing"])),
            runs=_by_contact(_records(connection, _NEWEST_RUNS, (name, last))),
            ended=dict(connection.rows(queries["ended"])),
            events=_by_contact(
                _records(connection, _NEWEST_EVENTS.format(marks(conversation.events)), (*conversation.events, last))
            ),
            fired=set(conversation.events) & {event for one in configuration.conversations for event in one.fires},
        )
    emails = {(of, key): email for of, key, email in contacts}
    got = {(row["merchant"], row["contact_key"]) for row in messages}
    rows = [_message(row, emails) for row in messages]
    rows += [teller.row(*contact) for contact in contacts if contact[:2] not in got]
    return Preview(
        kind="conversation",
        name=name,
        first=first,
        last=last,
        summary=_summary(conversation),
        notes=[],
        rows=in_order(row for row in rows if merchant in ("", row.merchant)),
    )


def _summary(conversation: Conversation) -> str:
    live = f"; live from {conversation.live_from}" if conversation.live_from else ""
    exits = f"; exit_when {', '.join(conversation.exit_words)}" if conversation.exit_words else ""
    return f"On {', '.join(conversation.events)}: {', '.join(conversation.messages)}{exits}{live}."


def _message(row: Mapping[Any, Any], emails: Mapping[tuple[str, str], str | None]) -> PreviewRow:
    repeat = f", pass {row['pass']}" if row["pass"] > 1 else ""
    again = f", time {row['occurrence']}" if row["occurrence"] > 1 else ""
    variant = f" ({row['variant']})" if row["variant"] else ""
    return PreviewRow(
        state="gets",
        reason="planned",
        merchant=row["merchant"],
        contact_key=row["contact_key"],
        email=emails.get((row["merchant"], row["contact_key"])),
        on=row["due_on"],
        due_on=row["due_on"],
        what=f"{row['step']}{again}{repeat}: {row['channel']} {row['template']}{variant}",
        order_number=row["order_number"],
        event_id=row["event_id"],
    )


Contact = tuple[str, str]


class _Teller:
    """Says why a contact gets nothing: by the run that waits, else the newest run, else the newest event.

    Args:
        standing, runs, events: what there is of each contact.
        ended: the day on which newest runs were ended before their time.
        fired: the events of it that other conversations fire.
    """

    def __init__(
        self,
        conversation: Conversation,
        last: date,
        standing: Mapping[Contact, Mapping[Any, Any]],
        runs: Mapping[Contact, Mapping[Any, Any]],
        ended: Mapping[Any, date],
        events: Mapping[Contact, Mapping[Any, Any]],
        fired: set[str],
    ) -> None:
        names = ", ".join(conversation.events)
        # What conversations fire stands in tables of their own, which are not looked at here.
        self._nothing = f"none of its events began a run: {names}" if fired else f"none of its events came: {names}"
        self._conversation, self._last = conversation, last
        self._standing, self._runs, self._ended, self._events = standing, runs, ended, events

    def row(self, merchant: str, contact_key: str, email: str | None) -> PreviewRow:
        contact = merchant, contact_key
        about: Mapping[Any, Any] = {}
        on = due_on = None
        if found := self._standing.get(contact):
            state, reason, about, due_on = "waits", "inside", found, found["until_on"]
            text = f"inside since {found['begun_on']}, {self._step(found)} until {due_on}"
        elif found := self._runs.get(contact):
            about, on = found, self._ended.get(found["run_id"])
            state, reason = "left", "ended_early" if on else "ended"
            how = f"was ended on {on} ({self._ends()})" if on else "came to its end"
            text = f"its run that began on {found['begun_on']} {how}"
        elif found := self._events.get(contact):
            state, about = "never", found
            reason, why = self._ignored(found)
            text = f"{found['event_name']} on {found['occurred_on']} began no run: {why}"
        else:
            state, reason, text = "never", "no_event", self._nothing
        return PreviewRow(
            state=state,
            reason=reason,
            merchant=merchant,
            contact_key=contact_key,
            email=email,
            on=on,
            due_on=due_on,
            order_number=about.get("order_number"),
            text=text,
        )

    def _step(self, row: Mapping[Any, Any]) -> str:
        thread = self._conversation.threads[row["thread_place"]]
        step = thread.steps[row["step_place"]]
        return f"stands at {step.id or thread.thread} ({step_words(step)})"

    def _ends(self) -> str:
        goal = [] if self._conversation.goal == "none" else [f"the goal {self._conversation.goal}"]
        return " or ".join([*self._conversation.exit_words, *goal, "its order became another contact's"])

    def _ignored(self, event: Mapping[Any, Any]) -> tuple[str, str]:
        live_from = self._conversation.live_from
        if live_from is not None and event["occurred_on"] < live_from:
            return "before_live_from", f"it is live from {live_from}"
        if self._conversation.scope != "contact" and event["order_number"] is None:
            return "no_order", f"it is about one {self._conversation.scope}, and the event names none"
        return "ends_at_once", f"it would have ended at once ({self._ends()})"


def _records(connection: Connection, sql: str, values: tuple[Any, ...] = ()) -> list[dict[Any, Any]]:
    return connection.frame(sql, values).to_dict("records")


def _by_contact(rows: Iterable[Mapping[Any, Any]]) -> dict[Contact, Mapping[Any, Any]]:
    """The first row of each contact."""
    found: dict[Contact, Mapping[Any, Any]] = {}
    for row in rows:
        found.setdefault((row["merchant"], row["contact_key"]), row)
    return found
