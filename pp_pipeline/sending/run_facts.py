"""What is known now of the runs that messages belong to: what ends or pauses them, and whether anybody is heard at all.

Read set-based for all messages of a load, on the newest files (DESIGN 4 and 5): the plan of a day knows the files
dated up to it only.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from pp_pipeline.sending.plan import marks
from pp_pipeline.warehouse import Connection

RunId = tuple[str, str]
"""Conversation and the event that began the run."""


@dataclass(frozen=True)
class RunFacts:
    """Facts about the runs of some days' messages.

    Attributes:
        exits: the words of their `exit_when` that are true now, those of their orders aside.
        open_tickets: contacts (merchant, contact key) with a ticket that is not closed.
        returns_started: orders (merchant, number) that are coming back, and for which no money went back yet.
        feedback_through: by merchant, the date of the newest file of feedback.
    """

    exits: Mapping[RunId, frozenset[str]] = field(default_factory=dict)
    open_tickets: frozenset[tuple[str, str]] = frozenset()
    returns_started: frozenset[tuple[str, str]] = frozenset()
    feedback_through: Mapping[str, date] = field(default_factory=dict)


def read_run_facts(connection: Connection, days: list[date]) -> RunFacts:
    """The facts; what does not exist yet says nothing."""
    asked = f"select distinct merchant, contact_key, order_number from planned_messages where due_on in ({marks(days)})"
    facts = RunFacts(exits=_exits(connection, days))
    if connection.table_exists("feedback_rows"):
        through = connection.rows("select merchant, max(file_date) from feedback_rows group by merchant")
        tickets = connection.rows(_OPEN_TICKETS.format(asked=asked), days)
        facts = RunFacts(facts.exits, frozenset(tickets), frozenset(), dict(through))
    if connection.table_exists("return_rows"):
        returns = connection.rows(_RETURNS_STARTED.format(asked=asked), days)
        facts = RunFacts(facts.exits, facts.open_tickets, frozenset(returns), facts.feedback_through)
    return facts


# The last word of each ticket; one that is closed at the moment of its opening is closed.
_OPEN_TICKETS = """
    with told as (
        select
            rows.merchant,
            rows.contact_key,
            rows.event,
            row_number() over (
                partition by rows.merchant, rows.contact_key, coalesce(rows.ticket_number, '')
                order by rows.occurred_at desc, rows.event
            ) as recency
        from feedback_rows as rows
        inner join (select distinct merchant, contact_key from ({asked}) as due) as asked
            on rows.merchant = asked.merchant and rows.contact_key = asked.contact_key
        where rows.event in ('ticket_opened', 'ticket_closed')
    )
    select distinct merchant, contact_key from told where recency = 1 and event = 'ticket_opened'
"""

_RETURNS_STARTED = """
    select rows.merchant, rows.order_number
    from return_rows as rows
    inner join (select distinct merchant, order_number from ({asked}) as due) as asked
        on rows.merchant = asked.merchant and rows.order_number = asked.order_number
    group by rows.merchant, rows.order_number
    having count(rows.started_on) > 0 and count(rows.refunded_on) = 0
"""


def _exits(connection: Connection, days: list[date]) -> dict[RunId, frozenset[str]]:
    """As dbt/macros/run_endings.sql says them for the plan, on the newest version of each order."""
    if not connection.table_exists("conversation_runs") or not connection.rows("select 1 from conversation_exits"):
        return {}
    found: dict[RunId, set[str]] = defaultdict(set)
    for sql in (_PURCHASED_AGAIN, _UNSUBSCRIBED, _IN_SEGMENT):
        for conversation, event_id, word in connection.rows(sql.format(asked=_ASKED.format(marks(days))), days):
            found[conversation, event_id].add(word)
    return {run: frozenset(words) for run, words in found.items()}


_ASKED = """
    select runs.*, exits.word, exits.value
    from conversation_runs as runs
    inner join (select distinct conversation, event_id from planned_messages where due_on in ({})) as due
        on runs.conversation = due.conversation and runs.event_id = due.event_id
    inner join conversation_exits as exits on runs.conversation = exits.conversation
"""

_PURCHASED_AGAIN = """
    with asked as ({asked}),
    their_orders as (
        select distinct versions.merchant, versions.order_number
        from order_versions as versions
        inner join asked on versions.merchant = asked.merchant and versions.contact_key = asked.contact_key
        where asked.word = 'purchased_again'
    ),
    ranked as (
        select
            versions.*,
            min(versions.known_on) over (partition by versions.merchant, versions.order_number) as first_known_on,
            row_number() over (
                partition by versions.merchant, versions.order_number order by versions.known_on desc
            ) as recency
        from order_versions as versions
        inner join their_orders
            on versions.merchant = their_orders.merchant and versions.order_number = their_orders.order_number
    )
    select asked.conversation, asked.event_id, asked.word
    from asked
    inner join ranked as others on asked.merchant = others.merchant and asked.contact_key = others.contact_key
    left join ranked as own
        on asked.merchant = own.merchant and asked.order_number = own.order_number and own.recency = 1
    where
        asked.word = 'purchased_again'
        and others.recency = 1
        and others.is_purchase
        and others.order_number is distinct from asked.order_number
        and others.first_known_on >= asked.begun_on
        and (own.ordered_on is null or others.ordered_on > own.ordered_on)
"""

_UNSUBSCRIBED = """
    with asked as ({asked})
    select asked.conversation, asked.event_id, asked.word
    from asked
    inner join feedback_rows as told on asked.merchant = told.merchant and asked.contact_key = told.contact_key
    where
        asked.word = 'unsubscribed'
        and told.event = 'unsubscribed'
        and (told.channel is null or told.channel = asked.value)
"""

_IN_SEGMENT = """
    with asked as ({asked})
    select asked.conversation, asked.event_id, 'segment ' || asked.value
    from asked
    inner join segment_snapshots as members
        on
            asked.value = members.segment
            and asked.merchant = members.merchant
            and asked.contact_key = members.contact_key
    where
        asked.word = 'segment'
        and members.snapshot_on = (select max(snapshot_on) from segment_snapshots)
"""
