"""A comparison as a comment under a change: Markdown with counts, no keys, no order numbers, no addresses."""

from collections.abc import Sequence

from pp_pipeline.comparing.comparison import Comparison, GroupCount
from pp_pipeline.comparing.differences import Group

MOST_LINES = 60
MOST_CHARACTERS = 60_000
_HEADER = ("before", "after", "new", "gone", "moved", "changed", "sent")
_REASONS_SHOWN = 3


def group_words(group: Group) -> str:
    """What a group is called: `campaign win_back`, `waits in win_back`."""
    kind, name = group
    return f"waits in {name}" if kind == "waiting" else f"{kind} {name}"


def share_that_differs(comparison: Comparison) -> float:
    """Rows that differ, per cent of those planned before; of nothing planned before, one row is all."""
    differ = comparison.rows_that_differ()
    return 100 * differ / max(comparison.planned_before(), 1)


def cells(count: GroupCount) -> tuple[int, ...]:
    """The counts of a group over all days, in the order of the columns before, after, new, gone, moved, ..."""
    return (count.before, count.after, count.new, count.gone, count.moved_here, count.changed, count.sent)


def reason_words(comparison: Comparison, group: Group, shown: int = _REASONS_SHOWN) -> list[str]:
    """Why rows of a group differ, a line for each change, the most frequent reasons first."""
    lines = []
    for change, counted in comparison.reasons_of(group).items():
        if counted:
            told = ", ".join(f"{words} ({count:,})" for words, count in counted.most_common(shown))
            rest = sum(counted.values()) - sum(count for _, count in counted.most_common(shown))
            lines.append(f"{change}: {told}" + (f", otherwise ({rest:,})" if rest else ""))
    return lines


def markdown(comparison: Comparison, before: str, after: str) -> str:
    """The comment: at most MOST_LINES lines and MOST_CHARACTERS characters.

    Args:
        before, after: what is compared, as a person calls it.
    """
    differing = [group for group in comparison.groups() if comparison.of_group(group).differs]
    head = [
        "### Post-purchase plan",
        "",
        f"`{before}` → `{after}`, {comparison.first} to {comparison.last}: **{comparison.rows_that_differ():,} rows "
        f"differ** of {comparison.planned_before():,} planned before.",
        "",
    ]
    if not differing:
        return "\n".join([*head, "Every campaign, conversation, event and segment plans the same.", ""])
    table = [_line(("", *_HEADER)), _line(("---", *["---:"] * len(_HEADER)))]
    table += [_line((group_words(group), *map(_number, cells(comparison.of_group(group))))) for group in differing]
    why = [f"- {group_words(group)}: {line}" for group in differing for line in reason_words(comparison, group)]
    days = [
        (day, _line((day, group_words(group), *map(_number, _cells_of_day(count)))))
        for group in differing
        for day, count in comparison.days_of(group).items()
    ]
    newest_first = [line for _, line in sorted(days, key=lambda each: each[0], reverse=True)]
    day_table = [
        "",
        _line(("day", "", "before", "after", "new", "gone", "moved here", "moved away", "changed", "sent")),
        _line(("---", "---", *["---:"] * 8)),
        *newest_first,
    ]
    lines = [*head, *_cut(table, MOST_LINES // 2 - len(head), "groups")]
    lines += _cut(["", *why] if why else [], MOST_LINES // 4, "reasons")
    lines += _cut(day_table if days else [], MOST_LINES - len(lines) - 2, "lines of earlier days")
    lines += ["", "What was sent stays sent. Members of segments and who waits don't count as rows that differ."]
    return "\n".join(lines)[: MOST_CHARACTERS - 1] + "\n"


def _cells_of_day(count: GroupCount) -> tuple[int, ...]:
    return (
        *(count.before, count.after, count.new, count.gone),
        *(count.moved_here, count.moved_away, count.changed, count.sent),
    )


def _cut(lines: Sequence[str], most: int, what: str) -> list[str]:
    if len(lines) <= most:
        return list(lines)
    return [*lines[: most - 2], "", f"... and {len(lines) - most + 2} more {what}"]


def _line(values: Sequence[object]) -> str:
    return f"| {' | '.join(map(str, values))} |"


def _number(value: int) -> str:
    return f"{value:,}" if value else ""
