"""Whatever happens to a plan, each of its deliveries has one ending with a reason, or a closed gate in its way."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from pp_pipeline.ledger.switches import KILL_SWITCH, pause_name, set_switch
from pp_pipeline.sending.outlets.outlet import Outcome
from pp_pipeline.sending.summary import SendSummary
from pp_pipeline_tests.guard_worlds import NOON, add_contact, add_refused_row, add_sent, set_policy, suppress
from pp_pipeline_tests.sending_world import DAY, World, key_of
from pp_pipeline_tests.test_sending import TestChannel, outlets

OLD = DAY - timedelta(days=6)
LAST = DAY + timedelta(days=2)
FINAL = ("sent", "skipped", "unknown")
ANSWERS: tuple[Outcome | Exception, ...] = (
    Outcome("sent"), Outcome("sent"), Outcome("failed", "busy"), Outcome("skipped", "rejected"),
    Outcome("unknown", "timeout"), Outcome("deferred", "slow_down", retry_after=timedelta(hours=5)), OSError(),
)  # fmt: skip


@dataclass
class History:
    """A plan, and what happens to it."""

    world: World
    dice: Random
    plan: dict[str, date] = field(default_factory=dict)
    endings: dict[str, tuple[str, str]] = field(default_factory=dict)
    contacts: list[int] = field(default_factory=lambda: [21, 0, 10, 12])

    def begin(self) -> None:
        """A policy, and messages and events of four days, one long ago."""
        set_policy(self.world, self._policy())
        for place, day in enumerate((OLD, DAY, DAY + timedelta(days=1), LAST)):
            self._plan(day, 10 * place)
        self.world.plan_events(DAY, 2)
        self.plan |= {f"outbox_relay:recent_buyers{number:06d}": DAY for number in range(2)}

    def go_on(self, clock: datetime) -> None:
        """Something happens; then everything is sealed and sent; then all is looked at."""
        self.dice.choice(
            [
                self._suppress,
                self._refuse,
                self._cancel,
                self._write_before,
                self._switch,
                self._refuse_consent,
                self._grow,
            ]
        )(clock)
        today = clock.date()
        answers: dict[int, Any] = {place: self.dice.choice(ANSWERS) for place in range(30) if self.dice.random() < 0.5}
        channel = TestChannel(answers, self.world.settings.home / "accepted")
        summary = self.world.run(OLD, LAST, today, now=lambda: clock, outlets=outlets(channel))
        self._look(today, summary)

    def _look(self, today: date, summary: SendSummary) -> None:
        held = {report.batch.day: report for report in summary.reports if report.batch.id.kind == "messages"}
        relayed = {report.batch.day: report for report in summary.reports if report.batch.id.kind == "events"}
        rows = [row for row in self.world.deliveries() if row[0] in self.plan]
        assert len({key for key, _, _ in rows}) == len(rows)
        for key, state, reason in rows:
            assert state in ("sent", "skipped", "deferred", "failed", "unknown")
            assert (reason == "") is (state == "sent")
            if self.endings.get(key, ("", ""))[0] in FINAL:
                assert (state, reason) == self.endings[key]
            self.endings[key] = (state, reason)
        for key in self.plan.keys() - self.endings.keys():
            report = (relayed if key.startswith("outbox_relay") else held)[self.plan[key]]
            gates = [report.state.reason, report.problem, *(each for each in report.outcomes if "held" in each)]
            assert report.state.state in ("blocked", "waiting", "ready")
            assert any(gates), f"nothing says why {key} has no ending on {today}"

    def _policy(self) -> dict[str, object]:
        parts = {
            "caps": {"email": {"messages": 1, "days": 2}},
            "quiet_hours": {"email": {"from": "18:00", "to": "08:00"}},
            "daily_ceiling": {"email": {"first": 2}},
            "blackouts": [{"from": str(DAY), "to": str(DAY)}],
            "max_defer_days": self.dice.randint(0, 2),
        }
        return {name: part for name, part in parts.items() if self.dice.random() < 0.5}

    def _plan(self, day: date, start: int, count: int = 3) -> None:
        self.world.plan(day, count, start=start)
        self.plan |= {key_of(number, day): day for number in range(start, start + count)}

    def _suppress(self, _clock: datetime) -> None:
        if self.contacts:
            suppress(self.world, f"c{self.contacts.pop():06d}")

    def _refuse(self, clock: datetime) -> None:
        add_refused_row(self.world, clock.date(), order_number=f"A{self.dice.choice([0, 10, 11, 20])}")

    def _cancel(self, clock: datetime) -> None:
        number = f"A{self.dice.choice([10, 12, 21])}"
        values = "'main', ?, ?, 'canceled'"
        sql = f"insert into order_versions (merchant, order_number, known_on, status) values ({values})"
        self.world.execute(sql, (number, clock.date()))

    def _write_before(self, clock: datetime) -> None:
        contact = f"c{self.dice.choice([10, 11, 20]):06d}"
        add_sent(self.world, f"earlier {self.dice.random()}", clock - timedelta(hours=9), contact_key=contact)

    def _switch(self, _clock: datetime) -> None:
        names = [KILL_SWITCH, pause_name("conversation", "hello"), pause_name("campaign", "thank_you")]
        names.append(pause_name("campaign", "recent_buyers"))
        with self.world.ledger as ledger:
            set_switch(ledger, self.dice.choice(names), self.dice.random() < 0.5)

    def _refuse_consent(self, clock: datetime) -> None:
        add_contact(self.world, clock.date(), contact_key="c000011", email_commercial_consent="none")

    def _grow(self, clock: datetime) -> None:
        self._plan(min(clock.date(), LAST), 100 + 10 * len(self.plan), count=1)


def run(seed: int) -> History:
    with TemporaryDirectory() as folder:
        history = History(World.make(Path(folder)), Random(seed))
        history.begin()
        clock = NOON
        for _ in range(6):
            history.go_on(clock)
            clock += timedelta(hours=history.dice.choice([1, 5, 12, 26]))
        return history


@pytest.mark.parametrize("seed", range(6))
def test_each_delivery_has_one_ending_or_a_closed_gate(seed: int) -> None:
    run(seed)


@pytest.mark.heavy
@pytest.mark.parametrize("seed", range(6, 300))
def test_many_histories(seed: int) -> None:
    run(seed)
