"""Events that conversations fire for one another (DESIGN 4): who fires before whom, at most three in a chain."""

from collections.abc import Mapping, Sequence

from pp_pipeline.conversations.conversation import Conversation

MOST_LEVELS = 3
FIRED_EVENTS = tuple(f"fired_events_{level}" for level in range(1, MOST_LEVELS))
"""The tables of what each level fires for the next."""


def levels(conversations: Sequence[Conversation]) -> dict[str, int]:
    """The level of each conversation that has one: 1 for those that wait for no other's events, then one more.

    Those of a ring, and those that hang on one, have none.
    """
    before = _fired_by(conversations)
    found: dict[str, int] = {}
    while ready := [
        name for name, others in before.items() if name not in found and all(other in found for other in others)
    ]:
        found |= {name: 1 + max((found[other] for other in before[name]), default=0) for name in ready}
    return found


def level_problems(conversations: Sequence[Conversation]) -> Mapping[str, str]:
    """What is wrong, by conversation: a ring, or a chain that is too long."""
    found = levels(conversations)
    before = _fired_by(conversations)
    problems = {}
    for name, others in before.items():
        if name not in found:
            stuck = ", ".join(sorted(other for other in others if other not in found))
            problems[name] = f"waits for events that {stuck} fires, in a ring of conversations; take one action out"
        elif found[name] > MOST_LEVELS:
            problems[name] = (
                f"is number {found[name]} in a chain; at most {MOST_LEVELS} conversations fire for one another"
            )
    return problems


def _fired_by(conversations: Sequence[Conversation]) -> dict[str, list[str]]:
    """By conversation, those that fire an event that begins it."""
    return {
        each.conversation: [
            other.conversation for other in conversations if set(other.fires) & set(each.events) and other is not each
        ]
        for each in conversations
    }
