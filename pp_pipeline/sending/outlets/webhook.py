"""A relay that is told by HTTP: one signed request for each event and each snapshot (DESIGN 5).

A request has not been accepted before its last byte was sent: the signature covers the whole body. Once it has,
only an answer says what became of it. Redirects are not followed and no proxy of the environment is used: the body
goes to the declared address or nowhere. docs/sending.md says what a receiver does.
"""

import hashlib
import hmac
import http.client
import json
import re
import selectors
import ssl
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from pydantic import SecretStr

from pp_pipeline.roads import Relay
from pp_pipeline.sending.gates import DeliveryTarget
from pp_pipeline.sending.outlets.outlet import Outcome, OutletBroken
from pp_pipeline.sending.outlets.pace import Attempts, Pace
from pp_pipeline.sending.outlets.timed_sockets import Deadline, connect, connect_problem, encrypt
from pp_pipeline.sending.planned import PlannedEvent, PlannedSnapshot
from pp_pipeline.settings import utc_now

TOLERANCE = timedelta(minutes=5)
_NOT_AUTHORISED = (401, 403, 407)
_ASKED_ELSEWHERE = (307, 308)
_BUSY = (408, 425, 429, 503)
_REJECTED = (400, 404, 410, 413, 422)
_MOST_OF_AN_ANSWER = 65_536
_LONGEST_WAIT = timedelta(days=1)
_PLAIN_ID = re.compile(r"[A-Za-z0-9._:=+/-]{1,100}")


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
class WebhookRelay:
    """Posts events and snapshots of one merchant's relay. The connection is kept from one to the next."""

    road: Relay
    secret: SecretStr
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)
    """How certificates are verified: against those that this machine trusts."""
    pace: Pace | None = None
    now: Callable[[], datetime] = field(default=utc_now, repr=False)
    target: DeliveryTarget = field(default="live", init=False)
    _leave_alone_until: datetime | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self._deadline = Deadline()
        self._attempts = Attempts(self.pace or Pace(self.road.per_second))
        self._connection = _Connection(self.road.url, self.tls, self._deadline)

    def deliver_events(self, events: Iterable[PlannedEvent]) -> Iterator[Outcome]:
        """Post each event, no faster than `per_second`."""
        return self._attempts.each(events, self._deliver_event)

    def deliver_snapshots(self, snapshots: Iterable[PlannedSnapshot]) -> Iterator[Outcome]:
        """Post each snapshot as one request of JSON lines."""
        return self._attempts.each(snapshots, self._deliver_snapshot)

    def close(self) -> None:
        """End the connection. The next request opens another, also where this one found the outlet broken."""
        self._attempts.forget()
        self._connection.close()

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
        now = self.now()
        if self._leave_alone_until is not None and now < self._leave_alone_until:
            return Outcome("failed", "busy", retry_after=self._leave_alone_until - now)
        timestamp = str(int(now.timestamp()))
        headers = {
            "Content-Type": content_type,
            "User-Agent": "pp_pipeline",
            "Idempotency-Key": key,
            "PP-Timestamp": timestamp,
            "PP-Signature": signature_of(self.secret.get_secret_value().encode(), timestamp, body),
        }
        self._deadline.start(self.road.timeout_seconds)
        try:
            self._connection.open()
        except OSError as error:
            self._connection.close()
            raise OutletBroken(connect_problem(error)) from None
        cut_off = ""
        try:
            self._connection.send(body, headers)
        except OSError as error:  # it may have answered all the same: that the body is too large, for one
            cut_off = connect_problem(error)
        try:
            answer = self._connection.answer()
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            if cut_off:
                return Outcome("failed", cut_off)
            return Outcome("unknown", connect_problem(error) if isinstance(error, OSError) else "bad_answer")
        if cut_off:
            self._connection.close()
        return self._outcome(answer)

    def _outcome(self, answer: "_Answer") -> Outcome:
        """What an answer says of the request; see the table in docs/sending.md."""
        status = answer.status
        if 200 <= status < 300:
            return Outcome("sent", provider_id=answer.request_id)
        if 300 <= status < 400:  # 307 and 308 ask for the same request elsewhere; the others may say that it was taken
            state = "failed" if status in _ASKED_ELSEWHERE else "unknown"
            return Outcome(state, f"redirected: {status}")
        if status in _NOT_AUTHORISED:
            raise OutletBroken("not_authorised")
        if status in _REJECTED:
            return Outcome("skipped", f"rejected: {status}")
        if status in _BUSY:
            now = self.now()
            wait = _wait(answer.retry_after, now)
            self._leave_alone_until = now + wait if wait else None
            return Outcome("failed", f"busy: {status}", retry_after=wait)
        if 400 <= status < 500 and status != http.HTTPStatus.CONFLICT:  # a wrong address or form: can be mended
            return Outcome("failed", f"refused: {status}")
        return Outcome("unknown", f"server_error: {status}" if status >= 500 else f"unclear: {status}")


@dataclass(frozen=True)
class _Answer:
    """What matters of an answer."""

    status: int
    retry_after: str
    request_id: str


class _Connection:
    """A kept connection to one address, under a deadline."""

    def __init__(self, url: str, tls: ssl.SSLContext, deadline: Deadline) -> None:
        parts = urlsplit(url)
        self._tls, self._deadline = (tls if parts.scheme == "https" else None), deadline
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

    def send(self, body: bytes, headers: dict[str, str]) -> None:
        """Send a request. What it raises says that the body was not sent to its end."""
        self._http.request("POST", self._target, body, headers)

    def answer(self) -> _Answer:
        """The answer. Once its head is there it counts, whatever becomes of the rest."""
        response = self._http.getresponse()
        request_id = response.headers.get("X-Request-Id", "")
        answer = _Answer(
            response.status,
            response.headers.get("Retry-After", "").strip(),
            request_id if _PLAIN_ID.fullmatch(request_id) else "",
        )
        try:
            response.read(_MOST_OF_AN_ANSWER)
        except (OSError, http.client.HTTPException, ValueError):
            self.close()
        if not response.isclosed():  # there is more of it than anyone wants to read
            self.close()
        return answer

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
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(until - now, timedelta(0)), _LONGEST_WAIT)


def _line(**fields: str | int | date | None) -> bytes:
    return json.dumps(fields, ensure_ascii=False, default=str).encode()
