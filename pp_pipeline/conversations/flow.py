"""How a conversation's steps follow one another, and what can be wrong with it (DESIGN 4): judged when it is loaded.

A step is named by its thread's place and its own (from 0), as it stands in the file.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from pp_pipeline.conversations.conditions import MESSAGE_WORDS, MOST_CLAUSES
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.steps import Step, split_target

Place = tuple[int, int]


class Problem(NamedTuple):
    """Something that is wrong, and where in the file: the keys and list places that lead to it."""

    path: tuple[str | int, ...]
    text: str


class Way(NamedTuple):
    """From one step to one that can follow it. `is_counted`: by a go_to with `times`."""

    target: Place
    is_counted: bool


def find_step(conversation: Conversation, thread: str, step_id: str | None = None) -> Place | None:
    """Where a thread begins, or where the step with that id stands in it; None if it is not there."""
    for thread_place, each in enumerate(conversation.threads):
        if each.thread == thread:
            if step_id is None:
                return thread_place, 0
            ids = [step.id for step in each.steps]
            return (thread_place, ids.index(step_id)) if step_id in ids else None
    return None


def places_of_ids(conversation: Conversation) -> dict[str, Place]:
    """Where the steps stand that have an id."""
    return {step.id: place for place, step in _places(conversation) if step.id}


def flow_problems(conversation: Conversation) -> list[Problem]:
    """All that is wrong with the names, then with the ways between the steps."""
    problems = [
        *(*_names(conversation), *_coupons(conversation)),
        *(*_targets(conversation), *_conditions(conversation)),
    ]
    if problems:
        return problems  # ways can't be followed while names are wrong
    ways = {place: list(_ways(conversation, place, step)) for place, step in _places(conversation)}
    return [*_unreachable(conversation, ways), *_endless(conversation, ways), *_undrawn(conversation, ways)]


def _places(conversation: Conversation) -> Iterator[tuple[Place, Step]]:
    for thread_place, thread in enumerate(conversation.threads):
        for step_place, step in enumerate(thread.steps):
            yield (thread_place, step_place), step


def _path(place: Place, *more: str | int) -> tuple[str | int, ...]:
    return ("threads", place[0], "steps", place[1], *more)


def _names(conversation: Conversation) -> Iterator[Problem]:
    threads: set[str] = set()
    for place, thread in enumerate(conversation.threads):
        if thread.thread in threads:
            yield Problem(("threads", place, "thread"), f"the thread '{thread.thread}' is there twice")
        threads.add(thread.thread)
    if not conversation.events:
        yield Problem(("threads", 0), "no thread's trigger names an event, so nobody can enter")
    if not conversation.messages:
        yield Problem(("threads", 0), "no step is a message, so nobody would hear anything")
    ids: set[str] = set()
    for place, step in _places(conversation):
        if step.id in ids:
            yield Problem(_path(place, "id"), f"the id '{step.id}' stands twice; ids are unique in the conversation")
        ids |= {step.id} if step.id else set()
    for place, step in _places(conversation):
        if conversation.kind == "transactional" and step.message and step.message.has_offer:
            word = "coupon" if step.message.coupon else "offer"
            text = f"a transactional message carries no offer; take {word} away, or make the conversation commercial"
            yield Problem(_path(place, "message", word), text)
        if step.action and step.action.fire in conversation.events:
            yield Problem(_path(place, "action", "fire"), f"'{step.action.fire}' would begin this conversation again")


def _coupons(conversation: Conversation) -> Iterator[Problem]:
    draws = {name for name, action in conversation.actions.items() if action.draw}
    shown = {message.draws_from for message in conversation.messages.values()}
    for place, step in _places(conversation):
        if step.message and step.message.draws_from and step.message.draws_from not in draws:
            allowed = f"those that do are {', '.join(sorted(draws))}" if draws else "none does"
            text = f"no action with the id '{step.message.draws_from}' draws a coupon; {allowed}"
            yield Problem(_path(place, "message", "coupon", "drawn"), text)
        if step.id in draws - shown:
            text = (
                f"no message shows this coupon; write `coupon: {{drawn: {step.id}}}` into one, or take the action out"
            )
            yield Problem(_path(place, "action", "draw"), text)


def _undrawn(conversation: Conversation, ways: Mapping[Place, list[Way]]) -> Iterator[Problem]:
    """Whoever comes to a message has passed the action that draws its coupon."""
    places = places_of_ids(conversation)
    for place, step in _places(conversation):
        if step.message and (draw := step.message.draws_from) and place in _reached(conversation, ways, places[draw]):
            text = f"a way leads here past '{draw}', which draws the coupon; put the action where every way begins"
            yield Problem(_path(place, "message", "coupon", "drawn"), text)


def _targets(conversation: Conversation) -> Iterator[Problem]:
    threads = ", ".join(thread.thread for thread in conversation.threads)
    for place, step in _places(conversation):
        if step.go_to is not None:
            thread, step_id = split_target(step.go_to)
            if find_step(conversation, thread) is None:
                yield Problem(_path(place, "go_to"), f"there is no thread '{thread}'; the threads are {threads}")
            elif find_step(conversation, thread, step_id) is None:
                yield Problem(_path(place, "go_to"), f"no step of the thread '{thread}' has the id '{step_id}'")
        for number, branch in enumerate(step.split or ()):
            if find_step(conversation, branch.thread) is None:
                path = _path(place, "split", number, "thread")
                yield Problem(path, f"there is no thread '{branch.thread}'; the threads are {threads}")


def _conditions(conversation: Conversation) -> Iterator[Problem]:
    messages = conversation.messages
    for place, step in _places(conversation):
        for number, branch in enumerate(step.split or ()):
            path = _path(place, "split", number, "when")
            for word in MESSAGE_WORDS:
                for name in sorted(branch.when.named(word) - messages.keys()):
                    allowed = f"the messages are {', '.join(messages)}" if messages else "there are none"
                    yield Problem(path, f"{word}: no message has the id '{name}'; {allowed}")
            for name in sorted(branch.when.named("profile") & set(conversation.sets)):
                text = f"profile: this conversation sets '{name}' itself; ask for what led to it instead"
                yield Problem(path, text)
            if conversation.scope != "line" and branch.when.named("line_status"):
                yield Problem(path, "line_status needs `scope: line`; order_status asks for the order")
            if branch.when.clause_count > MOST_CLAUSES:
                yield Problem(path, f"the condition mixes `all` and `any` in more than {MOST_CLAUSES} ways; split it")


def _ways(conversation: Conversation, place: Place, step: Step) -> Iterator[Way]:
    thread_place, step_place = place
    if step.go_to is not None:
        target = find_step(conversation, *split_target(step.go_to))
        assert target is not None, "checked before"
        yield Way(target, step.times is not None)
    for branch in step.split or ():
        target = find_step(conversation, branch.thread)
        assert target is not None, "checked before"
        yield Way(target, False)
    goes_on = step.exit is None and (step.go_to is None or step.times is not None)
    if goes_on and step_place + 1 < len(conversation.threads[thread_place].steps):
        yield Way((thread_place, step_place + 1), False)


def _unreachable(conversation: Conversation, ways: Mapping[Place, list[Way]]) -> Iterator[Problem]:
    reached = _reached(conversation, ways)
    for place, thread in enumerate(conversation.threads):
        missed = [number for number in range(len(thread.steps)) if (place, number) not in reached]
        is_skipped = missed == [0] and not thread.events  # a go_to leads past the trigger
        if len(missed) == len(thread.steps):
            text = f"nobody comes to the thread '{thread.thread}': give its trigger an event, or lead a go_to or a "
            yield Problem(("threads", place), f"{text}branch to it")
        elif missed and not is_skipped:
            number = next(number for number in missed if number or thread.events)
            yield Problem(_path((place, number)), "nobody comes to this step; the one before it never goes on")


def _reached(conversation: Conversation, ways: Mapping[Place, list[Way]], without: Place | None = None) -> set[Place]:
    """The steps that somebody comes to; without going through one of them, if it is named."""
    reached: set[Place] = set()
    to_visit = [(place, 0) for place, thread in enumerate(conversation.threads) if thread.events]
    while to_visit:
        place = to_visit.pop()
        if place not in reached and place != without:
            reached.add(place)
            to_visit += [way.target for way in ways[place]]
    return reached


def _endless(conversation: Conversation, ways: Mapping[Place, list[Way]]) -> Iterator[Problem]:
    """Every ring has a wait of a day and a go_to with times, or it would go round on one day, or for ever."""

    def waits(place: Place) -> bool:
        wait = conversation.threads[place[0]].steps[place[1]].wait
        return wait is not None and wait.days > 0

    without_waits = {
        place: [way.target for way in found if not waits(way.target)]
        for place, found in ways.items()
        if not waits(place)
    }
    if (ring := _ring(without_waits)) is not None:
        yield Problem(_path(ring), "this goes round without a wait of at least a day; put a wait into the ring")
    without_counts = {place: [way.target for way in found if not way.is_counted] for place, found in ways.items()}
    if (ring := _ring(without_counts)) is not None:
        yield Problem(_path(ring), "this goes round for ever; lead back by a go_to with `times`")


def _ring(ways: Mapping[Place, Iterable[Place]]) -> Place | None:
    """The step that leads back in a ring, None where there is none: what is left when steps that lead nowhere go."""
    left = {place: set(targets) for place, targets in ways.items()}
    while ends := [place for place, targets in left.items() if not targets & left.keys()]:
        for place in ends:
            del left[place]
    if not left:
        return None
    followed = [min(left)]  # of what is left some only lead into a ring; following the ways comes round in one
    while (after := min(left[followed[-1]] & left.keys())) not in followed:
        followed.append(after)
    ring = [*followed[followed.index(after) :], after]
    return next(place for place, then in pairwise(ring) if then[0] != place[0] or then[1] <= place[1])
