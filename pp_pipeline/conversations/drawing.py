"""A conversation in words, as Mermaid text, and as a picture to be written to a file."""

from collections.abc import Iterator, Mapping

from pp_pipeline.conversations.conditions import Condition
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.flow import Place, find_step
from pp_pipeline.conversations.layout import Entry, Picture, Way, lay_out
from pp_pipeline.conversations.steps import Action, Step, split_target

Counts = Mapping[Place, int]
"""How many runs wait at each step that has any."""


def mermaid(conversation: Conversation, counts: Counts) -> str:
    """The text of a flowchart."""
    lines = ["flowchart TD"]
    for column, thread in enumerate(conversation.threads):
        lines.append(f'    subgraph t{column}["{thread.thread}, rank {thread.rank}"]')
        for row, step in enumerate(thread.steps):
            words = "<br/>".join(_quoted(line) for line in _lines(step, counts.get((column, row))))
            lines.append(f'        t{column}s{row}["{words}"]')
        lines.append("    end")
    for start, end, label, _ in ways_between(conversation):
        words = f'|"{_quoted(label)}"|' if label else ""
        lines.append(f"    t{start[0]}s{start[1]} -->{words} t{end[0]}s{end[1]}")
    return "\n".join(lines) + "\n"


def picture(conversation: Conversation, counts: Counts) -> Picture:
    """The same laid out in boxes and arrows, for a picture file; conditions stand in the box of their split."""
    boxes = {
        (column, row): list(_entries(step, counts.get((column, row))))
        for column, thread in enumerate(conversation.threads)
        for row, step in enumerate(thread.steps)
    }
    titles = [f"{thread.thread}, rank {thread.rank}" for thread in conversation.threads]
    ways = [
        way if way.branch is None else way._replace(label=str(way.branch + 1)) for way in ways_between(conversation)
    ]
    return lay_out(titles, boxes, [place for place, count in counts.items() if count], ways)


def ways_between(conversation: Conversation) -> Iterator[Way]:
    """All ways between steps, with the conditions of branches in words."""
    for column, thread in enumerate(conversation.threads):
        for row, step in enumerate(thread.steps):
            start = (column, row)
            for number, branch in enumerate(step.split or ()):
                yield Way(start, _found(conversation, branch.thread), condition_words(branch.when), number)
            if step.go_to is not None:
                target = _found(conversation, *split_target(step.go_to))
                yield Way(start, target, f"at most {step.times} x" if step.times else "")
            goes_on = step.exit is None and (step.go_to is None or step.times is not None)
            if goes_on and row + 1 < len(thread.steps):
                yield Way(start, (column, row + 1), "else" if step.split else "then" if step.go_to else "")


def condition_words(condition: Condition) -> str:
    """A condition in words, such as `clicked we_miss_you and not bought`."""
    if condition.not_ is not None:
        inner = condition_words(condition.not_)
        return f"not ({inner})" if condition.not_.parts else f"not {inner}"
    if condition.parts:
        joint = " and " if condition.all is not None else " or "
        return joint.join(
            f"({condition_words(part)})" if part.parts else condition_words(part) for part in condition.parts
        )
    given = condition.model_dump(exclude_none=True, by_alias=True)
    words = [
        name.replace("_", " ") if value is True else f"{name.replace('_', ' ')} {value}"
        for name, value in given.items()
    ]
    return ", ".join(words)


def step_words(step: Step) -> str:
    """What a step does, in a few words."""
    match step.kind:
        case "trigger":
            return f"on {' or '.join(step.trigger)}" if step.trigger else "reached from elsewhere"
        case "wait":
            assert step.wait is not None
            days = f"wait {step.wait.days} day{'s' * (step.wait.days > 1)}" if step.wait.days else "wait"
            return f"{days} to {step.wait.weekday}" if step.wait.weekday else days
        case "message":
            assert step.message is not None
            passes = f", {step.message.passes} passes" if step.message.passes > 1 else ""
            return f"{step.message.channel} {step.message.template}{passes}"
        case "go_to":
            return f"go to {step.go_to}"
        case "action":
            assert step.action is not None
            return action_words(step.action)
        case kind:
            return kind


def action_words(action: Action) -> str:
    """What an action does, such as `fire asked_twice`, `set stage = second` or `draw a code of spring`."""
    if action.fire is not None:
        return f"fire {action.fire}"
    if action.draw is not None:
        return f"draw a code of {action.draw.pool}"
    return "set " + ", ".join(f"{field} = {value}" for field, value in (action.set or {}).items())


def _entries(step: Step, count: int | None) -> Iterator[Entry]:
    words = step_words(step)
    yield Entry(f"{step.id}: {words}" if step.id else words)
    for number, branch in enumerate(step.split or ()):
        yield Entry(f"{number + 1}: {condition_words(branch.when)}", number)
    if count:
        yield Entry(f"{count:,} waiting")


def _lines(step: Step, count: int | None) -> list[str]:
    return [entry.words for entry in _entries(step, count) if entry.branch is None]


def _found(conversation: Conversation, thread: str, step_id: str | None = None) -> Place:
    place = find_step(conversation, thread, step_id)
    assert place is not None, "checked when the file was read"
    return place


def _quoted(words: str) -> str:
    return words.replace('"', "#quot;")
