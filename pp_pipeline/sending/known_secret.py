"""The contact secret, held against the ledger (DESIGN 6): with another one nothing is sent."""

from pp_pipeline.contact_keys import contact_secret, fingerprint
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.settings import Settings

SECRET_FACT = "contact_secret_fingerprint"


class SendRefused(RuntimeError):
    """Nothing was sent; the text says why and what to do."""


def known_secret(settings: Settings, ledger: Ledger) -> bytes:
    """The contact secret, if it is the one that the ledger knows; the first one ever seen is written down.

    Raises:
        SendRefused: another secret makes other contact keys: suppressions would no longer be found.
    """
    secret = contact_secret(settings)
    own = fingerprint(secret)
    known = ledger.remember_fact(SECRET_FACT, own)
    if known != own:
        raise SendRefused(
            f"nothing was read or sent: the contact secret (fingerprint {own[:8]}) is not the one that this ledger "
            f"knows ({known[:8]}). Restore {settings.secret_file.name} in the home or PP_SECRET, as it was"
        )
    return secret
