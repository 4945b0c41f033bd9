"""Rendering a planned message into an e-mail or a text (DESIGN 5, "Templates"; docs/messages.md).

A message that can't be rendered whole is not sent; what is told of it is the template's name and the kind of
error, never the values.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from pathlib import Path

from markupsafe import escape

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.merchants import Merchant
from pp_pipeline.messages.budget import budget
from pp_pipeline.messages.content import Chosen
from pp_pipeline.messages.links import link_rule, rewrite_html, rewrite_text
from pp_pipeline.messages.sms import plain_blanks, segments
from pp_pipeline.messages.templates import Templates, templates_of
from pp_pipeline.messages.text_part import tidy
from pp_pipeline.messages.values import Content, values_of
from pp_pipeline.sending.outlets.outlet import EmailDraft, SmsDraft
from pp_pipeline.sending.planned import PlannedMessage
from pp_pipeline.serving.tokens import Person, make_token

MAX_HTML_BYTES = 102_400
"""Gmail cuts off what is longer, and with it the unsubscribe link."""

_TAGS = re.compile(r"<[^<>]*+>")
_NO_LETTERS = re.compile(r"[\W_]++")


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
    def templates(self) -> Templates:
        """Compiled templates are kept in it."""
        return templates_of(self.conversations_dir)

    def render(self, message: PlannedMessage) -> EmailDraft | SmsDraft:
        """The draft of a planned message, for its channel.

        Raises:
            RenderError: with the template and the kind of error.
        """
        name = f"{message.conversation}/{message.template}"
        try:
            with budget():
                return self._sms(message, name) if message.channel == "sms" else self._email(message, name)
        except RenderError:
            raise
        except Exception as error:  # also RecursionError and MemoryError: of this message alone
            raise RenderError(f"render_error: {name}: {type(error).__name__}") from None

    def _email(self, message: PlannedMessage, name: str) -> EmailDraft:
        if not message.email:
            raise RenderError("no_address")
        merchant, kind = self.merchants[message.merchant], self.conversations[message.conversation].kind
        template, locale = self.templates.email(name, message.contact.locale, merchant.locale)
        unsubscribe_url = self.unsubscribe_url(merchant, message.contact_key)
        values = values_of(message, merchant, kind, locale, self.templates.words.of(locale))
        values |= {"unsubscribe_url": unsubscribe_url, "content": self._content(message, locale)}
        values["subject"] = subject = " ".join(template.subject.render(values).split())
        values["preheader"] = preheader = " ".join(template.preheader.render(values).split())
        rule = link_rule(merchant, message, kind, self.secret)
        html = rewrite_html(template.html.render(values).strip() + "\n", rule)
        text = rewrite_text(tidy(template.text.render(values)), rule)
        if not subject or not text.strip():
            raise RenderError(f"render_error: {name}: an empty part")
        if kind == "commercial" and (unsubscribe_url not in text or str(escape(unsubscribe_url)) not in html):
            raise RenderError(f"render_error: {name}: no unsubscribe link")
        if kind == "commercial" and not (_says(text, merchant.postal_address) and _says(html, merchant.postal_address)):
            raise RenderError(f"render_error: {name}: no postal address")
        if len(html) > MAX_HTML_BYTES or len(html.encode("utf-8", "replace")) > MAX_HTML_BYTES:
            raise RenderError(f"render_error: {name}: more than 100 kB of HTML")
        return EmailDraft(
            message_id=message.key,
            conversation=message.conversation,
            merchant=message.merchant,
            day=message.due_on,
            from_name=merchant.sender_name,
            from_email=merchant.sender_email,
            to_email=message.email,
            subject=subject,
            text=text,
            html=html,
            one_click_url=unsubscribe_url if kind == "commercial" else "",
            reply_to=merchant.reply_to,
            locale=locale,
            preheader=preheader,
        )

    def _sms(self, message: PlannedMessage, name: str) -> SmsDraft:
        if not message.contact.phone:
            raise RenderError("no_phone")
        merchant, kind = self.merchants[message.merchant], self.conversations[message.conversation].kind
        template, locale = self.templates.sms(name, message.contact.locale, merchant.locale)
        words = self.templates.words.of(locale) or {}
        values = values_of(message, merchant, kind, locale, words) | {"content": self._content(message, locale)}
        rule = link_rule(merchant, message, kind, self.secret)
        text = rewrite_text(plain_blanks(tidy(template.text.render(values)).strip()), rule)
        if not text:
            raise RenderError(f"render_error: {name}: an empty part")
        said = (merchant.sender_name, words.get("reply_stop", "\0"))
        if kind == "commercial" and not all(plain_blanks(each) in text for each in said):
            raise RenderError(f"render_error: {name}: does not say who writes and how to stop it")
        sent = self.conversations[message.conversation].messages[message.step]
        count, most = segments(text), sent.max_segments
        if count > most:
            raise RenderError(f"render_error: {name}: {count} segments, more than {most}")
        return SmsDraft(
            message_id=message.key,
            conversation=message.conversation,
            merchant=message.merchant,
            day=message.due_on,
            sender=merchant.sms_sender,
            phone=message.contact.phone,
            text=text,
            segments=count,
            locale=locale,
        )

    def choose(self, name: str, message: PlannedMessage, locale: str) -> Chosen | None:
        """What a message in that locale shows of the content of a name.

        Raises:
            KeyError: there is no content of that name.
        """
        merchant = self.merchants[message.merchant]
        return self.templates.contents.choose(
            name, message.order, locale, merchant.locale, merchant.site_url.rstrip("/")
        )

    def _content(self, message: PlannedMessage, locale: str) -> Content:
        """`content("help")` in a template."""

        def content(name: str) -> Mapping[str, str] | None:
            chosen = self.choose(name, message, locale)
            return chosen.words if chosen else None

        return content

    def unsubscribe_url(self, merchant: Merchant, contact_key: str) -> str:
        """Where this contact unsubscribes: the merchant's page, with the contact's key and a token for it."""
        token = make_token(self.secret, Person(merchant.merchant, contact_key, "email"))
        separator = "&" if "?" in merchant.unsubscribe_url else "?"
        return f"{merchant.unsubscribe_url}{separator}c={token}"


def _says(content: str, words: str) -> bool:
    """Whether a part of a message shows words, whatever tags and signs stand between them."""
    if words in content or str(escape(words)) in content:
        return True
    shown = _NO_LETTERS.sub("", unescape(_TAGS.sub("", content)))
    return _NO_LETTERS.sub("", words).casefold() in shown.casefold()
