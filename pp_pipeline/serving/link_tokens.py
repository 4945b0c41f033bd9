"""The tokens of tracking links: which message a link stands in, and where it leads.

    MESSAGE_ID.SIGNATURE.LINK

The link is packed; the signature is an HMAC over message and packed link under the contact secret. So whoever clicks is
sent nowhere but where we wrote, nothing has to be kept for it, and a link leads on for as long as the secret is the
same. Whose message it is stands in the ledger, not here: a mail that is handed on tells nobody's key.
"""

import base64
import hmac
import re
import zlib
from dataclasses import dataclass

LONGEST_LINK = 2_000
TOKEN_PATTERN = r"[0-9A-Za-z_-]{1,64}\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{1,2800}"
_SIGNATURE_BYTES = 16
# What links are likely to hold: that halves them. It never changes, as mails that went out long ago were packed by it.
_WORDS = (
    b".html/products/collections/account/orders/pages/blogs/reviews/"
    b"&utm_content=?utm_source=post_purchase&utm_medium=email&utm_campaign=https"
    b"://www."
)


@dataclass(frozen=True)
class TrackedLink:
    """What a valid token says."""

    message_id: str
    url: str


def can_be_tracked(url: str) -> bool:
    """Whether a link can stand in a token, and in the header that hands on to it."""
    return len(url) <= LONGEST_LINK and re.fullmatch(r"https?://[!-~]+", url, re.IGNORECASE) is not None


def make_link_token(secret: bytes, link: TrackedLink) -> str:
    """The last part of a tracking link's address, for a link that `can_be_tracked`."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -9, 1, zlib.Z_DEFAULT_STRATEGY, _WORDS)
    packed = _text(packer.compress(link.url.encode()) + packer.flush())
    return f"{link.message_id}.{_signature(secret, link.message_id, packed)}.{packed}"


def read_link_token(secret: bytes, token: str) -> TrackedLink | None:
    """What a token says; nothing where it was not made here, for whatever reason."""
    if not re.fullmatch(TOKEN_PATTERN, token):
        return None
    message_id, signature, packed = token.split(".")
    if not hmac.compare_digest(_signature(secret, message_id, packed), signature):
        return None
    content = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
    url = zlib.decompressobj(-15, _WORDS).decompress(content).decode()
    return TrackedLink(message_id, url) if can_be_tracked(url) else None


def _signature(secret: bytes, message_id: str, packed: str) -> str:
    text = f"tracking link\n{message_id}\n{packed}"
    return _text(hmac.digest(secret, text.encode(), "sha256")[:_SIGNATURE_BYTES])


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
