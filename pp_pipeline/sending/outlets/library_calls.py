"""How libraries of providers call: by a connection of ours, in place of their own (DESIGN 5).

A library knows how its provider wants a message, and what it answers. What holds of all roads is not left to it: one
kept connection, a deadline over the whole, nothing tried again, no redirects, no proxies, nothing logged.
"""

import re
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import urlsplit

from pp_pipeline.sending.outlets.http_posting import Answer, HttpPlatform, Request, Unanswered
from pp_pipeline.sending.outlets.outlet import Outcome

SAYS_WHY = (400, 422)
"""Answers whose body says what is wrong with a message: the library reads them, as it does 2xx."""

_PLAIN_ID = re.compile(r"[A-Za-z0-9._:=+/@<>-]{1,200}")


class Settled(Exception):
    """It is known what became of a message, and there is no answer for the library to read."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


class LibraryCalls:
    """Calls to the host of an address.

    Attributes:
        answer: what the library was given to read of this message.
    """

    def __init__(self, url: str, tls: ssl.SSLContext, now: Callable[[], datetime]) -> None:
        parts = urlsplit(url)
        self._platform = HttpPlatform(f"{parts.scheme}://{parts.netloc}", tls, now)
        self.answer: Answer | None = None

    def begin(self, seconds: float) -> Outcome | None:
        """Begin a message that may take so long in all. An outcome where the provider asked to be left alone."""
        self.answer = None
        return self._platform.begin(seconds)

    def post(self, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Hand a message over, and get an answer that has to be read.

        Raises:
            Settled: there is none, or its status says it all.
            OutletBroken: no connection, or the secret is wrong.
        """
        try:
            answer = self._platform.hand_over(Request("POST", target, headers, body))
        except Unanswered as unanswered:
            raise Settled(unanswered.outcome) from None
        if not 200 <= answer.status < 300 and answer.status not in SAYS_WHY:
            raise Settled(_of_one_message(self._platform.outcome_of(answer)))
        self.answer = answer
        return answer

    def close(self) -> None:
        """End the connection; the next call opens another."""
        self._platform.close()


def plain_id(value: object) -> str:
    """What a provider calls a message, where that looks like a name and no sentence."""
    return value if isinstance(value, str) and _PLAIN_ID.fullmatch(value) else ""


def _of_one_message(outcome: Outcome) -> Outcome:
    """404 and 410 speak of the account or the address that was asked, which can be mended, and not of the message."""
    if outcome.state == "skipped" and outcome.reason != "rejected: 413":
        return Outcome("failed", outcome.reason.replace("rejected", "refused"))
    return outcome
