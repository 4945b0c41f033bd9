"""Delivering what one claim holds: rendering, the outlet, an outcome for every item (DESIGN 5)."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from pp_pipeline.messages.render import Renderer, RenderError
from pp_pipeline.sending.claim import Claim
from pp_pipeline.sending.outlets.outlet import Channel, Draft, Outcome, OutletBroken, OutletKey, Outlets, Relay
from pp_pipeline.sending.planned import Planned, PlannedEvent, PlannedMessage, PlannedSnapshot

# So many of one outlet in a claim, and all of them failed: the outlet is down, and is asked no more.
_FEWEST_FAILURES = 10

Item = TypeVar("Item")


def outlet_of(item: Planned) -> OutletKey:
    """Which outlet an item goes to."""
    return (item.merchant, item.channel if isinstance(item, PlannedMessage) else item.relay)


@dataclass
class Delivery:
    """Delivers the items of one claim; `outcomes` (by key) is right at any time, also when it is interrupted.

    An outlet takes the items one by one. What it has not taken is `deferred`; what it took and has not spoken of is
    `unknown`.
    """

    claim: Claim
    outlets: Outlets
    renderer: Renderer
    now: Callable[[], datetime]
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    problems: dict[OutletKey, str] = field(default_factory=dict)
    """What is wrong with an outlet, so that no more is claimed for it."""

    def __post_init__(self) -> None:
        self.outcomes = {each.item.key: Outcome("deferred", "interrupted") for each in self.claim.candidates}

    def run(self) -> bool:
        """Deliver everything, outlet by outlet; whether the lease held to the end."""
        by_outlet: dict[tuple[type[Planned], OutletKey], list[Planned]] = {}
        for each in self.claim.candidates:
            by_outlet.setdefault((type(each.item), outlet_of(each.item)), []).append(each.item)
        return all(self._deliver(place, items) for (_, place), items in by_outlet.items())

    def _deliver(self, place: OutletKey, items: Sequence[Planned]) -> bool:
        if isinstance(items[0], PlannedMessage):
            channel = self.outlets.channels.get(place)
            drafts = [draft for item in items if isinstance(item, PlannedMessage) and (draft := self._draft(item))]
            keyed = [(draft.message_id, draft) for draft in drafts]
            return self._hand_over(place, channel, keyed, channel.deliver if channel else None)
        relay = self.outlets.relays.get(place)
        if isinstance(items[0], PlannedEvent):
            events = [(item.key, item) for item in items if isinstance(item, PlannedEvent)]
            return self._hand_over(place, relay, events, relay.deliver_events if relay else None)
        snapshots = [(item.key, item) for item in items if isinstance(item, PlannedSnapshot)]
        return self._hand_over(place, relay, snapshots, relay.deliver_snapshots if relay else None)

    def _draft(self, message: PlannedMessage) -> Draft | None:
        try:
            return self.renderer.render(message)
        except RenderError as error:
            self.outcomes[message.key] = Outcome("skipped", str(error))
            return None

    def _hand_over(
        self,
        place: OutletKey,
        outlet: Channel | Relay | None,
        items: Sequence[tuple[str, Item]],
        deliver: Callable[[Iterator[Item]], Iterator[Outcome]] | None,
    ) -> bool:
        """Take down the outlet's answers; whether the lease held. What is wrong with the outlet is noted."""
        keys = [key for key, _ in items]
        if outlet is None or deliver is None:
            self.outcomes |= dict.fromkeys(keys, Outcome("failed", "no_such_outlet"))
            return True
        if outlet.target != self.claim.target:  # once for rehearsal must not be once for real, nor the other way
            self.outcomes |= dict.fromkeys(keys, Outcome("failed", "outlet_of_another_target"))
            return True
        waiting = deque(keys)
        try:
            for outcome in deliver(self._taken(items)):
                self.outcomes[waiting.popleft()] = outcome
        except OutletBroken as broken:
            self.outcomes |= dict.fromkeys(waiting, Outcome("failed", str(broken)))
            self.problems[place] = f"outlet: {broken}"
        except Exception as error:
            self.problems[place] = f"outlet: {type(error).__name__}"
        else:
            if waiting and self._lease_holds():
                self.problems[place] = "outlet: no answer"
            elif len(keys) >= _FEWEST_FAILURES and all(self.outcomes[key].state == "failed" for key in keys):
                self.problems[place] = f"outlet: all failed ({self.outcomes[keys[-1]].reason})"
        return not waiting or place in self.problems or self._lease_holds()

    def _taken(self, items: Sequence[tuple[str, Item]]) -> Iterator[Item]:
        """The items, each for the outlet to take when it is its turn: from then on it may have gone. Behind the lease
        no more are taken."""
        for key, item in items:
            if not self._lease_holds():
                return
            self.outcomes[key] = Outcome("unknown", "interrupted")
            yield item

    def _lease_holds(self) -> bool:
        return self.now() < self.claim.lease_until
