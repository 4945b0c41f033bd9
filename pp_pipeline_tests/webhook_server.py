"""A real HTTP server on a free port of this machine, which fails as it is told and keeps what it accepted.

It stands for a platform in tests of relays, also of senders in other processes: they reach it by its port. Stand-ins
of platforms by name (listrak_server.py, klaviyo_server.py) say what their requests are for and what is wrong with them.
"""

import contextlib
import socket
import ssl
import struct
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self

HOLD, RESET, CLOSE, DRIP, GARBAGE = "hold", "reset", "close", "drip", "garbage"
DELIVERY = "delivery"


@dataclass(frozen=True)
class Answer:
    """What becomes of one request.

    Attributes:
        does: a status, or HOLD (no answer until `release`), RESET, CLOSE, DRIP (200, a byte every 0.2 s), GARBAGE.
        headers: of the answer.
        body: of the answer.
        accepts: whether the request counts; a status 2xx and DRIP do.
        at: `begin`: it becomes of the request before its body is read, and the connection ends; else `end`.
    """

    does: int | str = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    accepts: bool | None = None
    at: Literal["begin", "end"] = "end"

    @property
    def counts(self) -> bool:
        """Whether the request was accepted."""
        if self.accepts is not None:
            return self.accepts
        return self.does == DRIP or (isinstance(self.does, int) and 200 <= self.does < 300)


@dataclass(frozen=True)
class Asked:
    """A request as it came. `path` is with its query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Accepted:
    """A request that the platform took."""

    key: str
    body: bytes
    headers: Mapping[str, str]


class WebhookServer:
    """Takes requests on 127.0.0.1.

    Attributes:
        accepted: what it took, in order: the judge of what was delivered how often.
        request_count, connection_count: how many there were; `counts` has the requests by what they are for.
        script: what becomes of the next deliveries, one each; of None, and behind its end, all is well.
        scripts: the same by what requests are for.
        faults: what was wrong with requests; there must be none when it ends.
    """

    def __init__(self, script: Iterable[Answer] = (), tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.scripts: defaultdict[str, deque[Answer | None]] = defaultdict(deque)
        self.script = self.scripts[DELIVERY]
        self.script.extend(script)
        self.counts: Counter[str] = Counter()
        self.accepted: list[Accepted] = []
        self.faults: list[str] = []
        self.request_count = self.connection_count = 0
        self.lock = threading.Lock()
        self.changed = threading.Condition()
        self.came: set[int] = set()
        self.gone: set[int] = set()
        self.released = threading.Event()
        self._tls = tls
        self._connections: list[socket.socket] = []
        self.port = port
        self.listen()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where requests go."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/pp"

    def purpose(self, method: str, path: str) -> str:
        """What a request is for: DELIVERY, or a question before one."""
        return DELIVERY

    def verdict(self, asked: Asked) -> Answer:
        """What the platform says of a request that nothing happens to."""
        return Answer()

    def key(self, asked: Asked) -> str:
        """Which delivery a request is."""
        return asked.headers["Idempotency-Key"]

    def listen(self) -> None:
        """Listen, on the same port as before."""
        self._server = _Server(("127.0.0.1", self.port), _Handler)
        self._server.owner = self
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def refuse(self) -> None:
        """Refuse connections from now on; those that stand are cut."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self.cut()

    def cut(self) -> None:
        """Close all connections that stand, as a server does with those that are idle."""
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._connections.clear()

    def release(self) -> None:
        """Let go of whatever is held, now and from now on."""
        self.released.set()

    def wait_for_silence(self) -> None:
        """Wait until every client is gone, and with it whatever it had said."""
        with socket.create_connection(("127.0.0.1", self.port)) as last:  # whoever connected before it stands before it
            own_port = last.getsockname()[1]
        with self.changed:
            is_silent = self.changed.wait_for(lambda: own_port in self.came and self.came == self.gone, timeout=30)
            assert is_silent, "a client is still there"

    def note(self, ports: set[int], port: int) -> None:
        """A client came or went."""
        with self.changed:
            if ports is self.came:
                self.gone.discard(port)
            ports.add(port)
            self.changed.notify_all()

    def stop(self) -> None:
        """End the server."""
        self.release()
        self.refuse()
        assert not self.faults, self.faults

    def secure(self, connection: socket.socket) -> socket.socket:
        """The connection of a client, encrypted where the server is."""
        self.connection_count += 1
        if self._tls:
            connection = self._tls.wrap_socket(connection, server_side=True)
        self._connections.append(connection)
        return connection


class _Server(ThreadingHTTPServer):
    owner: WebhookServer
    daemon_threads = True
    block_on_close = False

    def process_request(self, request: Any, client_address: Any) -> None:
        self.owner.note(self.owner.came, client_address[1])
        super().process_request(request, client_address)

    def finish_request(self, request: Any, client_address: Any) -> None:
        try:
            with contextlib.closing(self.owner.secure(request)) as connection:
                super().finish_request(connection, client_address)
        except (OSError, ValueError):  # a client that does not like the certificate, or gave up waiting
            return
        finally:
            self.owner.note(self.owner.gone, client_address[1])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else the body of an answer waits 40 ms for its head to be acknowledged

    @property
    def _owner(self) -> WebhookServer:
        assert isinstance(self.server, _Server)
        return self.server.owner

    def do_POST(self) -> None:
        owner = self._owner
        purpose = owner.purpose(self.command, self.path)
        with owner.lock:
            owner.request_count += 1
            owner.counts[purpose] += 1
            script = owner.scripts[purpose]
            scripted = script.popleft() if script else None
        if scripted and scripted.at == "begin":
            self.close_connection = True
            return self._act(scripted)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Asked(self.command, self.path, dict(self.headers), body)
        answer = scripted
        if answer is None or answer.counts:
            with owner.lock:
                verdict = owner.verdict(asked)
                if verdict.counts and purpose == DELIVERY:
                    owner.accepted.append(Accepted(owner.key(asked), body, asked.headers))
            answer = scripted if scripted and verdict.counts else verdict
        self._act(answer)

    do_GET = do_POST

    def _act(self, answer: Answer) -> None:
        owner = self._owner
        match answer.does:
            case int() as status:
                self.send_response(status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)
            case "hold":
                owner.released.wait()
                self.close_connection = True
            case "drip":
                for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n":
                    self.wfile.write(bytes([byte]))
                    owner.released.wait(0.2)
            case "garbage":
                self.wfile.write(b"220 what do you want?\r\n\r\n")
                self.close_connection = True
            case str() as how:
                self._break_off(how)

    def _break_off(self, how: str) -> None:
        """End the connection: with a reset, or as if all had been said."""
        if how == RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True
        self.rfile.close()
        self.wfile.close()
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: tests look at what was accepted."""
