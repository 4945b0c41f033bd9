"""One case of the queue tests: one merchant's order files and one campaign over them.

Many cases share one run of the pipeline: each has a merchant of its own, so nothing one
case states can reach another, while order numbers and addresses are the same everywhere on purpose.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Self

import yaml

from pp_pipeline_tests.facts_oracle import OrderFile, Row
from pp_pipeline_tests.orders_oracle import Orders
from pp_pipeline_tests.queue_oracle import Campaign, Movement, QueueOracle

PLAIN_COLUMNS = (
    *("merchant", "order_number", "email", "ordered_at", "ship_date", "status", "order_total", "currency"),
    *("sku", "product_name", "category", "quantity", "unit_price"),
)
_MOVEMENTS_IN_A_DAY = ("entered", "moved", "left")


@dataclass(frozen=True)
class Case:
    """What one run is given.

    Attributes:
        merchant: set by `of_merchant` where cases share a run.
        files: files of the plain feeds, rows without the merchant column; `write_inbox` adds it.
        campaign: the parameters as they stand in a campaign model, `merchant` aside.
        days: first and last day to build.
        zone: the merchant's zone.
        currency: the merchant's currency.
        ineligible_emails: patterns of addresses whose orders are no purchases.
    """

    merchant: str
    files: tuple[OrderFile, ...]
    campaign: dict[str, Any]
    days: tuple[date, date]
    zone: str = "UTC"
    currency: str = "USD"
    ineligible_emails: tuple[str, ...] = ()

    def of_merchant(self, merchant: str) -> Self:
        """The same case at another merchant."""
        return replace(self, merchant=merchant)

    @property
    def parameters(self) -> dict[str, Any]:
        """All parameters of the campaign model."""
        return {**self.campaign, "merchant": self.merchant}

    def oracle(self) -> QueueOracle:
        """The slow reading of the case, not yet run."""
        return QueueOracle(self.orders(), Campaign.of(self.campaign))

    def orders(self) -> Orders:
        """What the files state, read by the oracle."""
        return Orders(self.files, self.zone, self.currency, self.ineligible_emails)

    def known_on(self, day: date) -> Self:
        """The case as it was that day: without files of later dates."""
        files = tuple(file for file in self.files if file.file_date <= day)
        return replace(self, files=files, days=(self.days[0], day))

    def expected_book(self) -> list[Movement]:
        """The movements that the pipeline has to show, sorted."""
        return sorted_book(self.oracle().movements(self.days[1]))


def sorted_book(book: Iterable[Movement]) -> list[Movement]:
    """Movements by day, order number (bytewise), and the order in which they happen on a day."""
    return sorted(
        book,
        key=lambda row: (row.movement_on, row.order_number.encode(), _MOVEMENTS_IN_A_DAY.index(row.movement)),
    )


def write_inbox(cases: Iterable[Case], folder: Path) -> None:
    """Writes the files of cases with different merchants as CSV into one inbox.

    Files of one name become one file with the rows of all merchants: "the last by name wins" is said of an
    order, so each case keeps its own order of names, and the inbox stays small.

    Raises:
        ValueError: when two of the cases share a merchant, or a case has two files of one name.
    """
    rows_of: dict[str, list[Row]] = {}
    written: set[tuple[str, str]] = set()
    for case in cases:
        for file in case.files:
            if (case.merchant, file.name) in written:
                raise ValueError(f"{file.name} of {case.merchant} is there twice")
            rows_of.setdefault(file.name, []).extend({"merchant": case.merchant, **row} for row in file.rows)
            written.add((case.merchant, file.name))
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in rows_of.items():
        _write_file(folder / name, rows)


def write_merchants(cases: Iterable[Case], folder: Path) -> None:
    """Writes the file of each case's merchant (`pp_pipeline/merchants/<merchant>.yml`)."""
    folder.mkdir(parents=True, exist_ok=True)
    for case in cases:
        settings = {
            "zone": case.zone,
            "currency": case.currency,
            "sender_name": f"Shop {case.merchant}",
            "sender_email": "hello@example.com",
            "postal_address": "1 Main Street, Springfield",
            "unsubscribe_url": "https://example.com/unsubscribe",
            "site_url": "https://example.com",
            "ineligible_emails": list(case.ineligible_emails),
        }
        (folder / f"{case.merchant}.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")


def _write_file(path: Path, rows: list[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        columns = list(dict.fromkeys([name for row in rows for name in row] or PLAIN_COLUMNS))
        writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
