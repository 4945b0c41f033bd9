"""`pp approve`: letting old or large batches go, by hash."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select

from pp_pipeline.commands.batches import (
    Standing,
    as_record,
    print_batches,
    standings,
    state_word,
    unique_prefixes,
)
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
from pp_pipeline.ledger.schema import batches
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.sending.plan import BatchId
from pp_pipeline.sending.releases import ApprovalError, approve
from pp_pipeline.settings import Settings

_MOST_SHOWN = 20
_SHORTEST_PREFIX = 4


@guarded
def approve_batches(
    hashes: Sequence[str], everything: bool, by: str, yes: bool, today: str | None, as_json: bool
) -> int:
    """Approve the batches that the hashes name, or all that wait, after showing them. Nothing is sent by it.

    Returns: 0 approved or nothing to approve, 1 the person said no, 2 could not be tried.
    """
    if everything == bool(hashes):
        raise ApprovalError("say which: hashes from `pp batches --waiting`, or --all-waiting")
    check_can_ask(as_json, yes)
    settings = Settings.from_environment()
    known = standings(settings, today)
    waiting = [one for one in known if one[1].state == "waiting"]
    named = waiting if everything else _named(settings, known, hashes)
    wanted = [one for one in named if one[0].release.approved_at is None and one[1].state in ("waiting", "blocked")]
    done = [one for one in named if one not in wanted]
    if not as_json:
        _show(known, wanted, done)
    if not wanted:
        if as_json:
            print_json({"approved": [], "approved_by": None})
        elif everything and any(state.reason == "kill_switch" for _, state in known):
            print_line("No batch waits while the kill switch is on; `pp kill-switch off` shows what does.")
        else:
            print_line("No batch waits for approval." if everything else "Nothing was to approve.")
        return 0
    rows = sum(batch.new_count for batch, _ in wanted)
    if not yes and not confirmed(
        f"Approve {counted(len(wanted), 'batch', 'batches')} with {rows} new rows?",
        "--yes approves without being asked",
    ):
        err.print("nothing was approved")
        return 1
    by = by or login_name()
    with Ledger(settings) as ledger:
        approved = [approve(ledger, settings, batch.hash, by) for batch, _ in wanted]
    if as_json:
        states = {batch.id: state for batch, state in standings(settings, today)}
        print_json({"approved": [as_record(batch, states[batch.id]) for batch in approved], "approved_by": by})
        return 0
    days = [batch.day for batch in approved]
    done_words = counted(len(approved), "batch", "batches")
    print_line(f"{by} approved {done_words}. Nothing was sent yet. What was approved goes with")
    print_line(f"  {send_command(min(days), max(days), today)}", "bold")
    print_line("or by themselves while Dagster runs (`pp ui`) with its batch_sensor on.")
    return 0


def send_command(first: date, last: date, today: str | None) -> str:
    """The command that sends what was approved."""
    return f"pp send --from {first} --to {last}" + (f" --today {today}" if today else "")


def _named(settings: Settings, known: Sequence[Standing], hashes: Sequence[str]) -> list[Standing]:
    """The batches that the hashes name, each once; every one of them is clear before any is approved.

    Raises:
        ApprovalError: a hash names none, more than one, or a version that is no longer the newest.
    """
    found: dict[int, Standing] = {}
    for given in hashes:
        prefix = given.strip().lower()
        if len(prefix) < _SHORTEST_PREFIX or not set(prefix) <= set("0123456789abcdef"):
            raise ApprovalError(f"'{given}' is no batch hash; give at least its first {_SHORTEST_PREFIX} characters")
        matches = [one for one in known if one[0].hash.startswith(prefix)]
        if len(matches) > 1:
            raise ApprovalError(f"{len(matches)} batches have a hash that begins with '{prefix}'; give more of it")
        if not matches:
            raise ApprovalError(_why_unknown(settings, known, prefix))
        found[matches[0][0].number] = matches[0]
    return sorted(found.values(), key=lambda one: one[0].id)


def _why_unknown(settings: Settings, known: Sequence[Standing], prefix: str) -> str:
    with Ledger(settings) as ledger, ledger.reading() as connection:
        query = select(batches).where(batches.c.hash.startswith(prefix)).order_by(batches.c.id.desc()).limit(1)
        old = connection.execute(query).first()
    if old is None:
        return f"no batch has a hash that begins with '{prefix}'; `pp batches --waiting` lists them"
    identity = BatchId(old.day, old.kind, old.name, old.merchant)
    newest = next(batch for batch, _ in known if batch.id == identity)
    rows = counted(newest.row_count, "row", "rows")
    return (
        f"'{prefix}' is version {old.version} of {newest.id}, and no longer what is planned: approve version "
        f"{newest.version}, {newest.hash[:12]}, with {rows}, {newest.new_count} of them new"
    )


def _show(known: Sequence[Standing], wanted: Sequence[Standing], done: Sequence[Standing]) -> None:
    """What would go: a row per batch, or per name and reason where they are many."""
    for batch, state in done:
        print_line(f"{batch} needs no approval: it is {state_word(batch, state)}")
    if 0 < len(wanted) <= _MOST_SHOWN:
        print_batches("What would go", wanted, unique_prefixes([batch.hash for batch, _ in known]))
    elif wanted:
        groups: dict[tuple[str, str], list[Standing]] = {}
        for batch, state in wanted:
            groups.setdefault((f"{batch.id.kind} {batch.id.name}", state_word(batch, state)), []).append((batch, state))
        print_table(
            "What would go",
            ["batch", "batches", "first day", "last day", "rows", "new", "state"],
            [
                [name, len(of_name), min(batch.day for batch, _ in of_name), max(batch.day for batch, _ in of_name),
                 sum(batch.row_count for batch, _ in of_name), sum(batch.new_count for batch, _ in of_name), word]
                for (name, word), of_name in sorted(groups.items())
            ],
        )  # fmt: skip
    out.print()
