"""A stand-in of Listrak: its token server, and of its e-mail API the lists' events and contacts.

What requests may hold stands in tables, out of Listrak's published description of the API (Swagger 2.0, version v1:
`Event_GetEventCollection`, `Contact_GetContactResourceByIdentifier`, `Contact_PostContactResource`, the definitions
Contact and SegmentationFieldValue, and its error codes). Any other field, and any that lacks, is refused with 400.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pp_pipeline_tests.webhook_server import DELIVERY, Answer, Asked, WebhookServer

TOKEN, EVENTS, CONTACT = "token", "events", "contact"
CLIENT = {"client_id": "c1", "client_secret": "a secret of Listrak"}
LIST_ID, EVENT_ID, EVENT_FIELD = 345, 12, 7
ROAD = {"via": "listrak", "client_id": CLIENT["client_id"], "client_secret": "LISTRAK", "list_id": LIST_ID} | {
    "profile_fields": {"event_id": EVENT_FIELD}
}

_PATHS = {
    ("POST", "/OAuth2/Token"): TOKEN,
    ("GET", r"/email/v1/List/(?P<list>\d+)/Event"): EVENTS,
    ("GET", r"/email/v1/List/(?P<list>\d+)/Contact/(?P<email>[^/]+)"): CONTACT,
    ("POST", r"/email/v1/List/(?P<list>\d+)/Contact"): DELIVERY,
}
_TOKEN_FORM = {"grant_type": "client_credentials", **CLIENT}
# Query of Contact_PostContactResource; all are optional there. The three flags must be false: the shop never subscribes
# anybody through here, and overrides nothing.
_QUERY = {
    "eventIds": r"\d+(,\d+)*",
    "overrideUnsubscribe": "false",
    "subscribedByContact": "false",
    "sendDoubleOptIn": "false",
    "updateType": "Update|Append|Overwrite",
}
# Contact: name -> (type, whether it is required). What is read only there may not be sent, and `newEmailAddress` and
# `subscriptionState` must not stand beside events.
_CONTACT_FIELDS = {
    "emailAddress": (str, True),
    "externalContactID": (str, False),
    "segmentationFieldValues": (list, True),
}
_PROFILE_FIELDS = {"segmentationFieldId": (int, True), "value": (str, True)}


class ListrakServer(WebhookServer):
    """Takes requests as Listrak does.

    Attributes:
        contacts: the state of contacts by address: Subscribed (also of those that stand nowhere), Unsubscribed, or ''
            for one that is not on the list.
        events: the list's events by id: Active or Blocked.
        lifetime: of tokens, in seconds.
        refusal: an error code that contacts are refused with when an event is raised.
    """

    def __init__(self, script: Iterable[Answer] = (), **server: Any) -> None:
        self.contacts: dict[str, str] = {}
        self.events: Mapping[int, str] = {EVENT_ID: "Active"}
        self.lifetime = 3600
        self.refusal = ""
        self.good_token = ""
        super().__init__(script, **server)

    @property
    def url(self) -> str:
        """Where both its servers are."""
        return super().url.removesuffix("/pp")

    def purpose(self, method: str, path: str) -> str:
        """What a request is for."""
        return _read_path(method, path)[0]

    def key(self, asked: Asked) -> str:
        """The relay's name and the event's id, which the relay writes to a profile field."""
        values = json.loads(asked.body)["segmentationFieldValues"]
        return "outbox_relay:" + next(each["value"] for each in values if each["segmentationFieldId"] == EVENT_FIELD)

    def verdict(self, asked: Asked) -> Answer:
        """What Listrak says."""
        purpose, place = _read_path(asked.method, asked.path)
        if purpose == TOKEN:
            return self._token(asked)
        if asked.headers.get("Authorization") != f"Bearer {self.good_token}":
            return _error(401, "UNAUTHORIZED")
        if place.get("list") != str(LIST_ID):
            return _error(404, "UNABLE_TO_LOCATE_RESOURCE")
        match purpose:
            case "events":
                listed = [{"eventId": number, "status": status} for number, status in self.events.items()]
                return _json(200, {"status": 200, "data": listed})
            case "contact":
                email = unquote(place["email"])
                if "&" in email:
                    return _error(400, "UNSAFE_ROUTE")
                state = self.contacts.get(email, "Subscribed")
                contact = {"emailAddress": email, "subscriptionState": state, "segmentationFieldValues": []}
                return _json(200, {"status": 200, "data": contact}) if state else _error(404, _NOT_THERE)
            case "delivery":
                return self._raise(asked)
        return self._fault(f"no such route: {asked.method} {asked.path}")

    def expire(self) -> None:
        """The tokens that were given out are not good any more."""
        self.good_token = "none"

    def _token(self, asked: Asked) -> Answer:
        if asked.headers["Content-Type"] != "application/x-www-form-urlencoded":
            return self._fault("token: not a form")
        form = dict(parse_qsl(asked.body.decode(), strict_parsing=True))
        if form.keys() != _TOKEN_FORM.keys():
            return self._fault(f"token: fields {sorted(form)}")
        if form != _TOKEN_FORM:
            return _error(401, "INVALID_CREDENTIALS")
        self.good_token = f"token-{self.counts[TOKEN]}"
        answer = {"access_token": self.good_token, "token_type": "bearer", "expires_in": self.lifetime}
        return _json(200, answer)

    def _raise(self, asked: Asked) -> Answer:
        query = dict(parse_qsl(urlsplit(asked.path).query, keep_blank_values=True, strict_parsing=True))
        body = json.loads(asked.body)
        faults = [name for name, value in query.items() if not re.fullmatch(_QUERY.get(name, "(?!)"), value)]
        faults += [f"{name} lacks" for name in _QUERY.keys() - query.keys()]
        faults += _field_faults(body, _CONTACT_FIELDS)
        for each in body["segmentationFieldValues"]:
            faults += _field_faults(each, _PROFILE_FIELDS)
        if asked.headers["Content-Type"] != "application/json":
            faults.append("Content-Type")
        if faults:
            return self._fault(f"contact: {sorted(faults)}")
        if {int(number) for number in query["eventIds"].split(",")} - self.events.keys():
            return _error(400, "INVALID_PARAMETER")
        state = self.contacts.get(body["emailAddress"], "Subscribed")
        if not state:
            return self._fault("somebody who was not on the list was subscribed")
        if state == "Unsubscribed":
            return _error(400, "UPDATE_UNSUBSCRIBE_WITH_EVENTS")
        if self.refusal:
            return _error(400, self.refusal)
        return _json(201, {"status": 201, "resourceId": body["emailAddress"]})

    def _fault(self, text: str) -> Answer:
        self.faults.append(text)
        return _error(400, "INVALID_PARAMETER")


_NOT_THERE = "UNABLE_TO_LOCATE_RESOURCE"


def _read_path(method: str, path: str) -> tuple[str, dict[str, str]]:
    """What a request is for, and what its path names."""
    for (known_method, pattern), purpose in _PATHS.items():
        if method == known_method and (found := re.fullmatch(pattern, urlsplit(path).path)):
            return purpose, found.groupdict()
    return "unknown route", {}


def _field_faults(fields: Mapping[str, Any], known: Mapping[str, tuple[type, bool]]) -> list[str]:
    """Fields that are not known, of another type, or lack."""
    wrong = [name for name, value in fields.items() if name not in known or type(value) is not known[name][0]]
    return wrong + [f"{name} lacks" for name, (_, is_required) in known.items() if is_required and name not in fields]


def _json(status: int, body: Mapping[str, Any]) -> Answer:
    return Answer(status, {"Content-Type": "application/json"}, json.dumps(body).encode())


def _error(status: int, code: str) -> Answer:
    return _json(status, {"status": status, "error": f"ERROR_{code}", "message": "A sentence."})
