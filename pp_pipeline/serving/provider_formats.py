"""The events of providers as rows of the feedback feed: which of their fields holds what.

Each function takes one event as its provider posts it and gives the cells of a row; nothing where the event says
nothing that the feed knows. What the cells hold is judged afterwards, like any row.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pp_pipeline.serving.rows import COLUMNS

Cells = dict[str, str]
Event = Mapping[str, Any]

_POSTMARK_TIMES = {
    "Delivery": "DeliveredAt", "Bounce": "BouncedAt", "SpamComplaint": "BouncedAt", "Open": "ReceivedAt",
    "Click": "ReceivedAt", "SubscriptionChange": "ChangedAt",
}  # fmt: skip
_POSTMARK_EVENTS = {
    "Delivery": "delivered", "Bounce": "bounced", "SpamComplaint": "complained", "Open": "opened", "Click": "clicked",
}  # fmt: skip
_POSTMARK_HARD = ("HardBounce", "BadEmailAddress")
_POSTMARK_REASONS = {"HardBounce": "bounced", "SpamComplaint": "complained", "ManualSuppression": "unsubscribed"}
_SENDGRID_EVENTS = {
    "delivered": "delivered", "open": "opened", "click": "clicked", "bounce": "bounced", "spamreport": "complained",
    "unsubscribe": "unsubscribed", "group_unsubscribe": "unsubscribed",
}  # fmt: skip


def plain(event: Event) -> Cells | None:
    """Our own form: the columns of the feedback feed."""
    return {name: _text(event.get(name)) for name in COLUMNS}


def postmark(event: Event) -> Cells | None:
    """Postmark: `RecordType` Delivery, Bounce, SpamComplaint, Open, Click or SubscriptionChange.

    It numbers messages by itself; ours is in `Metadata.message_id`, where whoever sends has put it.
    """
    kind = _text(event.get("RecordType"))
    word, bounce = _POSTMARK_EVENTS.get(kind, ""), ""
    if kind == "Bounce":
        bounce = "hard" if event.get("Type") in _POSTMARK_HARD else "soft"
    elif kind == "SubscriptionChange" and event.get("SuppressSending") is True:
        word = _POSTMARK_REASONS.get(_text(event.get("SuppressionReason")), "")
        bounce = "hard" if word == "bounced" else ""
    if not word:
        return None
    metadata = event.get("Metadata")
    number = ":".join(_text(event.get(name)) for name in ("MessageID", "ID", _POSTMARK_TIMES[kind]))
    return {
        "event": word,
        "email": _text(event.get("Email") or event.get("Recipient")),
        "occurred_at": _text(event.get(_POSTMARK_TIMES[kind])),
        "feedback_id": f"{kind}:{number}"[:100],
        "message_id": _text(metadata.get("message_id")) if isinstance(metadata, Mapping) else "",
        "channel": "email",
        "bounce": bounce,
        "link": _text(event.get("OriginalLink")),
    }


def sendgrid(event: Event) -> Cells | None:
    """SendGrid: `event` delivered, open, click, bounce, spamreport, unsubscribe or group_unsubscribe.

    Our message id is the custom argument `message_id`, which it repeats in each event; of an e-mail that reached it by
    SMTP `smtp-id`, the Message-ID, begins with it.
    """
    word = _SENDGRID_EVENTS.get(_text(event.get("event")))
    if not word:
        return None
    number = _text(event.get("message_id")) or _text(event.get("smtp-id")).strip("<> ").partition("@")[0]
    return {
        "event": word,
        "email": _text(event.get("email")),
        "occurred_at": _unix_time(event.get("timestamp")),
        "feedback_id": _text(event.get("sg_event_id")),
        "message_id": number,
        "channel": "email",
        "bounce": ("soft" if event.get("type") == "blocked" else "hard") if word == "bounced" else "",
        "link": _text(event.get("url")),
        "is_machine_open": _text(event.get("sg_machine_open")) if word == "opened" else "",
    }


FORMATS: dict[str, Callable[[Event], Cells | None]] = {"plain": plain, "postmark": postmark, "sendgrid": sendgrid}


def _text(value: Any) -> str:
    """A value of JSON as a cell; what is no single value is a cell that nothing can be read from."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else "\x00"


def _unix_time(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    try:
        return datetime.fromtimestamp(value, UTC).isoformat()
    except (OverflowError, OSError, ValueError):
        return ""
