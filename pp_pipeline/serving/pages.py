"""The pages that contacts see: small, without scripts, cookies or anything from elsewhere."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from pp_pipeline.html_pages import HtmlPages
from pp_pipeline.landing.cell_types import MESSAGE_KINDS
from pp_pipeline.merchants import Merchant
from pp_pipeline.serving.contact_words import CHOICES, NOTIFICATION_PREFERENCES, Choice, Standing

_CHANNEL_NAMES = {"email": "E-mail", "sms": "Text messages (SMS)"}
_PREFERENCE_NAMES = {"email": "By e-mail", "sms": "By text", "both": "Both"}
_REASONS = {
    "complained": "You reported a message of ours as unwanted, so we don't write any more.",
    "bounced": "Our messages could not be delivered to you.",
}
_BY_THE_SHOP = "We were asked not to write to you here."
_BY_PHONE = "You answered STOP from your phone; answer START from there to get them again."

_PAGES = HtmlPages(Path(__file__).parent / "templates")
CONTENT_SECURITY_POLICY = _PAGES.content_security_policy


@dataclass(frozen=True)
class ShownChoice:
    """What the preference page shows of a kind of message by a channel. With a `hindrance` it can't be chosen here."""

    field: str
    channel: str
    name: str
    is_on: bool
    hindrance: str


def unsubscribe_page(merchant: Merchant, token: str, channel: str, is_done: bool) -> str:
    """Asks whether to unsubscribe, or says that it is done."""
    return _PAGES.render(
        "unsubscribe.html.j2", merchant=merchant, token=token, channel_name=_in_sentence(channel), is_done=is_done
    )


def preferences_page(
    merchant: Merchant,
    token: str,
    standing: Standing,
    number: Standing | None,
    channels: Collection[str],
    is_saved: bool,
) -> str:
    """Channels and kinds as they stand, to choose from.

    Args:
        number: how the contact's phone number stands by itself, where it has one.
        channels: those by which it can be reached; of the others nothing is shown.
    """
    shown = [choice for choice in CHOICES if choice[0] in channels]
    return _PAGES.render(
        "preferences.html.j2",
        merchant=merchant,
        token=token,
        choices={kind: [_choice(one, standing, number) for one in shown if one[1] == kind] for kind in MESSAGE_KINDS},
        preferences=[(value, _PREFERENCE_NAMES[value]) for value in NOTIFICATION_PREFERENCES],
        is_saved=is_saved,
    )


def field_of(choice: Choice) -> str:
    """The name of a choice in the form: `email`, and `email_orders` of messages about orders."""
    channel, kind = choice
    return channel if kind == "commercial" else f"{channel}_orders"


def problem_page(title: str, text: str) -> str:
    """Says what is the matter, where nobody is known to be spoken to."""
    return _PAGES.render("problem.html.j2", title=title, text=text)


def _choice(choice: Choice, standing: Standing, number: Standing | None) -> ShownChoice:
    channel, kind = choice
    reasons = standing.reasons(channel, kind)
    hindrance = _hindrance(reasons)
    if channel == "sms" and number and (of_number := number.reasons(channel, kind)):
        hindrance = _hindrance(of_number) or _BY_PHONE
    return ShownChoice(field_of(choice), channel, _CHANNEL_NAMES[channel], not reasons, hindrance)


def _hindrance(reasons: set[str]) -> str:
    """Why a contact can't undo it here; nothing where it only unsubscribed, or nothing stands against it."""
    others = sorted(reasons - {"unsubscribed"})
    return next((_REASONS[reason] for reason in others if reason in _REASONS), _BY_THE_SHOP if others else "")


def _in_sentence(channel: str) -> str:
    return {"email": "e-mail", "sms": "text message"}[channel]
