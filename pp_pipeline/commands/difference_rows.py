"""The rows of batches on paper: for `pp batches --rows` and `pp approve`."""

from pp_pipeline.commands.output import counted, print_line, print_table
from pp_pipeline.correcting.difference import Category
from pp_pipeline.correcting.listing import ListedRow, Listing

MEANINGS: dict[Category, str] = {
    "new": "planned, and never tried",
    "moved": "the ledger knows it for another day than it is planned for now",
    "open": "tried, and not settled for good",
    "sent": "sent, as planned",
    "skipped": "not to be sent, for a reason that the ledger has",
    "no longer due": "tried and not sent, and planned no more",
    "overtaken": "sent; a file of that day, seen only after that, took it out of the plan",
    "sent in error": "sent, and planned no more",
}

_KEY_LENGTH = 12


def print_listing(title: str, listing: Listing, limit: int) -> None:
    """Counts by category, then the rows that are not as they should be, what went wrong first."""
    counts = listing.counts()
    rows = [[counts[category], category, meaning] for category, meaning in MEANINGS.items() if counts[category]]
    print_table(title, ["rows", "", ""], rows)
    for batch in sorted(listing.changed):
        print_line(f"The plan of {batch} was built anew and not sealed since: `pp run` does it.", "yellow")
    remarkable = listing.remarkable()
    if not remarkable:
        return
    has_batches = len({row.batch for row in remarkable}) > 1
    print_table(
        "Rows that differ",
        ["day", *(["batch"] if has_batches else []), "", "order", "ledger", "why"],
        [
            [row.batch.day, *([f"{row.batch.kind} {row.batch.name}"] if has_batches else []), row.category,
             row.order_number or (row.contact_key or "")[:_KEY_LENGTH], _in_ledger(row), row.why]
            for row in remarkable[:limit]
        ],
    )  # fmt: skip
    if len(remarkable) > limit:
        print_line(
            f"... and {counted(len(remarkable) - limit, 'more row', 'more rows')} (--limit, --csv, --json)", "dim"
        )


def _in_ledger(row: ListedRow) -> str:
    """State, reason and day of a delivery in the ledger."""
    moved = f" for {row.known_for}" if row.known_for and row.known_for != row.batch.day else ""
    return " ".join(filter(None, (row.state, row.reason))) + moved
