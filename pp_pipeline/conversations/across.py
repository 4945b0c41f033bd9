"""What conversations, campaigns and segments must have of one another (DESIGN 4): judged when the program loads."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from pp_pipeline.campaigns.parameters import Campaign
from pp_pipeline.conversations.conversation import Conversation, InSegment
from pp_pipeline.conversations.faults import Fault, fault_of_campaign, fault_of_conversation, told
from pp_pipeline.settings import Settings

ORDER_EVENTS = ("purchase", "payment_received", "shipped", "delivered", "canceled", "returned", "refunded")
_BEGINS_WITH = {"order_date": "purchase", "ship_date": "shipped", "delivered_date": "delivered"}


def problems_across(
    settings: Settings, conversations: Sequence[Conversation], campaigns: Sequence[Campaign], segments: Collection[str]
) -> list[str]:
    """A line for each thing that is wrong, with the file and line of the word at fault."""
    return [
        told(fault, settings.checkout if fault.file.endswith(".sql") else settings.conversations_dir)
        for fault in faults_across(conversations, campaigns, segments)
    ]


def faults_across(
    conversations: Sequence[Conversation], campaigns: Sequence[Campaign], segments: Collection[str]
) -> list[Fault]:
    """What is wrong between them; also of such as no file holds yet."""
    origins = _origins(conversations, campaigns)
    return [
        *_unknown_segments(conversations, segments),
        *_same_purpose(conversations, origins),
        *_same_purpose_as_a_campaign(conversations, campaigns, origins),
        *_same_event(campaigns),
    ]


def _unknown_segments(conversations: Iterable[Conversation], segments: Collection[str]) -> Iterator[Fault]:
    known = f"there are {', '.join(sorted(segments))}" if segments else "there are none"
    for each in conversations:
        for name, path in _asked_segments(each):
            if name not in segments:
                yield fault_of_conversation(each.conversation, path, f"there is no segment '{name}'; {known}")


def _asked_segments(conversation: Conversation) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """The segments that a conversation asks for, with the keys and list places that lead to them."""
    for number, word in enumerate(conversation.exit_when):
        if isinstance(word, InSegment):
            yield word.segment, ("exit_when", number, "segment")
    for path, step in conversation.places:
        for number, branch in enumerate(step.split or ()):
            for name, within in branch.when.named_at("segment"):
                yield name, (*path, "split", number, "when", *within)


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


def _same_purpose(conversations: Sequence[Conversation], origins: Mapping[str, set[str]]) -> Iterator[Fault]:
    """Two that hold the same contacts for the same purpose would both write to them."""
    for one, other in combinations(conversations, 2):
        if one.flow_type is None or one.flow_type != other.flow_type:
            continue
        reached = [{origin for event in each.events for origin in origins[event] or {event}} for each in (one, other)]
        if both := sorted(reached[0] & reached[1]):
            text = (
                f"{one.conversation} holds contacts for '{one.flow_type}' too, from {' and '.join(both)} on; keep one, "
                "or name their purposes apart"
            )
            yield fault_of_conversation(other.conversation, ("flow_type",), text)


def _same_purpose_as_a_campaign(
    conversations: Sequence[Conversation], campaigns: Sequence[Campaign], origins: Mapping[str, set[str]]
) -> Iterator[Fault]:
    """A campaign's purpose is its event: conversations of that name that begin with the same orders, and none of which
    takes the event, would hold its contacts a second time."""
    for campaign in campaigns:
        alike = [each for each in conversations if each.flow_type == campaign.event]
        if any(campaign.event in _events_before(each, conversations) for each in alike):
            continue
        for each in alike:
            if any(_BEGINS_WITH[campaign.date_basis] in origins[event] for event in each.events):
                text = (
                    f"the campaign {campaign.name} holds the same orders of {campaign.merchant} for '{campaign.event}' "
                    "too; begin with its event, take the campaign away, or name their purposes apart"
                )
                yield fault_of_conversation(each.conversation, ("flow_type",), text)


def _events_before(conversation: Conversation, conversations: Sequence[Conversation]) -> set[str]:
    """The events that can lead to a run of a conversation, by way of others too."""
    found = set(conversation.events)
    for _ in conversations:
        found |= {event for each in conversations if found & set(each.fires) for event in each.events}
    return found


def _same_event(campaigns: Sequence[Campaign]) -> Iterator[Fault]:
    """Two that fire one event for the same orders; that audiences overlap is sure of equal ones and of everyone."""
    for one, other in combinations(campaigns, 2):
        is_same = (one.merchant, one.event) == (other.merchant, other.event)
        overlap = one.audience == other.audience or one.audience is None or other.audience is None
        ends_before = one.active_to is not None and one.active_to < other.active_from
        begins_after = other.active_to is not None and other.active_to < one.active_from
        if is_same and overlap and not (ends_before or begins_after):
            text = (
                f"the campaign {one.name} fires `{one.event}` for the same orders of {one.merchant} too; keep one of "
                "the two, or give them audiences that don't overlap"
            )
            yield fault_of_campaign(other.name, "event", text)
