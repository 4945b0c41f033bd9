"""The differences of two plans, against a slow reading of them; and the summary's limits."""

from collections import Counter
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from pp_pipeline.comparing.comparison import Changed, Comparison
from pp_pipeline.comparing.differences import Difference, Group, Matching
from pp_pipeline.comparing.plan_rows import PlanRow
from pp_pipeline.comparing.reasons import Reason
from pp_pipeline.comparing.summary import MOST_CHARACTERS, MOST_LINES, markdown
from pp_pipeline_tests.plan_oracle import slowly

FIRST, LAST = date(2026, 1, 3), date(2026, 1, 5)
DAYS = [date(2026, 1, day) for day in range(1, 8)]


@st.composite
def plans(draw: st.DrawFn) -> list[PlanRow]:
    """A small plan: two conversations, few keys, places that several keys share."""
    keys = draw(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 6)), unique=True, max_size=8))
    return [
        PlanRow(
            "conversation",
            name,
            f"key {key}",
            draw(st.sampled_from(DAYS)),
            draw(st.sampled_from(["ann", "ben"])),
            draw(st.sampled_from(["email hello", "email bye"])),
            None,
            None,
            f"place {key % 2}",
        )
        for name, key in keys
    ]


@given(plans(), plans(), st.sampled_from(DAYS))
def test_differences_are_those_of_a_slow_reading(before: list[PlanRow], after: list[PlanRow], cut: date) -> None:
    matching = Matching()
    for is_late in (False, True):  # in two parts, as a long time is read
        matching.add(*([row for row in rows if (row.day > cut) == is_late] for rows in (before, after)))
    found = matching.differences()
    assert Counter((one.before, one.after) for one in found) == slowly(before, after)


@given(plans(), plans())
def test_what_was_planned_and_what_differs_gives_what_is_planned(before: list[PlanRow], after: list[PlanRow]) -> None:
    matching = Matching()
    matching.add(before, after)
    found = [one for one in matching.differences() if one.touches(FIRST, LAST)]
    comparison = compared(found, before, after)
    for group in comparison.groups():
        told = comparison.days_of(group)
        for day in DAYS:
            rows = [sum((row.kind, row.name, row.day) == (*group, day) for row in plan) for plan in (before, after)]
            if day in told:
                count = told[day]
                assert [count.before, count.after] == rows
                came, went = count.new + count.moved_here, count.gone + count.moved_away
                assert count.after == count.before + came - went
                assert came + went + count.changed > 0
            elif FIRST <= day <= LAST:
                assert rows[0] == rows[1]
        whole = comparison.of_group(group)
        own = [one for one in found if one.group == group]
        assert whole.new + whole.gone + whole.moved_here + whole.changed == len(own)


def compared(found: list[Difference], before: list[PlanRow], after: list[PlanRow]) -> Comparison:
    totals: dict[Group, dict[date, tuple[int, int]]] = {}
    for row in (*before, *after):
        if FIRST <= row.day <= LAST:
            both = [sum((each.name, each.day) == (row.name, row.day) for each in plan) for plan in (before, after)]
            totals.setdefault((row.kind, row.name), {})[row.day] = (both[0], both[1])
    for one in found:
        totals.setdefault(one.group, {})
    return Comparison(FIRST, LAST, totals, [Changed(one, Reason("another text"), None) for one in found])


def test_a_summary_of_very_much_stays_a_comment() -> None:
    rows = [
        PlanRow(
            "conversation", f"name_{number} {'x' * 2_000}", f"{number} {day}", day, "secret contact", "", "1", "e", "p"
        )
        for number in range(80)
        for day in DAYS
    ]
    found = [Difference(None, row) for row in rows]
    text = markdown(compared([one for one in found if one.touches(FIRST, LAST)], [], rows), "main", "working tree")
    assert len(text.splitlines()) <= MOST_LINES and len(text) <= MOST_CHARACTERS
    assert "240 rows differ" in text and "secret" not in text
    few = markdown(compared([Difference(None, rows[2])], [], [rows[2]]), "main", "working tree")
    assert "and" not in few.split("\n\n")[-2] and "more days" not in few
    none = markdown(compared([], rows, rows), "main", "working tree")
    assert "plans the same" in none
