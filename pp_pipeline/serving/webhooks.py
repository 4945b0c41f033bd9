"""What providers post: who may, what it says, and what becomes of it."""

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from pp_pipeline.inbound_webhooks import InboundWebhook
from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.outlets.webhook import verify
from pp_pipeline.serving import twilio
from pp_pipeline.serving.contact_words import resubscribe, unsubscribe
from pp_pipeline.serving.intake import LOG, Intake
from pp_pipeline.serving.provider_formats import FORMATS
from pp_pipeline.serving.rows import FeedbackRow, id_of, read_row
from pp_pipeline.serving.sms import SmsMessage, keys_of_phones, read_message, word_of
from pp_pipeline.settings import Settings

MOST_EVENTS = 5_000


class NotReadable(ValueError):
    """A body that is no JSON of the form that was agreed; the text says what is wanted."""


@dataclass(frozen=True)
class Source:
    """A merchant's webhook, ready to judge what comes by it."""

    merchant: Merchant
    webhook: InboundWebhook
    secret: SecretStr

    def is_from_source(self, headers: Mapping[str, str], body: bytes, intake: Intake) -> bool:
        """Whether whoever posts knows the secret; headers by their names in lower case."""
        secret = self.secret.get_secret_value().encode()
        if self.webhook.proof == "password":
            return _knows_password(headers.get("authorization", ""), secret)
        if self.webhook.format == "twilio":
            return twilio.is_signed(secret, self.webhook.url, body, headers.get("x-twilio-signature", ""))
        timestamp, signature = headers.get("pp-timestamp", ""), headers.get("pp-signature", "")
        return verify(secret, timestamp, body, signature, intake.now())


def sources_of(settings: Settings, merchants: Mapping[str, Merchant]) -> dict[tuple[str, str], Source]:
    """All webhooks, by merchant and source.

    Raises:
        SettingsError: a secret is not set.
    """
    return {
        (name, webhook.source): source_of(settings, merchant, webhook)
        for name, merchant in merchants.items()
        for webhook in merchant.webhooks
    }


def source_of(settings: Settings, merchant: Merchant, webhook: InboundWebhook) -> Source:
    """One webhook of a merchant.

    Raises:
        SettingsError: its secret is not set.
    """
    secret = settings.secret_of(webhook.secret, f"webhook {webhook.source} of {merchant.merchant}")
    return Source(merchant, webhook, secret)


def take_post(settings: Settings, intake: Intake, secret: bytes, source: Source, body: bytes) -> dict[str, int]:
    """Take in what a source posted; how many events were taken and how many kept out.

    What is not known, or breaks a rule of the feedback feed, is kept out; the others count.

    Raises:
        NotReadable: the body is not what was agreed; nothing of it was taken.
        LedgerBusy: nothing of it counts yet.
    """
    events = twilio.read_post(body) if source.webhook.format == "twilio" else _events(body)
    if source.webhook.format in ("sms", "twilio"):
        messages = [message for event in events if (message := read_message(event, source.merchant))]
        keys = keys_of_phones(settings, secret, source.merchant, {message.phone for message in messages})
        for message in messages:
            _take_sms(intake, source, message, keys[message.phone])
        taken = len(messages)
    else:
        rows = [row for event in events if (row := _row(source, event, secret, intake))]
        if rows:
            intake.take(source.merchant, rows)
        taken = len(rows)
    kept_out = len(events) - taken
    LOG.info("%s %s: %s taken, %s kept out", source.merchant.merchant, source.webhook.source, taken, kept_out)
    return {"taken": taken, "kept_out": kept_out}


def _events(body: bytes) -> list[Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise NotReadable("the body is no JSON; post an event or a list of them") from None
    events = content if isinstance(content, list) else [content]
    if len(events) > MOST_EVENTS:
        raise NotReadable(f"more than {MOST_EVENTS:,} events; post them in parts")
    return events


def _row(source: Source, event: Any, secret: bytes, intake: Intake) -> FeedbackRow | None:
    cells = FORMATS[source.webhook.format](event) if isinstance(event, Mapping) else None
    return read_row(cells, source.merchant, secret, intake.now()) if cells else None


def _take_sms(intake: Intake, source: Source, message: SmsMessage, keys: list[str]) -> None:
    """Take in one inbound message of whoever has these keys, the number's own first."""
    merchant = source.merchant
    word = word_of(message.body)
    identity = (merchant.merchant, source.webhook.source, message.number)
    if word == "help" or identity in intake.answers:
        return
    if word == "stop":
        unsubscribe(intake, merchant, keys, "sms")
    elif word == "start":
        resubscribe(intake, merchant, keys, "sms")
    else:
        # of the contact; of the number where nobody is known to have it
        rows = [
            FeedbackRow(
                merchant.merchant,
                key,
                "sms_reply",
                intake.now(),
                id_of(source.webhook.source, message.number, key),
                {"channel": "sms", "reply": message.body},
            )
            for key in keys[1:] or keys
        ]
        intake.take(merchant, rows)
    intake.answers.add(identity)


def _knows_password(authorization: str, secret: bytes) -> bool:
    """HTTP Basic: the user's name does not matter, the password is the secret."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        _, _, password = base64.b64decode(encoded, validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(password, secret)
