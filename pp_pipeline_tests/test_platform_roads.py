"""Listrak and Klaviyo alike: each failure has the one outcome that is surely true, and secrets show nowhere."""

import random
import traceback
from collections import Counter
from pathlib import Path

import pytest

from pp_pipeline.sending.outlets.http_posting import Request
from pp_pipeline.sending.outlets.outlet import Outcome, OutletBroken
from pp_pipeline.sending.outlets.pace import MOST_UNANSWERED
from pp_pipeline_tests.listrak_server import CONTACT, EVENTS, TOKEN
from pp_pipeline_tests.platform_roads import ROADS, SECRETS, SERVERS, Platform, declare, event, outcomes, relay
from pp_pipeline_tests.sending_world import DAY, World
from pp_pipeline_tests.test_smtp import patience
from pp_pipeline_tests.test_webhook import FAULTS
from pp_pipeline_tests.webhook_server import CLOSE, DELIVERY, DRIP, GARBAGE, HOLD, RESET, Answer

BOTH = pytest.mark.parametrize("platform", ROADS)


_CASES = [
    pytest.param(
        *(platform, answer, outcome),
        id=f"{platform}-{answer.does}-{answer.accepts}-{number}",
        marks=[pytest.mark.heavy] if platform != "listrak" and answer.does in (HOLD, DRIP) else [],
    )
    for platform in ROADS
    for number, (answer, outcome) in enumerate(FAULTS)
]


@pytest.mark.parametrize(("platform", "answer", "outcome"), _CASES)
def test_a_failure_has_its_outcome_and_the_next_event_goes(
    platform: Platform, answer: Answer, outcome: Outcome
) -> None:
    """As webhooks; but what these platforms do not like of a request is of our form, not of one event."""
    if outcome.state == "skipped":
        outcome = Outcome("failed", f"refused: {answer.does}")
    with SERVERS[platform]([answer]) as server:
        outlet = relay(platform, server.url, seconds=patience(str(answer.does)))
        assert outcomes(outlet, [event(0), event(1)]) == [outcome, Outcome("sent")]
        outlet.close()
        assert server.counts[DELIVERY] == 2  # nothing was tried again or elsewhere
    assert [each.key for each in server.accepted] == [event(n).key for n in range(0 if answer.counts else 1, 2)]


@BOTH
def test_a_wrong_secret_breaks_the_outlet_and_skips_nothing(platform: Platform) -> None:
    with SERVERS[platform]([]) as server:
        outlet = relay(platform, server.url, secret="another")
        assert outcomes(outlet, [event(0), event(1)]) == [Outcome("failed", "broken: not_authorised")] * 2
        outlet.close()
        unusable = relay(platform, server.url, secret="ends in a line break\n")
        reason = "not_authorised" if platform == "listrak" else "key_not_usable"
        assert outcomes(unusable, [event(0)]) == [Outcome("failed", f"broken: {reason}")]
        unusable.close()
    assert server.accepted == []


@BOTH
def test_a_refused_connection_is_a_failure_until_the_platform_is_back(platform: Platform) -> None:
    with SERVERS[platform]([]) as server:
        server.refuse()
        outlet = relay(platform, server.url)
        assert outcomes(outlet, [event(0)]) == [Outcome("failed", "broken: connection_refused")]
        server.listen()
        outlet.close()
        assert outcomes(outlet, [event(0)]) == [Outcome("sent")]
        outlet.close()


@BOTH
def test_silence_breaks_the_outlet_before_many_are_unknown(platform: Platform) -> None:
    with SERVERS[platform]([Answer(CLOSE)] * 20) as server:
        outlet = relay(platform, server.url)
        found = outcomes(outlet, map(event, range(20)))
        assert [each.state for each in found] == ["unknown"] * MOST_UNANSWERED + ["failed"] * (20 - MOST_UNANSWERED)
        assert server.counts[DELIVERY] == MOST_UNANSWERED


@BOTH
def test_who_has_no_address_is_skipped(platform: Platform) -> None:
    with SERVERS[platform]([]) as server:
        outlet = relay(platform, server.url)
        assert outcomes(outlet, [event(0, email=None)]) == [Outcome("skipped", "no_address")]
        outlet.close()
        assert server.request_count == 0


@BOTH
def test_no_secret_and_no_address_shows(platform: Platform, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    with SERVERS[platform]([Answer(400, body=b"no person0@example.com"), Answer(401), Answer(401)]) as server:
        outlet = relay(platform, server.url)
        text = repr(outcomes(outlet, [event(0)])) + repr(outlet) + repr(vars(outlet))
        text += repr(Request("GET", "/Contact/person0%40example.com", {"Authorization": "token-1"}))
        with pytest.raises(OutletBroken) as error:
            list(outlet.deliver_events([event(1)]))
        outlet.close()
    text += "".join(traceback.format_exception(error.value)) + caplog.text
    secrets = [secret.get_secret_value() for secret in SECRETS.values()]
    assert not any(word in text for word in [*secrets, "token-1", "person0", "person1@"])


def _drawn(draw: random.Random, rate: float) -> Answer | None:
    """A failure in so many cases. Who accepts an event and then says something else than yes has broken off."""
    if draw.random() > rate:
        return None
    does = draw.choice([CLOSE, RESET, GARBAGE, 429, 500, 503, 401])
    return Answer(does, accepts=isinstance(does, str) and draw.random() < 1 / 2)


@pytest.mark.parametrize("platform", [pytest.param("listrak", marks=pytest.mark.heavy), "klaviyo"])
def test_in_a_storm_of_failures_nothing_is_accepted_twice_and_nothing_is_lost(
    platform: Platform, tmp_path: Path
) -> None:
    """What was accepted is `sent`, or `unknown` where nobody could tell; what is `sent` was accepted, once."""
    draw = random.Random(1)
    world = World.make(tmp_path, live=True, environment="production", secrets=SECRETS)
    world.plan_events(DAY, 40)
    with SERVERS[platform]([]) as server:
        for purpose, rate in {DELIVERY: 1 / 3, TOKEN: 1 / 5, EVENTS: 1 / 5, CONTACT: 1 / 10}.items():
            server.scripts[purpose].extend(_drawn(draw, rate) for _ in range(100))
        declare(world, platform, server.url)
        world.seal()
        while world.send(chunk_size=10).outcomes.keys() - {"skipped"}:
            pass
        accepted = Counter(each.key for each in server.accepted)
    states = {key: state for key, state, _ in world.deliveries()}
    assert len(states) == 40
    assert set(accepted.values()) == {1}
    assert {key for key, state in states.items() if state == "sent"} <= accepted.keys()
    assert {states[key] for key in accepted} == {"sent", "unknown"}
    assert set(states.values()) == {"sent", "unknown"}
