"""Who is forgotten: by keys only, out of the ledger (DESIGN 6).

Nothing here knows an address. Whether a text is one of somebody forgotten is found by making its contact key.
"""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select, update

from pp_pipeline.contact_keys import contact_key
from pp_pipeline.forgetting.words import FORGOTTEN, ORDER_FACT, REDACTED_FACT
from pp_pipeline.ledger import schema

if TYPE_CHECKING:
    from pp_pipeline.ledger.store import Ledger

_KEY_LENGTH = 32


@dataclass(frozen=True)
class Redaction:
    """The content that took the place of one with somebody in it."""

    sha256: str
    size: int


class Erasure:
    """The forgotten contacts and their orders, by keys.

    Args:
        ledger: holds the tombstones.
        secret: the contact secret.
        further: contact keys that count as forgotten though the ledger holds no tombstone of them (a dry run); then
            nothing is written down either.
    """

    def __init__(self, ledger: "Ledger", secret: bytes, further: Iterable[str] = ()) -> None:
        self._ledger = ledger
        self._secret = secret
        self._is_dry = bool(further)
        self.contacts = _tombstones(ledger) | frozenset(further)
        with ledger.reading() as connection:
            self._orders = {name.removeprefix(ORDER_FACT) for name, _ in _facts(connection, ORDER_FACT)}

    def __bool__(self) -> bool:
        """Whether anybody is forgotten."""
        return bool(self.contacts)

    @cached_property
    def redactions(self) -> dict[str, Redaction]:
        """By the hash of each content that held somebody: what took its place at last."""
        return all_redactions(self._ledger)

    def is_contact(self, merchant: str, address: str) -> bool:
        """Whether a normalised address is that of a forgotten contact of the merchant."""
        return contact_key(self._secret, merchant, address) in self.contacts

    def is_order(self, merchant: str, number: str) -> bool:
        """Whether an order is known as one of a forgotten contact."""
        return bool(self._orders) and self._order_key(merchant, number) in self._orders

    def note_orders(self, orders: Iterable[tuple[str, str]]) -> None:
        """Remember orders, each merchant and number, as those of forgotten contacts."""
        new = {self._order_key(merchant, number) for merchant, number in orders} - self._orders
        if not new:
            return
        self._orders |= new
        if not self._is_dry:
            with self._ledger.writing() as connection:
                rows = [{"name": f"{ORDER_FACT}{key}", "value": FORGOTTEN} for key in sorted(new)]
                self._ledger.insert_new(connection, schema.facts, rows)

    def note_redaction(self, sha256: str, redaction: Redaction) -> None:
        """Remember what takes the place of a content, so that the original is known when it comes again.

        The ledger's rows of the one become those of the other in the same transaction: at no time does one look like a
        correction of the other. Where the content is one of the archive, the new one has to be there before.
        """
        value = f"{redaction.sha256} {redaction.size}"
        with self._ledger.writing() as connection:
            self._ledger.insert_new(connection, schema.facts, [{"name": f"{REDACTED_FACT}{sha256}", "value": value}])
            _rename(connection, sha256, redaction)
        vars(self).pop("redactions", None)

    def _order_key(self, merchant: str, number: str) -> str:
        return hmac.digest(self._secret, f"order\n{merchant}\n{number}".encode(), "sha256").hex()[:_KEY_LENGTH]


def all_redactions(ledger: "Ledger") -> dict[str, Redaction]:
    """By the hash of each content that held somebody forgotten: what took its place, at the end of the chain."""
    with ledger.reading() as connection:
        return _redactions(connection)


def rename_redacted(connection: Connection) -> None:
    """Let the ledger's rows of files name what took the place of each content, as they did before an older ledger was
    put in its place."""
    for sha256, redaction in _redactions(connection).items():
        _rename(connection, sha256, redaction)


def _rename(connection: Connection, sha256: str, redaction: Redaction) -> None:
    files = schema.files
    renamed = update(files).where(files.c.sha256 == sha256)
    connection.execute(renamed.values(sha256=redaction.sha256, size=redaction.size))


def _redactions(connection: Connection) -> dict[str, Redaction]:
    steps: dict[str, Redaction] = {}
    for name, value in _facts(connection, REDACTED_FACT):
        sha256, _, size = value.partition(" ")
        steps[name.removeprefix(REDACTED_FACT)] = Redaction(sha256, int(size))
    return {sha256: _end_of(steps, first) for sha256, first in steps.items()}


def _end_of(steps: Mapping[str, Redaction], redaction: Redaction) -> Redaction:
    seen: set[str] = set()
    while redaction.sha256 in steps and redaction.sha256 not in seen:
        seen.add(redaction.sha256)
        redaction = steps[redaction.sha256]
    return redaction


def _tombstones(ledger: "Ledger") -> frozenset[str]:
    table = schema.suppressions.c
    with ledger.reading() as connection:
        return frozenset(connection.scalars(select(table.contact_key).where(table.reason == FORGOTTEN)))


def _facts(connection: Connection, beginning: str) -> list[tuple[str, str]]:
    table = schema.facts.c
    query = select(table.name, table.value).where(table.name.startswith(beginning, autoescape=True))
    return [(name, value) for name, value in connection.execute(query)]
