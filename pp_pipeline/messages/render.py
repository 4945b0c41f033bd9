"""Rendering a planned message into an e-mail (DESIGN 5, "Templates").

A message that can't be rendered whole is not sent; what is told of it is the template's name and the kind of
error, never the values.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import escape

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.merchants import Merchant
from pp_pipeline.messages.templates import HTML_SUFFIX, TEXT_SUFFIX, template_environment
from pp_pipeline.sending.outlets.outlet import EmailDraft
from pp_pipeline.sending.planned import PlannedMessage
from pp_pipeline.serving.tokens import Person, make_token


class RenderError(RuntimeError):
    """A message that can't be rendered; the text is the reason that the ledger keeps."""


@dataclass(frozen=True)
class Renderer:
    """Renders the messages of a checkout's conversations."""

    conversations_dir: Path
    conversations: Mapping[str, Conversation]
    merchants: Mapping[str, Merchant]
    secret: bytes

    @cached_property
    def environment(self) -> Environment:
        """Jinja2, sandboxed and strict; compiled templates are kept in it."""
        return template_environment(self.conversations_dir)

    def render(self, message: PlannedMessage) -> EmailDraft:
        """The e-mail of a planned message.

        Raises:
            RenderError: with the template and the kind of error.
        """
        merchant = self.merchants[message.merchant]
        is_commercial = self.conversations[message.conversation].kind == "commercial"
        if not message.email:
            raise RenderError("no_address")
        unsubscribe_url = self.unsubscribe_url(merchant, message.contact_key)
        values = _values(message, merchant, unsubscribe_url)
        template = f"{message.conversation}/{message.template}"
        try:
            subject, preheader = (
                " ".join(self._block(template + TEXT_SUFFIX, block, values).split())
                for block in ("subject", "preheader")
            )
            values |= {"subject": subject, "preheader": preheader}
            text = self.environment.get_template(template + TEXT_SUFFIX).render(values)
            html = self.environment.get_template(template + HTML_SUFFIX).render(values)
        except Exception as error:
            raise RenderError(f"render_error: {template}: {type(error).__name__}") from None
        if not subject or not text.strip() or not html.strip():
            raise RenderError(f"render_error: {template}: an empty part")
        if is_commercial and (unsubscribe_url not in text or str(escape(unsubscribe_url)) not in html):
            raise RenderError(f"render_error: {template}: no unsubscribe link")
        return EmailDraft(
            message_id=message.key,
            conversation=message.conversation,
            merchant=message.merchant,
            day=message.due_on,
            from_name=merchant.sender_name,
            from_email=merchant.sender_email,
            to_email=message.email,
            subject=subject,
            text=text.strip() + "\n",
            html=html.strip() + "\n",
            one_click_url=unsubscribe_url if is_commercial else "",
        )

    def unsubscribe_url(self, merchant: Merchant, contact_key: str) -> str:
        """Where this contact unsubscribes: the merchant's page, with the contact's key and a token for it."""
        token = make_token(self.secret, Person(merchant.merchant, contact_key, "email"))
        separator = "&" if "?" in merchant.unsubscribe_url else "?"
        return f"{merchant.unsubscribe_url}{separator}c={token}"

    def _block(self, template_name: str, block: str, values: Mapping[str, Any]) -> str:
        """One block of a template by itself; the subject and preheader are no part of the text."""
        template = self.environment.get_template(template_name)
        return "".join(template.blocks[block](template.new_context(dict(values))))


def _values(message: PlannedMessage, merchant: Merchant, unsubscribe_url: str) -> dict[str, Any]:
    """What a template can use, as messages/templates.py lists it."""
    values = {"coupon": message.coupon} if message.coupon else {}  # undefined where the message declares none
    return values | {
        "contact": {"email": message.email, "first_name": first_name(message)},
        "order": message.order,
        "merchant": {
            "sender_name": merchant.sender_name,
            "site_url": merchant.site_url.rstrip("/"),
            "postal_address": merchant.postal_address,
        },
        "unsubscribe_url": unsubscribe_url,
    }


def first_name(message: PlannedMessage) -> str:
    """The contact's first name, if the feed has a column first_name or customer_name; else ''."""
    known = message.order.attributes if message.order else {}
    return str(known.get("first_name") or known.get("customer_name") or "").strip().partition(" ")[0]
