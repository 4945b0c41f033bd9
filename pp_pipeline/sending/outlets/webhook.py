"""A relay that is told by HTTP: one signed request for each event and each snapshot (DESIGN 5).

The signature covers the whole body. docs/relays.md says what a receiver does.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pydantic import SecretStr

from pp_pipeline.relay_roads import WebhookRoad
from pp_pipeline.sending.outlets.http_outlet import HttpOutlet
from pp_pipeline.sending.outlets.http_posting import HttpPlatform, Request
from pp_pipeline.sending.outlets.outlet import Outcome
from pp_pipeline.sending.planned import PlannedEvent, PlannedSnapshot

TOLERANCE = timedelta(minutes=5)


def signature_of(secret: bytes, timestamp: str, body: bytes) -> str:
    """What stands in `PP-Signature`: HMAC-SHA256 over the timestamp, a dot and the body."""
    return "v1=" + hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def verify(
    secret: bytes, timestamp: str, body: bytes, signature: str, now: datetime, tolerance: timedelta = TOLERANCE
) -> bool:
    """Whether a request is ours and new: what a receiver asks before it believes the body.

    `timestamp` and `signature` are the headers PP-Timestamp and PP-Signature, `body` the bytes as they came.
    """
    if not re.fullmatch(r"[0-9]{1,12}", timestamp, re.ASCII):
        return False
    is_ours = hmac.compare_digest(signature_of(secret, timestamp, body).encode(), signature.encode())
    return is_ours and abs(now.timestamp() - int(timestamp)) <= tolerance.total_seconds()


@dataclass
class WebhookRelay(HttpOutlet):
    """Posts events and snapshots of one merchant's relay. The connection is kept from one to the next."""

    road: WebhookRoad
    secret: SecretStr

    def __post_init__(self) -> None:
        self._platform = HttpPlatform(self.road.url, self.tls, self.now)
        self._deliver_by(self._platform, self.road.per_second)

    def deliver_events(self, events: Iterable[PlannedEvent]) -> Iterator[Outcome]:
        """Post each event, no faster than `per_second`."""
        return self._attempts.each(events, self._deliver_event)

    def deliver_snapshots(self, snapshots: Iterable[PlannedSnapshot]) -> Iterator[Outcome]:
        """Post each snapshot as one request of JSON lines."""
        return self._attempts.each(snapshots, self._deliver_snapshot)

    def _deliver_event(self, event: PlannedEvent) -> Outcome:
        body = _line(**event.public_fields())
        return self._post(event.key, "application/json", body)

    def _deliver_snapshot(self, snapshot: PlannedSnapshot) -> Outcome:
        """The first line says whose members follow and how many, as a snapshot may be empty."""
        head = _line(
            segment=snapshot.segment,
            snapshot_on=snapshot.snapshot_on,
            merchant=snapshot.merchant,
            member_count=len(snapshot.members),
        )
        members = (_line(contact_key=contact_key, email=email) for contact_key, email in snapshot.members)
        return self._post(snapshot.key, "application/x-ndjson", b"\n".join([head, *members]) + b"\n")

    def _post(self, key: str, content_type: str, body: bytes) -> Outcome:
        if left_alone := self._platform.begin(self.road.timeout_seconds):
            return left_alone
        timestamp = str(int(self.now().timestamp()))
        headers = {
            "Content-Type": content_type,
            "Idempotency-Key": key,
            "PP-Timestamp": timestamp,
            "PP-Signature": signature_of(self.secret.get_secret_value().encode(), timestamp, body),
        }
        return self._platform.deliver(Request("POST", "", headers, body))


def _line(**fields: str | int | date | None) -> bytes:
    return json.dumps(fields, ensure_ascii=False, default=str).encode()
