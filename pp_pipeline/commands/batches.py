"""`pp batches`: what each day wants delivered, and how it stands."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from pp_pipeline.commands.acting_day import acting_day
from pp_pipeline.commands.output import guarded, older_ones, out, print_json, print_line, print_table
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.witness import Witness, words
from pp_pipeline.merchants import load_merchants
from pp_pipeline.sending.batches import (
    FLOOR_ROWS,
    MAX_BATCH_AGE_DAYS,
    MAX_GROWTH,
    MEDIAN_DAYS,
    Batch,
    BatchState,
    batch_states,
)
from pp_pipeline.sending.gates import INCOMPLETE_DAY, Gates
from pp_pipeline.sending.plan import nothing
from pp_pipeline.settings import Settings

Standing = tuple[Batch, BatchState]

_EARLIEST, _LATEST = date(2000, 1, 1), date(9999, 12, 31)
_SHORTEST_PREFIX = 8

MEANINGS = {
    "sent": "nothing is left to do",
    "empty": "plans nothing any more: the version before it can't go",
    "ready": "goes at the next sending",
    "approved": "was approved, and goes at the next sending",
    "waits: old": f"its day was over {MAX_BATCH_AGE_DAYS} days back when it could first go; `pp approve` lets it go",
    "waits: large": f"{FLOOR_ROWS} new rows or more, and over {MAX_GROWTH} times the median of {MEDIAN_DAYS} days; "
    "`pp approve` lets it go",
    "kill switch": "the kill switch is on: nothing goes before `pp kill-switch off`",
    "restored ledger": "the ledger lacks what this home has sent by it: nothing goes before `pp ledger accept`",
    "early": "its day has not come",
    "paused": "its conversation or campaign is paused: `pp pause` lists them",
    "incomplete day": "waits for files of its day that are due; transactional messages go",
}


@guarded
def show_batches(waiting: bool, today: str | None, as_json: bool, limit: int = 40) -> int:
    """List the newest version of every batch; with `waiting`, those that wait for approval."""
    everything = standings(Settings.from_environment(), today)
    shown = [one for one in everything if one[1].state == "waiting"] if waiting else everything
    if as_json:
        print_json([as_record(*one) for one in shown])
        return 0
    newest = shown[-limit:]
    if len(newest) < len(shown):
        print_line(older_ones(len(shown) - len(newest), "--limit, --json"), "dim")
    title = f"{len(shown)} batches wait for approval" if waiting else f"{len(shown)} batches"
    print_batches(title + _targets(shown), newest, unique_prefixes([batch.hash for batch, _ in everything]))
    out.print()
    counts = Counter(state_word(*one) for one in everything)
    if counts:
        rows = [[counts[word], word, meaning] for word, meaning in MEANINGS.items() if counts[word]]
        print_table("In all", ["count", "state", ""], rows)
        for line in lines_of_ledger(Settings.from_environment()):
            print_line(line, "red")
        for line in lines_of_missing_files(Settings.from_environment(), everything):
            print_line(line, "yellow")
    else:
        print_line("Nothing was sealed yet: `pp run --from DAY --to DAY` builds days and seals their batches.")
    return 0


def standings(settings: Settings, today: str | None) -> list[Standing]:
    """The newest version of every batch of the ledger and how it stands, by day.

    Raises:
        SettingsError: see `acting_day`.
    """
    day = acting_day(settings, load_merchants(settings), today)
    with Ledger(settings) as ledger:
        return batch_states(ledger, settings, _EARLIEST, _LATEST, day)


def lines_of_ledger(settings: Settings) -> list[str]:
    """What is wrong with the ledger as a whole, so that nothing is sent by it; nothing where all is well."""
    with Ledger(settings) as ledger, ledger.reading() as connection:
        missing = Witness.of(settings).missing(connection)
    return [words(missing)] if missing else []


def lines_of_missing_files(settings: Settings, standings: Sequence[Standing], limit: int = 10) -> list[str]:
    """The files that blocked batches wait for, the newest days, a line each."""
    waiting = [batch.id for batch, state in standings if state.reason == INCOMPLETE_DAY]
    if not waiting:
        return []
    with Ledger(settings) as ledger:
        missing = Gates(settings, ledger).missing(waiting)
    older = len(missing) - limit
    return ([f"{older} older files are missing, too"] if older > 0 else []) + [str(one) for one in missing[-limit:]]


def print_batches(title: str, shown: Sequence[Standing], prefixes: dict[str, str]) -> None:
    """One row per batch. `new` and `sent` are rows of it, `gone` are sent rows that it no longer plans."""
    has_merchants = len({batch.id.merchant for batch, _ in shown}) > 1
    print_table(
        title,
        ["day", "batch", "v", "hash", "rows", "new", "sent", "gone", "state"],
        [
            [batch.day, _name(batch, has_merchants), batch.version, prefixes[batch.hash], batch.row_count,
             batch.new_count, batch.sent_count, batch.unplanned_count, state_word(batch, state)]
            for batch, state in shown
        ],
    )  # fmt: skip
    if any(batch.sent_count or batch.unplanned_count for batch, _ in shown):
        print_line(
            "As it was when sealed. v: version; new: rows never tried; sent: rows already sent; gone: sent for "
            "this day and no longer planned.",
            "dim",
        )


def state_word(batch: Batch, state: BatchState) -> str:
    """How a batch stands, in a word or two; `MEANINGS` says what they mean."""
    if state.state == "waiting":
        return f"waits: {state.reason}"
    if state.state == "blocked":
        return state.reason.replace("_", " ")
    if state.state == "sent" and batch.hash == nothing(batch.id).hash:
        return "empty"
    return "approved" if state.state == "ready" and batch.release.approved_at else state.state


def as_record(batch: Batch, state: BatchState) -> dict[str, Any]:
    """A batch for programs."""
    return {
        "day": batch.day,
        "kind": batch.id.kind,
        "name": batch.id.name,
        "merchant": batch.id.merchant,
        "version": batch.version,
        "hash": batch.hash,
        "rows": batch.row_count,
        "new": batch.new_count,
        "already_sent": batch.sent_count,
        "no_longer_planned": batch.unplanned_count,
        "target": batch.release.target,
        "state": state.state,
        "reason": state.reason,
        "sealed_at": batch.sealed_at,
        "first_sendable_on": batch.release.first_sendable_on,
        "approved_at": batch.release.approved_at,
        "approved_by": batch.release.approved_by,
    }


def unique_prefixes(hashes: Sequence[str]) -> dict[str, str]:
    """The shortest beginning of each hash that no other one has; all of one length, at least 8."""
    ordered = sorted(set(hashes))
    length = _SHORTEST_PREFIX
    for one, other in pairwise(ordered):
        while one[:length] == other[:length]:
            length += 1
    return {full: full[:length] for full in ordered}


def _targets(shown: Sequence[Standing]) -> str:
    """What they count for as things are set: without PP_LIVE nothing is known here of what went live."""
    targets = sorted({batch.release.target for batch, _ in shown})
    return f" ({' and '.join(targets)})" if targets else ""


def _name(batch: Batch, has_merchants: bool) -> str:
    return f"{batch.id.kind} {batch.id.name}" + (f" ({batch.id.merchant})" if has_merchants else "")
