"""`pp ledger`, `pp ledger list` and `pp ledger show`: what stands in the only memory; no addresses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import RowMapping

from pp_pipeline.commands.output import (
    counted,
    guarded,
    moment,
    older_ones,
    out,
    print_json,
    print_line,
    print_table,
    stated_moment,
)
from pp_pipeline.commands.people import read_address
from pp_pipeline.contact_keys import contact_key
from pp_pipeline.ledger.inspecting import (
    BACKUP_FACT,
    STATES,
    Filters,
    batch_and_claim,
    count_deliveries,
    count_listed,
    find_delivery,
    list_deliveries,
    oldest_deliveries,
    read_fact,
)
from pp_pipeline.ledger.store import Ledger, LedgerError
from pp_pipeline.ledger.witness import ACCEPTED_FACT, Witness, newest_marks, words
from pp_pipeline.merchants import load_merchants
from pp_pipeline.sending.known_secret import known_secret
from pp_pipeline.sending.plan import NO_CAMPAIGN
from pp_pipeline.settings import Settings, SettingsError, parse_day

_TARGETS = ("rehearsal", "live")
_KEY_LENGTH = 12
_YEAR = len("2026-")
_CONTACT_KEY_LENGTH = 32
_SEED_CONTACT = 4  # so much of the contact in the key of a proof to a seed address
_HEX = set("0123456789abcdef")


@dataclass(frozen=True)
class Asked:
    """Which deliveries somebody asked for, as the options of a command say it."""

    states: Sequence[str] = ()
    contact: str = ""
    order: str = ""
    batch: str = ""
    first: str | None = None
    last: str | None = None
    conversation: str = ""
    target: str = ""


@guarded
def show_ledger(as_json: bool) -> int:
    """Count what stands in the ledger. Returns 1 if it is not the one that this home has sent by."""
    settings = Settings.from_environment()
    with Ledger(settings) as ledger, ledger.reading() as connection:
        counts = count_deliveries(connection)
        oldest = oldest_deliveries(connection)
        newest = newest_marks(connection)
        backed_up_at = read_fact(connection, BACKUP_FACT)
        accepted = read_fact(connection, ACCEPTED_FACT)
        try:
            lacking = Witness.of(settings).missing(connection)
        except LedgerError as error:
            lacking = [str(error)]
    if as_json:
        names = ("target", "kind", "state", "reason", "count")
        print_json({
            "deliveries": [dict(zip(names, row, strict=True)) for row in counts],
            "oldest": [vars(one) for one in oldest],
            "newest_claim_at": newest.claim.at if newest.claim else None,
            "newest_batch_at": newest.batch.at if newest.batch else None,
            "last_backup_at": backed_up_at,
            "accepted_restore": accepted,
            "lacking": lacking,
        })  # fmt: skip
        return 1 if lacking else 0
    total = sum(row[-1] for row in counts)
    print_table(counted(total, "delivery", "deliveries"), ["target", "kind", "state", "reason", "count"], counts)
    if oldest:
        out.print()
        rows = [[one.target, one.state, short_key(one.key), one.due_on, moment(one.claimed_at)] for one in oldest]
        print_table("The oldest that are not settled for good", ["target", "state", "key", "due", "tried (UTC)"], rows)
    out.print()
    if any(one.state == "unknown" for one in oldest):
        print_line("`unknown` may have gone or not: see `pp ledger list --state unknown`, then `pp ledger resolve`.")
    backed_up = stated_moment(backed_up_at) if backed_up_at else "never (`pp ledger backup FILE`)"
    print_line(f"Last backed up: {backed_up}.")
    if accepted:
        print_line(f"Restored, and accepted {stated_moment(accepted)}.")
    if lacking:
        print_line(words(lacking), "red")
        return 1
    print_line("Witness: the ledger holds the newest claim and batch that this home has seen.")
    return 0


@guarded
def list_ledger(asked: Asked, limit: int, as_json: bool) -> int:
    """List deliveries, the newest first."""
    settings = Settings.from_environment()
    with Ledger(settings) as ledger:
        filters = read_filters(settings, ledger, asked)
        with ledger.reading() as connection:
            total = count_listed(connection, filters)
            found = list_deliveries(connection, filters, limit)
    if as_json:
        print_json([dict(row) for row in found])
        return 0
    print_deliveries(counted(total, "delivery", "deliveries"), found)
    if len(found) < total:
        print_line(older_ones(total - len(found), "--limit"), "dim")
    return 0


@guarded
def show_delivery(key: str, target: str, as_json: bool) -> int:
    """Show one delivery whole, with its batch and its claim."""
    settings = Settings.from_environment()
    with Ledger(settings) as ledger, ledger.reading() as connection:
        found = find_delivery(connection, key, checked_target(target))
        batch, claim = batch_and_claim(connection, found)
    record = {"delivery": dict(found), "batch": batch, "claim": claim}
    if as_json:
        print_json(record)
        return 0
    for title, columns in record.items():
        rows = [[name, _told(name, value)] for name, value in (columns or {}).items() if value not in (None, "")]
        print_table(title, ["", ""], rows, empty="the ledger has none")
        out.print()
    return 0


def read_filters(settings: Settings, ledger: Ledger, asked: Asked) -> Filters:
    """The deliveries that the options mean.

    Raises:
        SettingsError: a state, day, address or key that can't be one.
    """
    for state in asked.states:
        if state not in STATES:
            raise SettingsError(f"'{state}' is no state; there are {', '.join(STATES)}")
    return Filters(
        states=tuple(asked.states),
        contacts=_contacts(settings, ledger, asked.contact),
        order=asked.order.strip(),
        batch=asked.batch.strip().lower(),
        first=_day(asked.first),
        last=_day(asked.last),
        conversation=asked.conversation,
        target=checked_target(asked.target),
    )


def checked_target(target: str) -> str:
    """A target as it was asked for; '' for either.

    Raises:
        SettingsError: it is none.
    """
    if target not in ("", *_TARGETS):
        raise SettingsError(f"--target can be rehearsal or live, not '{target}'")
    return target


def print_deliveries(title: str, found: Sequence[RowMapping]) -> None:
    """A row per delivery: what it is, of which order or relay, and how it stands."""
    print_table(
        title,
        ["key", "target", "state", "due", "tried (UTC)", "what", "order", "reason"],
        [
            [short_key(row["key"]), row["target"], row["state"], row["due_on"] and f"{row['due_on']:%m-%d}",
             moment(row["claimed_at"])[_YEAR:], _what(row), row["order_number"], row["reason"]]
            for row in found
        ],
        whole=6,
    )  # fmt: skip


def short_key(key: str) -> str:
    """The beginning of a key that tells it from others, as good as always; a snapshot's goes as far as its day."""
    relay, _, rest = key.partition(":")
    if not rest:
        return key[:_KEY_LENGTH]
    if set(rest) <= _HEX:
        return f"{relay}:{rest[:_KEY_LENGTH]}"
    if relay == "seed":
        return key[: _SEED_CONTACT - _CONTACT_KEY_LENGTH]
    return ":".join(key.split(":")[:3])


def _told(name: str, value: Any) -> str:
    """A column for a person: times to the minute, campaigns between commas."""
    if isinstance(value, datetime):
        return f"{moment(value)} UTC"
    if name == "campaigns":
        return ", ".join("none" if campaign == NO_CAMPAIGN else campaign for campaign in value.split())
    return str(value)


def _what(row: RowMapping) -> str:
    """What it is; the relay of events and snapshots stands in their keys."""
    if not row["conversation"]:
        return str(row["kind"])
    proof = "" if row["kind"] == "message" else f"{row['kind']} "
    again = f" pass {row['pass']}" if (row["pass"] or 1) > 1 else ""
    return f"{proof}{row['conversation']}.{row['step']}{again}"


def _contacts(settings: Settings, ledger: Ledger, text: str) -> tuple[str, ...]:
    if not text:
        return ()
    if "@" not in text:
        key = text.strip().lower()
        if len(key) > _CONTACT_KEY_LENGTH:
            raise SettingsError("--contact takes an e-mail address, a contact key, or the beginning of one")
        return (key,)
    email = read_address(text, "--contact")
    secret = known_secret(settings, ledger)
    return tuple(contact_key(secret, merchant, email) for merchant in sorted(load_merchants(settings)))


def _day(text: str | None) -> date | None:
    return parse_day(text) if text else None
