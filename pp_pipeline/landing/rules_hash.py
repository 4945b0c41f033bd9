"""Digest of all that makes rows out of files besides the files: the parser, the secret, merchants and feeds."""

import hashlib
import json
from collections.abc import Mapping

from pp_pipeline.contact_keys import fingerprint
from pp_pipeline.merchants import Merchant

# Raise it when the same file would give other rows: days are loaded again.
PARSER_VERSION = 4


def rules_hash(merchants: Mapping[str, Merchant], secret: bytes) -> str:
    """Digest of all that makes rows out of files besides the files."""
    readings = [
        [
            merchant.merchant,
            merchant.zone,
            merchant.currency,
            merchant.country,
            sorted(merchant.ineligible_emails),
            [feed.reading_hash_parts() for feed in merchant.feeds],
        ]
        for merchant in sorted(merchants.values(), key=lambda merchant: merchant.merchant)
    ]
    return digest(PARSER_VERSION, fingerprint(secret), readings)


def digest(*parts: object) -> str:
    """A short hash of plain values."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
