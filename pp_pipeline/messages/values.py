"""What a template can use: the values of one message (docs/messages.md, "Values")."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from pp_pipeline.merchants import Merchant
from pp_pipeline.messages.locales import direction
from pp_pipeline.sending.planned import PlannedMessage

Content = Callable[[str], Mapping[str, str] | None]
"""Texts by name (`content("help")`): title, text, link_text, link, blank where there is none; None for nothing."""

_LIKE_A_LINK = re.compile(r"://|@|\w\.\w{2,}")

KNOWN: dict[str, set[str] | None] = {
    "contact": {"email", "first_name"},
    "order": {"number", "date", "ship_date", "status", "total_cents", "currency", "attributes", "lines"},
    "merchant": {"sender_name", "site_url", "postal_address", "logo_url", "brand_color", "brand_color_on_dark"},
    "coupon": {"code", "expires_on"},
    "recommended": None,
    "content": None,
    "kind": None,
    "words": None,
    "locale": None,
    "language": None,
    "direction": None,
    "start": None,
    "end": None,
    "unsubscribe_url": None,
    "subject": None,
    "preheader": None,
}
"""The names that templates can use, and what each holds where that is fixed."""


def values_of(
    message: PlannedMessage, merchant: Merchant, kind: str, locale: str, words: Mapping[str, str] | None
) -> dict[str, Any]:
    """The values of a message, but for those that its channel adds."""
    is_ltr = direction(locale) == "ltr"
    values: dict[str, Any] = {
        "contact": {"email": message.email or "", "first_name": first_name(message)},
        "order": message.order,
        "merchant": merchant_values(merchant),
        "recommended": message.recommended,
        "kind": kind,
        "locale": locale,
        "language": locale.replace("_", "-"),
        "direction": "ltr" if is_ltr else "rtl",
        "start": "left" if is_ltr else "right",
        "end": "right" if is_ltr else "left",
    }
    if message.coupon:  # undefined where the message declares none
        values["coupon"] = message.coupon
    if words is not None:
        values["words"] = words
    return values


def merchant_values(merchant: Merchant) -> dict[str, str]:
    """What templates see of a merchant."""
    return {
        "sender_name": merchant.sender_name,
        "site_url": merchant.site_url.rstrip("/"),
        "postal_address": merchant.postal_address,
        "logo_url": merchant.logo_url,
        "brand_color": merchant.brand_color,
        "brand_color_on_dark": merchant.brand_color_on_dark,
    }


def first_name(message: PlannedMessage) -> str:
    """The contact's first name: as the contacts feed states it, else the order; '' if neither does.

    '' also of what mail programs would make a link of: whoever orders under such a name has us send it.
    """
    known = message.order.attributes if message.order else {}
    name = " ".join(str(message.contact.first_name or known.get("first_name") or "").split())
    name = name or next(iter(str(known.get("customer_name") or "").split()), "")
    return "" if _LIKE_A_LINK.search(name) else name
