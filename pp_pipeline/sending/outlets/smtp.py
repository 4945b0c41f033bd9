"""E-mail by SMTP: one connection, kept over all messages, and an outcome for each that is surely true (DESIGN 5).

A server has accepted a message when it says so after the message's end, the dot. Until the end has been sent
nothing can have been accepted; once it has, only the answer says. So each step is taken by itself.
"""

import re
import ssl
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import SecretStr

from pp_pipeline.channel_roads import SmtpRoad
from pp_pipeline.sending.gates import DeliveryTarget
from pp_pipeline.sending.outlets.mime import AddressNotUsable, email_bytes
from pp_pipeline.sending.outlets.outlet import EmailDraft, Outcome, OutletBroken
from pp_pipeline.sending.outlets.pace import Attempts, Pace
from pp_pipeline.sending.outlets.smtp_session import NOT_AUTHORISED, Session, problem
from pp_pipeline.sending.outlets.timed_sockets import Deadline
from pp_pipeline.settings import utc_now

_CLOSING = 421
_GO_ON = 354
_BEGIN_OF_LINE_DOT = re.compile(rb"(?m)^\.")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_QUEUE_ID = re.compile(
    r"(?:queued as|\bid[ =:])\s*<?(?=\S*\d)([\w.+-]{4,100})|^(?:2\.\d\.\d )?ok:? (?=\S*\d)([\w.+-]{8,100})$",
    re.I | re.A,
)
_WAIT = re.compile(r"\b(\d{1,5}) ?(s|sec|seconds?|m|min|minutes?|h|hours?)\b", re.I)
# What a server says with 5xx of whoever sends, and not of the recipient or the message: it can be mended, or passes.
_OF_THE_SENDING = re.compile(
    rb"relay(ing)? (access )?(is )?(denied|prohibited|not (permitted|allowed))"
    rb"|(unable|not (permitted|allowed)) to relay|\b5\.4\.5\b|sending (quota|limit)",
    re.I,
)
_UNITS = {"s": 1, "m": 60, "h": 3600}


@dataclass
class SmtpChannel:
    """Sends messages through one mail server. It connects at the first message, and keeps the connection."""

    road: SmtpRoad
    password: SecretStr | None = None
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)
    """How certificates are verified: against those that this machine trusts."""
    pace: Pace | None = None
    now: Callable[[], datetime] = field(default=utc_now, repr=False)
    """The date that stands in a message."""
    target: DeliveryTarget = field(default="live", init=False)
    _session: Session | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self._deadline = Deadline()
        self._attempts = Attempts(self.pace or Pace(self.road.per_second))

    def deliver(self, drafts: Iterable[EmailDraft]) -> Iterator[Outcome]:
        """Send each, no faster than `per_second`."""
        return self._attempts.each(drafts, self._deliver)

    def close(self) -> None:
        """End the connection. The next message opens another, also where this one found the outlet broken."""
        self._attempts.forget()
        session, self._session = self._session, None
        if session is not None:
            session.say_goodbye()

    def _deliver(self, draft: EmailDraft) -> Outcome:
        is_utf8 = not (draft.from_email + draft.to_email).isascii()
        try:
            content = _as_sent(email_bytes(draft, self.now(), is_utf8))
        except AddressNotUsable:
            return Outcome("skipped", "address_not_usable")
        try:
            session, (code, text) = self._begin(draft, is_utf8)
            if code != 250:
                return self._refused_sender(code, text)
            code, text = session.rcpt(draft.to_email)
            if code not in (250, 251, 252):
                return self._refused(session, code, text)
            code, text = session.docmd("DATA")
            if code != _GO_ON:
                return self._refused(session, code, text)
            session.send(content)  # when this fails, the end was not sent: it is the last piece
        except AddressNotUsable:
            return Outcome("skipped", "address_not_usable")
        except OSError as error:
            self._drop()
            return Outcome("failed", problem(error))
        return self._answer(session, draft)

    def _begin(self, draft: EmailDraft, is_utf8: bool) -> tuple[Session, tuple[int, bytes]]:
        """The connection, and what it said to the sender. One that was lost since the last message is replaced."""
        if self._session is not None:
            try:
                answer = self._mail(self._session, draft, is_utf8)
            except OSError:
                answer = (_CLOSING, b"")
            if answer[0] != _CLOSING:
                return self._session, answer
            self._drop()
        self._deadline.start(self.road.timeout_seconds)
        self._session = Session.open(self.road, self.password, self.tls, self._deadline)
        return self._session, self._mail(self._session, draft, is_utf8)

    def _mail(self, session: Session, draft: EmailDraft, is_utf8: bool) -> tuple[int, bytes]:
        self._deadline.start(self.road.timeout_seconds)
        if not is_utf8:
            return session.mail(draft.from_email)
        if not session.has_extn("smtputf8"):
            raise AddressNotUsable("the server takes plain ASCII addresses only")
        return session.mail(draft.from_email, ["SMTPUTF8"])

    def _answer(self, session: Session, draft: EmailDraft) -> Outcome:
        """What the server says of a message that it has as a whole; without an answer nobody can tell."""
        try:
            code, text = session.getreply()
        except OSError as error:
            self._drop()
            return Outcome("unknown", problem(error))
        if code == _CLOSING:
            self._drop()
        if 200 <= code < 300:
            return Outcome("sent", provider_id=_queue_id(text) or f"<{draft.message_id}@{_domain(draft.from_email)}>")
        if 400 <= code < 500:
            return Outcome("failed", f"busy: {code}", retry_after=_wait(text))
        if 500 <= code < 600:
            return _rejected(code, text)
        self._drop()
        return Outcome("unknown", "bad_answer")

    def _refused_sender(self, code: int, text: bytes) -> Outcome:
        """The sender is the merchant's, the same in all messages: who refuses it for good refuses all."""
        if 500 <= code < 600 and code not in NOT_AUTHORISED:
            raise OutletBroken(f"sender_refused: {code}")
        return self._refused(None, code, text)

    def _refused(self, session: Session | None, code: int, text: bytes) -> Outcome:
        """What a refusal before the message's end means. A session goes on after a reset."""
        if code in NOT_AUTHORISED:
            self._drop()
            raise OutletBroken("not_authorised")
        if code == _CLOSING or not 400 <= code < 600:
            self._drop()
        elif session is not None:
            self._reset(session)
        if 400 <= code < 500:
            return Outcome("failed", f"busy: {code}", retry_after=_wait(text))
        return _rejected(code, text) if 500 <= code < 600 else Outcome("failed", "bad_answer")

    def _reset(self, session: Session) -> None:
        try:
            if session.docmd("RSET")[0] != 250:
                self._drop()
        except OSError:
            self._drop()

    def _drop(self) -> None:
        """Let go of a connection of which nobody knows how it stands."""
        if self._session is not None:
            self._session.close()
        self._session = None


def _as_sent(content: bytes) -> bytes:
    """A message with its end; dots that begin a line are doubled (RFC 5321, 4.5.2), and no line ends otherwise."""
    lines = _BEGIN_OF_LINE_DOT.sub(b"..", _LINE_END.sub(b"\r\n", content))
    return lines + (b"" if lines.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _rejected(code: int, text: bytes) -> Outcome:
    """What 5xx means for a message: never, unless it is said of whoever sends."""
    if _OF_THE_SENDING.search(text):
        return Outcome("failed", f"refused: {code}")
    return Outcome("skipped", f"rejected: {code}")


def _queue_id(text: bytes) -> str:
    """What the server calls the message, where it says so in one of the usual ways."""
    found = _QUEUE_ID.search(text.decode("ascii", "replace"))
    return (found[1] or found[2]) if found else ""


def _wait(text: bytes) -> timedelta | None:
    """How long a server that knows nobody yet (greylisting) asks to wait, where it says so; a day at most."""
    found = _WAIT.search(text.decode("ascii", "replace"))
    return min(timedelta(seconds=int(found[1]) * _UNITS[found[2][0].lower()]), timedelta(days=1)) if found else None


def _domain(address: str) -> str:
    return address.rpartition("@")[2]
