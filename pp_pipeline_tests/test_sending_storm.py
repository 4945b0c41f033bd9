"""A storm of kills: senders that die anywhere, at any time, again and again, with servers that fail as well.

The servers judge: nobody is written to twice, and whoever is planned was written to, or stands in the ledger with the
reason why not. A control without claims must show doubles, or the judge is blind.
"""

import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from pp_pipeline.ledger.resolving import resolve
from pp_pipeline.ledger.schema import deliveries
from pp_pipeline_tests.killing import POINTS, Job, clock, has_died
from pp_pipeline_tests.sending_world import DAY, World, key_of
from pp_pipeline_tests.smtp_server import CLOSE, RESET, Fault, SmtpServer, Step
from pp_pipeline_tests.test_coupons import declare
from pp_pipeline_tests.test_coupons_sending import drawn, put
from pp_pipeline_tests.test_roads import live_world
from pp_pipeline_tests.webhook_server import GARBAGE, Answer, WebhookServer

FINAL = {"sent", "skipped", "unknown"}
REASONS = {"no_coupon", "earlier_pass_not_sent"}
_CODE = re.compile(rb"\[(C\d+-\d+)\]")


@dataclass
class Storm:
    """Days of messages and events, one after the other, whose senders are killed until all is done."""

    world: World
    mail: SmtpServer
    platform: WebhookServer
    draw: random.Random
    is_careless: bool = False
    kills: Counter[str] = field(default_factory=Counter)
    day: date = DAY
    hours: float = 0

    def next_day(self) -> set[str]:
        """Plan a day; the keys of what it wants. Some messages are second passes, some find no coupon."""
        self.day += timedelta(days=1)
        self.hours += 48
        count, start = self.draw.randint(20, 60), (self.day - DAY).days * 1_000
        messages = count * 2 // 3
        self.world.plan(self.day, messages, start)
        self.world.plan_events(self.day, count - messages, start + 500)
        for number in self.draw.sample(range(start, start + messages - 1, 2), messages // 8):
            first = f"c{number:06d}:{number}"
            self.world.execute(
                "update planned_messages set run_key = ?, pass = 2 where message_id = ?",
                [first, key_of(number + 1, self.day)],
            )
        codes = self.draw.randint(messages // 2, messages * 2)
        put(self.world, " ".join(f"C{start}-{number}" for number in range(codes)))
        self.world.seal(self.day, self.day, self.day)
        events = range(start + 500, start + 500 + count - messages)
        return {key_of(number, self.day) for number in range(start, start + messages)} | {
            f"outbox_relay:recent_buyers{number:06d}" for number in events
        }

    def blow(self, planned: set[str], most: int = 60) -> None:
        """Kill senders of the day until nothing is left to do, or so many were started."""
        for _ in range(most):
            if {key for key, (state, _) in self.states().items() if state in FINAL} >= planned:
                return
            self.mail.script.extend(_fault(self.draw) for _ in range(5))
            self.platform.script.extend(_answer(self.draw) for _ in range(5))
            point = self.draw.choice(list(POINTS))
            job = Job(
                self.world.settings,
                self.day,
                point,
                passage=self.draw.choice([1, 1, 1, 2, 3, 5, 8]),
                chunk_size=self.draw.choice([1, 3, 7, 20, 100]),
                hours=self.hours - self.draw.choice([0, 0, 0, 2]),  # a clock that was set back
                is_careless=self.is_careless,
            )
            self.kills[point] += has_died(job)
            self.hours += self.draw.choice([0, 0, 1])

    def calm(self) -> None:
        """Send without kills and faults, until nothing is left to do."""
        self.mail.script.clear()
        self.platform.script.clear()
        self.hours += 26  # whatever was asked to wait may go, and no lease runs
        while self.world.send(self.day, self.day, self.day, now=clock(self.hours)).sent_count:
            pass

    def resolve(self, accepted: Counter[str]) -> set[str]:
        """A person's word on what is unknown, by what the servers have; the keys of what was not sent."""
        with self.world.ledger as ledger, ledger.writing() as connection:
            query = select(deliveries).where(deliveries.c.state == "unknown", deliveries.c.due_on == self.day)
            unknown = connection.execute(query).mappings().all()
            lost = [row for row in unknown if not accepted[row["key"]]]
            arrived = [row for row in unknown if accepted[row["key"]]]
            now = clock(self.hours)()
            resolve(connection, lost, was_sent=False, by="ann", today=self.day, now=now)
            resolve(connection, arrived, was_sent=True, by="ann", today=self.day, now=now)
        return {row["key"] for row in lost}

    def accepted(self) -> Counter[str]:
        """How often the servers took each key."""
        self.mail.wait_for_silence()
        self.platform.wait_for_silence()
        return Counter([each.message_id for each in self.mail.accepted] + [each.key for each in self.platform.accepted])

    def states(self) -> dict[str, tuple[str, str]]:
        """State and reason of each delivery of the day."""
        with self.world.ledger as ledger, ledger.reading() as connection:
            rows = connection.execute(select(deliveries).where(deliveries.c.due_on == self.day))
            return {row.key: (row.state, row.reason) for row in rows}

    def check(self, planned: set[str]) -> None:
        """The verdict on a day."""
        accepted = Counter({key: count for key, count in self.accepted().items() if key in planned})
        self.check_doubles(accepted)
        states = self.states()
        assert states.keys() == planned, "each that was planned is named by the ledger"
        assert {state for state, _ in states.values()} <= FINAL
        assert {reason for state, reason in states.values() if state == "skipped"} <= REASONS
        assert all(reason for state, reason in states.values() if state == "unknown")
        assert {key for key, (state, _) in states.items() if state == "sent"} <= accepted.keys()
        assert {states[key][0] for key in accepted} <= {"sent", "unknown"}

        not_sent = self.resolve(accepted)
        self.calm()
        accepted = Counter({key: count for key, count in self.accepted().items() if key in planned})
        self.check_doubles(accepted)
        assert not_sent <= accepted.keys(), "what a person said was not sent goes"
        states = self.states()
        assert {key for key, (state, _) in states.items() if state == "sent"} == accepted.keys()
        assert {key for key, (state, _) in states.items() if state == "skipped"} == planned - accepted.keys()
        self.check_codes()

    def check_doubles(self, accepted: Counter[str]) -> None:
        """Nobody twice."""
        doubles = {key: count for key, count in accepted.items() if count > 1}
        assert not doubles, f"{len(doubles)} of {len(accepted)} went more than once"

    def check_codes(self) -> None:
        """Each message shows the code that the ledger says it drew, which is nobody else's."""
        tied = drawn(self.world)
        assert len(set(tied.values())) == len(tied)
        for each in self.mail.accepted:
            assert set(_CODE.findall(each.content)) == {tied[each.message_id].encode()}


def _fault(draw: random.Random) -> Fault | None:
    """None three times in four. Who accepts a message and then says something else than yes has broken off."""
    if draw.random() < 3 / 4:
        return None
    steps: list[Step] = ["mail", "rcpt", "data", "end"]
    does = draw.choice([CLOSE, RESET, "451 later", "451 try again in 20 minutes", "?"])
    return Fault(draw.choice(steps), does, accepts=does in (CLOSE, RESET) and draw.random() < 1 / 2)


def _answer(draw: random.Random) -> Answer:
    if draw.random() < 3 / 4:
        return Answer()
    does = draw.choice([CLOSE, RESET, GARBAGE, 429, 503, 500])
    headers = {"Retry-After": "1200"} if does == 429 else {}
    return Answer(does, headers, accepts=isinstance(does, str) and draw.random() < 1 / 2)


@pytest.fixture(params=["sqlite", "postgres"])
def storm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storm]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres_database").url
    with SmtpServer() as mail, WebhookServer() as platform:
        world = live_world(World.make(tmp_path, ledger_url=url), mail.port, platform.url)
        declare(world, "{pool: spring}", "[{{ coupon.code }}]")
        yield Storm(world, mail, platform, random.Random(7))


def rage(storm: Storm, kills: int) -> None:
    """Days of storm until there were so many kills, each judged."""
    while storm.kills.total() < kills:
        planned = storm.next_day()
        storm.blow(planned)
        storm.calm()
        storm.check(planned)


def test_a_day_of_kills(storm: Storm) -> None:
    rage(storm, 6)


def test_without_claims_the_judge_sees_doubles(storm: Storm) -> None:
    """The same storm, and a sender that only writes down what it delivered once it has."""
    careless = replace(storm, is_careless=True)
    while careless.kills.total() < 12:
        careless.blow(careless.next_day(), most=5)
    with pytest.raises(AssertionError, match="went more than once"):
        careless.check_doubles(careless.accepted())


@pytest.mark.heavy
def test_more_than_a_hundred_kills_write_to_nobody_twice_and_forget_nobody(storm: Storm) -> None:
    rage(storm, 120)
    assert storm.kills.keys() == POINTS.keys(), "somebody died at every point"
    assert all(storm.kills.values())
