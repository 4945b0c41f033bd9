"""The tokens in links: who a link is for, and by what channel it went out.

A token is an HMAC of merchant, contact key and channel under the contact secret. It never grows old, as a mail is
opened when it is opened, and it is all the authority that a link has.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass

_TOKEN_LENGTH = 32
_FIRST_FORM = re.compile(r"([0-9a-f]{32})\.([0-9a-f]{32})")
_SECOND_FORM = re.compile(r"2\.(sms)\.([0-9a-f]{32})\.([0-9a-f]{32})")


@dataclass(frozen=True)
class Person:
    """Whom a valid token names: a contact of a merchant, written to by a channel."""

    merchant: str
    contact_key: str
    channel: str


def make_token(secret: bytes, person: Person) -> str:
    """What stands as `c` in a link. Links in e-mails have the first form, which names no channel, for good: mails that
    went out long ago hold it."""
    if person.channel == "email":
        return f"{person.contact_key}.{_signature(secret, person)}"
    return f"2.{person.channel}.{person.contact_key}.{_signature(secret, person)}"


def read_token(secret: bytes, merchants: Iterable[str], token: str) -> Person | None:
    """Whom a token names; nobody where it was not made here, for whatever reason.

    The merchant stands in the signature only, so each is tried, all of them, in constant time.
    """
    if first := _FIRST_FORM.fullmatch(token):
        channel, (key, signature) = "email", first.groups()
    elif second := _SECOND_FORM.fullmatch(token):
        channel, key, signature = second.groups()
    else:
        return None
    found = None
    for merchant in merchants:
        person = Person(merchant, key, channel)
        if hmac.compare_digest(_signature(secret, person), signature):
            found = person
    return found


def _signature(secret: bytes, person: Person) -> str:
    text = f"unsubscribe\n{person.merchant}\n{person.contact_key}"
    if person.channel != "email":
        text += f"\n{person.channel}"
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()[:_TOKEN_LENGTH]
