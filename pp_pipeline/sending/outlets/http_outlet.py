"""What outlets by HTTP share: one kept connection, so many deliveries a second, the same clock and certificates."""

import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from pp_pipeline.sending.gates import DeliveryTarget
from pp_pipeline.sending.outlets.outlet import Closable, Outcome
from pp_pipeline.sending.outlets.pace import Attempts, Pace
from pp_pipeline.sending.planned import PlannedEvent, PlannedSnapshot
from pp_pipeline.settings import utc_now


@dataclass(kw_only=True)
class HttpOutlet:
    """An outlet that keeps its connection from one delivery to the next."""

    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)
    """How certificates are verified: against those that this machine trusts."""
    pace: Pace | None = None
    now: Callable[[], datetime] = field(default=utc_now, repr=False)
    target: DeliveryTarget = field(default="live", init=False)
    _attempts: Attempts = field(init=False, repr=False)
    _kept: Closable = field(init=False, repr=False)

    def _deliver_by(self, kept: Closable, per_second: float) -> None:
        """Say by which connection, and how fast; nothing connects yet."""
        self._kept, self._attempts = kept, Attempts(self.pace or Pace(per_second))

    def close(self) -> None:
        """End the connection. The next delivery opens another, also where this one found the outlet broken."""
        self._attempts.forget()
        self._kept.close()


@dataclass(kw_only=True)
class EventRelay(HttpOutlet, ABC):
    """A relay that takes events, one request or a few for each, and no segments."""

    def deliver_events(self, events: Iterable[PlannedEvent]) -> Iterator[Outcome]:
        """Hand over each event, no faster than `per_second`."""
        return self._attempts.each(events, self._deliver)

    def deliver_snapshots(self, snapshots: Iterable[PlannedSnapshot]) -> Iterator[Outcome]:
        """Nothing: such a relay can't be declared to take segments."""
        return iter(Outcome("failed", "takes_no_segments") for _ in snapshots)

    @abstractmethod
    def _deliver(self, event: PlannedEvent) -> Outcome: ...
