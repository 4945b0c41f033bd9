"""A sender that is killed at any point of its way: nobody is written to twice, and nobody is forgotten.

It is a process of its own that kills itself with SIGKILL (killing.py): nothing can be tidied up after that. The
stand-ins of a mail server and a platform are the judges of what went how often. docs/sending.md has the table.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from pp_pipeline_tests.killing import POINTS, Job, clock, has_died
from pp_pipeline_tests.platform_roads import SECRETS, SERVERS, Platform, declare
from pp_pipeline_tests.sending_world import DAY, World, key_of
from pp_pipeline_tests.smtp_server import Fault, SmtpServer
from pp_pipeline_tests.test_coupons import declare as declare_coupon
from pp_pipeline_tests.test_coupons_sending import drawn, put
from pp_pipeline_tests.test_roads import live_world
from pp_pipeline_tests.webhook_server import Answer, WebhookServer

COUNT = 5
Road = Literal["smtp", "webhook"] | Platform
ROADS: tuple[Road, ...] = ("smtp", "webhook", "listrak", "klaviyo")


@dataclass(frozen=True)
class House:
    """An installation in live mode and the servers that it sends to."""

    world: World
    mail: SmtpServer
    platform: WebhookServer
    named: Mapping[Platform, WebhookServer]

    def plan(self, road: Road, count: int) -> None:
        if road == "smtp":
            self.world.plan(DAY, count)
            return
        if road != "webhook":
            declare(self.world, road, self.named[road].url)
        self.world.plan_events(DAY, count)

    def accepted(self) -> Counter[str]:
        """How often the servers took each key."""
        self.mail.wait_for_silence()
        found = Counter(each.message_id for each in self.mail.accepted)
        for platform in (self.platform, *self.named.values()):
            platform.wait_for_silence()
            found.update(each.key for each in platform.accepted)
        return found

    def job(self, point: str, passage: int = 1, chunk_size: int = 2) -> Job:
        return Job(self.world.settings, DAY, point, passage, chunk_size)

    def send(self, hours: float = 0) -> Counter[str]:
        """Send as the next sending does, with a clock that is ahead; the outcomes."""
        return self.world.send(now=clock(hours), chunk_size=2).outcomes


@pytest.fixture(params=["sqlite", "postgres"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres_database").url
    with SmtpServer() as mail, WebhookServer() as platform, ExitStack() as stack:
        named: dict[Platform, WebhookServer] = {
            name: stack.enter_context(server([])) for name, server in SERVERS.items()
        }
        world = live_world(World.make(tmp_path, ledger_url=url), mail.port, platform.url)
        secrets = {**world.settings.secrets, **SECRETS}
        yield House(world.with_settings(secrets=secrets), mail, platform, named)


@dataclass(frozen=True)
class Left:
    """What a sender that died leaves, of 5 deliveries in chunks of 2: it died in the second chunk, or behind all.

    Attributes:
        accepted: how many the servers have; where it dies between handing over and answer one more may be accepted.
        is_finished: whether the batch is `sent` without another sending.
    """

    passage: int
    states: dict[str, int]
    accepted: int
    may_be_more: int = 0
    is_finished: bool = False


_IN_HAND = {"sent": 2, "claimed": 2}
LEFT = {
    "before the claim": Left(2, {"sent": 2}, 2),
    "claimed, not committed": Left(2, {"sent": 2}, 2),
    "judged, not committed": Left(2, {"sent": 2}, 2),
    "after the claim": Left(2, _IN_HAND, 2),
    "seen by the witness": Left(2, _IN_HAND, 2),
    "rendered": Left(4, _IN_HAND, 2),
    "taken by the outlet": Left(4, _IN_HAND, 3),
    "handed over": Left(4, _IN_HAND, 3, may_be_more=1),
    "accepted": Left(4, _IN_HAND, 4),
    "before the settling": Left(2, _IN_HAND, 4),
    "settled, not committed": Left(2, _IN_HAND, 4),
    "after the settling": Left(2, {"sent": 4}, 4),
    "before the finish": Left(1, {"sent": 5}, 5),
    "after the finish": Left(1, {"sent": 5}, 5, is_finished=True),
    "after the sending": Left(1, {"sent": 5}, 5, is_finished=True),
}


def test_every_point_has_its_test() -> None:
    assert LEFT.keys() | {"deferred, not committed", "drawn, not committed"} == POINTS.keys()


# The road of platforms by name is that of webhooks but for what is sent: one point of it in each run.
_CASES = [
    pytest.param(road, point, marks=[pytest.mark.heavy] if road in SERVERS and point != "handed over" else [])
    for road in ROADS
    for point in LEFT
    if road == "smtp" or point != "rendered"
]


@pytest.mark.parametrize(("road", "point"), _CASES)
def test_what_a_killed_sender_leaves_goes_once_or_is_unknown(house: House, road: Road, point: str) -> None:
    left = LEFT[point]
    house.plan(road, COUNT)
    house.world.seal()
    assert has_died(house.job(point, left.passage))

    assert house.world.states_of_deliveries() == left.states
    accepted = house.accepted()
    assert left.accepted <= len(accepted) <= left.accepted + left.may_be_more
    assert {state.state for _, state in house.world.states()} == {"sent" if left.is_finished else "ready"}

    # the next sending leaves alone what the dead one may have in hand, and the one behind the lease names it
    open_count = COUNT - sum(left.states.values())
    assert house.send() == ({"sent": open_count} if open_count else {})
    assert house.send(hours=1) == {}
    unknown = [(key, reason) for key, state, reason in house.world.deliveries() if state == "unknown"]
    assert [reason for _, reason in unknown] == ["lease_expired"] * left.states.get("claimed", 0)
    assert {state.state for _, state in house.world.states()} == {"sent"}
    accepted = house.accepted()
    assert set(accepted.values()) == {1}
    sent = {key for key, state, _ in house.world.deliveries() if state == "sent"}
    assert sent <= accepted.keys() <= sent | {key for key, _ in unknown}
    assert len(sent) + len(unknown) == COUNT


@pytest.mark.parametrize(
    ("point", "passage", "left"),
    [
        ("deferred, not committed", 1, [("failed", "busy: 451")]),
        ("after the claim", 2, [("failed", "busy: 451"), ("deferred", "earlier_pass_open")]),
    ],
)
def test_a_killed_deferral_is_made_again(house: House, point: str, passage: int, left: list[tuple[str, str]]) -> None:
    """The second pass waits for the first, which the server did not want yet."""
    house.plan("smtp", 2)
    house.world.execute("update planned_messages set run_key = 'c000000:0', pass = 2 where order_number = 'A1'")
    house.world.seal()
    house.mail.script.append(Fault("rcpt", "451 later"))
    assert has_died(house.job(point, passage))
    assert [each[1:] for each in house.world.deliveries()] == left
    assert house.send() == {"sent": 2}
    assert house.accepted() == {key_of(0): 1, key_of(1): 1}


@pytest.mark.parametrize("point", ["settled, not committed", "after the settling"])
def test_a_platform_that_asked_to_be_left_alone_is_after_a_kill_too(house: House, point: str) -> None:
    house.plan("webhook", 2)
    house.world.seal()
    house.platform.script.append(Answer(429, {"Retry-After": "1800"}))
    assert has_died(house.job(point))
    is_settled = point == "after the settling"
    assert house.world.states_of_deliveries() == ({"failed": 2} if is_settled else {"claimed": 2})
    assert house.send() == {}
    assert house.accepted() == {}
    assert house.send(hours=1) == ({"sent": 2} if is_settled else {})
    assert house.world.states_of_deliveries() == ({"sent": 2} if is_settled else {"unknown": 2})


@pytest.mark.parametrize("point", ["drawn, not committed", "after the claim"])
def test_a_killed_draw_gives_no_code_to_two(house: House, point: str) -> None:
    declare_coupon(house.world, "{pool: spring}", "[{{ coupon.code }}]")
    put(house.world, "A B C")
    house.plan("smtp", 3)
    house.world.seal()
    assert has_died(house.job(point))
    tied = {key_of(0): "A", key_of(1): "B"} if point == "after the claim" else {}
    assert drawn(house.world) == tied
    house.send()
    house.send(hours=1)
    everyone = {key_of(0): "A", key_of(1): "B", key_of(2): "C"}
    assert drawn(house.world) == everyone
    shown = {each.message_id: each.content.decode().partition("[")[2][0] for each in house.mail.accepted}
    assert shown == {key: code for key, code in everyone.items() if key not in tied}
