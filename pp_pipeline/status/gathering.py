"""How an installation stands on a day: days, files, queues, batches, ledger, switches, and what needs a person."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection as LedgerConnection
from sqlalchemy import func, select

from pp_pipeline.alerting.ledger_troubles import batch_troubles, file_troubles, not_taken
from pp_pipeline.alerting.trouble import Trouble
from pp_pipeline.build_range import build_range
from pp_pipeline.campaigns.queues import newest_built_day, waiting_by_due_day
from pp_pipeline.configuration import Configuration
from pp_pipeline.correcting.approving import Standing
from pp_pipeline.landing.completeness import acting_now, completeness
from pp_pipeline.landing.days import days_between, landed_days
from pp_pipeline.landing.file_stories import FileStories, file_stories
from pp_pipeline.landing.files import first_day
from pp_pipeline.ledger.inspecting import count_unsettled
from pp_pipeline.ledger.schema import deliveries, switches
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.sending.batches import batch_states
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Connection, Warehouse, WarehouseError

if TYPE_CHECKING:
    from pp_pipeline.defs.alerting.runs import RunRow

DAYS_AHEAD = 7
DAYS_BACK = 7
BEHIND = "behind"
_PATIENCE_SECONDS = 1.0
_EARLIEST, _LATEST = date(2000, 1, 1), date(9999, 12, 31)


@dataclass(frozen=True)
class QueueStanding:
    """A campaign's queue at the end of its newest built day."""

    campaign: str
    built_to: date | None
    waiting: int
    due_soon: int
    """Of these, due within DAYS_AHEAD days of today or before."""


@dataclass(frozen=True)
class Built:
    """What the warehouse says. `busy` says who is at work in it; then nothing else is known."""

    newest_day: date | None = None
    not_holding: Sequence[str] = ()
    """Why the next run builds more than today."""
    queues: Sequence[QueueStanding] = ()
    busy: str = ""


@dataclass(frozen=True)
class Files:
    """What came in. `missing` are files of the last days that are overdue."""

    newest: str = ""
    newest_outcome: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    not_taken: Sequence[str] = ()
    missing: Sequence[str] = ()


@dataclass(frozen=True)
class SentToday:
    """What was first tried on the day, by target, channel or relay, and what became of it."""

    target: str
    channel: str
    state: str
    count: int


@dataclass(frozen=True)
class Switch:
    """A switch that is on: the kill switch or a pause."""

    name: str
    since: datetime | None
    by: str


@dataclass(frozen=True)
class Status:
    """How it all stands. `runs` are the newest of each job that builds or sends; `batches` counts them by state and
    reason, such as `waiting: old`; `unsettled` are deliveries that failed or are unknown, by target and state."""

    today: date
    runs: Sequence["RunRow"]
    built: Built
    files: Files
    batches: Mapping[str, int]
    sent_today: Sequence[SentToday]
    unsettled: Mapping[str, int]
    switches: Sequence[Switch]
    troubles: Sequence[Trouble]


def gather(
    configuration: Configuration,
    today: date,
    now: datetime,
    runs: Sequence["RunRow"] = (),
    failed: Sequence[Trouble] = (),
) -> Status:
    """How an installation stands on `today`. A warehouse in which another process is at work is left out.

    Args:
        runs, failed: what Dagster knows of runs.

    Raises:
        CampaignError, ConversationError, MerchantError, DbtError, LedgerError: what people wrote, or the ledger, can't
            be used.
    """
    settings, merchants = configuration.settings, configuration.merchants
    with Ledger(settings) as ledger:
        stories = file_stories(settings, ledger, merchants, today)
        states = batch_states(ledger, settings, _EARLIEST, _LATEST, today)
        built = _built(configuration, ledger, today)
        troubles = [
            *failed,
            *file_troubles(stories),
            *_behind(built, today),
            *batch_troubles(settings, ledger, merchants, states, now),
        ]
        missing = completeness(merchants, ledger).missing_of_days(days_between(today - timedelta(DAYS_BACK), today))
        overdue = [one for one in missing if one.is_overdue(acting_now(settings, merchants[one.merchant]))]
        with ledger.reading() as connection:
            return Status(
                today=today,
                runs=runs,
                built=built,
                files=_files(stories, [str(one) for one in overdue]),
                batches=_batch_counts(states),
                sent_today=_sent_on(connection, today),
                unsettled={f"{state} ({target})": n for (target, state), n in count_unsettled(connection).items()},
                switches=_switches(connection, settings),
                troubles=troubles,
            )


def _built(configuration: Configuration, ledger: Ledger, today: date) -> Built:
    settings = configuration.settings
    if not settings.has_warehouse:
        return Built()
    warehouse = Warehouse(settings, _PATIENCE_SECONDS)
    try:
        begins = min(first_day(settings, ledger, configuration.feeds) or today, today)
        reasons = build_range(
            settings, ledger, warehouse, configuration.books_since(begins), configuration.merchants, today, today
        ).reasons
        with warehouse.connect() as connection:
            landed = landed_days(connection)
            queues = [_queue(connection, campaign.name, campaign.queue, today) for campaign in configuration.campaigns]
    except WarehouseError as error:
        return Built(busy=str(error))
    return Built(max(landed, default=None), reasons, queues)


def _queue(connection: Connection, name: str, queue: str, today: date) -> QueueStanding:
    newest = newest_built_day(connection, queue) if connection.table_exists(queue) else None
    if newest is None:
        return QueueStanding(name, None, 0, 0)
    due = waiting_by_due_day(connection, queue, newest)
    soon = sum(count for day, count in due.items() if day <= today + timedelta(days=DAYS_AHEAD))
    return QueueStanding(name, newest, sum(due.values()), soon)


def _behind(built: Built, today: date) -> list[Trouble]:
    """A day that should have been built by now, and that nobody built: yesterday, or one before."""
    if built.newest_day is None or built.newest_day >= today - timedelta(days=1):
        return []
    text = f"Nothing was built since {built.newest_day}, and today is {today}"
    remedy = f"`pp run --from {today} --to {today}`; in Dagster switch daily_schedule on (Automation)"
    return [Trouble(BEHIND, (built.newest_day.isoformat(),), text, remedy)]


def _files(stories: FileStories, missing: Sequence[str]) -> Files:
    newest = max(stories.files, key=lambda one: (one.file_date, one.first_seen_at is not None), default=None)
    return Files(
        newest=newest.name if newest else "",
        newest_outcome=newest.outcome if newest else "",
        counts=dict(Counter(one.outcome for one in stories.files)),
        not_taken=not_taken(stories),
        missing=missing,
    )


def _batch_counts(states: Sequence[Standing]) -> dict[str, int]:
    words = [f"{state.state}: {state.reason}" if state.reason else state.state for _, state in states]
    return dict(sorted(Counter(words).items()))


def _sent_on(connection: LedgerConnection, day: date) -> list[SentToday]:
    table = deliveries.c
    columns = (table.target, func.coalesce(table.channel, table.kind), table.state)
    query = select(*columns, func.count()).where(table.first_tried_on == day).group_by(*columns).order_by(*columns)
    return [SentToday(*row) for row in connection.execute(query)]


def _switches(connection: LedgerConnection, settings: Settings) -> list[Switch]:
    query = select(switches).where(switches.c.is_on).order_by(switches.c.name)
    by_environment = [Switch("kill_switch", None, "PP_KILL_SWITCH")] if settings.kill_switch else []
    found = [Switch(row.name, row.changed_at, row.changed_by) for row in connection.execute(query)]
    return by_environment + found


def as_record(status: Status) -> dict[str, Any]:
    """A status for programs."""
    return {
        "today": status.today,
        "runs": [vars(run) for run in status.runs],
        "built": {**vars(status.built), "queues": [vars(queue) for queue in status.built.queues]},
        "files": vars(status.files),
        "batches": status.batches,
        "sent_today": [vars(one) for one in status.sent_today],
        "unsettled": status.unsettled,
        "switches": [vars(one) for one in status.switches],
        "needs_a_person": [vars(one) for one in status.troubles],
    }
