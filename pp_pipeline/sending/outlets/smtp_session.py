"""One connection to a mail server: opened, encrypted, logged in, with every step under a deadline."""

import smtplib
import socket
import ssl
from ipaddress import ip_address

from pydantic import SecretStr

from pp_pipeline.channel_roads import SmtpRoad
from pp_pipeline.sending.outlets.outlet import OutletBroken
from pp_pipeline.sending.outlets.timed_sockets import Deadline, connect, connect_problem, encrypt

# Whatever these say of one message is true of all: the server wants another login than it got.
NOT_AUTHORISED = (530, 534, 535, 538)
_READY = 220
_GOODBYE_SECONDS = 1.0


class Session(smtplib.SMTP):
    """smtplib's client over a connection under a deadline. It is made with `open`."""

    deadline: Deadline

    @classmethod
    def open(cls, road: SmtpRoad, password: SecretStr | None, tls: ssl.SSLContext, deadline: Deadline) -> "Session":
        """Connect and log in, all within the deadline.

        Raises:
            OutletBroken: it can't be done. Nothing was handed over.
        """
        session = cls()
        session.deadline = deadline
        try:
            session._begin(road, password, tls)
        except OutletBroken:
            session.close()
            raise
        except OSError as error:
            session.close()
            raise OutletBroken(problem(error)) from None
        return session

    def say_goodbye(self) -> None:
        """End the connection, politely if the server still listens."""
        try:
            self.deadline.start(_GOODBYE_SECONDS)
            self.docmd("QUIT")
        except OSError:
            pass
        finally:
            self.close()

    def _begin(self, road: SmtpRoad, password: SecretStr | None, tls: ssl.SSLContext) -> None:
        connection = connect(road.host, road.port_number, self.deadline)
        self.local_hostname = _own_name(connection)
        self.sock = encrypt(connection, road.host, tls, self.deadline) if road.security == "tls" else connection
        code, _ = self.getreply()
        if code != _READY:
            raise OutletBroken(f"refused: {code}" if code > 0 else "bad_answer")
        self.ehlo_or_helo_if_needed()
        if road.security == "starttls":
            self._encrypt(connection, road.host, tls)
        if road.username and password:
            self._log_in(road.username, password)

    def _encrypt(self, connection: socket.socket, host: str, tls: ssl.SSLContext) -> None:
        """STARTTLS. What the server said before is forgotten: anyone could have said it."""
        if not self.has_extn("starttls"):
            raise OutletBroken("no_starttls")
        code, _ = self.docmd("STARTTLS")
        if code != _READY:
            raise OutletBroken(f"no_starttls: {code}")
        self.sock = encrypt(connection, host, tls, self.deadline)
        self.file = None
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False
        self.ehlo_or_helo_if_needed()

    def _log_in(self, username: str, password: SecretStr) -> None:
        try:
            self.login(username, password.get_secret_value())
        except smtplib.SMTPAuthenticationError as error:
            if 400 <= error.smtp_code < 500:
                raise OutletBroken(f"busy: {error.smtp_code}") from None
            raise OutletBroken("not_authorised") from None
        except smtplib.SMTPServerDisconnected:
            raise
        except smtplib.SMTPException:
            raise OutletBroken("no_login_offered") from None
        except UnicodeError:  # smtplib logs in with plain ASCII only
            raise OutletBroken("not_authorised") from None


def problem(error: OSError) -> str:
    """What went wrong with a connection, as a word. smtplib hides a time-out behind an error of its own."""
    cause = error.__context__ if isinstance(error, smtplib.SMTPServerDisconnected) else error
    match cause:
        case smtplib.SMTPHeloError() if 400 <= cause.smtp_code < 600:
            return f"refused: {cause.smtp_code}"
        case smtplib.SMTPException() if not isinstance(cause, smtplib.SMTPServerDisconnected):
            return "bad_answer"
        case smtplib.SMTPServerDisconnected() | None:
            return "connection_lost"
        case OSError():
            return connect_problem(cause)
    return "connection_lost"


def _own_name(connection: socket.socket) -> str:
    """How this machine names itself: its address, as mail programs do. Its name is nobody's business."""
    address = ip_address(connection.getsockname()[0].partition("%")[0])
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"
