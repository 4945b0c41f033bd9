"""A shop whose endpoint is asked in process: for the tests of `pp serve`."""

import asyncio
import csv
import hashlib
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr
from sqlalchemy import select
from starlette.types import ASGIApp

from pp_pipeline.contact_keys import contact_key, contact_secret
from pp_pipeline.ledger import schema
from pp_pipeline.ledger.suppressions import suppressions_in_force
from pp_pipeline.sending.outlets.webhook import signature_of
from pp_pipeline.serving.app import Endpoint, make_app
from pp_pipeline.serving.clicks import Clicks
from pp_pipeline.serving.feedback_files import FeedbackFiles
from pp_pipeline.serving.intake import Intake
from pp_pipeline.serving.tokens import Person, make_token
from pp_pipeline.serving.webhooks import sources_of
from pp_pipeline.settings import Settings
from pp_pipeline_tests.landing_shop import Shop, merchant

NOW = datetime(2026, 1, 6, 3, 30, tzinfo=UTC)  # still the 5th in New York
FILE = "feedback_2026-01-05_serve.csv"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
HOOK_SECRET = "a secret of the webhook"
WEBHOOKS = tuple(
    {"source": name, "secret": "HOOK", "format": name} for name in ("plain", "postmark", "sendgrid", "sms")
)


@dataclass(frozen=True)
class Client:
    """Asks an application in process. An error that nobody foresaw is an answer 500 here, as it is in service."""

    app: ASGIApp

    def get(self, url: str, **options: Any) -> httpx.Response:
        return asyncio.run(self._ask("GET", url, options))

    def head(self, url: str) -> httpx.Response:
        return asyncio.run(self._ask("HEAD", url, {}))

    def post(self, url: str, **options: Any) -> httpx.Response:
        return asyncio.run(self._ask("POST", url, options))

    async def _ask(self, method: str, url: str, options: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="https://shop.example.com") as client:
            return await client.request(method, url, **options)


@dataclass
class ServingShop:
    """The endpoint of a shop, at a time of the test's choice."""

    shop: Shop
    now: datetime = NOW
    client: "Client" = field(init=False)

    def __post_init__(self) -> None:
        settings = self.shop.settings.model_copy(update={"secrets": {"HOOK": SecretStr(HOOK_SECRET)}})
        self.secret = contact_secret(settings)
        self.intake = Intake(self.shop.ledger, FeedbackFiles(settings.inbox), now=lambda: self.now)
        self.clicks = Clicks(self.intake, self.shop.merchants)
        sources = sources_of(settings, self.shop.merchants)
        self.app = make_app(Endpoint(settings, self.shop.merchants, self.secret, self.intake, self.clicks, sources))
        self.client = Client(self.app)

    def key(self, who: str, merchant: str = "main") -> str:
        """The key of somebody of example.com."""
        return contact_key(self.secret, merchant, f"{who}@example.com")

    def token(self, who: str, merchant: str = "main", channel: str = "email") -> str:
        return make_token(self.secret, Person(merchant, self.key(who, merchant), channel))

    def link(self, who: str, page: str = "/u", **token: str) -> str:
        """Where somebody's link leads."""
        return f"{page}?c={self.token(who, **token)}"

    def one_click(self, who: str, **token: str) -> int:
        """What a mail program does; the status of the answer."""
        return self.client.post(self.link(who, **token), data=ONE_CLICK).status_code

    def choose(self, who: str, **fields: str) -> int:
        """Post the preference page; the status of the answer."""
        return self.client.post(self.link(who, "/preferences"), data=fields).status_code

    def post(self, source: str, content: Any, *, secret: str = HOOK_SECRET, at: datetime | None = None) -> Any:
        """What a provider does: post JSON, signed."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        timestamp = str(int((at or self.now).timestamp()))
        signature = signature_of(secret.encode(), timestamp, body)
        headers = {"PP-Timestamp": timestamp, "PP-Signature": signature, "Content-Type": "application/json"}
        return self.client.post(f"/webhooks/main/{source}", content=body, headers=headers)

    def sms(self, body: str, number: str, sender: str = "+1 212 555 0100") -> dict[str, int]:
        """Somebody answers by SMS; the counts of the answer."""
        content = {"from": sender, "to": "+12125550199", "body": body, "id": number}
        return self.post("sms", content).json()

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)

    def facts(self, who: str) -> list[tuple[str, str, str]]:
        """Channel, kind and reason of what is in force for somebody."""
        found = suppressions_in_force(self.shop.ledger, self.key(who))
        return sorted((one.channel, one.kind, one.reason) for one in found)

    def ledger_rows(self) -> list[Any]:
        """All that the ledger holds of suppressions and deliveries."""
        with self.shop.ledger.reading() as connection:
            return [
                tuple(row)
                for table in (schema.suppressions, schema.deliveries)
                for row in connection.execute(select(table).order_by(table.c.id))
            ]

    def file_rows(self, name: str = FILE) -> list[dict[str, str]]:
        """The rows of a feedback file, once all clicks are taken down."""
        self.clicks.wait()
        path = self.shop.settings.inbox / name
        if not path.exists():
            return []
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def events(self) -> list[tuple[str, str]]:
        """Event and channel of the rows of the file."""
        return [(row["event"], row["channel"]) for row in self.file_rows()]


@contextmanager
def open_shop(settings: Settings, **main: Any) -> Iterator[ServingShop]:
    """The endpoint of two merchants, `main` with these fields and `other`; its ledger is closed at the end."""
    shop = Shop(settings, {"main": merchant(**main), "other": merchant("other")})
    with closing(shop.ledger):
        yield ServingShop(shop)


def state_of(home: Path) -> dict[str, str]:
    """The hash of every file, but the one in which SQLite keeps books of who reads."""
    files = {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in home.rglob("*")
        if path.is_file() and not path.name.endswith("-shm")
    }
    assert any(name.startswith("ledger.sqlite") for name in files)
    return files
