"""Listrak: an external event is raised on a contact of a list, which starts the list's conversations (DESIGN 2).

The one request that raises events creates or updates the contact, and subscribes whoever is not on the list. So each
contact is asked for first, and an event is raised only on one that is subscribed: nobody is subscribed by us, and no
unsubscribing is overridden. Listrak knows no idempotency key: what nobody answered stays `unknown`.

Before the first event of a sending its list's events are asked for: with a wrong id in the merchant's file events fail,
where it would skip everybody for good.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from pydantic import SecretStr

from pp_pipeline.relay_roads import ListrakRoad
from pp_pipeline.sending.outlets.http_outlet import EventRelay
from pp_pipeline.sending.outlets.http_posting import REJECTED, Answer, HttpPlatform, Request, Unanswered
from pp_pipeline.sending.outlets.listrak_token import ListrakToken
from pp_pipeline.sending.outlets.outlet import Outcome, OutletBroken
from pp_pipeline.sending.planned import PlannedEvent

HOST = "api.listrak.com"
_UNAUTHORISED = 401
_NOT_FOUND = 404
_BAD_REQUEST = 400
# Never subscribe, never override an unsubscribing, send no confirmation.
_MANNERS = {"overrideUnsubscribe": "false", "subscribedByContact": "false", "sendDoubleOptIn": "false"}
_NO_SUCH_RESOURCE = "unable_to_locate_resource"
# What Listrak says of one contact, such as ERROR_BANNED_EMAIL_ADDRESS, and of an address in a path; other codes are
# about the request.
_ABOUT_A_CONTACT = re.compile(r"[a-z_]+_email_address|suppressed_email|(update_)?unsubscribe_with_events")
_ABOUT_AN_ADDRESS = ("invalid_parameter", "unsafe_route")
_CODE = re.compile(r"ERROR_([A-Z_]{1,60})")


@dataclass
class ListrakRelay(EventRelay):
    """Raises events at Listrak for one merchant. Connection and token are kept from one to the next."""

    road: ListrakRoad
    secret: SecretStr

    def __post_init__(self) -> None:
        self._platform = HttpPlatform(self.road.url or f"https://{HOST}", self.tls, self.now)
        self._deliver_by(self._platform, self.road.per_second)
        self._token = ListrakToken(self.road, self.secret, self.tls, self.now, self._platform.deadline)
        self._known_events: dict[int, Mapping[int, str] | None] = {}  # by list; None: there is no such list

    def close(self) -> None:
        """End the connections. The next request opens others, and looks at the list's events anew."""
        super().close()
        self._known_events.clear()
        self._token.close()

    def _deliver(self, event: PlannedEvent) -> Outcome:
        if left_alone := self._platform.begin(self.road.timeout_seconds):
            return left_alone
        if event.email is None:
            return Outcome("skipped", "no_address")
        list_id = self.road.list_of(event.event_name)
        if unclear := self._check_event(list_id, self.road.event_ids[event.event_name]):
            return unclear
        contact = f"/email/v1/List/{list_id}/Contact"
        return self._why_not(f"{contact}/{quote(event.email, safe='')}") or self._raise(contact, event)

    def _check_event(self, list_id: int, event_id: int) -> Outcome | None:
        """Look whether the list has the event; an outcome where it has not, or where Listrak can't say now."""
        if list_id not in self._known_events:
            answer = self._authorised(self._platform.ask, Request("GET", f"/email/v1/List/{list_id}/Event"))
            if answer.status not in (200, _NOT_FOUND):
                return self._asked_in_vain(answer)
            self._known_events[list_id] = _statuses(answer) if answer.status == 200 else None
        events = self._known_events[list_id]
        if events is None:
            return Outcome("failed", f"no_such_list: {list_id}")
        if event_id not in events:
            return Outcome("failed", f"no_such_event: {event_id}")
        return None if events[event_id] == "Active" else Outcome("failed", f"event_not_active: {event_id}")

    def _why_not(self, target: str) -> Outcome | None:
        """Why no event may be raised on a contact; None for one that is subscribed."""
        answer = self._authorised(self._platform.ask, Request("GET", target))
        code = _code(answer)
        if answer.status == _NOT_FOUND and code == _NO_SUCH_RESOURCE:
            return Outcome("skipped", "not_on_list")
        if answer.status == _BAD_REQUEST and code in _ABOUT_AN_ADDRESS:  # the list is known to be right
            return Outcome("skipped", "address_not_usable")
        if answer.status != 200:
            return self._asked_in_vain(answer)
        data = _fields(answer).get("data")
        state = data.get("subscriptionState") if isinstance(data, dict) else None
        if state == "Subscribed":
            return None
        return Outcome("skipped", "unsubscribed") if state == "Unsubscribed" else Outcome("failed", "bad_answer")

    def _raise(self, target: str, event: PlannedEvent) -> Outcome:
        query = {"eventIds": str(self.road.event_ids[event.event_name]), **_MANNERS, "updateType": "Update"}
        fields = event.public_fields()
        values = [
            {"segmentationFieldId": number, "value": str(fields[name] or "")}  # '' takes off what an earlier event left
            for name, number in self.road.profile_fields.items()
        ]
        body = json.dumps({"emailAddress": event.email, "segmentationFieldValues": values}).encode()
        request = Request("POST", f"{target}?{urlencode(query)}", {"Content-Type": "application/json"}, body)
        try:
            answer = self._authorised(self._platform.hand_over, request)
        except Unanswered as unanswered:
            return unanswered.outcome
        code = _code(answer)
        if 400 <= answer.status < 500 and _ABOUT_A_CONTACT.fullmatch(code):
            return Outcome("skipped", code)
        if answer.status in REJECTED:  # of our form or the merchant's file: can be mended
            return Outcome("failed", f"refused: {code or answer.status}")
        return self._platform.outcome_of(answer)

    def _authorised(self, send: Callable[[Request], Answer], request: Request) -> Answer:
        """The answer to a request with a token. One that Listrak does not take is renewed once.

        Raises:
            OutletBroken: the renewed one is not taken either.
        """
        for _ in range(2):
            headers = {**request.headers, "Authorization": f"Bearer {self._token.get().get_secret_value()}"}
            answer = send(replace(request, headers=headers))
            if answer.status != _UNAUTHORISED:
                return answer
            self._token.drop()
        raise OutletBroken("not_authorised")

    def _asked_in_vain(self, answer: Answer) -> Outcome:
        """A question that was not answered with yes or no: nothing was delivered, so nothing is unknown."""
        outcome = self._platform.outcome_of(answer)
        return Outcome("failed", outcome.reason or "bad_answer", retry_after=outcome.retry_after)


def _fields(answer: Answer) -> dict[str, Any]:
    try:
        fields = json.loads(answer.body)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _code(answer: Answer) -> str:
    """Listrak's word for what is wrong, in lower case: `banned_email_address`; '' where there is none."""
    code = _CODE.fullmatch(str(_fields(answer).get("error", "")))
    return code[1].lower() if code else ""


def _statuses(answer: Answer) -> dict[int, str]:
    """The events of a list by id: Active or Blocked."""
    data = _fields(answer).get("data")
    events = [each for each in data if isinstance(each, dict)] if isinstance(data, list) else []
    return {each["eventId"]: str(each.get("status")) for each in events if isinstance(each.get("eventId"), int)}
