"""Deliveries by HTTP: a kept connection under a deadline, and what an answer, or none, says of a delivery (DESIGN 5).

A request has not been accepted before its last byte was sent. Once it has, only an answer says what became of it.
Redirects are not followed and no proxy of the environment is used: a body goes to the declared address or nowhere.
docs/relays.md holds the table of outcomes.
"""

import http.client
import re
import selectors
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from pp_pipeline.sending.outlets.outlet import Outcome, OutletBroken
from pp_pipeline.sending.outlets.timed_sockets import Deadline, connect, connect_problem, encrypt

NOT_AUTHORISED = (401, 403, 407)
REJECTED = (400, 404, 410, 413, 422)
_ASKED_ELSEWHERE = (307, 308)
_BUSY = (408, 425, 429, 503)
_MOST_OF_AN_ANSWER = 1_048_576
_LONGEST_WAIT = timedelta(days=1)
_PLAIN_ID = re.compile(r"[A-Za-z0-9._:=+/-]{1,100}")
_AGENT = {"User-Agent": "pp_pipeline"}


@dataclass(frozen=True)
class Request:
    """What is sent: `target` is the path with its query, behind the platform's address; '' is that address itself."""

    method: str
    target: str = field(repr=False)
    """May hold an address."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Answer:
    """What a platform said: its status, some headers as they came, and the body as far as anyone wants to read it."""

    status: int
    retry_after: str = ""
    request_id: str = ""
    body: bytes = field(default=b"", repr=False)


class Unanswered(Exception):
    """A request that nobody answered; `problem` says why, in a word, `outcome` what that makes of a delivery."""

    def __init__(self, problem: str, was_sent: bool) -> None:
        super().__init__(problem)
        self.problem = problem
        self.outcome = Outcome("unknown" if was_sent else "failed", problem)


class HttpPlatform:
    """A platform that takes deliveries by HTTP. Nothing connects before the first request.

    Args:
        url: its address; what lies under it is asked for by `Request.target`.
        tls: how certificates are verified.
        now: the clock that `Retry-After` goes by.
        deadline: that of another platform, where both serve one delivery.
    """

    def __init__(
        self, url: str, tls: ssl.SSLContext, now: Callable[[], datetime], deadline: Deadline | None = None
    ) -> None:
        self.deadline = deadline or Deadline()
        self._connection = _Connection(url, tls, self.deadline)
        self._now = now
        self._leave_alone_until: datetime | None = None

    def begin(self, seconds: float) -> Outcome | None:
        """Begin a delivery that may take so long in all. An outcome where the platform asked to be left alone."""
        now = self._now()
        if self._leave_alone_until is not None and now < self._leave_alone_until:
            return Outcome("failed", "busy", retry_after=self._leave_alone_until - now)
        self.deadline.start(seconds)
        return None

    def deliver(self, request: Request) -> Outcome:
        """Hand a delivery over, and say what became of it.

        Raises:
            OutletBroken: no connection, or the secret is wrong.
        """
        try:
            return self.outcome_of(self.hand_over(request))
        except Unanswered as unanswered:
            return unanswered.outcome

    def hand_over(self, request: Request) -> Answer:
        """Send the one request that makes a delivery, and wait for its answer.

        Raises:
            Unanswered: there is none.
            OutletBroken: no connection.
        """
        cut_off = self._send(request)
        return self._answer_to_delivery(cut_off)

    def ask(self, request: Request) -> Answer:
        """Send a request that delivers nothing.

        Raises:
            OutletBroken: no connection, or no answer: so nothing can be delivered.
        """
        try:
            return self._answer(self._send(request))
        except Unanswered as unanswered:
            raise OutletBroken(unanswered.problem) from None

    def outcome_of(self, answer: Answer) -> Outcome:
        """What an answer says of a delivery.

        Raises:
            OutletBroken: the secret is wrong, which is the same for all.
        """
        status = answer.status
        if 200 <= status < 300:
            return Outcome("sent", provider_id=answer.request_id)
        if 300 <= status < 400:  # 307 and 308 ask for the same request elsewhere; the others may say that it was taken
            state = "failed" if status in _ASKED_ELSEWHERE else "unknown"
            return Outcome(state, f"redirected: {status}")
        if status in NOT_AUTHORISED:
            raise OutletBroken("not_authorised")
        if status in REJECTED:
            return Outcome("skipped", f"rejected: {status}")
        if status in _BUSY:
            now = self._now()
            wait = _wait(answer.retry_after, now)
            self._leave_alone_until = now + wait if wait else None
            return Outcome("failed", f"busy: {status}", retry_after=wait)
        if 400 <= status < 500 and status != http.HTTPStatus.CONFLICT:  # a wrong address or form: can be mended
            return Outcome("failed", f"refused: {status}")
        return Outcome("unknown", f"server_error: {status}" if status >= 500 else f"unclear: {status}")

    def close(self) -> None:
        """End the connection; the next request opens another."""
        self._connection.close()

    def _send(self, request: Request) -> str:
        """Send a request; why it was not sent to its end, '' where it was."""
        try:
            self._connection.open()
        except OSError as error:
            self._connection.close()
            raise OutletBroken(connect_problem(error)) from None
        try:
            self._connection.send(request)
        except OSError as error:  # it may have answered all the same: that the body is too large, for one
            return connect_problem(error)
        except ValueError:  # a key or token with a line break in it, which is the same for all
            self._connection.close()
            raise OutletBroken("key_not_usable") from None
        return ""

    def _answer_to_delivery(self, cut_off: str) -> Answer:
        """From here on it may have been accepted."""
        return self._answer(cut_off)

    def _answer(self, cut_off: str) -> Answer:
        try:
            answer = self._connection.answer()
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            problem = connect_problem(error) if isinstance(error, OSError) else "bad_answer"
            raise Unanswered(cut_off or problem, was_sent=not cut_off) from None
        if cut_off:
            self._connection.close()
        return answer


class _Connection:
    """A kept connection to one address, under a deadline."""

    def __init__(self, url: str, tls: ssl.SSLContext, deadline: Deadline) -> None:
        parts = urlsplit(url)
        self._tls, self._deadline = (tls if parts.scheme == "https" else None), deadline
        self._base = parts.path.rstrip("/")
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        host = parts.hostname or ""
        if self._tls:
            self._http = http.client.HTTPSConnection(host, parts.port or http.client.HTTPS_PORT, context=self._tls)
        else:
            self._http = http.client.HTTPConnection(host, parts.port or http.client.HTTP_PORT)
        self._http.auto_open = 0  # `open` connects, and nothing else

    def open(self) -> None:
        """Connect, unless the kept connection still stands: one that can be read from was closed by the server."""
        if self._http.sock is not None and _is_readable(self._http):
            self._http.close()
        if self._http.sock is None:
            connection = connect(self._http.host, self._http.port, self._deadline)
            if self._tls:
                connection = encrypt(connection, self._http.host, self._tls, self._deadline)
            self._http.sock = connection

    def send(self, request: Request) -> None:
        """Send a request. What it raises says that the body was not sent to its end."""
        target = self._base + request.target if request.target else self._target
        self._http.request(request.method, target, request.body or None, {**_AGENT, **request.headers})

    def answer(self) -> Answer:
        """The answer. Once its head is there it counts, whatever becomes of the rest."""
        response = self._http.getresponse()
        request_id = response.headers.get("X-Request-Id", "")
        body = b""
        try:
            body = response.read(_MOST_OF_AN_ANSWER)
        except (OSError, http.client.HTTPException, ValueError):
            self.close()
        if not response.isclosed():  # there is more of it than anyone wants to read
            self.close()
        return Answer(
            response.status,
            response.headers.get("Retry-After", "").strip(),
            request_id if _PLAIN_ID.fullmatch(request_id) else "",
            body,
        )

    def close(self) -> None:
        """End the connection."""
        self._http.close()


def _is_readable(connection: http.client.HTTPConnection) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(connection.sock, selectors.EVENT_READ)
        return bool(selector.select(0))


def _wait(text: str, now: datetime) -> timedelta | None:
    """Retry-After: seconds, or a date; a day at most."""
    if re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        return min(timedelta(seconds=int(text)), _LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(until - now, timedelta(0)), _LONGEST_WAIT)
