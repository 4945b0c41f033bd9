"""Senders that are killed while they write by a provider of e-mails or of texts: nobody is written to twice.

The points and what is left at each are those of test_sending_kill.py; the stand-in of the provider is the judge.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr
from sqlalchemy import select

from pp_pipeline.contact_keys import contact_secret, phone_key
from pp_pipeline.ledger.schema import suppressions
from pp_pipeline_tests.killing import POINTS, Job, clock, has_died
from pp_pipeline_tests.provider_faces import ACCOUNT, KEY
from pp_pipeline_tests.provider_servers import ProviderServer, taken
from pp_pipeline_tests.sending_world import DAY, World, key_of
from pp_pipeline_tests.test_sending_kill import COUNT, LEFT
from pp_pipeline_tests.texting import make_texting, number_of, plan_texts
from pp_pipeline_tests.webhook_server import CLOSE, GARBAGE, RESET, Answer

ROADS = ("postmark", "twilio")
_FINAL = {"sent", "skipped", "unknown"}


@dataclass(frozen=True)
class House:
    """An installation in live mode and the provider that it writes by."""

    world: World
    server: ProviderServer
    writes_texts: bool

    def plan(self, count: int) -> None:
        if self.writes_texts:
            plan_texts(self.world, DAY, count)
        else:
            self.world.plan(DAY, count)
        self.world.seal()

    def dies(self, point: str, **job: Any) -> bool:
        return has_died(Job(self.world.settings, DAY, point, **job))

    def send(self, hours: float = 0) -> Counter[str]:
        """Send as the next sending does, with a clock that is ahead; the outcomes."""
        return self.world.send(now=clock(hours), chunk_size=2).outcomes

    def states(self) -> dict[str, str]:
        """The state of each message."""
        return {key: state for key, state, _ in self.world.deliveries()}

    def accepted(self) -> Counter[str]:
        """How often the provider took each message."""
        self.server.wait_for_silence()
        named = {number_of(number): key_of(number) for number in range(100)}
        return Counter(named.get(each.key, each.key) for each in self.server.accepted)


def live_by(world: World, server: ProviderServer, road: str) -> World:
    """The installation in live mode, writing by a provider."""
    file = world.settings.merchants_dir / "main.yml"
    declared = yaml.safe_load(file.read_text())
    common = {"via": road, "url": server.base_url, "per_second": 1000}
    if road == "twilio":
        declared["channels"] = {"sms": {**common, "account": ACCOUNT, "token": "KEY"}}
    else:
        declared["channels"] = {"email": {**common, "api_key": "KEY"}}
    file.write_text(yaml.safe_dump(declared))
    return world.with_settings(live=True, environment="production", secrets={"KEY": SecretStr(KEY)})


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.heavy)])
def folder_and_url(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    return tmp_path, "" if request.param == "sqlite" else request.getfixturevalue("postgres_database").url


@pytest.fixture(params=ROADS)
def house(request: pytest.FixtureRequest, folder_and_url: tuple[Path, str]) -> Iterator[House]:
    folder, url = folder_and_url
    with ProviderServer(request.param) as server:
        world = live_by(World.make(folder, ledger_url=url), server, request.param)
        is_texting = request.param == "twilio"
        yield House(make_texting(world) if is_texting else world, server, is_texting)


_TELLING = ("handed over",)


@pytest.mark.parametrize(
    "point", [point if point in _TELLING else pytest.param(point, marks=pytest.mark.heavy) for point in LEFT]
)
def test_what_a_killed_sender_leaves_goes_once_or_is_unknown(house: House, point: str) -> None:
    left = LEFT[point]
    house.plan(COUNT)
    assert house.dies(point, passage=left.passage, chunk_size=2)
    assert house.world.states_of_deliveries() == left.states
    assert left.accepted <= len(house.accepted()) <= left.accepted + left.may_be_more

    open_count = COUNT - sum(left.states.values())
    assert house.send() == ({"sent": open_count} if open_count else {})
    assert house.send(hours=1) == {}
    accepted, states = house.accepted(), house.states()
    sent = {key for key, state in states.items() if state == "sent"}
    assert set(accepted.values()) == {1}
    assert sent <= accepted.keys() <= states.keys()
    assert list(states.values()).count("unknown") == left.states.get("claimed", 0)
    assert len(states) == COUNT


def test_a_provider_that_asked_to_be_left_alone_is_after_a_kill_too(house: House) -> None:
    house.plan(2)
    house.server.script.append(Answer(429, {"Retry-After": "1800"}))
    assert house.dies("after the settling")
    assert (house.world.states_of_deliveries(), house.accepted()) == ({"failed": 2}, {})
    assert house.send() == {}
    assert house.send(hours=1) == {"sent": 2}


def _drawn(draw: random.Random, good: Answer) -> Answer:
    """A good answer two times in three. Who accepts a message and then says something else has broken off."""
    if draw.random() < 2 / 3:
        return good
    does = draw.choice([CLOSE, RESET, GARBAGE, 429, 503, 500])
    return Answer(does, accepts=isinstance(does, str) and draw.random() < 1 / 2)


@pytest.mark.parametrize("count", [10, pytest.param(90, marks=pytest.mark.heavy)])
def test_in_a_storm_of_kills_and_failures_nobody_is_written_to_twice(house: House, count: int) -> None:
    """Whoever was written to is `sent`, or `unknown` where nobody could tell; nobody is forgotten."""
    draw, hours, kills = random.Random(count), 0.0, 0
    house.plan(count)
    good = taken(house.server.face)
    for _ in range(count):
        if len(house.states()) == count and set(house.states().values()) <= _FINAL:
            break
        house.server.script.extend(_drawn(draw, good) for _ in range(10))
        passage, chunk_size = draw.choice([1, 1, 2, 3, 5]), draw.choice([1, 3, 7, 20])
        point = draw.choice(list(POINTS))
        kills += house.dies(point, passage=passage, chunk_size=chunk_size, hours=hours)
        hours += draw.choice([0, 0, 1])
    house.server.script.clear()
    hours += 26  # whatever was asked to wait may go, and no lease runs
    while house.send(hours):
        pass
    accepted, states = house.accepted(), house.states()
    assert kills >= 2
    assert len(states) == count
    assert set(states.values()) <= _FINAL
    assert set(accepted.values()) == {1}
    assert {key for key, state in states.items() if state == "sent"} <= accepted.keys()
    assert {states[key] for key in accepted} <= {"sent", "unknown"}


@pytest.mark.parametrize("road", ["twilio"])
def test_who_unsubscribed_at_the_provider_is_suppressed_here(road: str, tmp_path: Path) -> None:
    refusal = Answer(400, body=b'{"code": 21610, "message": "unsubscribed recipient", "status": 400}')
    with ProviderServer(road, [refusal]) as server:
        world = make_texting(live_by(World.make(tmp_path), server, road))
        plan_texts(world, DAY, 2)
        world.run()
        assert [each[1:] for each in world.deliveries()] == [("skipped", "unsubscribed"), ("sent", "")]
        table = suppressions.c
        with world.ledger as ledger, ledger.reading() as connection:
            query = select(table.contact_key, table.channel, table.kind, table.reason)
            found = {tuple(row) for row in connection.execute(query)}
        number = phone_key(contact_secret(world.settings), "main", number_of(0))
        scope = ("sms", "commercial", "unsubscribed")
        assert found == {("c000000", *scope), (number, *scope)}
