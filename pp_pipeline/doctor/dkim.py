"""DKIM (RFC 6376): the keys that signatures of the domain's mails are checked with."""

import base64
import binascii
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from pp_pipeline.doctor.dns import Ask
from pp_pipeline.doctor.finding import Finding

# What providers name theirs, as far as they all name them alike.
COMMON_SELECTORS = (
    "default", "dkim", "google", "k1", "k2", "k3", "mail", "mx", "pm", "s1", "s2", "selector1", "selector2", "smtp",
)  # fmt: skip
_LEAST_BITS, _GOOD_BITS = 1024, 2048
_ED25519_BYTES = 32


class _Unreadable(ValueError):
    """A key that nobody can use; the text says why."""


def judge_dkim(domain: str, selectors: Sequence[str], ask: Ask) -> list[Finding]:
    """The key of each selector that the merchant names, and of common ones that are there.

    Raises:
        NoAnswer: DNS could not be asked.
    """
    found = [_judge(domain, selector, _keys(domain, selector, ask)) for selector in selectors]
    for selector in COMMON_SELECTORS:
        if selector not in selectors and (keys := _keys(domain, selector, ask)):
            found.append(_judge(domain, selector, keys))
    if found:
        return found
    fix = "name the selectors that your provider signs with in the merchant's file: dkim_selectors: [s1, s2]"
    return [Finding(f"DKIM of {domain}", "warn", "no key under a common selector, and none is named", fix)]


def _keys(domain: str, selector: str, ask: Ask) -> list[str]:
    return [text for text in ask(f"{selector}._domainkey.{domain}") if "p" in tags(text)]


def _judge(domain: str, selector: str, keys: list[str]) -> Finding:
    what, where = f"DKIM of {domain}, {selector}", f"{selector}._domainkey.{domain}"
    if not keys:
        return Finding(what, "fail", "there is no key", f"publish the key that your provider shows at {where}")
    if len(keys) > 1:
        return Finding(what, "fail", f"there are {len(keys)} keys", f"leave one at {where}: receivers may use neither")
    stated = tags(keys[0])
    if not stated["p"]:
        return Finding(what, "fail", "the key was withdrawn (p= is empty)", "sign with another one, or name no such")
    try:
        kind, bits = _strength(stated.get("k", "rsa"), stated["p"])
    except _Unreadable as error:
        return Finding(what, "fail", str(error), f"publish the key anew at {where}, whole")
    if kind == "rsa" and bits < _LEAST_BITS:
        return Finding(what, "fail", f"the key has {bits} bits; receivers want {_LEAST_BITS}", "make one of 2048 bits")
    if kind == "rsa" and bits < _GOOD_BITS:
        return Finding(what, "warn", f"the key has {bits} bits", "make one of 2048 bits")
    if "y" in stated.get("t", "").split(":"):
        return Finding(what, "warn", "the key is for testing (t=y): receivers may not count it", "take t=y away")
    return Finding(what, "ok", f"{kind} key of {bits} bits")


def _strength(kind: str, text: str) -> tuple[str, int]:
    """Kind and length of a public key."""
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise _Unreadable("the key is not whole (p= is no Base64)") from None
    if kind == "ed25519":
        if len(content) != _ED25519_BYTES:
            raise _Unreadable("the key is not whole (p= is no Ed25519 key)")
        return kind, 8 * _ED25519_BYTES
    try:
        key = load_der_public_key(content)
    except Exception:  # the library's errors are many, and all say the same
        raise _Unreadable("the key is not whole (p= is no public key)") from None
    if kind != "rsa" or not isinstance(key, RSAPublicKey):
        raise _Unreadable(f"it is no key of the kind that it names (k={kind})")
    return kind, key.key_size


def tags(text: str) -> dict[str, str]:
    """The tags of a record (`v=DKIM1; k=rsa; p=...`), names in lower case."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip() for name, sign, value in pairs if sign}
