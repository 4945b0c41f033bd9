"""E-mail by a provider's HTTP interface, through django-anymail, which knows how each wants a message and answers.

The calls themselves are ours (library_calls.py). Nothing of Django is used but its class of messages, without a
project; it is imported when the first message goes.
"""

import io
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.headerregistry import Address
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from pydantic import SecretStr

from pp_pipeline.channel_roads import Provider, ProviderRoad
from pp_pipeline.sending.outlets.http_outlet import HttpOutlet
from pp_pipeline.sending.outlets.http_posting import Answer
from pp_pipeline.sending.outlets.library_calls import SAYS_WHY, LibraryCalls, Settled, plain_id
from pp_pipeline.sending.outlets.mime import AddressNotUsable, checked_address, one_click_headers, one_line
from pp_pipeline.sending.outlets.outlet import EmailDraft, Outcome

if TYPE_CHECKING:
    from anymail.message import AnymailMessage, AnymailRecipientStatus
    from requests import Response

HOSTS: dict[Provider, str] = {
    "postmark": "api.postmarkapp.com", "sendgrid": "api.sendgrid.com/v3", "mailgun": "api.mailgun.net/v3",
    "mailjet": "api.mailjet.com/v3.1", "brevo": "api.brevo.com/v3", "sparkpost": "api.sparkpost.com/api/v1",
    "resend": "api.resend.com",
}  # fmt: skip

_TAKEN = {"sent", "queued"}
_REFUSED = {"invalid", "rejected"}
_BLAMES_RECIPIENT: dict[Provider, re.Pattern[str]] = {
    "postmark": re.compile(r'"ErrorCode": ?406\b'),
    "sendgrid": re.compile(r'"personalizations\.0\.to'),
    "mailgun": re.compile(r"^\W*message\W*to\b|'to' parameter", re.I),
    "mailjet": re.compile(r'"To\[0\]'),
    "brevo": re.compile(r"not valid in to\b", re.I),
    "sparkpost": re.compile(r'"code": ?"?500[12]\b|invalid recipient address', re.I),
    "resend": re.compile(r"invalid [`'\"\\]*to[`'\"\\]* field|invalid_to_address", re.I),
}
"""What is said of a message that was refused for its recipient: of others the next one may be wanted."""

_KEEPS_MESSAGE_ID: dict[Provider, dict[str, str]] = {"postmark": {"X-PM-KeepID": "true"}, "mailgun": {}}
_TRACKS_AS_SET_THERE = ("brevo", "resend")
_READS_TEMPLATES = ("brevo", "sparkpost")


@dataclass
class ProviderChannel(HttpOutlet):
    """Sends messages through one account at a provider. The connection is kept from one to the next."""

    road: ProviderRoad
    api_key: SecretStr
    secret_key: SecretStr | None = None

    def __post_init__(self) -> None:
        self._url = self.road.url or f"https://{HOSTS[self.road.via]}"
        self._calls = LibraryCalls(self._url, self.tls, self.now)
        self._deliver_by(self._calls, self.road.per_second)
        self._backend: Any = None

    def deliver(self, drafts: Iterable[EmailDraft]) -> Iterator[Outcome]:
        """Send each, no faster than `per_second`."""
        return self._attempts.each(drafts, self._deliver)

    def _deliver(self, draft: EmailDraft) -> Outcome:
        self._backend = self._backend or self._make_backend()
        from anymail.exceptions import AnymailError, AnymailInvalidAddress

        if left_alone := self._calls.begin(self.road.timeout_seconds):
            return left_alone
        try:
            message = _message(draft, self.road)
            self._backend.send_messages([message])
        except Settled as settled:
            return settled.outcome
        except (AnymailError, ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
            if self._calls.answer is not None:  # that it refuses the message, or one that makes no sense
                return self._outcome(self._calls.answer, {})
            if isinstance(error, AddressNotUsable | AnymailInvalidAddress):
                return Outcome("skipped", "address_not_usable")
            return Outcome("failed", "not_sendable")
        assert self._calls.answer is not None
        return self._outcome(self._calls.answer, message.anymail_status.recipients)

    def _outcome(self, answer: Answer, recipients: Mapping[str, "AnymailRecipientStatus"]) -> Outcome:
        """What an answer says that had to be read, by what the library made of it: there is one recipient, which some
        providers write in another way."""
        statuses = {each.status for each in recipients.values()}
        if answer.status in SAYS_WHY:
            text = answer.body.decode("utf-8", "replace")
            if statuses & _REFUSED or _BLAMES_RECIPIENT[self.road.via].search(text):
                return Outcome("skipped", f"rejected: {answer.status}")
            return Outcome("failed", f"refused: {answer.status}")
        if statuses & _REFUSED:
            return Outcome("skipped", "rejected")
        if statuses & _TAKEN:
            ids = [number for each in recipients.values() if (number := plain_id(each.message_id))]
            return Outcome("sent", provider_id=ids[0] if ids else "")
        return Outcome("unknown", "bad_answer")

    def _make_backend(self) -> Any:
        """The library's side of the provider."""
        from django.conf import settings

        if not settings.configured:
            settings.configure(ANYMAIL={})  # in place of a project: the library asks for one
        from anymail.exceptions import AnymailNotSupportedWarning

        options = {"server_token" if self.road.via == "postmark" else "api_key": self.api_key.get_secret_value()}
        if self.secret_key is not None:
            options["secret_key"] = self.secret_key.get_secret_value()
        if self.road.sender_domain:
            options["sender_domain"] = self.road.sender_domain
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AnymailNotSupportedWarning)  # of SendGrid: see docs/channels.md
            module = import_module(f"anymail.backends.{self.road.via}")
            backend = module.EmailBackend(api_url=self._url, ignore_recipient_status=True, **options)
        backend.session = _Session(self._calls)
        return backend


class _Session:
    """What the library calls by, in place of a session of `requests`."""

    def __init__(self, calls: LibraryCalls) -> None:
        self._calls = calls

    def request(self, timeout: float, **request: Any) -> "Response":
        """Hand a request over; `timeout` is none of the library's business.

        Raises:
            Settled, OutletBroken: as LibraryCalls.
        """
        import requests

        prepared = requests.Request(**request).prepare()
        body = cast("str | bytes", prepared.body)
        headers = cast("dict[str, str]", dict(prepared.headers))
        answer = self._calls.post(prepared.path_url, headers, body.encode() if isinstance(body, str) else body)
        response = requests.Response()
        response.status_code, response.raw, response.request = answer.status, io.BytesIO(answer.body), prepared
        response.headers["Content-Type"] = "application/json"
        return response


def _message(draft: EmailDraft, road: ProviderRoad) -> "AnymailMessage":
    """A message as the library takes it. Whatever could end a header, or bring in a second address, stays out.

    Raises:
        AddressNotUsable: sender, recipient, reply or unsubscribe address can't stand in a header.
    """
    from anymail.message import AnymailMessage

    sender = checked_address(draft.from_email, is_utf8=True)
    user, _, domain = sender.rpartition("@")
    headers = one_click_headers(draft.one_click_url)
    if road.via in _KEEPS_MESSAGE_ID:
        headers |= {"Message-ID": f"<{draft.message_id}@{domain}>"} | _KEEPS_MESSAGE_ID[road.via]
    message = AnymailMessage(
        subject=_literal(one_line(draft.subject), road),
        body=_literal(draft.text, road),
        from_email=str(Address(one_line(draft.from_name), user, domain)),
        to=[checked_address(draft.to_email, is_utf8=True)],
        reply_to=[checked_address(draft.reply_to, is_utf8=True)] if draft.reply_to else None,
        headers=headers,
        metadata={"message_id": draft.message_id},
        tags=[draft.conversation],
    )
    message.attach_alternative(_literal(draft.html, road), "text/html")
    if road.via not in _TRACKS_AS_SET_THERE:  # links and the like are ours, and stay as they are
        message.track_opens = message.track_clicks = False
    if road.message_stream and draft.one_click_url:
        message.esp_extra = {"MessageStream": road.message_stream}
    return message


def _literal(text: str, road: ProviderRoad) -> str:
    """Text that stays as it is: some providers take what stands in braces for a template."""
    if road.via not in _READS_TEMPLATES:
        return text
    return text.replace("{{", "{\u200b{").replace("{%", "{\u200b%")
