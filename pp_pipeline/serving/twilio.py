"""Inbound texts as Twilio posts them: a form, signed with the account's auth token (X-Twilio-Signature)."""

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qsl

NO_ANSWER = "<Response/>"
"""TwiML that says nothing: confirming a STOP is the provider's part, and whatever else is answered would be texted."""
_MOST_FIELDS = 200
_ASKED = ("STOP", "START", "HELP")


def is_signed(secret: bytes, url: str, body: bytes, signature: str) -> bool:
    """Whether a form was signed for this address.

    Args:
        secret: the account's auth token.
        url: the address as the provider has it, to the letter.
        signature: the header X-Twilio-Signature.
    """
    fields = _fields(body)
    if fields is None:
        return False
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    expected = base64.b64encode(hmac.digest(secret, signed.encode(), hashlib.sha1)).decode()
    return hmac.compare_digest(expected.encode(), signature.encode())


def read_post(body: bytes) -> list[dict[str, Any]]:
    """The inbound message of a form, in the fields of our own form; none where it holds none.

    A word that the account's own list of words made a STOP, START or HELP of (OptOutType) counts as that.
    """
    fields = dict(_fields(body) or ())
    if "From" not in fields or "Body" not in fields:
        return []  # what became of a message, and the like
    asked = fields.get("OptOutType", "").upper()
    said = asked if asked in _ASKED else fields["Body"]
    return [{"from": fields["From"], "to": fields.get("To", ""), "body": said, "id": fields.get("MessageSid")}]


def _fields(body: bytes) -> list[tuple[str, str]] | None:
    """Names and values of a form; nothing where it is none."""
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        return None
