"""`pp approve`: letting old or large batches go, by hash, or marking them as never to be sent."""

from collections.abc import Sequence
from datetime import date

from pp_pipeline.commands.acting_day import acting_day
from pp_pipeline.commands.batches import (
    as_record,
    print_batches,
    standings,
    state_word,
    unique_prefixes,
)
from pp_pipeline.commands.difference_rows import print_listing
from pp_pipeline.commands.login import login_name
from pp_pipeline.commands.output import (
    check_can_ask,
    confirmed,
    counted,
    err,
    guarded,
    out,
    print_json,
    print_line,
    print_table,
)
from pp_pipeline.correcting.approving import (
    Decision,
    Done,
    Standing,
    carry_out,
    decide,
    listing_of,
    named_batches,
)
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import load_merchants
from pp_pipeline.sending.releases import ApprovalError
from pp_pipeline.settings import Settings, parse_day

_MOST_SHOWN = 20


@guarded
def approve_batches(
    hashes: Sequence[str],
    everything: bool,
    due_from: str | None,
    never: bool,
    by: str,
    yes: bool,
    today: str | None,
    as_json: bool,
) -> int:
    """Approve the batches that the hashes name, or all that wait, after showing them and what they differ in from the
    ledger; or mark them, or those before a day, as never to be sent. Nothing is sent by it.

    Returns: 0 done or nothing to do, 1 the person said no, 2 could not be tried.
    """
    if everything == bool(hashes):
        raise ApprovalError("say which: hashes from `pp batches --waiting`, or --all-waiting")
    if never and due_from:
        raise ApprovalError("say --never (nothing of it goes) or --due-from DAY (only what is due earlier does not)")
    check_can_ask(as_json, yes)
    settings = Settings.from_environment()
    known = standings(settings, today)
    with Ledger(settings) as ledger:
        waiting = [one for one in known if one[1].state == "waiting"]
        named = waiting if everything else named_batches(ledger, known, hashes)
        decision = decide(named, parse_day(due_from) if due_from else None, never)
        if not decision.all:
            _say_nothing_to_do(known, decision, everything, as_json)
            return 0
        counts = _show(settings, ledger, known, decision, as_json)
        if not yes and not confirmed(_question(decision), "--yes goes on without being asked"):
            err.print("nothing was approved")
            return 1
        by = by or login_name()
        done = carry_out(settings, ledger, decision, by, acting_day(settings, load_merchants(settings), today))
    if as_json:
        states = {batch.id: (batch, state) for batch, state in standings(settings, today)}
        print_json(
            {
                "approved": [as_record(*states[batch.id]) for batch, _ in decision.approved],
                "never": [as_record(*states[batch.id]) for batch, _ in decision.never],
                "never_count": done.never_count,
                "rows": counts,
                "approved_by": by,
            }
        )
        return 0
    _say_done(done, by, today)
    return 0


def _question(decision: Decision) -> str:
    parts = []
    if decision.approved:
        rows = sum(batch.new_count for batch, _ in decision.approved)
        parts.append(f"approve {counted(len(decision.approved), 'batch', 'batches')} with {rows} new rows")
    if decision.never:
        parts.append(f"never send what is left of {counted(len(decision.never), 'batch', 'batches')}")
    words = " and ".join(parts)
    return f"{words[0].upper()}{words[1:]}?"


def _say_nothing_to_do(known: Sequence[Standing], decision: Decision, everything: bool, as_json: bool) -> None:
    if as_json:
        print_json({"approved": [], "never": [], "never_count": 0, "rows": {}, "approved_by": None})
        return
    for batch, state in decision.nothing_to_do:
        print_line(f"{batch} needs no approval: it is {state_word(batch, state)}")
    if everything and any(state.reason == "kill_switch" for _, state in known):
        print_line("No batch waits while the kill switch is on; `pp kill-switch off` shows what does.")
    else:
        print_line("No batch waits for approval." if everything else "Nothing was to approve.")


def _say_done(done: Done, by: str, today: str | None) -> None:
    if done.never_count:
        print_line(f"{by} marked {counted(done.never_count, 'delivery', 'deliveries')} as never to be sent.")
    if done.approved:
        days = [batch.day for batch in done.approved]
        done_words = counted(len(done.approved), "batch", "batches")
        print_line(f"{by} approved {done_words}. Nothing was sent yet. What was approved goes with")
        print_line(f"  {send_command(min(days), max(days), today)}", "bold")
        print_line("or by themselves while Dagster runs (`pp ui`) with its batch_sensor on.")


def send_command(first: date, last: date, today: str | None) -> str:
    """The command that sends what was approved."""
    return f"pp send --from {first} --to {last}" + (f" --today {today}" if today else "")


def _show(
    settings: Settings, ledger: Ledger, known: Sequence[Standing], decision: Decision, as_json: bool
) -> dict[str, int]:
    """What becomes of which batches, and their rows; how many rows there are of each category."""
    listing = listing_of(settings, ledger, decision)
    counts = {category: count for category, count in listing.counts().items() if count}
    if as_json:
        return dict(counts)
    for batch, state in decision.nothing_to_do:
        print_line(f"{batch} needs no approval: it is {state_word(batch, state)}")
    prefixes = unique_prefixes([batch.hash for batch, _ in known])
    _print_some("What would go", decision.approved, prefixes)
    _print_some("What would never go", decision.never, prefixes)
    print_listing("Their rows", listing, _MOST_SHOWN)
    out.print()
    return dict(counts)


def _print_some(title: str, some: Sequence[Standing], prefixes: dict[str, str]) -> None:
    """A row per batch, or per name and reason where they are many."""
    if 0 < len(some) <= _MOST_SHOWN:
        print_batches(title, some, prefixes)
    elif some:
        groups: dict[tuple[str, str], list[Standing]] = {}
        for batch, state in some:
            groups.setdefault((f"{batch.id.kind} {batch.id.name}", state_word(batch, state)), []).append((batch, state))
        print_table(
            title,
            ["batch", "batches", "first day", "last day", "rows", "new", "state"],
            [
                [name, len(of_name), min(batch.day for batch, _ in of_name), max(batch.day for batch, _ in of_name),
                 sum(batch.row_count for batch, _ in of_name), sum(batch.new_count for batch, _ in of_name), word]
                for (name, word), of_name in sorted(groups.items())
            ],
        )  # fmt: skip
    if some:
        out.print()
