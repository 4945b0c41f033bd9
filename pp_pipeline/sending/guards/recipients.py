"""Who may be reached at all: outside production only those on a list (DESIGN 5, "Batches")."""

import re
from dataclasses import dataclass
from functools import cached_property

from pp_pipeline.sending.gates import DeliveryTarget
from pp_pipeline.sending.known_secret import SendRefused
from pp_pipeline.settings import Settings


@dataclass(frozen=True)
class Recipients:
    """Addresses and phone numbers (E.164), or patterns of them with * and ?; None is everybody."""

    patterns: tuple[str, ...] | None = None

    def include(self, recipient: str | None) -> bool:
        """Whether an address or number may be reached; of none nobody can tell, so it is on no list."""
        if self.patterns is None:
            return True
        return recipient is not None and any(each.fullmatch(recipient.strip().lower()) for each in self._compiled)

    @cached_property
    def _compiled(self) -> list[re.Pattern[str]]:
        words = [re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".") for pattern in self.patterns or ()]
        return [re.compile(word) for word in words]


EVERYBODY = Recipients()


def recipients_of(settings: Settings, target: DeliveryTarget) -> Recipients:
    """Whom deliveries of a target may reach: everybody in production and in rehearsals, else those on the list."""
    if target != "live" or settings.is_production:
        return EVERYBODY
    return Recipients(settings.allowed_recipients)


def check_recipients(settings: Settings) -> None:
    """Look whether a live sending could reach anybody.

    Raises:
        SendRefused: it could not, and would skip everything for good.
    """
    if settings.live and not settings.is_production and not settings.allowed_recipients:
        raise SendRefused(
            "nothing was sent: in live mode outside production only PP_ALLOWED_RECIPIENTS are reached, and that is "
            "empty, so everything would be skipped for good. Set it, or PP_ENVIRONMENT=production"
        )
