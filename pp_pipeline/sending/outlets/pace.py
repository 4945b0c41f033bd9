"""How fast and how long an outlet delivers: so many a second, one after the other, until nobody answers any more."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from pp_pipeline.sending.outlets.outlet import Outcome, OutletBroken

MOST_UNANSWERED = 5

Item = TypeVar("Item")


@dataclass
class Pace:
    """Lets deliveries pass at an even pace. `clock` gives seconds, `wait` waits for some."""

    per_second: float
    clock: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep
    _next: float = field(default=float("-inf"), init=False)

    def wait_for_turn(self) -> None:
        """Wait until the next delivery may go."""
        now = self.clock()
        if self._next > now:
            self.wait(self._next - now)

    def take_turn(self) -> None:
        """One goes now. A pause is not made up for by a burst."""
        self._next = max(self._next, self.clock()) + 1 / self.per_second


@dataclass
class Attempts:
    """Delivers one after the other. After a time nobody answers: then the outlet is broken, not every delivery.

    Each of those that are not answered is `unknown`, and a person has to look at it; so there should be few.
    """

    pace: Pace
    _unanswered: int = field(default=0, init=False)
    _broken: str = field(default="", init=False)

    def each(self, items: Iterable[Item], attempt: Callable[[Item], Outcome]) -> Iterator[Outcome]:
        """The outcome of each item. It is taken when its turn has come: who is interrupted while waiting has not
        begun with it.

        Raises:
            OutletBroken: `attempt` says so, or the last MOST_UNANSWERED were `unknown`; from then on at once.
        """
        waiting = iter(items)
        while True:
            self.pace.wait_for_turn()
            try:
                item = next(waiting)
            except StopIteration:
                return
            if self._broken:
                raise OutletBroken(self._broken)
            self.pace.take_turn()
            try:
                outcome = attempt(item)
            except OutletBroken as broken:
                self._broken = str(broken)
                raise
            self._unanswered = self._unanswered + 1 if outcome.state == "unknown" else 0
            if self._unanswered >= MOST_UNANSWERED:
                self._broken = "no_answers"
            yield outcome

    def forget(self) -> None:
        """Begin anew: the outlet may have been mended."""
        self._unanswered, self._broken = 0, ""
