"""By which ways alerts leave, as the environment declares them: e-mail, a webhook as Slack takes it, both, or none.

    PP_ALERT_SERVER=smtp://alerts@smtp.example.com:587     smtps:// for TLS from the first byte
    PP_ALERT_SENDER=alerts@example.com
    PP_ALERT_RECIPIENTS=ops@example.com,lead@example.com
    PP_SECRET_ALERT_SMTP=...                               the password of the server's user
    PP_SECRET_ALERT_WEBHOOK=https://hooks.example.com/...  a secret: whoever knows it can write there

They hold counts, days and names of files that the shop chose, never anything of a contact, so live mode and the list of
allowed recipients do not concern them.
"""

import html
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from pydantic import SecretStr, TypeAdapter, ValidationError

from pp_pipeline.channel_roads import SmtpRoad
from pp_pipeline.roads import Url, checked_email, is_loopback
from pp_pipeline.sending.outlets.http_posting import HttpPlatform, Request
from pp_pipeline.sending.outlets.outlet import EmailDraft, OutletBroken
from pp_pipeline.sending.outlets.smtp import SmtpChannel
from pp_pipeline.settings import Settings, SettingsError, utc_now

_SMTP, _WEBHOOK = "ALERT_SMTP", "ALERT_WEBHOOK"
_SECONDS = 15.0


class AlertRoad(Protocol):
    """One way by which alerts leave."""

    @property
    def name(self) -> str:
        """`e-mail` or `webhook`."""
        ...

    def tell(self, title: str, text: str) -> str:
        """Send an alert. Returns what went wrong, in words without personal data; '' where nothing did."""
        ...


@dataclass
class EmailAlerts:
    """Alerts by a mail server, each recipient a message of its own."""

    road: SmtpRoad
    sender: str = field(repr=False)
    recipients: tuple[str, ...] = field(repr=False)
    password: SecretStr | None = None
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)
    name: str = field(default="e-mail", init=False)

    def tell(self, title: str, text: str) -> str:
        """See `AlertRoad`."""
        channel = SmtpChannel(self.road, self.password, self.tls)
        try:
            outcomes = list(channel.deliver(self._drafts(title, text)))
        except OutletBroken as broken:
            return str(broken)
        finally:
            channel.close()
        problems = [outcome.reason or outcome.state for outcome in outcomes if outcome.state != "sent"]
        return f"{len(problems)} of {len(outcomes)}: {problems[0]}" if problems else ""

    def _drafts(self, title: str, text: str) -> Iterator[EmailDraft]:
        for recipient in self.recipients:
            yield EmailDraft(
                message_id=uuid4().hex,
                conversation="",
                merchant="",
                day=utc_now().date(),
                from_name="pp_pipeline",
                from_email=self.sender,
                to_email=recipient,
                subject=title,
                text=text,
                html=f"<pre>{html.escape(text)}</pre>",
            )


@dataclass
class WebhookAlerts:
    """Alerts as JSON `{"text": ...}`: what Slack takes, and what takes the same."""

    url: str = field(repr=False)
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)
    name: str = field(default="webhook", init=False)

    def tell(self, title: str, text: str) -> str:
        """See `AlertRoad`."""
        platform = HttpPlatform(self.url, self.tls, utc_now)
        body = json.dumps({"text": f"{title}\n{text}"}, ensure_ascii=False).encode()
        try:
            platform.begin(_SECONDS)
            outcome = platform.deliver(Request("POST", "", {"Content-Type": "application/json"}, body))
        except OutletBroken as broken:
            return str(broken)
        finally:
            platform.close()
        return "" if outcome.state == "sent" else outcome.reason


def alert_roads(settings: Settings) -> list[AlertRoad]:
    """The ways that are declared; none where none is.

    Raises:
        SettingsError: a declaration can't be used; the text names the variable and holds no address.
    """
    roads: list[AlertRoad] = []
    if settings.alert_server or settings.alert_sender or settings.alert_recipients:
        roads.append(_email(settings))
    if _WEBHOOK in settings.secrets:
        roads.append(_webhook(settings.secrets[_WEBHOOK]))
    return roads


def _email(settings: Settings) -> EmailAlerts:
    recipients = tuple(part.strip() for part in settings.alert_recipients.split(",") if part.strip())
    if not (settings.alert_server and settings.alert_sender and recipients):
        raise SettingsError("PP_ALERT_SERVER, PP_ALERT_SENDER and PP_ALERT_RECIPIENTS go together; set all three")
    for variable, addresses in (("SENDER", (settings.alert_sender,)), ("RECIPIENTS", recipients)):
        try:
            _ = [checked_email(address) for address in addresses]
        except ValueError:
            raise SettingsError(f"PP_ALERT_{variable} holds something that is no e-mail address") from None
    road = _smtp_road(settings.alert_server)
    password = settings.secret_of(_SMTP, "the user in PP_ALERT_SERVER") if road.username else None
    return EmailAlerts(road, settings.alert_sender, recipients, password)


def _smtp_road(url: str) -> SmtpRoad:
    fault = "PP_ALERT_SERVER is no mail server such as smtp://user@smtp.example.com:587 or smtps://smtp.example.com"
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise SettingsError(fault) from None
    if parts.password is not None:
        raise SettingsError(f"PP_ALERT_SERVER holds a password; put it into PP_SECRET_{_SMTP}")
    if parts.scheme not in ("smtp", "smtps"):
        raise SettingsError(fault)
    security = "tls" if parts.scheme == "smtps" else "none" if is_loopback(host) else "starttls"
    login = {"username": unquote(parts.username), "password": _SMTP} if parts.username else {}
    try:
        return SmtpRoad.model_validate(
            {"host": host, "port": port, "security": security, "timeout_seconds": _SECONDS, **login}
        )
    except ValidationError:
        raise SettingsError(fault) from None


def _webhook(secret: SecretStr) -> WebhookAlerts:
    try:
        return WebhookAlerts(TypeAdapter(Url).validate_python(secret.get_secret_value().strip()))
    except ValidationError:
        raise SettingsError(
            f"PP_SECRET_{_WEBHOOK} is no link such as https://hooks.example.com/... (http:// on this machine only)"
        ) from None
