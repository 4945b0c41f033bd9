"""The page that shows how things stand: what `pp status` says."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from pp_pipeline.pages.rendering import page
from pp_pipeline.status.gathering import DAYS_AHEAD, Status
from pp_pipeline.status.telling import rows_of

PATH = "/status"


@dataclass(frozen=True)
class StatusPage:
    """The page over one installation; `look` finds how it stands now."""

    look: Callable[[], Status]

    def shown(self) -> str:
        """The page.

        Raises:
            SettingsError and the like: what a person can put right; the text says how.
        """
        status = self.look()
        return page(
            "status.html.j2",
            PATH,
            today=status.today,
            until=status.today + timedelta(days=DAYS_AHEAD),
            rows=rows_of(status),
            queues=status.built.queues,
            troubles=status.troubles,
        )
