"""Klaviyo: an external event is an event of a profile, of the metric with its name, which starts flows (DESIGN 2).

An event gives nobody consent, and Klaviyo records one `unique_id` once, so a repeat does no harm there. An event that
goes more than MAX_BATCH_AGE_DAYS after its day is marked as `backfill`: Klaviyo records it and starts no flow.
"""

import json
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from pp_pipeline.relay_roads import KlaviyoRoad
from pp_pipeline.sending.batches import MAX_BATCH_AGE_DAYS
from pp_pipeline.sending.outlets.http_outlet import EventRelay
from pp_pipeline.sending.outlets.http_posting import REJECTED, Answer, HttpPlatform, Request, Unanswered
from pp_pipeline.sending.outlets.outlet import Outcome
from pp_pipeline.sending.planned import PlannedEvent

HOST = "a.klaviyo.com"
_JSON_API = "application/vnd.api+json"
_PROFILE = "/data/attributes/profile/"


@dataclass
class KlaviyoRelay(EventRelay):
    """Posts events of one merchant to Klaviyo. The connection is kept from one to the next."""

    road: KlaviyoRoad
    api_key: SecretStr
    zone: ZoneInfo
    """In which the merchant's days begin and end."""

    def __post_init__(self) -> None:
        self._platform = HttpPlatform(self.road.url or f"https://{HOST}", self.tls, self.now)
        self._deliver_by(self._platform, self.road.per_second)

    def _deliver(self, event: PlannedEvent) -> Outcome:
        if left_alone := self._platform.begin(self.road.timeout_seconds):
            return left_alone
        if event.email is None:
            return Outcome("skipped", "no_address")
        headers = {
            "Authorization": f"Klaviyo-API-Key {self.api_key.get_secret_value()}",
            "revision": self.road.revision,
            "Content-Type": _JSON_API,
            "Accept": _JSON_API,
        }
        body = json.dumps(event_body(event, self.now().astimezone(self.zone))).encode()
        try:
            answer = self._platform.hand_over(Request("POST", "/api/events", headers, body))
        except Unanswered as unanswered:
            return unanswered.outcome
        if answer.status in REJECTED and not _is_about_the_profile(answer):  # of our form: can be mended
            return Outcome("failed", f"refused: {answer.status}")
        return self._platform.outcome_of(answer)


def event_body(event: PlannedEvent, now: datetime) -> dict[str, Any]:
    """An event as Klaviyo takes it; `now` in the merchant's zone. Only its day is known: its time is noon, or now."""
    noon = datetime.combine(event.occurred_on, time(12), now.tzinfo)
    is_old = event.occurred_on < now.date() - timedelta(days=MAX_BATCH_AGE_DAYS)
    told = event.public_fields()
    properties = {name: str(value) for name, value in told.items() if value is not None and name != "email"}
    attributes = {
        "properties": properties,
        "time": min(noon, now).isoformat(timespec="seconds"),
        "unique_id": event.event_id,
        "backfill": is_old,
        "metric": {"data": {"type": "metric", "attributes": {"name": event.event_name}}},
        "profile": {"data": {"type": "profile", "attributes": {"email": event.email}}},
    }
    return {"data": {"type": "event", "attributes": attributes}}


def _is_about_the_profile(answer: Answer) -> bool:
    """Whether Klaviyo refuses the address, and not the request."""
    try:
        errors = json.loads(answer.body)["errors"]
        return any(str(error["source"]["pointer"]).startswith(_PROFILE) for error in errors)
    except (ValueError, KeyError, TypeError):
        return False
