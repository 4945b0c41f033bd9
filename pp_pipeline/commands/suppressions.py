"""`pp suppressions`: who is not to be written to, counted; exported with addresses; added or lifted by hand."""

import csv
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from pp_pipeline.commands.output import counted, guarded, print_json, print_line, print_table
from pp_pipeline.commands.people import known_merchant, read_address, read_number
from pp_pipeline.contact_keys import contact_key, phone_key
from pp_pipeline.forgetting.words import FORGOTTEN
from pp_pipeline.landing.cell_types import CHANNELS, MESSAGE_KINDS
from pp_pipeline.landing.tables import ROW_TABLES
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.suppressions import (
    Suppress,
    Suppression,
    apply_changes,
    lift_by_command,
    suppressions_in_force,
)
from pp_pipeline.merchants import load_merchants
from pp_pipeline.sending.known_secret import known_secret
from pp_pipeline.settings import Settings, SettingsError, utc_now
from pp_pipeline.warehouse import Warehouse

EXPORT_COLUMNS = ("merchant", "email", "phone", "channel", "kind", "reason", "since")


@guarded
def run_suppressions(export: str, add: str, lift: str, channel: str, kind: str, merchant: str, as_json: bool) -> int:
    """One of: count, export, add, lift. Returns 1 if a lift leaves something in force or an export lacks somebody."""
    if sum(map(bool, (export, add, lift))) > 1:
        raise SettingsError("ask for one of --export, --add and --lift at a time")
    settings = Settings.from_environment()
    with Ledger(settings) as ledger:
        if add or lift:
            key = _key(settings, ledger, add or lift, merchant)
            _check_scope(channel, kind)
            change = _add if add else _lift
            return change(ledger, key, channel, kind, as_json)
        found = suppressions_in_force(ledger)
        secret = known_secret(settings, ledger) if export else b""
    if export:
        return _export(settings, secret, found, Path(export), as_json)
    _print_counts(found, as_json)
    return 0


def _key(settings: Settings, ledger: Ledger, text: str, merchant: str) -> str:
    """Of a contact by its address, or of a phone number by itself."""
    whose = known_merchant(load_merchants(settings), merchant)
    recipient = read_number(text, whose) if text.strip().startswith("+") else read_address(text)
    return contact_key(known_secret(settings, ledger), merchant, recipient)


def _check_scope(channel: str, kind: str) -> None:
    for option, value, allowed in (("--channel", channel, CHANNELS), ("--kind", kind, MESSAGE_KINDS)):
        if value and value not in allowed:
            raise SettingsError(f"{option} can be {' or '.join(allowed)}, not '{value}'; without it every one is meant")


def _add(ledger: Ledger, key: str, channel: str, kind: str, as_json: bool) -> int:
    with ledger.writing() as connection:
        apply_changes(connection, [Suppress(key, channel, kind, "manual", utc_now(), "command")])
    if as_json:
        print_json({"contact_key": key, "suppressed": [{"channel": channel, "kind": kind, "reason": "manual"}]})
    else:
        print_line(f"Contact {key[:8]} is suppressed: {_scope(channel, kind)}.")
    return 0


def _lift(ledger: Ledger, key: str, channel: str, kind: str, as_json: bool) -> int:
    remaining = lift_by_command(ledger, key, channel, kind, utc_now())
    if as_json:
        found = [{"channel": one.channel, "kind": one.kind, "reason": one.reason} for one in remaining]
        print_json({"contact_key": key, "suppressed": found})
        return 1 if remaining else 0
    if not remaining:
        print_line(f"Contact {key[:8]} is not suppressed.")
        return 0
    print_line(f"Contact {key[:8]} stays suppressed:")
    for one in remaining:
        print_line(f"  {_scope(one.channel, one.kind)}, since {one.since:%Y-%m-%d}: {one.reason}")
    print_line("A complaint is never lifted, nor is the tombstone of somebody forgotten; what holds for every channel "
               "or kind is lifted without --channel, --kind.")  # fmt: skip
    return 1


def _print_counts(found: Sequence[Suppression], as_json: bool) -> None:
    counts = Counter((one.reason, one.channel, one.kind, one.source) for one in found)
    contacts = len({one.contact_key for one in found})
    rows = [[*words, counts[words]] for words in sorted(counts)]
    if as_json:
        names = ("reason", "channel", "kind", "source", "count")
        print_json({"contacts": contacts, "suppressions": [dict(zip(names, row, strict=True)) for row in rows]})
        return
    print_table(
        f"{counted(contacts, 'contact', 'contacts')} suppressed",
        ["reason", "channel", "kind", "said by", "count"],
        [[reason, channel or "every", kind or "every", source or "-", count]
         for reason, channel, kind, source, count in rows],
    )  # fmt: skip


def _export(settings: Settings, secret: bytes, found: Sequence[Suppression], path: Path, as_json: bool) -> int:
    known = _recipients(settings, secret, {one.contact_key for one in found})
    rows = [
        (*known[one.contact_key], one.channel, one.kind, one.reason, one.since.isoformat())
        for one in found
        if one.contact_key in known
    ]
    forgotten = {one.contact_key for one in found if one.reason == FORGOTTEN}
    unknown = len({one.contact_key for one in found} - known.keys() - forgotten)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise SettingsError(f"{path} is there already; name a new file") from None
    except OSError as error:
        raise SettingsError(f"{path} can't be written: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(EXPORT_COLUMNS)
        writer.writerows(sorted(rows))
    if as_json:
        counts = {"contacts_without_known_address": unknown, "contacts_forgotten": len(forgotten)}
        print_json({"file": str(path), "rows": len(rows), **counts})
    else:
        print_line(f"{counted(len(rows), 'row', 'rows')} written to {path}.")
        if forgotten:
            print_line(f"{counted(len(forgotten), 'contact was', 'contacts were')} forgotten and can't be named.")
        if unknown:
            print_line(f"{counted(unknown, 'contact has', 'contacts have')} no address in the warehouse.", "yellow")
    return 1 if unknown else 0


def _recipients(settings: Settings, secret: bytes, keys: set[str]) -> Mapping[str, tuple[str, str, str]]:
    """Merchant, address and phone number of what landed rows know: of a contact the address, of a number itself."""
    tables = [name for name, columns in ROW_TABLES.items() if "contact_key" in columns]
    known: dict[str, tuple[str, str, str]] = {}
    with Warehouse(settings).connect() as connection:
        for table in tables:
            if connection.table_exists(table):
                query = f"select distinct contact_key, merchant, email from {table} where contact_key is not null"
                for key, merchant, email in connection.rows(query):
                    if key in keys:
                        known[key] = (merchant, email, "")
        if keys - known.keys() and connection.table_exists("contact_rows"):
            query = "select distinct merchant, phone from contact_rows where phone is not null"
            for merchant, phone in connection.rows(query):
                if (key := phone_key(secret, merchant, phone)) in keys:
                    known[key] = (merchant, "", phone)
    return known


def _scope(channel: str, kind: str) -> str:
    return f"{channel or 'every channel'}, {kind or 'every kind of message'}"
