"""Delivering what one claim holds: rendering, the outlet, an outcome for every item (DESIGN 5)."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from pp_pipeline.sending.claim import Claim
from pp_pipeline.sending.outlets import Channel, EmailDraft, Outcome, OutletBroken, OutletKey, Outlets, Relay
from pp_pipeline.sending.planned import Planned, PlannedEvent, PlannedMessage, PlannedSnapshot
from pp_pipeline.sending.render import Renderer, RenderError

# So many of one outlet in a claim, and all of them failed: the outlet is down, and is asked no more.
_FEWEST_FAILURES = 10


def outlet_of(item: Planned) -> OutletKey:
    """Which outlet an item goes to."""
    return (item.merchant, item.channel if isinstance(item, PlannedMessage) else item.relay)


@dataclass
class Delivery:
    """Delivers the items of one claim; `outcomes` (by key) is right at any time, also when it is interrupted.

    What was not handed to an outlet is `deferred`, what an outlet has not spoken of is `unknown`.
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
            call = partial(channel.deliver, drafts) if channel else None
            return self._hand_over(place, channel, [draft.message_id for draft in drafts], call)
        relay = self.outlets.relays.get(place)
        call = None
        if relay is not None and isinstance(items[0], PlannedEvent):
            call = partial(relay.deliver_events, [item for item in items if isinstance(item, PlannedEvent)])
        elif relay is not None:
            call = partial(relay.deliver_snapshots, [item for item in items if isinstance(item, PlannedSnapshot)])
        return self._hand_over(place, relay, [item.key for item in items], call)

    def _draft(self, message: PlannedMessage) -> EmailDraft | None:
        try:
            return self.renderer.render(message)
        except RenderError as error:
            self.outcomes[message.key] = Outcome("skipped", str(error))
            return None

    def _hand_over(
        self,
        place: OutletKey,
        outlet: Channel | Relay | None,
        keys: Sequence[str],
        deliver: Callable[[], Iterator[Outcome]] | None,
    ) -> bool:
        """Take down the outlet's answers; whether the lease held. What is wrong with the outlet is noted."""
        if outlet is None or deliver is None:
            self.outcomes |= dict.fromkeys(keys, Outcome("failed", "no_such_outlet"))
            return True
        if outlet.target != self.claim.target:  # once for rehearsal must not be once for real, nor the other way
            self.outcomes |= dict.fromkeys(keys, Outcome("failed", "outlet_of_another_target"))
            return True
        if self.now() >= self.claim.lease_until:
            return False
        self.outcomes |= dict.fromkeys(keys, Outcome("unknown", "interrupted"))
        waiting = deque(keys)
        try:
            answers = deliver()
            while waiting:
                self.outcomes[waiting[0]] = next(answers)
                waiting.popleft()
                if self.now() >= self.claim.lease_until:
                    return False
        except OutletBroken as broken:
            self.outcomes |= dict.fromkeys(waiting, Outcome("failed", str(broken)))
            self.problems[place] = f"outlet: {broken}"
        except StopIteration:
            self.problems[place] = "outlet: no answer"
        except Exception as error:
            self.problems[place] = f"outlet: {type(error).__name__}"
        else:
            if len(keys) >= _FEWEST_FAILURES and all(self.outcomes[key].state == "failed" for key in keys):
                self.problems[place] = f"outlet: all failed ({self.outcomes[keys[-1]].reason})"
        return True
