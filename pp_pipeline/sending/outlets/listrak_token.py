"""The token that Listrak wants with each request: asked for with the client's secret, kept until it nearly expires."""

import json
import ssl
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlencode

from pydantic import SecretStr

from pp_pipeline.relay_roads import ListrakRoad
from pp_pipeline.sending.outlets.http_posting import Answer, HttpPlatform, Request
from pp_pipeline.sending.outlets.outlet import OutletBroken
from pp_pipeline.sending.outlets.timed_sockets import Deadline

HOST = "auth.listrak.com"
_MARGIN, _LONGEST = timedelta(minutes=1), timedelta(days=1)
_REFUSED = (400, 401, 403)
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class ListrakToken:
    """An access token (OAuth 2, client credentials).

    Args:
        deadline: that of the delivery for which it is asked.
    """

    def __init__(
        self,
        road: ListrakRoad,
        secret: SecretStr,
        tls: ssl.SSLContext,
        now: Callable[[], datetime],
        deadline: Deadline,
    ) -> None:
        self._client_id, self._secret, self._now = road.client_id, secret, now
        self._server = HttpPlatform(road.url or f"https://{HOST}", tls, now, deadline)
        self._token: SecretStr | None = None
        self._good_until = now()

    def get(self) -> SecretStr:
        """A token that is good for a minute at least, as far as its server said.

        Raises:
            OutletBroken: there is none to be had.
        """
        if self._token is None or self._now() >= self._good_until:
            self._token, lifetime = self._ask()
            self._good_until = self._now() + min(lifetime, _LONGEST) - _MARGIN
        return self._token

    def drop(self) -> None:
        """The token is not taken any more: ask for another."""
        self._token = None

    def close(self) -> None:
        """End the connection, and begin with another token."""
        self.drop()
        self._server.close()

    def _ask(self) -> tuple[SecretStr, timedelta]:
        client = {"client_id": self._client_id, "client_secret": self._secret.get_secret_value()}
        body = urlencode({"grant_type": "client_credentials", **client}).encode()
        answer = self._server.ask(Request("POST", "/OAuth2/Token", _FORM, body))
        if answer.status in _REFUSED:
            raise OutletBroken("not_authorised")
        if answer.status != 200:
            raise OutletBroken(f"no_token: {answer.status}")
        return _read(answer)


def _read(answer: Answer) -> tuple[SecretStr, timedelta]:
    """The token and how long it is good for."""
    try:
        fields = json.loads(answer.body)
        return SecretStr(str(fields["access_token"])), timedelta(seconds=int(fields["expires_in"]))
    except (ValueError, KeyError, TypeError, OverflowError):
        raise OutletBroken("no_token: bad_answer") from None
