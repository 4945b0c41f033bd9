"""`pp ledger backup`, `restore` and `accept`: keeping the only memory, and putting it back."""

from datetime import date
from pathlib import Path

from pp_pipeline.commands.login import login_name
from pp_pipeline.commands.output import (
    check_can_ask,
    confirmed,
    counted,
    err,
    guarded,
    print_json,
    print_line,
    print_table,
    stated_moment,
)
from pp_pipeline.contact_keys import contact_secret, fingerprint
from pp_pipeline.ledger.backups import Holding, back_up, holding, opened_backup, restore
from pp_pipeline.ledger.inspecting import oldest_open_day
from pp_pipeline.ledger.store import Ledger, LedgerError
from pp_pipeline.ledger.witness import Mark, Seen, Witness, newest_marks
from pp_pipeline.sending.known_secret import SECRET_FACT
from pp_pipeline.settings import Settings, utc_now


@guarded
def back_up_ledger(file: str, as_json: bool) -> int:
    """Copy the ledger into a new file, while others write."""
    settings = Settings.from_environment()
    path = Path(file).absolute()
    with Ledger(settings) as ledger:
        rows = back_up(ledger, path, utc_now())
    if as_json:
        print_json({"file": str(path), "rows": rows})
        return 0
    print_line(f"{path}: {_rows_in_words(rows)}. It holds contact keys, no addresses; secret.key is not in it.")
    return 0


@guarded
def restore_ledger(file: str, yes: bool, as_json: bool) -> int:
    """Put a backup in place of what stands, which is kept in a file beside it. Nothing is sent before it is accepted.

    Returns: 0 done, 1 the person said no, 2 could not be tried.
    """
    check_can_ask(as_json, yes)
    settings = Settings.from_environment()
    path = Path(file).absolute()
    with opened_backup(path) as backup, Ledger(settings) as ledger:
        with backup.reading() as connection:
            held = holding(connection, SECRET_FACT)
        _check_secret(settings, held, path)
        with ledger.reading() as connection:
            stood = holding(connection, SECRET_FACT)
        if not as_json:
            _compare(stood, held)
        question = "Put the file's content in place of what stands now?"
        if not yes and not confirmed(question, "--yes restores without being asked"):
            err.print("nothing was restored")
            return 1
        now = utc_now()
        kept = settings.home / f"ledger-before-restore-{now:%Y%m%dT%H%M%S.%fZ}.sqlite"
        back_up(ledger, kept, now)
        with ledger.reading() as connection:
            stood = holding(connection, SECRET_FACT)
        is_whole = stood.fingerprint is not None and not _lacking(settings, ledger)
        carried = restore(ledger, backup, stood, SECRET_FACT, now)
    if as_json:
        print_json({
            "restored": str(path), "rows": held.rows, "kept": str(kept), "stood_whole": is_whole,
            "kept_forgotten": carried.forgotten, "kept_suppressions": carried.suppressed,
        })  # fmt: skip
        return 0
    print_line(f"Restored {_rows_in_words(held.rows)}. What stood is kept in {kept}.")
    print_line(
        f"Still in force of what stood: {counted(carried.forgotten, 'person', 'people')} forgotten and "
        f"{counted(carried.suppressed, 'other suppression', 'other suppressions')}."
    )
    if not is_whole:
        print_line(
            "What stood was not the ledger that this home has sent by. Whoever was forgotten since "
            f"{held.backed_up_at or 'the file was written'} is not known as that here: forget them again "
            "(`pp forget`), and give the suppressions of that time again.",
            "yellow",
        )
    print_line("Nothing is sent before `pp ledger accept`, which also says which days to take as sent first.", "yellow")
    return 0


@guarded
def accept_ledger(by: str, yes: bool, as_json: bool) -> int:
    """Take the ledger as it is, after showing what it lacks; sending goes on.

    Returns: 0 done or nothing to accept, 1 the person said no, 2 could not be tried.
    """
    check_can_ask(as_json, yes)
    settings = Settings.from_environment()
    witness = Witness.of(settings)
    by = by or login_name()
    with Ledger(settings) as ledger:
        with ledger.reading() as connection:
            stands = newest_marks(connection)
            open_on = oldest_open_day(connection)
        missing = _lacking(settings, ledger)
        try:
            seen = witness.seen()
        except LedgerError:
            seen = None
        if not missing:
            _say(as_json, {"accepted": False, "missing": []}, "Nothing is missing: there is nothing to accept.")
            return 0
        if not as_json:
            _show_gap(seen or Seen(), stands, open_on, missing)
        if not yes and not confirmed("Send by this ledger from now on?", "--yes accepts without being asked"):
            err.print("nothing was accepted: nothing is sent")
            return 1
        witness.accept(ledger, by, utc_now())
    _say(as_json, {"accepted": True, "by": by, "missing": missing}, f"{by} accepted the ledger; sending goes on.")
    return 0


def _lacking(settings: Settings, ledger: Ledger) -> list[str]:
    """What the ledger lacks of what this home has seen in it; what is wrong where that can't be read."""
    with ledger.reading() as connection:
        try:
            return Witness.of(settings).missing(connection)
        except LedgerError as error:
            return [str(error)]


def _say(as_json: bool, record: dict[str, object], text: str) -> None:
    if as_json:
        print_json(record)
    else:
        print_line(text)


def _show_gap(seen: Seen, stands: Seen, open_on: date | None, missing: list[str]) -> None:
    """What is missing, as far as can be told, and what to do about it first."""
    for each in missing:
        print_line(f"The ledger: {each}.", "yellow")
    print_table(
        "How far it goes",
        ["", "this home has seen", "the ledger holds"],
        [["newest claim", _told(seen.claim), _told(stands.claim)],
         ["newest batch", _told(seen.batch), _told(stands.batch)]],
    )  # fmt: skip
    begun, ended = min((day for day in (stands.last_on, open_on) if day), default=None), seen.last_on
    today = utc_now().date()
    first = begun.isoformat() if begun else "DAY"
    print_line(
        "What went in between is not known to it, and would go once more, what it holds as failed or deferred among "
        "it. Before accepting, take those days as sent, and earlier ones that were approved late. What had not gone "
        "yet is taken as sent with them:"
    )
    print_line(f"  pp ledger adopt --from {first} --to {max(ended or today, begun or date.min)}", "bold")


def _check_secret(settings: Settings, held: Holding, path: Path) -> None:
    """Refuse a file with the contact keys of another secret: suppressions would no longer be found.

    Raises:
        LedgerError: it is of another secret, or there is none here to compare with.
    """
    if held.fingerprint is None:
        return
    if not settings.secret and not settings.secret_file.exists():
        raise LedgerError(
            f"nothing was restored: {path} belongs to a contact secret (fingerprint {held.fingerprint[:8]}), and this "
            f"home has none; put its {settings.secret_file.name} into the home first, or set PP_SECRET"
        )
    own = fingerprint(contact_secret(settings))
    if own != held.fingerprint:
        raise LedgerError(
            f"nothing was restored: {path} is of another contact secret (fingerprint {held.fingerprint[:8]}, here "
            f"{own[:8]}); restore {settings.secret_file.name} or PP_SECRET of that ledger first"
        )


def _compare(stood: Holding, held: Holding) -> None:
    rows: list[list[object]] = [
        [name, stood.rows[name], held.rows[name]] for name in stood.rows if stood.rows[name] or held.rows[name]
    ]
    marks = [
        ["newest claim", _told(stood.newest.claim), _told(held.newest.claim)],
        ["newest batch", _told(stood.newest.batch), _told(held.newest.batch)],
        ["backed up", *(stated_moment(one.backed_up_at) if one.backed_up_at else "never" for one in (stood, held))],
    ]
    print_table("Restoring", ["", "stands now", "in the file"], [*rows, *marks])


def _told(mark: Mark | None) -> str:
    return str(mark) if mark else "none"


def _rows_in_words(rows: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in rows.items() if count) or "nothing"
