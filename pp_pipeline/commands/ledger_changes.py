"""`pp ledger resolve`, `adopt` and `clear-rehearsal`: what a person may write into the ledger."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, cast

from pp_pipeline.commands.acting_day import acting_day, asked_days
from pp_pipeline.commands.batches import standings
from pp_pipeline.commands.ledger import Asked, checked_target, print_deliveries, read_filters, short_key
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
from pp_pipeline.conversations.loading import load_conversations
from pp_pipeline.ledger.inspecting import find_delivery, list_deliveries
from pp_pipeline.ledger.rehearsals import clear_outbox, clear_rehearsal, count_rehearsed
from pp_pipeline.ledger.resolving import resolve
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import load_merchants
from pp_pipeline.sending.adoptable import Wanted
from pp_pipeline.sending.adopting import Adopted, Adopter
from pp_pipeline.sending.gates import DeliveryTarget
from pp_pipeline.sending.known_secret import known_secret
from pp_pipeline.settings import Settings, SettingsError, utc_now
from pp_pipeline.warehouse import Warehouse

_MOST_SHOWN = 20


@guarded
def resolve_deliveries(
    keys: Sequence[str], everything: bool, asked: Asked, was_sent: bool | None, by: str, yes: bool,
    as_json: bool,
) -> int:  # fmt: skip
    """Settle `unknown` deliveries by a person's word: those of the keys, or all that the filters mean.

    Returns: 0 done or nothing to do, 1 the person said no or some key is not `unknown`, 2 could not be tried.
    """
    if was_sent is None:
        raise SettingsError("say which: --sent (they went) or --not-sent (they did not, and are tried again)")
    if everything == bool(keys):
        raise SettingsError("say which: keys from `pp ledger list --state unknown`, or --all-unknown")
    if everything:
        check_can_ask(as_json, yes)
    settings = Settings.from_environment()
    by = by or login_name()
    with Ledger(settings) as ledger:
        filters = read_filters(settings, ledger, replace(asked, states=["unknown"]))
        with ledger.reading() as connection:
            if everything:
                named = list_deliveries(connection, filters)
            else:
                named = [find_delivery(connection, key, filters.target) for key in keys]
        unknown = list({row["id"]: row for row in named if row["state"] == "unknown"}.values())
        others = [row for row in named if row["state"] != "unknown"]
        if not as_json:
            for row in others:
                print_line(f"{short_key(row['key'])} is {row['state']}, not unknown: it stays as it is", "yellow")
        if everything and unknown and not yes:
            print_deliveries(f"{len(unknown)} unknown", unknown[:_MOST_SHOWN])
            if len(unknown) > _MOST_SHOWN:
                print_line(f"and {len(unknown) - _MOST_SHOWN} more", "dim")
            word = "sent" if was_sent else "not sent, to be tried again"
            question = f"Take {counted(len(unknown), 'delivery', 'deliveries')} as {word}?"
            if not confirmed(question, "--yes resolves without being asked"):
                err.print("nothing was resolved")
                return 1
        today = acting_day(settings, load_merchants(settings), None)
        with ledger.writing() as connection:
            done = resolve(connection, unknown, was_sent, by, today, utc_now())
    report = {"resolved": done.count, "as": "sent" if was_sent else "failed", "by": by, "batches_opened": done.opened}
    if as_json:
        print_json(report | {"not_unknown": len(others)})
    else:
        _say_resolved(settings, report, done.wanted_by)
    return 1 if others else 0


def _say_resolved(settings: Settings, report: dict[str, Any], wanted_by: frozenset[int]) -> None:
    if not report["resolved"]:
        print_line("Nothing was to resolve.")
        return
    print_line(f"{counted(report['resolved'], 'delivery', 'deliveries')} resolved as {report['as']} by {report['by']}.")
    if report["as"] == "sent":
        return
    print_line("They are tried again at the next sending that their batch allows, for as long as any failure is.")
    standing = [one for one in standings(settings, None) if one[0].number in wanted_by]
    waiting = [batch for batch, state in standing if state.state == "waiting"]
    for batch in waiting[:_MOST_SHOWN]:
        print_line(f"  {batch} waits for approval: pp approve {batch.hash[:12]}", "yellow")


@guarded
def adopt(  # noqa: PLR0913, PLR0917  (one for each option)
    first: str, last: str, conversation: str, relay: str, target: str, by: str, yes: bool, dry_run: bool, as_json: bool
) -> int:  # fmt: skip
    """Take what is planned in these days and is not known as sent.

    Returns: 0 done or nothing to do, 1 the person said no, 2 could not be tried.
    """
    settings = Settings.from_environment()
    merchants = load_merchants(settings)
    from_day, to_day = asked_days(first, last, acting_day(settings, merchants, None))
    if conversation and relay:
        raise SettingsError("ask for one of --conversation and --relay at a time")
    check_can_ask(as_json, yes, dry_run)
    by = by or login_name()
    kinds = {each.conversation: each.kind for each in load_conversations(settings.conversations_dir, merchants)}
    wanted = Wanted(from_day, to_day, conversation, relay)
    with Ledger(settings) as ledger:
        known_secret(settings, ledger)
        of_target = cast("DeliveryTarget | None", checked_target(target) or None)
        adopter = Adopter(settings, ledger, Warehouse(settings), merchants, kinds, of_target)
        found = adopter.adopt(wanted, by, utc_now(), dry_run=True)
        if not as_json:
            _print_adoptable(found, from_day, to_day)
        if not dry_run and (found.count or found.known):
            question = f"Take {found.count} as sent, without sending them?"
            if found.count and not yes and not confirmed(question, "--yes adopts without being asked"):
                err.print("nothing was adopted")
                return 1
            found = adopter.adopt(wanted, by, utc_now(), progress=None if as_json else _say_progress)
    if as_json:
        rows = [{"day": batch.day, "kind": batch.kind, "name": batch.name, "merchant": batch.merchant, "new": count}
                for batch, count in sorted(found.rows.items())]  # fmt: skip
        print_json({
            "adopted": 0 if dry_run else found.count, "new": found.count - found.reopened,
            "reopened": found.reopened, "known": found.known,
            "batches_finished": found.finished, "by": by, "batches": rows,
        })  # fmt: skip
    elif dry_run:
        print_line("Nothing was written (--dry-run).")
    else:
        print_line(f"{found.count} adopted by {by}; {counted(found.finished, 'batch is', 'batches are')} done by it.")
    return 0


def _print_adoptable(found: Adopted, first: date, last: date) -> None:
    groups: dict[str, list[tuple[date, int]]] = {}
    for batch, count in found.rows.items():
        groups.setdefault(f"{batch.kind} {batch.name} of {batch.merchant}", []).append((batch.day, count))
    print_table(
        f"Planned from {first} to {last}, and not known to the ledger",
        ["batch", "first day", "last day", "days", "rows"],
        [[name, min(days)[0], max(days)[0], len(days), sum(count for _, count in days)]
         for name, days in sorted(groups.items())],
    )  # fmt: skip
    print_line(f"{found.count - found.reopened} in all; {found.known} are known already and stay as they are.")
    if found.reopened:
        print_line(
            f"{found.reopened} more stand as failed, deferred or claimed in a ledger that was put back: whether they "
            "went since is not known to it. They are taken as sent, too (claimed ones become unknown)."
        )


def _say_progress(done: int, total: int) -> None:
    err.print(f"  {done} of {total} looked at", style="dim", highlight=False)


@guarded
def clear_rehearsals(outbox: bool, yes: bool, as_json: bool) -> int:
    """Forget what was rehearsed; live deliveries are never touched.

    Returns: 0 done, 1 the person said no, 2 could not be tried.
    """
    check_can_ask(as_json, yes)
    settings = Settings.from_environment()
    with Ledger(settings) as ledger:
        with ledger.reading() as connection:
            found = count_rehearsed(connection)
        if not yes:
            words = f"{found.deliveries} deliveries, {found.releases} releases of batches, {found.coupons} coupons"
            print_line(f"{words}{', and the files of the outbox' if outbox else ''} would be cleared.")
            if not confirmed("Clear the rehearsal?", "--yes clears without being asked"):
                err.print("nothing was cleared")
                return 1
        with ledger.writing() as connection:
            cleared = clear_rehearsal(connection, utc_now())
    files = clear_outbox(settings.outbox) if outbox else 0
    if as_json:
        print_json(vars(cleared) | {"outbox_files": files})
        return 0
    out.print(f"Cleared: {cleared.deliveries} deliveries, {cleared.releases} releases of batches, {files} files of the "
              f"outbox; {cleared.coupons} coupons are in stock again.")  # fmt: skip
    print_line(
        "The same days can be rehearsed again: their batches count as never let go, so those of more than 2 days back "
        "wait for approval. Before the first live sending, `pp ledger adopt --target live` takes old days as sent."
    )
    return 0
