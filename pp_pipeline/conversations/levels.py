"""What conversations do for one another (DESIGN 4): who fires or sets before whom, at most three in a chain."""

from collections.abc import Mapping, Sequence

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.flow import Problem

MOST_LEVELS = 3


def levels(conversations: Sequence[Conversation]) -> dict[str, int]:
    """The level of each conversation that has one: 1 for those that wait for no other's actions, then one more.

    Those of a ring, and those that hang on one, have none.
    """
    before = _waits_for(conversations)
    found: dict[str, int] = {}
    while ready := [
        name for name, others in before.items() if name not in found and all(other in found for other in others)
    ]:
        found |= {name: 1 + max((found[other] for other in before[name]), default=0) for name in ready}
    return found


def level_problems(conversations: Sequence[Conversation]) -> Mapping[str, Problem]:
    """What is wrong, by conversation: a ring, or a chain that is too long."""
    found = levels(conversations)
    before = _waits_for(conversations)
    named = {each.conversation: each for each in conversations}
    problems = {}
    for name, others in before.items():
        if name not in found:
            stuck = sorted(other for other in others if other not in found)
            text = f"waits for what {', '.join(stuck)} does, in a ring of conversations; take one action out"
        elif found[name] > MOST_LEVELS:
            stuck = sorted(other for other in others if found[other] >= MOST_LEVELS)
            text = f"is number {found[name]} in a chain; at most {MOST_LEVELS} conversations wait for one another"
        else:
            continue
        problems[name] = Problem(_place(named[name], [named[other] for other in stuck]), text)
    return problems


def _waits_for(conversations: Sequence[Conversation]) -> dict[str, list[str]]:
    """By conversation, those that fire an event that begins it, or set a profile field that it asks for."""
    return {
        each.conversation: [
            other.conversation
            for other in conversations
            if other is not each and (set(other.fires) & set(each.events) or set(other.sets) & each.reads)
        ]
        for each in conversations
    }


def _place(conversation: Conversation, others: Sequence[Conversation]) -> tuple[str | int, ...]:
    """The first trigger or split that waits for one of the others."""
    fired = {event for other in others for event in other.fires}
    fields = {field for other in others for field in other.sets}
    return next(
        path
        for path, step in conversation.places
        if fired & set(step.trigger or ()) or any(fields & branch.when.named("profile") for branch in step.split or ())
    )
