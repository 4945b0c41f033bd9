"""The pages that contacts see: small, without scripts, cookies or anything from elsewhere."""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pp_pipeline.merchants import Merchant
from pp_pipeline.serving.contact_words import NOTIFICATION_PREFERENCES, Standing

_FOLDER = Path(__file__).parent / "templates"
_CHANNEL_NAMES = {"email": "E-mail", "sms": "Text messages (SMS)"}
_PREFERENCE_NAMES = {"email": "By e-mail", "sms": "By text message", "both": "Both"}
_REASONS = {
    "complained": "You reported a message of ours as unwanted, so we don't write any more.",
    "bounced": "Our messages could not be delivered to you.",
}
_BY_THE_SHOP = "We were asked not to write to you here."

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_STYLE = (_FOLDER / "style.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class ChannelChoice:
    """What the preference page shows of a channel's advertising. With a `hindrance` it can't be chosen here."""

    channel: str
    name: str
    is_on: bool
    hindrance: str


def unsubscribe_page(merchant: Merchant, token: str, channel: str, is_done: bool) -> str:
    """Asks whether to unsubscribe, or says that it is done."""
    return _page(
        "unsubscribe.html.j2", merchant=merchant, token=token, channel_name=_in_sentence(channel), is_done=is_done
    )


def preferences_page(merchant: Merchant, token: str, standing: Standing, is_saved: bool) -> str:
    """Channels and kinds as they stand, to choose from."""
    choices = [_choice(channel, standing) for channel in _CHANNEL_NAMES]
    return _page(
        "preferences.html.j2",
        merchant=merchant,
        token=token,
        choices=choices,
        order_messages=_order_messages(standing),
        preferences=[(value, _PREFERENCE_NAMES[value]) for value in NOTIFICATION_PREFERENCES],
        is_saved=is_saved,
    )


def problem_page(title: str, text: str) -> str:
    """Says what is the matter, where nobody is known to be spoken to."""
    return _page("problem.html.j2", title=title, text=text)


def _choice(channel: str, standing: Standing) -> ChannelChoice:
    reasons = standing.reasons(channel, "commercial")
    return ChannelChoice(channel, _CHANNEL_NAMES[channel], not reasons, _hindrance(reasons))


def _order_messages(standing: Standing) -> list[tuple[str, str]]:
    """Channel, and whether messages about orders come by it."""
    words = []
    for channel, name in _CHANNEL_NAMES.items():
        reasons = standing.reasons(channel, "transactional")
        stopped = _hindrance(reasons) or "Stopped." if reasons else ""
        words.append((name, stopped or "Sent when an order of yours needs it."))
    return words


def _hindrance(reasons: set[str]) -> str:
    """Why a contact can't undo it here; nothing where it only unsubscribed, or nothing stands against it."""
    others = sorted(reasons - {"unsubscribed"})
    return next((_REASONS[reason] for reason in others if reason in _REASONS), _BY_THE_SHOP if others else "")


def _in_sentence(channel: str) -> str:
    return {"email": "e-mail", "sms": "text message"}[channel]


def _page(template: str, **values: object) -> str:
    return _ENVIRONMENT.get_template(template).render(style=_STYLE, **values)
