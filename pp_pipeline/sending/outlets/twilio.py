"""Texts by Twilio, through its own library: that makes the request and reads the answer, the call between is ours
(library_calls.py). The library is imported when the first text goes."""

import logging
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from pydantic import SecretStr

from pp_pipeline.channel_roads import TwilioRoad
from pp_pipeline.ledger.suppressions import UNSUBSCRIBED
from pp_pipeline.sending.outlets.http_outlet import HttpOutlet
from pp_pipeline.sending.outlets.library_calls import LibraryCalls, Settled, plain_id
from pp_pipeline.sending.outlets.outlet import Outcome, OutletBroken, SmsDraft

HOST = "api.twilio.com"

_STOPPED = 21610
_NUMBER_REFUSED = (21211, 21214, 21217, 21265, 21266, 21614, 21635)
_TEXT_REFUSED = (21602, 21605, 21617, 21619)
_SENDER_REFUSED = (21212, 21603, 21606, 21659, 21660, 21661)


@dataclass
class TwilioChannel(HttpOutlet):
    """Sends texts through one account. The connection is kept from one to the next."""

    road: TwilioRoad
    token: SecretStr

    def __post_init__(self) -> None:
        self._calls = LibraryCalls(self.road.url or f"https://{HOST}", self.tls, self.now)
        self._deliver_by(self._calls, self.road.per_second)
        self._messages: Any = None

    def deliver(self, drafts: Iterable[SmsDraft]) -> Iterator[Outcome]:
        """Send each, no faster than `per_second`."""
        return self._attempts.each(drafts, self._deliver)

    def _deliver(self, draft: SmsDraft) -> Outcome:
        self._messages = self._messages or self._library()  # before the time runs: it takes half a second to load
        from twilio.base.exceptions import TwilioRestException, TwilioServiceException

        if left_alone := self._calls.begin(self.road.timeout_seconds):
            return left_alone
        try:
            taken = self._messages.create(to=draft.phone, from_=draft.sender, body=draft.text)
        except Settled as settled:
            return settled.outcome
        except (TwilioRestException, TwilioServiceException) as refused:
            return _refused(refused.code if isinstance(refused.code, int) else 0)
        except (ValueError, TypeError, AttributeError, RecursionError):  # what is no answer of Twilio's
            return Outcome("unknown", "bad_answer")
        return Outcome("sent", provider_id=plain_id(taken.sid)) if taken.sid else Outcome("unknown", "bad_answer")

    def _library(self) -> Any:
        """What the library sends texts with, which calls by ours."""
        from twilio.http import HttpClient
        from twilio.http.response import Response
        from twilio.rest import Client

        calls = self._calls

        class Http(HttpClient):
            """Hands requests over, whatever host the library has in mind."""

            def request(self, method: str, uri: str, *_: Any, **request: Any) -> Response:
                """As of any client of the library. All that is asked of it here is to post forms."""
                login = b64encode(":".join(request["auth"]).encode()).decode()
                headers = {**request["headers"], "Authorization": f"Basic {login}"}
                answer = calls.post(urlsplit(uri).path, headers, urlencode(request["data"]).encode())
                return Response(answer.status, answer.body.decode("utf-8", "replace"))

        http = Http(logging.getLogger(__name__), is_async=False)
        return Client(self.road.account, self.token.get_secret_value(), http_client=http).messages


def _refused(code: int) -> Outcome:
    """What a text was refused for. What lies at the number or at the text stays so; what else does may be mended.

    Raises:
        OutletBroken: it lies at the sender, the same in all texts of a merchant.
    """
    if code == _STOPPED:
        return Outcome("skipped", UNSUBSCRIBED)
    if code in _SENDER_REFUSED:
        raise OutletBroken(f"sender_refused: {code}")
    if code in _NUMBER_REFUSED or code in _TEXT_REFUSED:
        return Outcome("skipped", f"rejected: {code}")
    return Outcome("failed", f"refused: {code}")
