"""`pp batches`: what each day wants delivered, how it stands, and what it differs in from the ledger."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from pp_pipeline.commands.acting_day import acting_day
from pp_pipeline.commands.difference_rows import print_listing
from pp_pipeline.commands.output import guarded, older_ones, out, print_json, print_line, print_table
from pp_pipeline.commands.private_files import write_csv
from pp_pipeline.correcting.approving import Standing
from pp_pipeline.correcting.listing import ListedRow, RowRecord, list_rows
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
from pp_pipeline.settings import Settings, SettingsError, parse_day
from pp_pipeline.warehouse import Warehouse

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


@dataclass(frozen=True)
class Wanted:
    """Which batches are asked for, by days and whether they wait, and whether their rows are."""

    first: str | None = None
    last: str | None = None
    waiting: bool = False
    rows: bool = False
    csv: str = ""


@guarded
def show_batches(wanted: Wanted, today: str | None, as_json: bool, limit: int = 40) -> int:
    """List the newest version of every batch that is wanted, or the rows of these batches.

    Returns: 0, or 2: could not be tried.
    """
    settings = Settings.from_environment()
    everything = standings(settings, today)
    shown = _wanted(everything, wanted)
    if wanted.rows or wanted.csv:
        _show_rows(settings, shown, wanted, as_json, limit)
        return 0
    if as_json:
        print_json([as_record(*one) for one in shown])
        return 0
    newest = shown[-limit:]
    if len(newest) < len(shown):
        print_line(older_ones(len(shown) - len(newest), "--limit, --json"), "dim")
    title = f"{len(shown)} batches wait for approval" if wanted.waiting else f"{len(shown)} batches"
    print_batches(title + _targets(shown), newest, unique_prefixes([batch.hash for batch, _ in everything]))
    out.print()
    counts = Counter(state_word(*one) for one in everything)
    if counts:
        rows = [[counts[word], word, meaning] for word, meaning in MEANINGS.items() if counts[word]]
        print_table("In all", ["count", "state", ""], rows)
        for line in lines_of_ledger(settings):
            print_line(line, "red")
        for line in lines_of_missing_files(settings, everything):
            print_line(line, "yellow")
    else:
        print_line("Nothing was sealed yet: `pp run --from DAY --to DAY` builds days and seals their batches.")
    return 0


def _wanted(everything: Sequence[Standing], wanted: Wanted) -> list[Standing]:
    """The batches that are asked for.

    Raises:
        SettingsError: `last` without `first`, or no days.
    """
    if wanted.last and not wanted.first:
        raise SettingsError("--to goes with --on: the first day of the range")
    first = parse_day(wanted.first) if wanted.first else _EARLIEST
    last = parse_day(wanted.last) if wanted.last else first if wanted.first else _LATEST
    shown = [one for one in everything if first <= one[0].day <= last]
    return [one for one in shown if one[1].state == "waiting"] if wanted.waiting else shown


def _show_rows(settings: Settings, shown: Sequence[Standing], wanted: Wanted, as_json: bool, limit: int) -> None:
    """The rows of batches and what they differ in from the ledger.

    Raises:
        SettingsError: nothing was built, all rows of all days are asked for at once, or the file is there already.
    """
    if not (wanted.first or wanted.waiting):
        raise SettingsError("say of which batches: --on DAY, --on DAY --to DAY, or --waiting")
    settings.check_built()
    if wanted.csv and Path(wanted.csv).exists():
        raise SettingsError(f"{wanted.csv} is there already; give the name of a new file")
    with Ledger(settings) as ledger, Warehouse(settings).connect() as connection:
        listing = list_rows(ledger, connection, settings, load_merchants(settings), [batch for batch, _ in shown])
    if wanted.csv:
        write_csv(Path(wanted.csv), RowRecord._fields, map(ListedRow.record, listing.rows))
    if as_json:
        print_json({"counts": listing.counts(), "rows": [row.record()._asdict() for row in listing.rows]})
        return
    batches = "1 batch" if len(shown) == 1 else f"{len(shown)} batches"
    print_listing(f"Rows of {batches}{_targets(shown)}", listing, limit)


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
    """One row per batch. `new`, `moved` and `sent` are rows of it, the others are planned no more."""
    has_merchants = len({batch.id.merchant for batch, _ in shown}) > 1
    print_table(
        title,
        ["day", "batch", "hash", "rows", "new", "moved", "sent", "gone", "state"],
        [
            [batch.day, _name(batch, has_merchants), prefixes[batch.hash], batch.row_count, batch.new_count,
             batch.moved_count, batch.sent_count, _gone(batch), state_word(batch, state)]
            for batch, state in shown
        ],
    )  # fmt: skip
    if any(batch.sent_count or batch.moved_count or _gone(batch) for batch, _ in shown):
        print_line(
            "As it was when sealed. new: rows never tried; moved: known to the ledger for another day; "
            "sent: rows already sent; gone: planned no more, though sent in error, overtaken by a file of the day, or "
            "tried and no longer due. `pp batches --on DAY --rows` lists them.",
            "dim",
        )


def _gone(batch: Batch) -> str:
    """What was claimed for the day and is planned no more, in a few letters: `2 in error`."""
    counts = {
        "in error": batch.in_error_count,
        "overtaken": batch.overtaken_count,
        "no longer due": batch.no_longer_due_count,
    }
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)


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
        "moved": batch.moved_count,
        "no_longer_due": batch.no_longer_due_count,
        "no_longer_planned": batch.unplanned_count,
        "overtaken": batch.overtaken_count,
        "sent_in_error": batch.in_error_count,
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
