"""An e-mail as it travels (RFC 5322): the same draft gives the same bytes, whenever it is made.

Put together by hand out of the standard library's encoders: its EmailMessage parses every header anew and takes 14
times as long, most of what a sending would cost. Tests read the result back with it.
"""

import binascii
import re
from datetime import UTC, datetime, time
from email.errors import HeaderParseError
from email.header import Header
from email.headerregistry import Address
from email.utils import format_datetime
from functools import lru_cache

from pp_pipeline.sending.outlets.outlet import EmailDraft

# What nearly every address and subject looks like: needs no parser, no folding, no encoding.
_ATOMS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_PLAIN_ADDRESS = re.compile(rf"{_ATOMS}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_LINE = 74
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


class AddressNotUsable(ValueError):
    """An address that can't stand in a header. The text does not show it."""


def email_bytes(draft: EmailDraft, sent_at: datetime | None = None, is_utf8: bool = False) -> bytes:
    """The e-mail: a text part and an HTML part.

    Args:
        sent_at: its date. Without one it is noon (UTC) of the day it was due, so that rendering it again gives the
            same file.
        is_utf8: addresses may hold any letter (RFC 6532); only for a server that takes that.

    Raises:
        AddressNotUsable: sender, recipient, reply or unsubscribe address can't stand in a header.
    """
    boundary = f"=_{draft.message_id[:32]}"
    date = sent_at or datetime.combine(draft.day, time(12), UTC)
    head = [
        *(f"{name}: {value}" for name, value in one_click_headers(draft.one_click_url).items()),
        f"From: {_sender(draft.from_email, draft.from_name, is_utf8)}",
        f"To: {checked_address(draft.to_email, is_utf8)}",
        *([f"Reply-To: {checked_address(draft.reply_to, is_utf8)}"] if draft.reply_to else []),
        f"Subject: {_encoded(draft.subject, 'Subject')}",
        f"Date: {format_datetime(date)}",
        f"Message-ID: <{draft.message_id}@{draft.from_email.rpartition('@')[2]}>",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="{boundary}"',
    ]
    parts = [
        f'--{boundary}\r\nContent-Type: text/{kind}; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n".encode("ascii")
        + _quoted_printable(content)
        for kind, content in (("plain", draft.text), ("html", draft.html))
    ]
    end = f"--{boundary}--\r\n"
    return b"".join(["\r\n".join([*head, "", ""]).encode("utf-8" if is_utf8 else "ascii"), *parts, end.encode("ascii")])


def _quoted_printable(content: str) -> bytes:
    """The content with the line ends of e-mail, ending with one."""
    lines = content.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"
    return binascii.b2a_qp(lines.replace("\n", "\r\n").encode("utf-8", "replace"), istext=True)


def one_click_headers(url: str) -> dict[str, str]:
    """The headers of RFC 8058, none without a link. Each stands on one line: mail programs don't find a link that was
    folded or encoded.

    Raises:
        AddressNotUsable: the link can't stand in a header.
    """
    if not url:
        return {}
    if not url.isascii() or not url.isprintable() or set(url) & set(" <>"):
        raise AddressNotUsable("the unsubscribe address is not plain ASCII")
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def one_line(text: str) -> str:
    """Text without anything that could end a header."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _encoded(text: str, header: str) -> str:
    """Text in a header: folded, and encoded (RFC 2047) where it is not plain ASCII."""
    line = one_line(text)
    if line.isascii() and len(line) <= _LINE - len(header) and "=?" not in line and ":" not in line:
        return line
    charset = "us-ascii" if line.isascii() else "utf-8"
    try:
        return Header(line, charset, header_name=header).encode(linesep="\r\n")
    except HeaderParseError:  # what looks like a header of its own: nothing of it is taken at its word
        return Header(line, "utf-8", header_name=header).encode(linesep="\r\n")


@lru_cache(maxsize=64)
def _sender(address: str, name: str, is_utf8: bool) -> str:
    """Name and address of who writes."""
    checked = checked_address(address, is_utf8)
    if not name:
        return checked
    if name.isascii() and name.isprintable() and address.isascii():
        return str(Address(display_name=name, addr_spec=address))
    return f"{_encoded(name, 'From')} <{checked}>"


def checked_address(address: str, is_utf8: bool) -> str:
    """One address, as it may stand in a header.

    Raises:
        AddressNotUsable: it can't, or there is more than one.
    """
    if _PLAIN_ADDRESS.fullmatch(address):
        return address
    # The parser knows plain ASCII only, so of another address it judges a stand-in.
    plain = _NOT_ASCII.sub("x", address) if is_utf8 and address.isprintable() else address
    try:
        found = Address(addr_spec=plain)
        plain.encode("ascii")
    except Exception as error:  # the parser raises many kinds, some of them by accident, and quotes the address
        raise AddressNotUsable(f"the address can't stand in a header ({type(error).__name__})") from None
    return found.addr_spec if plain == address else address
