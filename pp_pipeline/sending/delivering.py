"""Delivering what one claim holds: guards, rendering, the outlet, an outcome for every item (DESIGN 5)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.sending.claims import Claim
from pp_pipeline.sending.guards import skip_reason, without_suppressed
from pp_pipeline.sending.outlets import EmailDraft, Outcome, Outlets
from pp_pipeline.sending.planned import PlannedEvent, PlannedMessage, PlannedSnapshot
from pp_pipeline.sending.render import Renderer, RenderError


@dataclass
class Delivery:
    """Delivers the items of one claim; `outcomes` (by key) is right at any time, also when it is interrupted.

    What was not handed to an outlet is `deferred`, what an outlet has not spoken of is `unknown`.
    """

    claim: Claim
    outlets: Outlets
    conversations: Mapping[str, Conversation]
    renderer: Renderer
    now: Callable[[], datetime]
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.outcomes = {item.key: Outcome("deferred", "interrupted") for item in self.claim.items}

    def run(self) -> str:
        """Deliver everything; what was wrong with an outlet, or ''."""
        messages: dict[str, list[EmailDraft]] = {}
        events: dict[str, list[PlannedEvent]] = {}
        snapshots: dict[str, list[PlannedSnapshot]] = {}
        for item in self.claim.items:
            if reason := skip_reason(item, self.conversations, self.claim):
                self.outcomes[item.key] = Outcome("skipped", reason)
            elif isinstance(item, PlannedEvent):
                events.setdefault(item.relay, []).append(item)
            elif isinstance(item, PlannedSnapshot):
                snapshots.setdefault(item.relay, []).append(without_suppressed(item, self.claim))
            elif draft := self._draft(item):
                messages.setdefault(item.channel, []).append(draft)
        for name, drafts in messages.items():
            channel = self.outlets.channels.get(name)
            call = partial(channel.deliver, drafts) if channel else None
            if problem := self._hand_over([draft.message_id for draft in drafts], call):
                return problem
        for name, items in events.items():
            relay = self.outlets.relays.get(name)
            call = partial(relay.deliver_events, items) if relay else None
            if problem := self._hand_over([item.key for item in items], call):
                return problem
        for name, items in snapshots.items():
            relay = self.outlets.relays.get(name)
            call = partial(relay.deliver_snapshots, items) if relay else None
            if problem := self._hand_over([item.key for item in items], call):
                return problem
        return ""

    def _draft(self, message: PlannedMessage) -> EmailDraft | None:
        try:
            return self.renderer.render(message)
        except RenderError as error:
            self.outcomes[message.key] = Outcome("skipped", str(error))
            return None

    def _hand_over(self, keys: Sequence[str], deliver: Callable[[], Iterator[Outcome]] | None) -> str:
        """Take down the outlet's answers; what was wrong with it, or ''."""
        if deliver is None:
            self.outcomes |= dict.fromkeys(keys, Outcome("failed", "no_such_outlet"))
            return ""
        if self.now() >= self.claim.lease_until:
            return "lease_expired"
        self.outcomes |= dict.fromkeys(keys, Outcome("unknown", "interrupted"))
        try:
            answers = deliver()
            for key in keys:
                self.outcomes[key] = next(answers)
                if self.now() >= self.claim.lease_until:
                    return "lease_expired"
        except StopIteration:
            return "outlet: no answer"
        except Exception as error:
            return f"outlet: {type(error).__name__}"
        return ""
