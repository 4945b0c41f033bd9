"""What is asked to be compared, in the words of the command line, and the two sides that it means."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pp_pipeline.comparing.file_versions import first_other_day, sides_of_file
from pp_pipeline.comparing.revisions import default_revision
from pp_pipeline.comparing.sides import WORKING_TREE, Side
from pp_pipeline.landing.days import landed_days
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.settings import Settings, SettingsError, parse_day, parse_moment
from pp_pipeline.warehouse import Warehouse


@dataclass(frozen=True)
class AskedSides:
    """What is compared, as the command line says it; '' is not said."""

    revisions: Sequence[str] = ()
    file: str = ""
    before: str = ""
    after: str = ""
    known_at: str = ""
    until: str = ""
    first: str = ""
    last: str = ""


def sides_asked_for(settings: Settings, asked: AskedSides) -> tuple[Side, Side, tuple[date, date]]:
    """What is compared, and the days: those asked for, else from the first that can differ to the newest built.

    Raises:
        SettingsError: what is asked for does not go together, is not there, or nothing was built yet.
    """
    kinds = [bool(asked.revisions), bool(asked.file), bool(asked.known_at)]
    if sum(kinds) > 1:
        raise SettingsError("say revisions, or --file, or --known-at: one thing is compared at a time")
    settings.check_built()
    with Warehouse(settings).connect() as connection:
        landed = landed_days(connection)
    if not landed:
        raise SettingsError(f"no day was landed in {settings.home} yet; `pp run --from DAY --to DAY` does it")
    begins: date | None = min(landed)
    if asked.file:
        with Ledger(settings) as ledger:
            before, after, begins = sides_of_file(settings, ledger, asked.file, asked.before, asked.after)
    elif asked.before or asked.after:
        raise SettingsError("--before and --after are contents of a file; say of which with --file")
    elif asked.known_at:
        at, until = parse_moment(asked.known_at), parse_moment(asked.until) if asked.until else None
        before = Side(f"as known at {asked.known_at}", known_at=at)
        after = Side(f"as known at {asked.until}" if asked.until else "as known now", known_at=until)
        with Ledger(settings) as ledger:
            begins = first_other_day(ledger, at, until)
    elif asked.until:
        raise SettingsError("--and is the second of two times; say the first with --known-at")
    else:
        first, second = (*asked.revisions, "", "")[:2]
        before = Side.of_revision(settings, first or default_revision(settings.checkout))
        after = Side.of_revision(settings, second) if second else Side(WORKING_TREE)
    to_day = parse_day(asked.last) if asked.last else max(landed)
    from_day = parse_day(asked.first) if asked.first else min(begins or to_day, to_day)
    if from_day > to_day:
        raise SettingsError(f"--from {from_day} lies after --to {to_day}")
    return before, after, (from_day, to_day)
