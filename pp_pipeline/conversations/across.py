"""What conversations, campaigns and segments must have of one another (DESIGN 4): judged when the program loads."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from pp_pipeline.campaigns.parameters import Campaign
from pp_pipeline.conversations.conversation import Conversation, InSegment

ORDER_EVENTS = ("purchase", "payment_received", "shipped", "delivered", "canceled", "returned", "refunded")
_BEGINS_WITH = {"order_date": "purchase", "ship_date": "shipped", "delivered_date": "delivered"}


def problems_across(
    conversations: Sequence[Conversation], campaigns: Sequence[Campaign], segments: Collection[str]
) -> list[str]:
    """A line for each thing that is wrong."""
    return [
        *_unknown_segments(conversations, segments),
        *_same_purpose(conversations, _origins(conversations, campaigns)),
        *_same_event(campaigns),
    ]


def unfired_events(conversations: Sequence[Conversation], campaigns: Iterable[Campaign]) -> dict[str, list[str]]:
    """By conversation, the events that it waits for and nothing fires: nobody would ever enter by them."""
    fired = {*ORDER_EVENTS, *(campaign.event for campaign in campaigns)}
    fired |= {event for each in conversations for event in each.fires}
    missed = {each.conversation: [event for event in each.events if event not in fired] for each in conversations}
    return {name: events for name, events in missed.items() if events}


def _unknown_segments(conversations: Iterable[Conversation], segments: Collection[str]) -> Iterator[str]:
    known = f"there are {', '.join(sorted(segments))}" if segments else "there are none"
    for each in conversations:
        asked = {exit_word.segment for exit_word in each.exit_when if isinstance(exit_word, InSegment)}
        asked |= {name for step in each.steps for branch in step.split or () for name in branch.when.named("segment")}
        for name in sorted(asked - set(segments)):
            yield f"{each.conversation}/conversation.yml: segment: there is no segment '{name}'; {known}"


def _origins(conversations: Sequence[Conversation], campaigns: Iterable[Campaign]) -> Mapping[str, set[str]]:
    """What each event goes back to: a campaign's to the order event that its wait begins with, one that conversations
    fire to what begins them."""
    found: dict[str, set[str]] = defaultdict(set)
    for event in ORDER_EVENTS:
        found[event] = {event}
    for campaign in campaigns:
        found[campaign.event] |= {_BEGINS_WITH[campaign.date_basis]}
    for _ in conversations:  # as many rounds as a chain can be long
        for each in conversations:
            for fired in each.fires:
                found[fired] |= {origin for event in each.events for origin in found[event]}
    return found


def _same_purpose(conversations: Sequence[Conversation], origins: Mapping[str, set[str]]) -> Iterator[str]:
    """Two that hold the same contacts for the same purpose would both write to them."""
    for one, other in combinations(conversations, 2):
        if one.flow_type is None or one.flow_type != other.flow_type:
            continue
        reached = [{origin for event in each.events for origin in origins[event] or {event}} for each in (one, other)]
        if both := sorted(reached[0] & reached[1]):
            yield (
                f"{other.conversation}/conversation.yml: flow_type: {one.conversation} holds contacts for "
                f"'{one.flow_type}' too, from {' and '.join(both)} on; keep one, or name their purposes apart"
            )


def _same_event(campaigns: Sequence[Campaign]) -> Iterator[str]:
    for one, other in combinations(campaigns, 2):
        is_same = (one.merchant, one.event, one.audience) == (other.merchant, other.event, other.audience)
        ends_before = one.active_to is not None and one.active_to < other.active_from
        begins_after = other.active_to is not None and other.active_to < one.active_from
        if is_same and not (ends_before or begins_after):
            yield (
                f"campaigns {one.name} and {other.name}: both fire `{one.event}` for the same orders of "
                f"{one.merchant}; keep one of the two, or give them audiences that don't overlap"
            )
