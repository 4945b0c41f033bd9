"""Files, plans and deliveries written by hand, for the tests of the difference between plan and ledger."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import insert

from pp_pipeline.contact_keys import contact_key
from pp_pipeline.correcting.listing import Listing, list_rows
from pp_pipeline.landing import archive
from pp_pipeline.ledger import schema
from pp_pipeline.merchants import load_merchants
from pp_pipeline.sending.batches import newest_batches
from pp_pipeline.sending.gates import Gates
from pp_pipeline_tests.landing_shop import csv_of
from pp_pipeline_tests.sending_world import DAY, World, key_of

SECRET = "a secret of enough characters"
EARLY = datetime(2026, 7, 10, 8, tzinfo=UTC)
CLAIMED = datetime(2026, 7, 10, 9, tzinfo=UTC)
LATE = datetime(2026, 7, 10, 11, tzinfo=UTC)
LATER = datetime(2026, 7, 10, 12, tzinfo=UTC)


def email_of(number: int) -> str:
    return f"person{number}@example.com"


def key_of_contact(number: int) -> str:
    """The contact key that landing makes of the address in this world."""
    return contact_key(SECRET.encode(), "main", email_of(number))


def order(number: int, status: str = "processing", contact: int | None = None) -> dict[str, str]:
    """A row of an order file."""
    email = email_of(number if contact is None else contact)
    return {"order_number": f"A{number}", "email": email, "status": status, "ordered_at": "2026-07-05T10:00:00"}


def see_file(world: World, day: date, seen_at: datetime, *rows: dict[str, str]) -> None:
    """A content of the day's order file was seen and adopted at a moment."""
    see_files(world, [(day, seen_at, rows)])


def see_files(world: World, contents: Sequence[tuple[date, datetime, Sequence[dict[str, str]]]]) -> None:
    """Several contents were, in this order."""
    seen = []
    for day, seen_at, rows in contents:
        content = csv_of(*rows).encode()
        sha256 = archive.hash_of(content)
        archive.keep(world.settings, sha256, content)
        values = {"name": f"orders_{day}.csv", "file_date": day, "sha256": sha256, "size": len(content)}
        values |= {"row_count": len(rows), "quarantined_count": 0, "outcome": "accepted"}
        seen.append(values | {"first_seen_at": seen_at, "adopted_at": seen_at})
    with world.ledger as ledger, ledger.writing() as connection:
        connection.execute(insert(schema.files), seen or [])


def deliver(world: World, number: int, state: str = "sent", **changes: Any) -> None:
    """The ledger holds the message of an order, claimed for DAY at CLAIMED."""
    deliver_all(world, [(number, {"state": state, **changes})])


def deliver_all(world: World, some: Sequence[tuple[int, dict[str, Any]]]) -> None:
    """The ledger holds several, each with what it differs in."""
    rows = []
    for number, given in some:
        changes = dict(given)
        values = {"target": "rehearsal", "key": key_of(number, changes.pop("planned_on", DAY)), "kind": "message"}
        values |= {"merchant": "main", "contact_key": key_of_contact(number), "conversation": "hello", "step": "greet"}
        values |= {"channel": "email", "event_id": f"thank_you{number:06d}", "order_number": f"A{number}"}
        values |= {"due_on": DAY, "claimed_at": CLAIMED, "lease_until": CLAIMED, "claim": "t"}
        rows.append(values | changes)
    with world.ledger as ledger, ledger.writing() as connection:
        connection.execute(insert(schema.deliveries), rows)


def listing(world: World, first: date = DAY, last: date = DAY) -> Listing:
    """The rows of the newest versions of some days."""
    with world.ledger as ledger, world.warehouse.connect() as connection:
        merchants = load_merchants(world.settings)
        newest = newest_batches(ledger, Gates(world.settings, ledger), first, last)
        return list_rows(ledger, connection, world.settings, merchants, newest)
