"""Histories of files and corrections (DESIGN 1, 5 and 7), played as a shop lives them.

Whatever came when: the tables are those of a home that only ever saw the final files; nobody was written to twice, and
what arrived stands in the ledger; what differs is what a slow comparison finds.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from pp_pipeline.contact_keys import contact_key
from pp_pipeline.correcting.listing import list_rows
from pp_pipeline.sending.batches import MAX_BATCH_AGE_DAYS, difference_counts, newest_batches
from pp_pipeline.sending.gates import Gates
from pp_pipeline.sending.sealing import SealSummary
from pp_pipeline_tests.histories import Drop, Files, History, Turn, histories, text_of
from pp_pipeline_tests.history_checkout import FIRST
from pp_pipeline_tests.history_oracle import Difference, Place, Plan
from pp_pipeline_tests.history_shop import FAR, SECRET, Died, HistoryShop
from pp_pipeline_tests.postgres_server import PostgresDatabase
from pp_pipeline_tests.smtp_server import SmtpServer
from pp_pipeline_tests.whole_way import differences

_FINAL = ("sent", "skipped")
_GONE_OUT = ("sent", "unknown", "claimed")
_DIFFERENCE = ("new", "moved", "no longer due", "overtaken", "sent in error")


class Play:
    """A history as it is played, and what has to hold behind each turn."""

    def __init__(self, shop: HistoryShop) -> None:
        self.shop, self.files, self.today = shop, Files(), FIRST
        self.seen: Counter[str] = Counter()
        self._let_go: set[int] = set()
        self._sealed_on: dict[int, date] = {}
        self._newest: dict[Place, int] = {}
        self._before: dict[str, Any] = {}
        shop.begin_anew()

    def play(self, history: History) -> None:
        for turn in history:
            self.turn(turn)
        days = self.shop.range_of(self.today)
        assert days.reasons == []
        self._let_go |= {batch.number for batch, _ in self.shop.decide(self.today, never=False)}
        self.shop.send(*FAR, self.today)
        self._is_sent_once(Plan(self.shop))
        self._nothing_is_left()
        self._equals_a_fresh_home()

    def turn(self, turn: Turn) -> None:
        self.today += timedelta(days=turn.days)
        self.shop.clock.go_to(self.today)
        for name, text in self.files.drop(turn.drops, self.today, self.shop.clock()).items():
            (self.shop.settings.inbox / name).write_text(text)
        days = self.shop.range_of(self.today)
        try:
            self._is_told(self.shop.build(days, turn.death))
            if turn.word:
                waiting = self.shop.decide(self.today, never=turn.word == "never")
                self._let_go |= {batch.number for batch, _ in waiting if turn.word == "approve"}
            self._before = self.shop.deliveries()
            plan = Plan(self.shop)
            if turn.sends:
                self.shop.send(days.first, days.last, self.today, turn.death)
        except Died:
            plan = None
            self.seen[turn.death] += 1
        self._is_sent_once(plan)

    def _is_told(self, summary: SealSummary) -> None:
        """The numbers of the sealing and the list of rows are those of a slow comparison."""
        shop = self.shop
        plan, known = Plan(shop), shop.deliveries()
        rows = Difference(plan, known, self.files).rows
        expected = Counter(rows.values())
        for batch in summary.sealed:
            place = Place(*_fields(batch.id))
            counts = {category: expected[place, category] for category in _DIFFERENCE}
            if batch.id.kind == "snapshot" and counts["new"]:
                counts["new"] = plan.members.get(batch.day, 0)
            assert difference_counts([batch]) == counts, batch
            self.seen.update(category for category, count in counts.items() if count)
        with shop.ledger as ledger, shop.warehouse.connect() as connection:
            newest = newest_batches(ledger, Gates(shop.settings, ledger), *FAR)
            listed = list_rows(ledger, connection, shop.settings, shop.configuration.merchants, newest)
        for batch in newest:
            self._sealed_on.setdefault(batch.number, self.today)
            self._newest[Place(*_fields(batch.id))] = batch.number
        found = {row.key: (Place(*_fields(row.batch)), row.category) for row in listed.rows}
        assert [(row, known.get(row[0])) for row in found.items() ^ rows.items()] == []

    def _is_sent_once(self, plan: Plan | None) -> None:
        """What is final stays; what arrived arrived once, at whom the ledger says; nothing old went by itself."""
        known, received = self.shop.deliveries(), self.shop.received()
        for key, row in self._before.items():
            assert row.state not in _FINAL or known[key] == row
        assert all(count == 1 for count in received.values())
        arrived = dict(received.keys())
        assert len(arrived) == len(received), "one delivery, two addresses"
        sent = {key for key, row in known.items() if row.state == "sent"}
        assert sent <= arrived.keys() <= {key for key, row in known.items() if row.state in _GONE_OUT}
        for key, address in arrived.items():
            row = known[key]
            assert not address or row.contact_key == contact_key(SECRET.encode(), row.merchant, address), row
        for key in sent - {key for key, row in self._before.items() if row.state == "sent"}:
            if plan is not None:
                place = plan.days[key]  # nothing goes that is not planned
                batch = self._newest[place]
                assert batch in self._let_go or (self._sealed_on[batch] - place.day).days <= MAX_BATCH_AGE_DAYS
        self._no_step_twice(known)
        self.seen.update(row.state for row in known.values())

    def _no_step_twice(self, known: Mapping[str, Any]) -> None:
        steps: dict[tuple[Any, ...], list[Any]] = {}
        for row in known.values():
            if row.kind == "message" and row.state in _GONE_OUT:
                step = (row.conversation, row.run_key, row.step, row.occurrence, getattr(row, "pass"))
                steps.setdefault(step, []).append(row)
        for (conversation, *_), rows in steps.items():
            days = sorted(row.due_on for row in rows)
            near = [before for before, after in pairwise(days) if (after - before).days < 7]
            assert not near if conversation == "miss_you" else len(rows) == 1

    def _nothing_is_left(self) -> None:
        """All that is planned was tried; what was not sent says why."""
        known = self.shop.deliveries()
        assert [place for key, place in Plan(self.shop).days.items() if key not in known] == []
        assert [key for key, row in known.items() if row.state not in ("sent", "claimed") and not row.reason] == []

    def _equals_a_fresh_home(self) -> None:
        """The tables are those of a home that only ever saw the contents in force."""
        shop = self.shop
        found = shop.contents()
        self.seen.update(model for model, rows in found.items() if rows)
        shop.begin_anew()
        for name, content in self.files.in_force().items():
            (shop.settings.inbox / name).write_text(text_of(content))
        shop.build(shop.range_of(self.today))
        assert differences(found, shop.contents()) == {}


def says(*rows: str, back: int = 0, ending: str = "") -> Drop:
    """A file: each row is merchant, number, person, days since the order, status."""
    said = []
    for row in rows:
        merchant, number, who, lag, status = row.split()
        said.append((merchant, number, who.strip("-"), int(lag), status))
    return Drop("says", back, ending, said=tuple(said))


WRITTEN: History = (
    Turn(drops=(
        says("main A ann 0 processing", "main B ben 1 processing", "main C cy 1 processing", "main D dee 0 processing",
             "other A ann 1 processing"),
    )),
    # what was handed over when it died is known to nobody
    Turn(death="handed over", drops=(
        says("main E ann 0 processing", "other B ben 0 processing", "main F eve 1 processing"),
    )),
    # B was sent already, A is somebody else's, of a file that breaks its shape the former content stays; all is built
    # and nothing sealed
    Turn(death="recorded", drops=(
        Drop("cancels", back=2, place=1), Drop("moves", back=2, ending="_b", who="ben"), Drop("breaks", back=1),
    )),
    Turn(days=0, drops=(says("main G dee 1 processing", "other C cy 1 shipped"),)),
    # a second file of that day comes after its sending, one of four days ago comes late, another is put back; and a
    # person does not want what is old
    Turn(days=2, word="never", drops=(
        says("main G dee 1 canceled", back=2, ending="_b"), Drop("puts back", back=4), Drop("drops", back=3),
        says("main H cy 0 processing", "main C cy 2 processing", back=4, ending="_b"),
    )),
)  # fmt: skip

MOVED: History = (
    Turn(drops=(says("main A ann 0 processing", "main B ann 0 processing", "main C ann 0 processing"),)),
    Turn(),
    Turn(
        days=3,
        word="approve",
        drops=(says("main A ben 0 processing", "main B ben 0 processing", "main C ben 0 processing", back=4),),
    ),
)
"""Of what Ann is due some waits for the cap; by then the orders are Ben's."""

DIED_BEFORE_THE_SEALING: History = (
    Turn(drops=(says("main A ann 1 processing", "main B ben 1 processing"),)),
    Turn(death="recorded", drops=(says("main A cy 1 processing", "main B ben 1 processing", back=1),)),
    Turn(),
)
"""A correction is built, but the run dies before it seals: the next one has to."""


@pytest.fixture(scope="module")
def mail() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture(scope="module")
def on_duckdb(mail: SmtpServer, tmp_path_factory: pytest.TempPathFactory) -> HistoryShop:
    return HistoryShop(tmp_path_factory.mktemp("history"), mail)


@pytest.fixture(scope="module")
def on_postgres(
    mail: SmtpServer, postgres_module_database: PostgresDatabase, tmp_path_factory: pytest.TempPathFactory
) -> HistoryShop:
    return HistoryShop(tmp_path_factory.mktemp("history"), mail, postgres_module_database.url)


def test_a_history_in_which_everything_happens(on_duckdb: HistoryShop) -> None:
    play = Play(on_duckdb)
    play.play(WRITTEN)
    happened = {"new", "no longer due", "overtaken", "sent in error", "recorded", "handed over"}
    happened |= {"sent", "skipped", "deferred", "unknown", "claimed", "segment_snapshots", "conversation_actions_1"}
    assert happened - play.seen.keys() == set()


@pytest.mark.parametrize("history", [MOVED, pytest.param(DIED_BEFORE_THE_SEALING, marks=pytest.mark.heavy)])
def test_a_history_that_went_wrong_once(history: History, on_postgres: HistoryShop) -> None:
    Play(on_postgres).play(history)


# The same histories each time, so that a change is judged by its own; a search takes derandomize=False and more.
@pytest.mark.heavy
@settings(
    max_examples=6, derandomize=True, print_blob=True, suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)  # fmt: skip
@given(history=histories())
def test_any_history(on_duckdb: HistoryShop, history: History) -> None:
    Play(on_duckdb).play(history)


@pytest.mark.heavy
@settings(
    max_examples=3, derandomize=True, print_blob=True, suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)  # fmt: skip
@given(history=histories(most_turns=4))
def test_any_history_on_postgres(on_postgres: HistoryShop, history: History) -> None:
    Play(on_postgres).play(history)


def _fields(batch: Any) -> tuple[Any, ...]:
    return batch.day, batch.kind, batch.name, batch.merchant
