"""A conversation as a picture: Mermaid text, and SVG that needs no other program (one column per thread)."""

from collections.abc import Iterator, Mapping
from html import escape
from textwrap import wrap
from typing import NamedTuple

from pp_pipeline.conversations.conditions import Condition
from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.conversations.flow import Place, find_step
from pp_pipeline.conversations.steps import Action, Step, split_target

Counts = Mapping[Place, int]
"""How many runs wait at each step that has any."""

_WIDTH, _COLUMN, _GAP, _TOP, _LEFT = 250, 400, 40, 70, 50
_LINE, _LETTERS = 18, 34  # height of a line of text in a box, and how many letters it holds
_STYLE = (
    "text{font:13px sans-serif;fill:#222}.title{font-weight:bold}.label{font-size:11px;fill:#555}"
    "rect{fill:#f4f6fa;stroke:#7a869a}.waits rect{fill:#fff4d6}path{fill:none;stroke:#7a869a;marker-end:url(#tip)}"
)


class Arrow(NamedTuple):
    """From one step to another; `label` says when."""

    start: Place
    end: Place
    label: str


def mermaid(conversation: Conversation, counts: Counts) -> str:
    """The text of a flowchart."""
    lines = ["flowchart TD"]
    for column, thread in enumerate(conversation.threads):
        lines.append(f'    subgraph t{column}["{thread.thread}, rank {thread.rank}"]')
        for row, step in enumerate(thread.steps):
            words = "<br/>".join(_quoted(line) for line in _lines(step, counts.get((column, row))))
            lines.append(f'        t{column}s{row}["{words}"]')
        lines.append("    end")
    for start, end, label in arrows(conversation):
        words = f'|"{_quoted(label)}"|' if label else ""
        lines.append(f"    t{start[0]}s{start[1]} -->{words} t{end[0]}s{end[1]}")
    return "\n".join(lines) + "\n"


def svg(conversation: Conversation, counts: Counts) -> str:
    """The same as an SVG document."""
    texts = {
        (column, row): [part for line in _lines(step, counts.get((column, row))) for part in wrap(line, _LETTERS)]
        for column, thread in enumerate(conversation.threads)
        for row, step in enumerate(thread.steps)
    }
    box = 10 + _LINE * max(len(lines) for lines in texts.values())
    rows = max(len(thread.steps) for thread in conversation.threads)
    width, height = _LEFT + _COLUMN * len(conversation.threads), _TOP + (box + _GAP) * rows
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f"<title>{escape(conversation.conversation)}</title><style>{_STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 8 4 0 8z" style="fill:#7a869a;marker-end:none"/></marker></defs>',
    ]
    for column, thread in enumerate(conversation.threads):
        title = escape(f"{thread.thread}, rank {thread.rank}")
        parts.append(f'<text class="title" x="{_LEFT + _COLUMN * column}" y="{_TOP - 30}">{title}</text>')
    parts += [_box(place, box, lines, bool(counts.get(place))) for place, lines in texts.items()]
    parts += [_line(arrow, box) for arrow in arrows(conversation)]
    return "\n".join([*parts, "</svg>"]) + "\n"


def arrows(conversation: Conversation) -> Iterator[Arrow]:
    """All ways between steps."""
    for column, thread in enumerate(conversation.threads):
        for row, step in enumerate(thread.steps):
            start = (column, row)
            for branch in step.split or ():
                yield Arrow(start, _found(conversation, branch.thread), condition_words(branch.when))
            if step.go_to is not None:
                target = _found(conversation, *split_target(step.go_to))
                yield Arrow(start, target, f"at most {step.times} x" if step.times else "")
            goes_on = step.exit is None and (step.go_to is None or step.times is not None)
            if goes_on and row + 1 < len(thread.steps):
                yield Arrow(start, (column, row + 1), "else" if step.split else "then" if step.go_to else "")


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
            days = f"wait {step.wait.days} days" if step.wait.days else "wait"
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


def _lines(step: Step, count: int | None) -> list[str]:
    words = step_words(step)
    waiting = [f"{count:,} waiting"] if count else []
    return [f"{step.id}: {words}" if step.id else words, *waiting]


def _found(conversation: Conversation, thread: str, step_id: str | None = None) -> Place:
    place = find_step(conversation, thread, step_id)
    assert place is not None, "checked when the file was read"
    return place


def _quoted(words: str) -> str:
    return words.replace('"', "#quot;")


def _corner(place: Place, box: int) -> tuple[int, int]:
    return _LEFT + _COLUMN * place[0], _TOP + (box + _GAP) * place[1]


def _box(place: Place, height: int, lines: list[str], waits: bool) -> str:
    x, y = _corner(place, height)
    texts = [
        f'<text x="{x + 10}" y="{y + _LINE * (number + 1)}">{escape(line)}</text>' for number, line in enumerate(lines)
    ]
    kind = ' class="waits"' if waits else ""
    return f'<g{kind}><rect x="{x}" y="{y}" width="{_WIDTH}" height="{height}" rx="6"/>{"".join(texts)}</g>'


def _line(arrow: Arrow, box: int) -> str:
    """Straight down to the next step; else between the columns and, past other threads, between the rows."""
    (x, y), (to_x, to_y) = _corner(arrow.start, box), _corner(arrow.end, box)
    if arrow.end == (arrow.start[0], arrow.start[1] + 1):
        middle = x + _WIDTH // 2
        path, label_x, label_y = f"M{middle} {y + box}V{to_y}", middle + 6, y + box + 24
    else:
        goes_left = to_x < x
        begin_x, begin_y, end_y = (x if goes_left else x + _WIDTH), y + box // 2, to_y + box // 2 + 8
        end_x = to_x if to_x > x else to_x + _WIDTH
        lane, last = (begin_x - 24, end_x + 44) if goes_left else (begin_x + 24, end_x - 24)
        if to_x == x:  # back to a step of the same thread, at its right
            last = lane = begin_x + 24
        past = f"V{y + box + _GAP // 2}H{last}" if lane != last and abs(to_x - x) > _COLUMN else ""
        path = f"M{begin_x} {begin_y}H{lane}{past}V{end_y}H{end_x}"
        label_x, label_y = begin_x + 30, begin_y + 4
    return f'<path d="{path}"/><text class="label" x="{label_x}" y="{label_y}">{escape(arrow.label)}</text>'
