"""A shop of two merchants whose history is played: real files, the steps of `pp run` one by one, a real mail server.

Everything is as in live mode: messages go by SMTP, what relays take goes to the outbox. A clock that the history moves
tells when a content was first seen and when a delivery was claimed.
"""

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from email import message_from_bytes
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from pp_pipeline.build_range import BuildRange, build_range
from pp_pipeline.campaigns.books import Book, begin_build, record_built_days
from pp_pipeline.configuration import Configuration
from pp_pipeline.conversations.tables import write_conversation_tables
from pp_pipeline.correcting.approving import Standing, carry_out, decide
from pp_pipeline.landing.load import load_days
from pp_pipeline.ledger.schema import deliveries
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.sending.batches import batch_states
from pp_pipeline.sending.claims import Claimer
from pp_pipeline.sending.sealing import SealSummary, seal_batches
from pp_pipeline.sending.sender import Sender
from pp_pipeline.sending.unsealed import note_built
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Warehouse
from pp_pipeline_tests.history_checkout import FIRST, write_checkout
from pp_pipeline_tests.smtp_server import SmtpServer
from pp_pipeline_tests.whole_way import VIEWS, Contents

SECRET = "a secret of the tests, the same each time"
FAR = (date(2025, 1, 1), date(2026, 12, 31))
DEATHS = (
    *("adopted", "half built", "built", "recorded", "sealed"),
    *("claimed", "handed over", "settled", "finished"),
)
"""Where a run dies: behind which of its steps."""


class Died(BaseException):
    """The process is gone."""


@dataclass
class Clock:
    """The time of a history."""

    moment: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Now; no two moments are the same."""
        self.moment += timedelta(seconds=1)
        return self.moment

    def go_to(self, day: date) -> None:
        """To that day, an hour on at least."""
        self.moment = max(self.moment + timedelta(hours=1), datetime.combine(day, time(9), UTC))


@dataclass
class HistoryShop:
    """A checkout, a home, and a mail server. Of PostgreSQL the URL is of a database for warehouse and ledger both."""

    folder: Path
    mail: SmtpServer
    postgres_url: str = ""
    clock: Clock = field(default_factory=Clock)

    @cached_property
    def settings(self) -> Settings:
        """Of the installation; the first to ask writes the checkout."""
        settings = Settings(
            home=self.folder / "home",
            checkout=self.folder / "checkout",
            target="postgres" if self.postgres_url else "duckdb",
            warehouse_url=self.postgres_url,
            ledger_url=self.postgres_url,
            secret=SECRET,
            live=True,
            environment="production",
        )
        write_checkout(settings, self.mail.port)
        return settings

    @cached_property
    def configuration(self) -> Configuration:
        return Configuration(self.settings)

    @cached_property
    def warehouse(self) -> Warehouse:
        return Warehouse(self.settings)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.settings)

    def begin_anew(self) -> None:
        """An empty home, in which nothing was ever seen."""
        if self.postgres_url:
            with self.warehouse.connect() as connection:
                connection.execute(f"drop schema if exists {self.settings.warehouse_schema} cascade")
            with self.ledger as ledger, ledger.writing() as connection:
                connection.execute(text("drop schema public cascade"))
                connection.execute(text("create schema public"))
        for path in self.settings.home.iterdir() if self.settings.home.exists() else ():
            if path.is_dir() and path.name != "dbt":
                shutil.rmtree(path)
            elif path.is_file():
                path.unlink()
        self.settings.inbox.mkdir(parents=True)
        self.mail.accepted.clear()
        self.clock.moment = Clock.moment

    # The steps of a run -----------------------------------------------------------------------------------------------

    def range_of(self, today: date) -> BuildRange:
        """What `pp run --from TODAY --to TODAY` builds."""
        with self.ledger as ledger:
            return build_range(
                self.settings, ledger, self.warehouse, self._books, self.configuration.merchants, today, today
            )

    def build(self, days: BuildRange, death: str = "") -> SealSummary:
        """Land, build and seal; or die on the way."""
        with self.ledger as ledger, _dying_at(death), pytest.MonkeyPatch.context() as patch:
            patch.setattr("pp_pipeline.landing.adoption.utc_now", self.clock)
            read_through = min(days.last, days.read_through)
            merchants = self.configuration.merchants
            load_days(
                *(self.settings, ledger, self.warehouse.connect, days.first, read_through, merchants),
                today=days.read_through,
            )
            self._build_models(days, death)
            if death == "recorded":
                raise Died
            return seal_batches(
                *(ledger, self.warehouse, self.settings, days.first, days.last, merchants, days.read_through)
            )

    def decide(self, today: date, never: bool) -> list[Standing]:
        """A person lets go all that waits, or says that it is never to go; what it was."""
        with self.ledger as ledger:
            states = batch_states(ledger, self.settings, *FAR, today)
            waiting = [one for one in states if one[1].state == "waiting"]
            carry_out(self.settings, ledger, decide(waiting, never=never), "ana", today)
        return waiting

    def send(self, first: date, last: date, today: date, death: str = "") -> None:
        """Send what may go; or die on the way."""
        with self.ledger as ledger, _dying_at(death):
            sender = Sender(self.settings, ledger, self.warehouse, chunk_size=3, now=self.clock)
            sender.send(first, last, today)
        self.mail.wait_for_silence()

    def _build_models(self, days: BuildRange, death: str) -> None:
        books = sorted(self._books, key=lambda book: len(book.reads))
        with self.warehouse.connect() as connection:
            write_conversation_tables(connection, self.configuration.conversations)
            seen = begin_build(connection, books, days.first, days.last)
            note_built(connection, days.first, days.last)
        built = books[: len(books) // 2] if death == "half built" else books
        names = [book.model for book in built] + list(VIEWS if built is books else ())
        results = self.configuration.project.build(names, days.first, days.last, with_tests=False)
        assert {result.status for result in results} == {"success"}, [result.message for result in results]
        if death in ("half built", "built"):
            raise Died
        with self.warehouse.connect() as connection:
            record_built_days(connection, seen.keys(), seen)

    @property
    def _books(self) -> list[Book]:
        return self.configuration.books_since(FIRST)

    # What came of it --------------------------------------------------------------------------------------------------

    def contents(self) -> Contents:
        """Every row of every table and view that follows from the files."""
        with self.warehouse.connect() as connection:
            models = [*(book.model for book in self._books), *VIEWS]
            return {model: Counter(connection.rows(f"select * from {model}")) for model in models}

    def rows(self, sql: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query to the warehouse."""
        with self.warehouse.connect() as connection:
            return connection.rows(sql, params)

    def deliveries(self) -> dict[str, Any]:
        """The ledger's deliveries by key."""
        with self.ledger as ledger, ledger.reading() as connection:
            found = connection.execute(select(deliveries)).all()
        assert len({row.key for row in found}) == len(found), "a key has one target"
        return {row.key: row for row in found}

    def received(self) -> Counter[tuple[str, str]]:
        """How often each delivery arrived, by key and address; of snapshots only whether they did."""
        found: Counter[tuple[str, str]] = Counter()
        for each in self.mail.accepted:
            key = str(message_from_bytes(each.content)["Message-ID"]).strip("<>").partition("@")[0]
            found[key, each.recipient] += 1
        for path in self.settings.outbox.glob("events/*/*.jsonl"):
            for line in map(json.loads, path.read_text().splitlines()):
                found[f"{path.parent.name}:{line['event_id']}", line["email"]] += 1
        for path in self.settings.outbox.glob("segments/*/*.jsonl"):
            merchant, segment, day = path.stem.split("-", 2)
            found[f"{path.parent.name}:{segment}:{day}:{merchant}", ""] += 1
        return found


@contextmanager
def _dying_at(death: str) -> Iterator[None]:
    """From the named point on whatever the process does fails: nothing can be tidied up."""

    def die(*_: object, **__: object) -> None:
        raise Died

    def claim_and_die(self: Claimer, *given: Any) -> None:
        original(self, *given)
        raise Died

    original = Claimer.claim
    with pytest.MonkeyPatch.context() as patch:
        match death:
            case "adopted":
                patch.setattr("pp_pipeline.landing.load.write_days", die)
            case "sealed":
                patch.setattr("pp_pipeline.sending.sealing.note_sendable", die)
            case "claimed":
                patch.setattr(Claimer, "claim", claim_and_die)
            case "handed over":
                patch.setattr(Claimer, "settle", die)
            case "settled":
                patch.setattr(Claimer, "finish", die)
        yield
