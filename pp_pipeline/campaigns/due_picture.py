"""The releases of a queue that are due in the next days, as small pictures for the Dagster UI.

A bar for each day: once as letters, which the UI shows at once, and once as SVG inside a line of Markdown, which
opens at a click (the UI shows pictures that travel as data only). Grey and a blue that can be read on white and black.
"""

import base64
from collections.abc import Mapping
from datetime import date, timedelta

DAYS = 30

_BARS = "▁▂▃▄▅▆▇█"
_BAR, _STEP, _HEIGHT, _TOP, _FOOT = 12, 15, 70, 18, 18
_TEXT = 'font-family="sans-serif" font-size="10" fill="#808890"'


def due_picture(due: Mapping[date, int], on: date) -> str:
    """The picture of the days after `on` as SVG; what is due on `on` or before is held, and is no bar."""
    days = _days_after(on)
    most = max(due.get(day, 0) for day in days)
    width, ground = _STEP * DAYS, _TOP + _HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{ground + _FOOT}">',
        f'<path d="M0 {ground}.5H{width}" stroke="#808890"/>',
    ]
    for place, day in enumerate(days):
        count, left = due.get(day, 0), place * _STEP
        if count:
            height = max(2, round(_HEIGHT * count / most))
            parts.append(
                f'<rect x="{left + 1}" y="{ground - height}" width="{_BAR}" height="{height}" fill="#4a7fd6">'
                f"<title>{day}: {count}</title></rect>"
            )
            if count == most and day == next(each for each in days if due.get(each, 0) == most):
                parts.append(f'<text x="{left}" y="{ground - height - 4}" {_TEXT}>{count}</text>')
        if day.weekday() == 0 and left < width - 2 * _STEP:  # else the words would be cut off
            parts.append(f'<text x="{left}" y="{ground + 13}" {_TEXT}>{day:%m-%d}</text>')
    return "".join([*parts, "</svg>"])


def due_letters(due: Mapping[date, int], on: date) -> str:
    """The same as a line of letters, blank where nothing is due, and in words."""
    counts = [due.get(day, 0) for day in _days_after(on)]
    most = max(counts)
    bars = "".join(_BARS[(count * len(_BARS) - 1) // most] if count else " " for count in counts)
    return f"{bars.rstrip()} {due_words(due, on)}".strip()


def due_words(due: Mapping[date, int], on: date) -> str:
    """The same in words, such as `52 due by 2026-11-30; 3 held, 40 due later`."""
    last = on + timedelta(days=DAYS)
    soon = sum(count for day, count in due.items() if on < day <= last)
    held = sum(count for day, count in due.items() if day <= on)
    later = sum(count for day, count in due.items() if day > last)
    further = [f"{held} held" if held else "", f"{later} due later" if later else ""]
    aside = ", ".join(filter(None, further))
    return f"{soon} due by {last}" + (f"; {aside}" if aside else "")


def due_markdown(due: Mapping[date, int], on: date) -> str:
    """Picture and words for Dagster's metadata."""
    words = due_words(due, on)
    data = base64.b64encode(due_picture(due, on).encode()).decode()
    return f"![{words}](data:image/svg+xml;base64,{data})\n\n{words}"


def _days_after(on: date) -> list[date]:
    return [on + timedelta(days=number) for number in range(1, DAYS + 1)]
