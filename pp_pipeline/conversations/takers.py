"""Who fires each event and who takes it: conversations here, relays (outside platforms), or both (DESIGN 5).

A platform that is told of an event may write to the contact by itself. Where a conversation here writes about the same
event, the contact can hear of it twice: that is told, unless the relay's `also_here` says that it is meant so.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pp_pipeline.campaigns.parameters import Campaign
from pp_pipeline.conversations.across import ORDER_EVENTS
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.merchants import Merchant
from pp_pipeline.relay_roads import PlatformRoad


@dataclass(frozen=True)
class EventWay:
    """An event of one merchant, from who fires it to who takes it.

    Attributes:
        fired_by: `orders`, and campaigns and conversations by name; empty where nothing does.
        conversations: those here that it begins, each with the thread, such as `thank_you.say_thanks`.
        relays: those of the merchant that are told of it.
        rivals: of these the platforms that may write about it beside a conversation here, which nobody declared.
    """

    merchant: str
    event: str
    fired_by: tuple[str, ...]
    conversations: tuple[str, ...]
    relays: tuple[str, ...]
    rivals: tuple[str, ...]

    @property
    def is_taken(self) -> bool:
        """Whether anybody takes it. That nobody does is no fault: orders fire more than most shops need."""
        return bool(self.conversations or self.relays)

    @property
    def lost(self) -> str:
        """Who waits for it in vain, as nothing fires it; '' where something does."""
        if self.fired_by:
            return ""
        waiting = [*self.conversations, *(f"relay {relay} of {self.merchant}" for relay in self.relays)]
        return f"{' and '.join(waiting)} waits for {self.event}, which no campaign, order event or action fires"

    @property
    def rivalry(self) -> str:
        """Who may both write about it, and what to do; '' where no two may, or it is declared."""
        if not self.rivals:
            return ""
        return (
            f"{' and '.join(self.conversations)} and relay {' and '.join(self.rivals)} may both write about "
            f"{self.event}: take it from one of them, or name it under also_here of the relay in "
            f"merchants/{self.merchant}.yml"
        )


def event_ways(
    campaigns: Sequence[Campaign], conversations: Sequence[Conversation], merchants: Mapping[str, Merchant]
) -> list[EventWay]:
    """Every event that is fired or waited for, by merchant and name.

    Conversations are for all merchants: what one of them waits for has to be fired for some merchant only, and stands
    with each where nothing fires it at all.
    """
    fired = {name: _fired(name, campaigns, conversations) for name in merchants}
    everywhere = {event for of_merchant in fired.values() for event in of_merchant}
    lost = {event for each in conversations for event in each.events} - everywhere
    ways = []
    for name, merchant in merchants.items():
        told = {event for relay in merchant.relays for event in relay.events}
        for event in sorted({*fired[name], *told, *lost}):
            here = tuple(threads_of(event, conversations))
            ways.append(
                EventWay(
                    merchant=name,
                    event=event,
                    fired_by=tuple(fired[name].get(event, ())),
                    conversations=here,
                    relays=tuple(relays_of(event, merchant)),
                    rivals=tuple(_undeclared(event, merchant)) if here else (),
                )
            )
    return ways


def as_markdown(ways: Iterable[EventWay]) -> str:
    """A line for each in Markdown, as Dagster shows metadata in a narrow column."""
    lines = []
    for way in ways:
        takers = [*way.conversations, *(f"relay {relay}" for relay in way.relays)]
        fired_by = ", ".join(way.fired_by) or "nothing"
        lines.append(f"- **{way.event}** of {way.merchant}, from {fired_by}: {', '.join(takers) or 'nobody'}")
    return "\n".join(lines)


def takers_of(event: str, merchant: Merchant, conversations: Iterable[Conversation]) -> list[str]:
    """Who takes an event of a merchant, in words: conversations, then `relay NAME`."""
    here = [each.conversation for each in conversations if event in each.events]
    return here + [f"relay {relay}" for relay in relays_of(event, merchant)]


def relays_of(event: str, merchant: Merchant) -> list[str]:
    """The merchant's relays that are told of an event."""
    return [relay.relay for relay in merchant.relays if event in relay.events]


def threads_of(event: str, conversations: Iterable[Conversation]) -> list[str]:
    """The threads that an event begins, as `conversation.thread`."""
    return [
        f"{each.conversation}.{thread.thread}" for each in conversations for thread in each.threads
        if event in thread.events
    ]  # fmt: skip


def _fired(
    merchant: str, campaigns: Iterable[Campaign], conversations: Iterable[Conversation]
) -> Mapping[str, list[str]]:
    """By event, who fires it for a merchant."""
    found = {event: ["orders"] for event in ORDER_EVENTS}
    for campaign in campaigns:
        if campaign.merchant == merchant:
            found.setdefault(campaign.event, []).append(f"campaign {campaign.name}")
    for conversation in conversations:
        for event in conversation.fires:
            found.setdefault(event, []).append(f"conversation {conversation.conversation}")
    return found


def _undeclared(event: str, merchant: Merchant) -> Iterator[str]:
    """The platforms that write to contacts by an event, and don't say that somebody here does too."""
    for relay in merchant.relays:
        if isinstance(relay, PlatformRoad) and event in relay.events and event not in relay.also_here:
            yield relay.relay
