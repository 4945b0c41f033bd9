"""Batches that go no further by themselves (DESIGN 5, "Batches"): what waits for a person, and what is stuck.

Stuck is what is ready, or held by a gate, for more than `STUCK_AFTER` since anything about it changed: it was sealed or
approved, its day began, a switch was turned, the time of what was deferred came. A day that lacks a file is stuck once
that is overdue, a restored ledger at once. Deliveries of which nobody knows whether they went are stuck, too.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select

from pp_pipeline.alerting.trouble import Trouble, named_days
from pp_pipeline.correcting.approving import Standing
from pp_pipeline.landing.completeness import acting_now
from pp_pipeline.ledger.schema import deliveries, switches
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.switches import KILL_SWITCH
from pp_pipeline.ledger.witness import RESTORED_LEDGER
from pp_pipeline.merchants import Merchant, zone_of_days
from pp_pipeline.sending.batches import FLOOR_ROWS, MAX_BATCH_AGE_DAYS, MAX_GROWTH, Batch, BatchState
from pp_pipeline.sending.gates import INCOMPLETE_DAY, PAUSED, Gates
from pp_pipeline.sending.waking import rests
from pp_pipeline.settings import Settings

STUCK_AFTER = timedelta(hours=6)
OLD, LARGE, STUCK, OVERDUE, UNKNOWN = "old", "large", "stuck", "overdue", "unknown"

_MOST_FIGURES = 5
_READY = "ready"
_HELD = {
    _READY: (
        "ready, and not sent",
        "`pp send --from {first} --to {last}`; in Dagster switch batch_sensor on (Automation). Rows of a paused "
        "campaign stay: `pp pause`",
    ),
    KILL_SWITCH: ("held by the kill switch", "`pp kill-switch off` lets sending go on"),
    PAUSED: ("held by a pause", "`pp pause` lists the pauses, `pp pause NAME --off` ends one"),
    RESTORED_LEDGER: (
        "held: the ledger lacks what this home has sent by it",
        "Restore the newest ledger, or accept this one: `pp ledger accept`",
    ),
}


def old_troubles(states: Sequence[Standing]) -> list[Trouble]:
    """What waits for approval because it is old."""
    old = [batch for batch, state in states if state.state == "waiting" and state.reason == OLD]
    if not old:
        return []
    days = sorted({batch.day for batch in old})
    text = (
        f"{_batches(old)} {_waits(old)}: over {MAX_BATCH_AGE_DAYS} days old when they could first go, of "
        f"{named_days(days)}"
    )
    return [Trouble(OLD, _as_causes(days), text, _approving(days))]


def large_troubles(states: Sequence[Standing]) -> list[Trouble]:
    """What waits for approval because it is unusually large, with the figures of the newest."""
    large = [one for one in states if one[1].state == "waiting" and one[1].reason == LARGE]
    if not large:
        return []
    days = sorted({batch.day for batch, _ in large})
    figures = "; ".join(large_words(*one) for one in large[-_MOST_FIGURES:])
    text = f"{_batches(large)} {_waits(large)}, unusually large, of {named_days(days)}: {figures}"
    return [Trouble(LARGE, _as_causes(days), text, _approving(days))]


def large_words(batch: Batch, state: BatchState) -> str:
    """What of a large batch is unusual: its rows that the ledger does not know, against 3 times the median."""
    if state.usual_count is None:
        usual = f"{FLOOR_ROWS} are enough to wait, as there are too few batches before it to compare with"
    else:
        usual = f"{MAX_GROWTH} x the median of {state.usual_count:g} are {MAX_GROWTH * state.usual_count:g}"
    return f"{batch.id.kind} {batch.id.name} of {batch.day} with {batch.new_count} rows not in the ledger, {usual}"


def stuck_troubles(
    settings: Settings,
    ledger: Ledger,
    merchants: Mapping[str, Merchant],
    states: Sequence[Standing],
    now: datetime,
) -> list[Trouble]:
    """What should have gone by `now`, and did not.

    Args:
        states: of all days, as `batch_states` gives them.
    """
    zone = ZoneInfo(zone_of_days(merchants))
    found = [_held(reason, some) for reason, some in _by_reason(ledger, states, now, zone).items()]
    blocked = [batch.id for batch, state in states if state.reason == INCOMPLETE_DAY]
    missing = Gates(settings, ledger).missing(blocked) if blocked else []
    overdue = [one for one in missing if one.is_overdue(acting_now(settings, merchants[one.merchant]))]
    if overdue:
        names = ", ".join(sorted({f"{one.merchant}.{one.feed}" for one in overdue}))
        text = f"Batches wait for overdue files of {names}: {named_days([one.day for one in overdue])}"
        causes = tuple(f"{one.day} {one.merchant}.{one.feed}" for one in overdue)
        found.append(Trouble(OVERDUE, causes, text, "`pp files` shows what came; put it into the inbox, then `pp run`"))
    return [*found, *_unknown(ledger, now)]


def _by_reason(ledger: Ledger, states: Sequence[Standing], now: datetime, zone: tzinfo) -> dict[str, list[Batch]]:
    """The batches that stand still, by what holds them."""
    resting = rests(ledger, [batch for batch, state in states if state.state == _READY], now)
    with ledger.reading() as connection:
        turned = connection.scalar(select(func.max(switches.c.changed_at)))
    found: dict[str, list[Batch]] = {}
    for batch, state in states:
        reason = _READY if state.state == _READY else state.reason
        if state.state not in (_READY, "blocked") or reason not in _HELD:
            continue
        rest = resting.get(batch.number)
        times = [batch.sealed_at, batch.release.approved_at, turned, datetime.combine(batch.day, time.min, zone)]
        if rest is not None and rest.is_all:
            times.append(rest.until)
        since = max(each for each in times if each is not None)
        if reason == RESTORED_LEDGER or now - since > STUCK_AFTER:
            found.setdefault(reason, []).append(batch)
    return found


def _held(reason: str, some: Sequence[Batch]) -> Trouble:
    words, remedy = _HELD[reason]
    days = sorted({batch.day for batch in some})
    hours = f" for more than {STUCK_AFTER // timedelta(hours=1)} hours" if reason != RESTORED_LEDGER else ""
    text = f"{_batches(some)} {'is' if len(some) == 1 else 'are'} {words}{hours}: {named_days(days)}"
    return Trouble(STUCK, (reason,), text, remedy.format(first=days[0], last=days[-1]))


def _unknown(ledger: Ledger, now: datetime) -> list[Trouble]:
    """Deliveries that may have gone or not: what is `unknown`, and claims that lapsed. Proofs nobody waits for."""
    table = deliveries.c
    lapsed = (table.state == "claimed") & (table.lease_until < now)
    query = (
        select(table.target, table.due_on, func.count())
        .where(or_(table.state == UNKNOWN, lapsed), table.kind.not_in(("test", "seed")))
        .group_by(table.target, table.due_on)
        .order_by(table.target, table.due_on)
    )
    with ledger.reading() as connection:
        rows = list(connection.execute(query))
    if not rows:
        return []
    count = sum(row[2] for row in rows)
    days = named_days([row.due_on for row in rows if row.due_on is not None])
    text = f"Of {count} deliveries nobody knows whether they went, as they were interrupted: {days}"
    causes = tuple(f"{row.target} {row.due_on}" for row in rows)
    return [Trouble(UNKNOWN, causes, text, "`pp ledger` shows them, `pp ledger resolve` says what became of them")]


def _as_causes(days: Sequence[date]) -> tuple[str, ...]:
    return tuple(day.isoformat() for day in days)


def _batches(some: Sequence[object]) -> str:
    return "1 batch" if len(some) == 1 else f"{len(some)} batches"


def _waits(some: Sequence[object]) -> str:
    return f"{'waits' if len(some) == 1 else 'wait'} for approval"


def _approving(days: Sequence[date]) -> str:
    span = f"--on {days[0]}" + (f" --to {days[-1]}" if days[-1] > days[0] else "")
    return f"`pp batches {span} --waiting --rows` shows them, `pp approve` lets them go or not"
