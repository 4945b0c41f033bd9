"""Which contents of files a shadow is built from: those in force, those of another time, or others in their place."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import insert, select

from pp_pipeline.configuration import Configuration
from pp_pipeline.forgetting.known import all_redactions
from pp_pipeline.forgetting.words import FORGOTTEN
from pp_pipeline.landing.file_ledger import FileRecord, all_records, files_in_force, record_files
from pp_pipeline.landing.file_names import read_name
from pp_pipeline.ledger import schema
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.settings import Settings, SettingsError, utc_now

_HASH = re.compile(r"[0-9a-f]{64}")


def bring_contents(
    settings: Settings, configuration: Configuration, known_at: datetime | None, contents: Mapping[str, str]
) -> None:
    """Give a shadow its ledger, with the files that are in force in it and who is forgotten, and its archive.

    Its archive is links into the real one. A content that comes from a path goes into the shadow's inbox, so it is
    judged as any new content is.

    Raises:
        SettingsError: a content is not there, or no feed takes its name.
    """
    shadow = configuration.settings
    hashes = {name: content for name, content in contents.items() if _HASH.fullmatch(content)}
    with Ledger(settings) as ledger, Ledger(shadow) as own:
        known = [one for one in all_records(ledger) if one.is_accepted and _was_known(one, known_at)]
        redactions = all_redactions(ledger)
        in_force = files_in_force(known)
        for name, sha256 in hashes.items():
            found = redactions[sha256].sha256 if sha256 in redactions else sha256
            in_force[name] = _replaced(settings, configuration, in_force.get(name), name, found)
        record_files(own, list(in_force.values()))
        _copy_forgotten(ledger, own)
    shadow.archive.mkdir()
    for sha256 in {record.sha256 for record in in_force.values()}:
        (shadow.archive / sha256).symlink_to(_kept(settings, sha256))
    for name in contents.keys() - hashes.keys():
        _put_into_inbox(configuration, name, Path(contents[name]))


def _was_known(record: FileRecord, known_at: datetime | None) -> bool:
    return known_at is None or (record.adopted_at is not None and record.adopted_at <= known_at)


def _replaced(
    settings: Settings, configuration: Configuration, record: FileRecord | None, name: str, sha256: str
) -> FileRecord:
    """The record of a file with another content of the archive."""
    path = _kept(settings, sha256)
    if not path.exists():
        raise SettingsError(
            f"the archive holds no content {sha256[:12]} for {name}; `pp files --name {name}` lists them"
        )
    size = path.stat().st_size
    if record is not None:
        return replace(record, sha256=sha256, size=size)
    file_date = read_name(name, configuration.feeds).file_date
    if file_date is None:
        raise SettingsError(f"{name}: no feed takes this name; see `pp feeds`")
    now = utc_now()
    return FileRecord(name, file_date, sha256, size, 0, 0, "accepted", "", now, now)


def _kept(settings: Settings, sha256: str) -> Path:
    """Where the real archive keeps a content; its former form of name is left as it is."""
    former = settings.archive / f"{sha256}.csv"
    return former if former.exists() else settings.archive / sha256


def _put_into_inbox(configuration: Configuration, name: str, source: Path) -> None:
    if read_name(name, configuration.feeds).file_date is None:
        raise SettingsError(f"{name}: no feed takes this name; see `pp feeds`")
    path = configuration.settings.inbox / name
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(source, path)
    except OSError as error:
        raise SettingsError(f"{source} can't be read: {error.strerror}") from None


def _copy_forgotten(ledger: Ledger, own: Ledger) -> None:
    """The tombstones, and the facts that tell orders and contents of those people again."""
    suppressions, facts = schema.suppressions, schema.facts
    with ledger.reading() as reading, own.writing() as writing:
        forgotten = reading.execute(select(suppressions).where(suppressions.c.reason == FORGOTTEN)).mappings().all()
        if forgotten:
            writing.execute(insert(suppressions), [dict(row) for row in forgotten])
        own.insert_new(writing, facts, [dict(row) for row in reading.execute(select(facts)).mappings()])
