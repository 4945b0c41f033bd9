"""Connections whose steps all end by one moment.

The time-out of a socket begins anew with each byte, so a server that answers drop by drop holds its client for
ever. Here every step gets what is left of one span.
"""

import socket
import ssl
import time
from collections.abc import Sequence
from typing import Any


class Deadline:
    """A moment by which all has to be done. Begins with `start`, and can begin anew."""

    def __init__(self) -> None:
        self._end = 0.0

    def start(self, seconds: float) -> None:
        """Set the moment."""
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds until then.

        Raises:
            TimeoutError: none.
        """
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("the time is over")
        return seconds


class _TimedSocket(socket.socket):
    """A socket under a deadline. Sending a piece counts as one step."""

    deadline: Deadline

    def recv_into(self, *args: Any, **options: Any) -> int:
        """As of any socket."""
        self.settimeout(self.deadline.left)
        return super().recv_into(*args, **options)

    def sendall(self, *args: Any, **options: Any) -> None:
        """As of any socket."""
        self.settimeout(self.deadline.left)
        super().sendall(*args, **options)


class _TimedTlsSocket(ssl.SSLSocket):
    """The same, encrypted. Its `sendall` is made of `send`."""

    deadline: Deadline

    def recv_into(self, *args: Any, **options: Any) -> int:
        """As of any socket."""
        self.settimeout(self.deadline.left)
        return super().recv_into(*args, **options)

    def send(self, *args: Any, **options: Any) -> int:
        """As of any socket."""
        self.settimeout(self.deadline.left)
        return super().send(*args, **options)


def connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    """Connect to a server.

    Raises:
        OSError: no such host, refused, too late.
    """
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:  # a name with an empty or overlong part
        raise socket.gaierror("no such host") from None
    plain = _first_of([address for *_, address in addresses], deadline)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    timed = _TimedSocket(plain.family, plain.type, plain.proto, fileno=plain.detach())
    timed.deadline = deadline
    return timed


def _first_of(addresses: Sequence[tuple[Any, ...]], deadline: Deadline) -> socket.socket:
    """A connection to the first address that takes one. What is left of the time is shared among those to come."""
    problem = OSError("no address")
    for place, address in enumerate(addresses):
        try:
            return socket.create_connection(address[:2], timeout=deadline.left / (len(addresses) - place))
        except OSError as error:
            problem = error
    raise problem


def encrypt(connection: socket.socket, host: str, tls: ssl.SSLContext, deadline: Deadline) -> socket.socket:
    """Encrypt a connection, after a look at the server's certificate. The plain one is used up.

    Raises:
        OSError: another certificate than that of `host`, or no encryption at all; the connection is closed.
    """
    tls.sslsocket_class = _TimedTlsSocket
    try:
        connection.settimeout(deadline.left)  # the handshake as a whole keeps to this
        encrypted = tls.wrap_socket(connection, server_hostname=host)
    except OSError:
        connection.close()
        raise
    assert isinstance(encrypted, _TimedTlsSocket)
    encrypted.deadline = deadline
    return encrypted


def connect_problem(error: OSError) -> str:
    """Why there is no connection, as a word that shows nothing of what was said."""
    match error:
        case ssl.SSLCertVerificationError():
            return "certificate_refused"
        case ssl.SSLError():
            return "tls_failed"
        case TimeoutError():
            return "time_out"
        case ConnectionRefusedError():
            return "connection_refused"
        case socket.gaierror():
            return "no_such_host"
    return "connection_lost"
