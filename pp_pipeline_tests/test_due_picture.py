"""The picture of the releases to come: every due day stands in it as high as it counts, and nothing is lost."""

from datetime import date, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pp_pipeline.campaigns.due_picture import DAYS, due_letters, due_markdown, due_picture, due_words

ON = date(2026, 10, 31)
_SVG = "{http://www.w3.org/2000/svg}"
DUE = st.dictionaries(
    st.integers(-5, DAYS + 5).map(lambda days: ON + timedelta(days=days)), st.integers(1, 5000), max_size=20
)


@pytest.mark.parametrize(
    ("due", "letters"),
    [
        ({}, "0 due by 2026-11-30"),
        ({1: 8, 2: 1, 4: 4}, "█▁ ▄ 13 due by 2026-11-30"),
        ({0: 3, 30: 1}, " " * 29 + "█ 1 due by 2026-11-30; 3 held"),
        ({-9: 2, 31: 7}, "0 due by 2026-11-30; 2 held, 7 due later"),
    ],
)
def test_letters(due: dict[int, int], letters: str) -> None:
    days = {ON + timedelta(days=number): count for number, count in due.items()}
    assert due_letters(days, ON) == letters.strip()


@given(DUE)
def test_bars_are_the_days_to_come(due: dict[date, int]) -> None:
    root = ElementTree.fromstring(due_picture(due, ON))
    bars = {bar.findtext(f"{_SVG}title"): float(bar.get("height", "")) for bar in root.iter(f"{_SVG}rect")}
    soon = {day: count for day, count in due.items() if ON < day <= ON + timedelta(days=DAYS)}
    assert set(bars) == {f"{day}: {count}" for day, count in soon.items()}
    ranked = [bars[f"{day}: {count}"] for day, count in sorted(soon.items(), key=lambda each: each[1])]
    assert ranked == sorted(ranked), "more releases, no lower a bar"
    assert f"{sum(soon.values())} due by" in due_words(due, ON)
    assert due_markdown(due, ON).startswith("![")
