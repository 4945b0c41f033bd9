"""A stand-in of Klaviyo's events API (`create_event`).

A request is held against the models of Klaviyo's own SDK (PyPI `klaviyo-api`), which are made from the published
description of the API: a field that is not there, or of another type, is refused with 400.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any

from klaviyo_api.wrapper import KlaviyoAPI
from openapi_client.models.event_create_query_v2 import EventCreateQueryV2
from pydantic import ValidationError

from pp_pipeline_tests.webhook_server import DELIVERY, Answer, Asked, WebhookServer

API_KEY = "pk_a key of Klaviyo"
ROAD = {"via": "klaviyo", "api_key": "KLAVIYO"}
_HEADERS = {
    "Authorization": f"Klaviyo-API-Key {API_KEY}",
    "revision": KlaviyoAPI._REVISION,
    "Content-Type": "application/vnd.api+json",
    "Accept": "application/vnd.api+json",
}


class KlaviyoServer(WebhookServer):
    """Takes requests as Klaviyo does.

    Attributes:
        bad_addresses: addresses that it does not take.
    """

    def __init__(self, script: Iterable[Answer] = (), **server: Any) -> None:
        self.bad_addresses: set[str] = set()
        super().__init__(script, **server)

    @property
    def url(self) -> str:
        """Where it is."""
        return super().url.removesuffix("/pp")

    def purpose(self, method: str, path: str) -> str:
        """What a request is for."""
        return DELIVERY if (method, path) == ("POST", "/api/events") else "unknown route"

    def key(self, asked: Asked) -> str:
        """The relay's name and the event's id."""
        return "outbox_relay:" + json.loads(asked.body)["data"]["attributes"]["unique_id"]

    def verdict(self, asked: Asked) -> Answer:
        """What Klaviyo says."""
        if self.purpose(asked.method, asked.path) != DELIVERY:
            return self._fault(f"no such route: {asked.method} {asked.path}")
        if asked.headers.get("Authorization") != _HEADERS["Authorization"]:
            return error(401, "/data")
        wrong = [name for name, value in _HEADERS.items() if asked.headers.get(name) != value]
        body = json.loads(asked.body)
        try:
            query = EventCreateQueryV2.from_dict(body)
        except (ValidationError, ValueError) as problem:
            return self._fault(f"not an event: {type(problem).__name__}")
        known = query.to_dict() if query else {}
        if wrong := wrong + list(_unknown(body, known)):
            return self._fault(f"not as described: {wrong}")
        attributes = body["data"]["attributes"]
        if len(attributes["metric"]["data"]["attributes"]["name"]) >= 128 or not attributes["unique_id"]:
            return self._fault("name of the metric, or unique_id")
        if attributes["profile"]["data"]["attributes"]["email"] in self.bad_addresses:
            return error(400, "/data/attributes/profile/data/attributes/email")
        return Answer(202, body=b"")

    def _fault(self, text: str) -> Answer:
        self.faults.append(text)
        return error(400, "/data/attributes")


def error(status: int, pointer: str) -> Answer:
    """A refusal as JSON:API has it."""
    told = {"errors": [{"status": status, "code": "invalid", "detail": "A sentence.", "source": {"pointer": pointer}}]}
    return Answer(status, {"Content-Type": "application/vnd.api+json"}, json.dumps(told).encode())


def _unknown(ours: Any, known: Any, path: str = "") -> Iterable[str]:
    """The places of a body that the description does not have, or has with another value."""
    if isinstance(ours, Mapping) and isinstance(known, Mapping):
        for name, value in ours.items():
            if name in known:
                yield from _unknown(value, known[name], f"{path}/{name}")
            else:
                yield f"{path}/{name}"
    elif isinstance(known, datetime):
        if datetime.fromisoformat(str(ours)) != known:
            yield path
    elif ours != (known.value if isinstance(known, Enum) else known):
        yield path
