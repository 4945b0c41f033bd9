"""Relays of platforms by name, before their stand-ins: what the tests of all of them have in common."""

import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import SecretStr

from pp_pipeline.relay_roads import KlaviyoRoad, ListrakRoad
from pp_pipeline.sending.outlets.klaviyo import KlaviyoRelay
from pp_pipeline.sending.outlets.listrak import ListrakRelay
from pp_pipeline.sending.outlets.outlet import Outcome, OutletBroken
from pp_pipeline.sending.planned import PlannedEvent
from pp_pipeline_tests import klaviyo_server, listrak_server
from pp_pipeline_tests.klaviyo_server import KlaviyoServer
from pp_pipeline_tests.listrak_server import ListrakServer
from pp_pipeline_tests.sending_world import World
from pp_pipeline_tests.test_webhook import EVENT, FAST, NOW
from pp_pipeline_tests.webhook_server import Answer, WebhookServer

Platform = Literal["listrak", "klaviyo"]
SERVERS: dict[Platform, Callable[[Iterable[Answer]], WebhookServer]] = {
    "listrak": ListrakServer,
    "klaviyo": KlaviyoServer,
}
_EVENTS = {"relay": "outbox_relay", "events": [EVENT.event_name]}
ROADS: dict[Platform, dict[str, Any]] = {
    "listrak": listrak_server.ROAD | _EVENTS | {"event_ids": {EVENT.event_name: listrak_server.EVENT_ID}},
    "klaviyo": klaviyo_server.ROAD | _EVENTS,
}
SECRETS = {
    "LISTRAK": SecretStr(listrak_server.CLIENT["client_secret"]),
    "KLAVIYO": SecretStr(klaviyo_server.API_KEY),
}


@dataclass
class Clock:
    """A clock that a test sets."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


def event(number: int = 0, **changes: Any) -> PlannedEvent:
    """An event of a person of its own."""
    numbered = {"key": f"outbox_relay:e{number:06d}", "event_id": f"e{number:06d}"}
    return replace(EVENT, **{**numbered, "relay": "outbox_relay", "email": f"person{number}@example.com", **changes})


def relay(
    platform: Platform,
    url: str,
    seconds: float = 30,
    clock: Callable[[], datetime] = lambda: NOW,
    secret: str = "",
    **changes: Any,
) -> ListrakRelay | KlaviyoRelay:
    """A relay of a platform that is at an address."""
    declared = ROADS[platform] | {"url": url, "timeout_seconds": seconds, **changes}
    tls = ssl.create_default_context()
    if platform == "listrak":
        password = SecretStr(secret) if secret else SECRETS["LISTRAK"]
        return ListrakRelay(ListrakRoad.model_validate(declared), password, tls=tls, pace=FAST(), now=clock)
    password = SecretStr(secret) if secret else SECRETS["KLAVIYO"]
    return KlaviyoRelay(
        KlaviyoRoad.model_validate(declared), password, ZoneInfo("Europe/Vienna"), tls=tls, pace=FAST(), now=clock
    )


def outcomes(outlet: ListrakRelay | KlaviyoRelay, events: Iterable[PlannedEvent]) -> list[Outcome]:
    """What becomes of each; a broken outlet means `failed` for all that it had not spoken of."""
    asked, found = list(events), list[Outcome]()
    try:
        found.extend(outlet.deliver_events(asked))
    except OutletBroken as broken:
        found += [Outcome("failed", f"broken: {broken}")] * (len(asked) - len(found))
    return found


def declare(world: World, platform: Platform, url: str) -> None:
    """The installation's relay is that platform's from now on; its secrets have to be set."""
    file = world.settings.merchants_dir / "main.yml"
    declared = yaml.safe_load(file.read_text())
    declared["relays"] = [ROADS[platform] | {"url": url, "per_second": 1000}]
    file.write_text(yaml.safe_dump(declared))
