"""`pp forget`: take a person out of everything here, and keep them out (DESIGN 6)."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from filelock import FileLock

from pp_pipeline.commands.acting_day import acting_day
from pp_pipeline.commands.output import check_can_ask, confirmed, counted, err, guarded, out, print_json, print_line
from pp_pipeline.commands.people import known_merchant, read_address
from pp_pipeline.contact_keys import contact_key
from pp_pipeline.forgetting.audiences import forget_in_audiences
from pp_pipeline.forgetting.compacting import compact
from pp_pipeline.forgetting.files import FileRounds, FilesFound
from pp_pipeline.forgetting.known import Erasure
from pp_pipeline.forgetting.leftovers import leftovers
from pp_pipeline.forgetting.outbox import OutboxFound, forget_in_outbox, is_in_hand
from pp_pipeline.forgetting.searching import Search, spellings
from pp_pipeline.forgetting.warehouse import landed_rows, left_in_warehouse
from pp_pipeline.forgetting.words import FORGOTTEN
from pp_pipeline.landing.archive import ArchiveError
from pp_pipeline.landing.days import landed_days
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.suppressions import Suppress, apply_changes, suppressions_in_force
from pp_pipeline.merchants import Merchant, load_merchants
from pp_pipeline.sending.known_secret import known_secret
from pp_pipeline.settings import Settings, SettingsError, utc_now
from pp_pipeline.warehouse import Warehouse


@dataclass(frozen=True)
class _Person:
    """Who is meant: key and spellings of the address; never shown."""

    merchant: str
    key: str
    secret: bytes
    addresses: list[str]
    search: Search


@guarded
def forget_person(email: str, merchant: str, yes: bool, dry_run: bool, today: str | None, as_json: bool) -> int:
    """Forget a contact, after saying what that touches. Safe to run again, also after it was killed.

    Returns: 0 done, 1 the person said no, or something is left that the last lines name, 2 it could not be tried.
    """
    check_can_ask(as_json, yes, dry_run)
    settings = Settings.from_environment()
    merchants = load_merchants(settings)
    acting_on = acting_day(settings, merchants, today)
    say: Callable[..., None] = err.print if as_json else out.print
    with Ledger(settings) as ledger:
        person = _person(settings, ledger, email, merchant, merchants)
        try:
            say("  looks through files and outbox")
            report = _survey(settings, ledger, merchants, person, say)
            if not as_json:
                _print_survey(report)
            if dry_run:
                if as_json:
                    print_json(report)
                return 0
            question = "Forget this contact? It can't be undone."
            if not yes and not confirmed(question, "--yes forgets without being asked"):
                err.print("nothing was forgotten")
                return 1
            report |= _forget(settings, ledger, merchants, person, acting_on, say)
        except ArchiveError as error:
            raise SettingsError(f"{error}; then forget again") from None
    if as_json:
        print_json(report)
    else:
        _print_end(report)
    return 0 if report["rebuilt"] and not report["left"] else 1


def _person(settings: Settings, ledger: Ledger, text: str, merchant: str, merchants: dict[str, Merchant]) -> _Person:
    known_merchant(merchants, merchant)
    email = read_address(sys.stdin.readline() if text == "-" else text)
    secret = known_secret(settings, ledger)
    addresses = spellings(email)
    return _Person(merchant, contact_key(secret, merchant, email), secret, addresses, Search(addresses))


def _survey(
    settings: Settings, ledger: Ledger, merchants: dict[str, Merchant], person: _Person, say: Callable[..., None]
) -> dict[str, Any]:
    """What is here of the person, in counts; changes nothing."""
    erasure = Erasure(ledger, person.secret, further=[person.key])
    files = FileRounds(settings, ledger, merchants, erasure, person.search, _progress(say)).run(writes=False)
    outbox = _outbox(settings, ledger, merchants, person, writes=False)
    is_known = any(one.reason == FORGOTTEN for one in suppressions_in_force(ledger, person.key))
    return {
        "contact_key": person.key,
        "merchant": person.merchant,
        "forgotten_before": is_known,
        "archived_contents": files.contents,
        "inbox_files": files.inbox,
        "file_rows": files.rows,
        "warehouse_rows": landed_rows(settings, person.key),
        "outbox_messages": outbox.messages,
        "outbox_lines": outbox.lines,
        "first_day": min(files.days, default=None),
        "left": [{"name": name, "reason": reason} for name, reason in files.stuck],
    }


def _forget(
    settings: Settings,
    ledger: Ledger,
    merchants: dict[str, Merchant],
    person: _Person,
    acting_on: date,
    say: Callable[..., None],
) -> dict[str, Any]:
    """The steps, in an order in which a kill at any point leaves nothing that a second run does not find."""
    say("  writes the tombstone")
    write_tombstone(ledger, person.key)
    say("  takes the person out of archive and inbox")
    files = _redact_files(settings, ledger, merchants, person, say)
    rebuilt = _rebuild(settings, acting_on, say)
    say("  writes the warehouse anew, without what was deleted from it")
    compact(settings)
    outbox = _outbox(settings, ledger, merchants, person, writes=True)
    shutil.rmtree(settings.rendered, ignore_errors=True)  # whoever it shows: `pp render` writes it anew
    say("  looks for the address in all that is left")
    # Where there is one merchant, nobody else can have the address: then every file is looked through.
    others = files.searched if len(merchants) > 1 else ()
    found = dict(files.stuck)
    left = [*found.items(), *(one for one in leftovers(settings, person.search, others) if one[0] not in found)]
    if settings.rendered.exists():
        left.append((settings.rendered.name, "can't be deleted, and may show the person; delete it"))
    left += left_in_warehouse(settings, person.merchant, person.key, person.addresses)
    # What a sending had in hand when the tombstone was written may have come after the first look.
    if is_in_hand(ledger, person.merchant, person.key, utc_now()):
        left.append(("outbox", "a sending under way may still write to it; forget again when it has ended"))
    outbox += _outbox(settings, ledger, merchants, person, writes=True)
    return _report_of(files, outbox, rebuilt) | {"left": [{"name": name, "reason": reason} for name, reason in left]}


def _outbox(
    settings: Settings, ledger: Ledger, merchants: dict[str, Merchant], person: _Person, writes: bool
) -> OutboxFound:
    found = forget_in_outbox(settings, ledger, merchants, person.merchant, person.key, person.search, writes)
    in_audiences = forget_in_audiences(merchants[person.merchant], person.key, person.addresses, writes)
    return found + OutboxFound(0, in_audiences)


def write_tombstone(ledger: Ledger, key: str) -> None:
    """Suppress the contact on every channel, for every kind, for good."""
    with ledger.writing() as connection:
        apply_changes(connection, [Suppress(key, "", "", FORGOTTEN, utc_now(), "command")])


def _redact_files(
    settings: Settings,
    ledger: Ledger,
    merchants: dict[str, Merchant],
    person: _Person,
    say: Callable[..., None],
) -> FilesFound:
    with FileLock(settings.home / "landing.lock"):
        erasure = Erasure(ledger, person.secret)
        return FileRounds(settings, ledger, merchants, erasure, person.search, _progress(say)).run(writes=True)


def _rebuild(settings: Settings, acting_on: date, say: Callable[..., None]) -> bool:
    """Load and build what no longer holds, through the daily job: from the earliest affected day to today, or to the
    newest day of the warehouse where that is later."""
    from pp_pipeline.commands.dagster_home import prepare_dagster_home
    from pp_pipeline.commands.runs import JobRunner

    prepare_dagster_home(settings)
    with Warehouse(settings).connect() as connection:
        last = max([acting_on, *landed_days(connection)])
    runner = JobRunner(settings, last, say)
    if last < runner.location.first_day:
        return True
    days = runner.range_of(last, last)
    if not days.reasons:
        return True
    say(f"  builds {days.first} to {days.last}")
    return bool(runner.build(days)["succeeded"])


def _report_of(files: FilesFound, outbox: OutboxFound, rebuilt: bool) -> dict[str, Any]:
    return {
        "archived_contents": files.contents,
        "inbox_files": files.inbox,
        "file_rows": files.rows,
        "outbox_messages": outbox.messages,
        "outbox_lines": outbox.lines,
        "first_day": min(files.days, default=None),
        "rebuilt": rebuilt,
    }


def _print_survey(report: dict[str, Any]) -> None:
    print_line(f"Contact {report['contact_key'][:8]} of {report['merchant']} is here in", "bold")
    print_line(f"  {counted(report['archived_contents'], 'archived content', 'archived contents')} and "
               f"{counted(report['inbox_files'], 'file', 'files')} of the inbox: "
               f"{counted(report['file_rows'], 'row', 'rows')}")  # fmt: skip
    print_line(f"  {counted(report['warehouse_rows'], 'landed row', 'landed rows')} of the warehouse, and what is "
               "built from them")  # fmt: skip
    print_line(f"  {counted(report['outbox_messages'], 'message', 'messages')} and "
               f"{counted(report['outbox_lines'], 'line', 'lines')} of the outbox")  # fmt: skip
    if report["first_day"]:
        print_line(f"Forgetting rebuilds from {report['first_day']} to today.")
    if report["forgotten_before"]:
        print_line("The contact was forgotten before: what is left goes.", "dim")
    _print_left(report)


def _print_end(report: dict[str, Any]) -> None:
    if not report["rebuilt"]:
        print_line("The warehouse is not rebuilt: the lines above say why. Put it right and run this again.", "red")
    _print_left(report)
    if report["rebuilt"] and not report["left"]:
        print_line("Forgotten. Files that come later are taken without the person; nothing is sent to them any more.")


def _print_left(report: dict[str, Any]) -> None:
    for one in report["left"]:
        print_line(f"{one['name']}: {one['reason']}", "yellow")


def _progress(say: Callable[..., None]) -> Callable[[str, int, int], None]:
    def tell(what: str, done: int, total: int) -> None:
        if done == total or done % 200 == 0:
            say(f"    {what}: {done} of {total}", style="dim")

    return tell
