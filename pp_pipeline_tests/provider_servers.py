"""Stand-ins for providers of e-mail and of texts, which fail as they are told and keep what they accepted.

Each takes requests as its provider documents them (provider_faces.py), field by field: one that lacks a field, or has
one that is not known there, is refused, and is a fault of the test.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from pp_pipeline_tests.provider_faces import FACES, Face
from pp_pipeline_tests.webhook_server import Answer, Asked, WebhookServer


class ProviderServer(WebhookServer):
    """A provider; its `script` may say when it is not to answer as one that takes a message."""

    def __init__(self, name: str, script: Iterable[Answer] = (), **options: Any) -> None:
        self.face = FACES[name]
        super().__init__(script, **options)

    def __enter__(self) -> "ProviderServer":
        return self

    @property
    def base_url(self) -> str:
        """Where requests go."""
        return self.url.removesuffix("/pp") + self.face.base

    def verdict(self, asked: Asked) -> Answer:
        found = [f"asked for {asked.path}"] if asked.path != self.face.base + self.face.path else []
        found += [f"no {name}" for name, value in self.face.login.items() if asked.headers.get(name) != value]
        found += _faults("", read(asked.headers, asked.body), self.face.form)
        self.faults += found
        return Answer(400, body=b"not as documented") if found else taken(self.face)

    def key(self, asked: Asked) -> str:
        return self.face.key(read(asked.headers, asked.body))


def taken(face: Face) -> Answer:
    """How a provider takes a message."""
    status, content = face.answer
    return Answer(status, body=b"" if content is None else json.dumps(content).encode())


def refused(face: Face) -> Answer:
    """How it refuses a recipient."""
    status, content = face.refusal
    return Answer(status, body=json.dumps(content).encode())


def read(headers: Mapping[str, str], body: bytes) -> Any:
    """The content of a request."""
    if headers["Content-Type"].startswith("application/json"):
        return json.loads(body)
    return dict(parse_qsl(body.decode(), strict_parsing=True))


def _faults(where: str, value: Any, form: Any) -> list[str]:
    """How a value differs from what is documented."""
    match form:
        case type():
            return [] if isinstance(value, form) else [f"{where} is no {form.__name__}"]
        case set():
            return [] if value in form else [f"{where} is none of {sorted(form)}"]
        case [one]:
            if not isinstance(value, list) or not value:
                return [f"{where} is no list"]
            return [fault for each in value for fault in _faults(where, each, one)]
    if not isinstance(value, dict):
        return [f"{where} is no object"]
    known = {name.rstrip("*"): each for name, each in form.items()}
    needed = [name.rstrip("*") for name in form if name.endswith("*")]
    faults = [f"{where}.{name} is missing" for name in needed if name not in value]
    faults += [f"{where}.{name} is not known" for name in value if name not in known]
    for name in value.keys() & known.keys():
        faults += _faults(f"{where}.{name}", value[name], known[name])
    return faults
