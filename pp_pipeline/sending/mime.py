"""An e-mail as it travels (RFC 5322): the same draft gives the same bytes, whenever it is made."""

from datetime import UTC, datetime, time
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from pp_pipeline.sending.outlets import EmailDraft


class AddressNotUsable(ValueError):
    """An address that can't stand in a header. The text does not show it."""


def email_bytes(draft: EmailDraft) -> bytes:
    """The e-mail: a text part and an HTML part.

    Its date is that of the day it was due, so that rendering it again gives the same file.

    Raises:
        AddressNotUsable: sender, recipient or unsubscribe address can't stand in a header.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = _address(draft.from_email, draft.from_name)
    message["To"] = _address(draft.to_email)
    message["Subject"] = draft.subject
    message["Date"] = format_datetime(datetime.combine(draft.day, time(12), UTC))
    message["Message-ID"] = f"<{draft.message_id}@{draft.from_email.rpartition('@')[2]}>"
    message.set_content(draft.text, cte="quoted-printable")
    message.add_alternative(draft.html, subtype="html", cte="quoted-printable")
    message.set_boundary(f"=_{draft.message_id[:32]}")
    return _one_click_headers(draft.one_click_url) + message.as_bytes()


def _one_click_headers(url: str) -> bytes:
    """The headers of RFC 8058, each on one line: Python's e-mail package folds and encodes long links, and
    mail programs then no longer find them."""
    if not url:
        return b""
    try:
        return f"List-Unsubscribe: <{url}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n".encode("ascii")
    except UnicodeEncodeError:
        raise AddressNotUsable("the unsubscribe address is not plain ASCII") from None


def _address(address: str, name: str = "") -> Address:
    try:
        found = Address(display_name=name, addr_spec=address)
        address.encode("ascii")
    except Exception as error:  # the parser raises many kinds, some of them by accident, and quotes the address
        raise AddressNotUsable(f"the address can't stand in a header ({type(error).__name__})") from None
    return found
