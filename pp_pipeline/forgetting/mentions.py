"""Addresses of forgotten people within texts: the last net, for whatever cell they stand in."""

import re

from pp_pipeline.forgetting.known import Erasure
from pp_pipeline.forgetting.words import FORGOTTEN
from pp_pipeline.landing.addresses import read_email
from pp_pipeline.landing.cells import CellCache

_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+\s?(?:@|%40)\s?[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
_AT = re.compile(r"\s?(?:@|%40)\s?", re.IGNORECASE)
_SIMPLE = re.compile(r"[a-z0-9._+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+")
# What may stand in an address, and in texts mostly stands before one: `mail=ann@...`, `|ann@...`.
_BEFORE = re.compile(r".*[|=/&?{}#*`]")


class Mentions:
    """Takes the addresses of forgotten contacts of one merchant out of texts; what it made of a text is kept."""

    def __init__(self, erasure: Erasure, merchant: str) -> None:
        self._erasure = erasure
        self._merchant = merchant
        self._texts = CellCache(self._cleaned)
        self._addresses = CellCache(self._is_forgotten_address)

    def without(self, text: str) -> str:
        """The text with `forgotten` in place of each such address; mostly the text itself."""
        return self._texts[text] if may_mention(text) else text

    def is_address(self, text: str) -> bool:
        """Whether the text as a whole is such an address, in any of the spellings that a row may have."""
        return "@" in text and self._addresses[text]

    def _is_forgotten_address(self, text: str) -> bool:
        address, _ = read_email(text)
        return address is not None and self._erasure.is_contact(self._merchant, address)

    def _cleaned(self, text: str) -> str:
        simple = text.strip().lower()
        # Nearly every text is a plain address: of it the checks of a validator change nothing but the time.
        address = simple if _SIMPLE.fullmatch(simple) else read_email(text)[0]
        if address is not None:
            return FORGOTTEN if self._erasure.is_contact(self._merchant, address) else text
        return _ADDRESS.sub(self._replaced, text)

    def _replaced(self, found: re.Match[str]) -> str:
        local, domain = _AT.split(found[0], maxsplit=1)
        begins = {0, len(local) - len(local.lstrip("'!$%&*+/=?^`{|}~#-."))}
        if found.start() and found.string[found.start() - 1] == "\\":
            begins.add(1)  # the n of a line break within JSON
        if delimited := _BEFORE.match(local):
            begins.add(delimited.end())
        for begin in sorted(begins):
            address, _ = read_email(f"{local[begin:]}@{domain}")
            if address is not None and self._erasure.is_contact(self._merchant, address):
                return f"{local[:begin]}{FORGOTTEN}"
        return found[0]


def may_mention(text: str) -> bool:
    """Whether a text may hold an address at all."""
    return "@" in text or "%40" in text
