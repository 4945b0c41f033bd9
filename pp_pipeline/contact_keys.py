"""`contact_key`: who a contact is, without showing it (DESIGN 6).

It is an HMAC of merchant and normalised e-mail under a secret of this installation, so keys can stand
in logs, metadata and the ledger, and nobody can turn an address list into keys without the secret.
The fingerprint of the secret stands in the ledger: with another secret nothing is sent.
"""

import contextlib
import hmac
import os
import secrets
from pathlib import Path

from pp_pipeline.settings import Settings

_KEY_LENGTH = 32
_SHORTEST_SECRET = 16


class SecretError(RuntimeError):
    """The secret can't be used; the text says where it comes from and what to do."""


def contact_secret(settings: Settings) -> bytes:
    """The secret behind `contact_key`: PP_SECRET, else the home's `secret.key`, made on first use.

    Raises:
        SecretError: PP_SECRET or the file is too short to be one, or can't be read.
    """
    if settings.secret:
        return _checked(settings.secret, "PP_SECRET")
    path = settings.secret_file
    if not path.exists():
        _make(path)
    try:
        return _checked(path.read_text(encoding="ascii").strip(), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise SecretError(f"{path.name} in the home can't be read ({type(error).__name__})") from None


def contact_key(secret: bytes, merchant: str, email: str) -> str:
    """The key of a contact: 32 hex characters of HMAC-SHA256 over merchant and normalised e-mail."""
    return hmac.digest(secret, f"{merchant}\n{email}".encode(), "sha256").hex()[:_KEY_LENGTH]


def phone_key(secret: bytes, merchant: str, phone: str) -> str:
    """The key of a phone number (E.164) by itself: what its holder said by SMS counts for the number, whoever the
    merchant knows it to belong to. It never is a contact's, as a number holds no @."""
    return contact_key(secret, merchant, phone)


def is_contact_key(text: str) -> bool:
    """Whether a text is written as contact keys are."""
    return len(text) == _KEY_LENGTH and set(text) <= set("0123456789abcdef")


def fingerprint(secret: bytes) -> str:
    """What tells this secret from another without showing it; stands in the ledger."""
    return hmac.digest(secret, b"fingerprint of the contact secret", "sha256").hex()[:_KEY_LENGTH]


def _checked(text: str, where: str) -> bytes:
    if len(text) < _SHORTEST_SECRET:
        raise SecretError(
            f"{where} holds fewer than {_SHORTEST_SECRET} characters; every contact_key hangs on it: "
            "restore the former secret, or set a new one of 64 random characters before the first load"
        )
    return text.encode()


def _make(path: Path) -> None:
    """Write a new secret for the owner's eyes only; of two processes that do, the first one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)  # unlike a rename, it never replaces a secret that is already there
    finally:
        draft.unlink(missing_ok=True)
