"""A real SMTP server on a free port of this machine, which fails as it is told and keeps what it accepted.

It stands for a provider in tests of sending, also of senders in other processes: they reach it by its port.
"""

import asyncio
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_bytes
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

LOGIN = ("shop", "open-sesame-42")
HOLD, RESET, CLOSE, DRIP = "hold", "reset", "close", "drip"
Step = Literal["connect", "mail", "rcpt", "data", "end"]


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one message, or with one connection (`at="connect"`).

    Attributes:
        at: the step at which it does; `end`: the message is there as a whole.
        does: HOLD (no answer until `release`), RESET, CLOSE, DRIP (the right answer, a byte every 0.2 s), or the
            line that is answered, such as `451 try again in 300 seconds` or garbage.
        accepts: at `end`: the message is accepted all the same.
    """

    at: Step
    does: str
    accepts: bool = False


@dataclass(frozen=True)
class Accepted:
    """A message that the server took, so that a real one would deliver it."""

    message_id: str
    recipient: str
    content: bytes


class SmtpServer:
    """Takes mail on 127.0.0.1.

    Attributes:
        accepted: what it took, in order: the judge of what was delivered how often.
        connection_count: how many clients connected.
        transaction_count: how many messages were begun.
        script: what becomes of the next messages, one each; None: nothing goes wrong. Behind its end all is well.
        connection_script: the same of the next connections.
        answer: what it says when it takes a message.
    """

    def __init__(
        self,
        script: Iterable[Fault | None] = (),
        connection_script: Iterable[Fault | None] = (),
        security: Literal["tls", "starttls", "none"] = "none",
        tls: ssl.SSLContext | None = None,
        login: tuple[str, str] | None = None,
        port: int = 0,
        takes_utf8: bool = False,
    ) -> None:
        self.script, self.connection_script = deque(script), deque(connection_script)
        self.accepted: list[Accepted] = []
        self.connection_count = self.transaction_count = 0
        self.answer = "250 2.0.0 OK"
        self.login, self.takes_utf8 = login, takes_utf8
        self._security, self._tls = security, tls
        self._released = asyncio.Event()
        self._silent = asyncio.Event()
        self._silent.set()
        self._clients: set[object] = set()
        self._transports: list[asyncio.BaseTransport] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._listener = self._call(self._listen(port))
        self.port: int = self._listener.sockets[0].getsockname()[1]

    def __enter__(self) -> "SmtpServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def refuse(self) -> None:
        """Refuse connections from now on; those that stand are cut."""
        self._call(self._unlisten())

    def listen(self) -> None:
        """Listen again, on the same port."""
        self._listener = self._call(self._listen(self.port))

    def cut(self) -> None:
        """Close all connections that stand, as a server does with those that are idle."""
        self._call(self._cut())

    def wait_for_silence(self) -> None:
        """Wait until every client is gone, and with it whatever it had said."""
        self._call(self._silent.wait())

    def release(self) -> None:
        """Let go of whatever is held, now and from now on."""
        self._loop.call_soon_threadsafe(self._released.set)

    def stop(self) -> None:
        """End the server."""
        self.refuse()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self, port: int) -> asyncio.Server:
        implicit = self._tls if self._security == "tls" else None
        return await self._loop.create_server(self._protocol, "127.0.0.1", port, ssl=implicit, reuse_address=True)

    async def _unlisten(self) -> None:
        self._listener.close()
        await self._cut()

    async def _cut(self) -> None:
        for transport in self._transports:
            transport.close()
        self._transports.clear()
        await asyncio.sleep(0.01)  # until the sockets are closed

    def _protocol(self) -> "_Protocol":
        return _Protocol(
            self,
            auth_required=self.login is not None,
            auth_require_tls=False,
            authenticator=self._is_known,
            tls_context=self._tls if self._security == "starttls" else None,
            enable_SMTPUTF8=self.takes_utf8,
            hostname="mail.example.com",
            loop=self._loop,
        )

    def _is_known(self, server: SMTP, session: Session, envelope: Envelope, kind: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        return AuthResult(success=(data.login.decode(), data.password.decode()) == self.login, handled=False)


class _Protocol(SMTP):
    """One connection."""

    def __init__(self, owner: SmtpServer, **options: Any) -> None:
        super().__init__(self, **options)
        self.owner = owner
        self._fault: Fault | None = None
        self._is_dripping = False
        self._has_greeted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.owner._transports.append(transport)
        if not self._has_greeted:  # STARTTLS comes here a second time
            self.owner.connection_count += 1
        self.owner._clients.add(self)
        self.owner._silent.clear()
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.owner._clients.discard(self)
        if not self.owner._clients:
            self.owner._silent.set()

    async def push(self, status: Any) -> None:
        if not self._has_greeted:
            self._has_greeted = True
            script = self.owner.connection_script
            status = await self._act(script.popleft() if script else None, status)
        if not self._is_dripping:
            return await super().push(status)
        self._is_dripping = False
        for place in status.encode() + b"\r\n":
            self._writer.write(bytes([place]))
            await self._writer.drain()
            await asyncio.sleep(0.2)

    async def smtp_DATA(self, arg: str) -> None:
        if self._fault and self._fault.at == "data":
            answer = await self._act(self._fault, "354 go on")
            if not answer.startswith("354"):
                return await self.push(answer)
        await super().smtp_DATA(arg)

    async def handle_MAIL(self, _: SMTP, session: Session, envelope: Envelope, address: str, options: list) -> str:
        self.owner.transaction_count += 1
        self._fault = self.owner.script.popleft() if self.owner.script else None
        answer = await self._at("mail", "250 OK")
        if answer == "250 OK":
            envelope.mail_from = address
        return answer

    async def handle_RCPT(self, _: SMTP, session: Session, envelope: Envelope, address: str, options: list) -> str:
        answer = await self._at("rcpt", "250 OK")
        if answer == "250 OK":
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.original_content or b""
        if self._fault is None or self._fault.at != "end" or self._fault.accepts or self._fault.does == DRIP:
            message_id = str(message_from_bytes(content)["Message-ID"]).strip("<>").partition("@")[0]
            self.owner.accepted.append(Accepted(message_id, envelope.rcpt_tos[0], content))
        return await self._at("end", self.owner.answer)

    async def _at(self, step: Step, answer: str) -> str:
        return await self._act(self._fault if self._fault and self._fault.at == step else None, answer)

    async def _act(self, fault: Fault | None, answer: str) -> str:
        """Go wrong, or give the answer that is to be given."""
        match fault.does if fault else "":
            case "":
                return answer
            case "hold":
                await self.owner._released.wait()
                return answer
            case "drip":
                self._is_dripping = True
                return answer
            case "reset" | "close" as how:
                _break_off(self.transport, how)
                await asyncio.Event().wait()  # until the loss of the connection ends this
        assert fault
        return fault.does


def _break_off(transport: asyncio.BaseTransport | None, how: str) -> None:
    """End a connection: with a reset, or as if all had been said."""
    assert isinstance(transport, asyncio.Transport)
    if how == RESET:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
