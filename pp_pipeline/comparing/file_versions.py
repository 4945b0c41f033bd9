"""Which contents of order files are compared: two of one file, or those that were known at two times (DESIGN 7)."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from pp_pipeline.comparing.sides import Side
from pp_pipeline.landing.file_ledger import FileRecord, all_records, files_in_force
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.settings import Settings, SettingsError

IN_INBOX = "inbox"
_BEGINNING_OF_HASH = re.compile(r"[0-9a-f]{4,64}")


def sides_of_file(settings: Settings, ledger: Ledger, name: str, before: str, after: str) -> tuple[Side, Side, date]:
    """Two contents of a file as sides, and the file's date.

    Args:
        before: the hash of a content that was accepted, or its beginning; '' for the one before the newest, or before
            what is not accepted yet.
        after: the same, or `inbox` for what lies in the inbox, or the path of a file; '' for the newest accepted.

    Raises:
        SettingsError: there is no such content, or the beginning is that of several.
    """
    records = [one for one in all_records(ledger) if one.is_accepted and one.name == name]
    if not records:
        raise SettingsError(f"no content of {name} was ever accepted; `pp files` tells what came in")
    if after and not _BEGINNING_OF_HASH.fullmatch(after):
        path = settings.inbox / name if after == IN_INBOX else Path(after)
        if not path.is_file():
            raise SettingsError(f"there is no file {path}; --after takes a hash, a path, or the word {IN_INBOX}")
        newest = _side(records, before, records[-1])
        place = "in the inbox" if after == IN_INBOX else f"as {path.name}"
        return newest, Side(f"{name} {place}", contents={name: str(path.resolve())}), records[-1].file_date
    sides = _side(records, before, records[-2] if len(records) > 1 else records[-1]), _side(records, after, records[-1])
    if sides[0] == sides[1]:
        raise SettingsError(
            f"that is one content of {name}, and no second; name another with --before, or with --after: "
            f"a hash, a path, or {IN_INBOX}; {_accepted(records)}"
        )
    return *sides, records[-1].file_date


def first_other_day(ledger: Ledger, at: datetime, until: datetime | None) -> date | None:
    """The earliest file date whose contents in force at two times are not the same; None where all are.

    Args:
        until: the second time; None for now.
    """
    records = [one for one in all_records(ledger) if one.is_accepted]
    before, after = _in_force_at(records, at), _in_force_at(records, until)
    return min((day for _, day, _ in before ^ after), default=None)


def _in_force_at(records: Sequence[FileRecord], at: datetime | None) -> set[tuple[str, date, str]]:
    known = [one for one in records if at is None or (one.adopted_at is not None and one.adopted_at <= at)]
    return {(one.name, one.file_date, one.sha256) for one in files_in_force(known).values()}


def _side(records: Sequence[FileRecord], wanted: str, default: FileRecord) -> Side:
    found = {one.sha256 for one in records if one.sha256.startswith(wanted)} if wanted else {default.sha256}
    name = default.name
    if len(found) != 1 or (wanted and not _BEGINNING_OF_HASH.fullmatch(wanted)):
        problem = "several contents" if len(found) > 1 else "no accepted content"
        raise SettingsError(f"{wanted} is the beginning of {problem} of {name}; {_accepted(records)}")
    (sha256,) = found
    is_in_force = sha256 == records[-1].sha256
    return Side(f"{name} as {sha256[:10]}", contents={} if is_in_force else {name: sha256})


def _accepted(records: Sequence[FileRecord]) -> str:
    return f"accepted were {', '.join(dict.fromkeys(one.sha256[:10] for one in records))}"
