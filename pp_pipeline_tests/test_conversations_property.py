"""Random conversations, events and facts through simulator and SQL: every planned message has to be the same."""

import os
from datetime import date, timedelta
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from pp_pipeline_tests.conversation_oracle import Planned
from pp_pipeline_tests.conversation_pipeline import FIRST, LAST, Case, ConversationPipeline, conversation_pipeline_on
from pp_pipeline_tests.conversation_worlds import conversation_cases
from pp_pipeline_tests.queue_pipelines import TARGETS

CASES_A_RUN = 60
HEAVY_RUNS = 10
FIRST_SEED = 7_000
"""The same worlds each time; CONVERSATION_SEED draws others."""

World = TypeVar("World")
Ranges = tuple[tuple[date, date], ...]
ONE_PASS: Ranges = ((FIRST, LAST),)
DAY_BY_DAY: Ranges = tuple((FIRST + timedelta(days=day), FIRST + timedelta(days=day)) for day in range(24))
IN_PIECES: Ranges = ((FIRST, date(2026, 1, 6)), (date(2026, 1, 7), date(2026, 1, 15)), (date(2026, 1, 16), LAST))


@pytest.fixture(scope="module", params=TARGETS)
def pipeline(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ConversationPipeline:
    return conversation_pipeline_on(request.param, request, tmp_path_factory)


def test_the_pipeline_plans_what_the_simulator_plans(pipeline: ConversationPipeline) -> None:
    compare(pipeline, 0, IN_PIECES, count=24)


@pytest.mark.heavy
@pytest.mark.parametrize("run", range(HEAVY_RUNS))
def test_the_pipeline_plans_what_the_simulator_plans_in_a_long_search(run: int, pipeline: ConversationPipeline) -> None:
    seed_number = int(os.environ.get("CONVERSATION_SEED") or FIRST_SEED + run)
    compare(pipeline, seed_number, (ONE_PASS, IN_PIECES, DAY_BY_DAY)[run % 3])


def compare(pipeline: ConversationPipeline, seed_number: int, ranges: Ranges, count: int = CASES_A_RUN) -> None:
    """Fails with one of the cases that differ."""
    cases = drawn_cases(count, seed_number)
    expected = [case.in_slot(slot).expected() for slot, case in enumerate(cases)]
    found = pipeline.planned(cases, ranges)
    waiting = pipeline.waiting(LAST)
    for slot, case in enumerate(cases):
        oracle = case.in_slot(slot).oracle()
        oracle.plan(FIRST, LAST)
        assert waiting[oracle.conversation.conversation] == oracle.waiting(), report(case, [], [])
    different = [slot for slot in range(len(cases)) if expected[slot] != found[slot]]
    if different:
        told = "\n".join(report(cases[slot], expected[slot], found[slot]) for slot in different[:2])
        pytest.fail(f"{len(different)} of {len(cases)} cases differ (CONVERSATION_SEED={seed_number}):\n{told}")


def report(case: Case, expected: list[Planned], found: list[Planned]) -> str:
    """What a person needs to see of a case that differs."""
    lines = [f"{name}: {value}" for name, value in case.conversation.items() if name != "threads"]
    for thread in case.conversation["threads"]:
        lines += [f"{thread['thread']} rank {thread['rank']}", *(f"    {step}" for step in thread["steps"])]
    lines += [str(row) for name in ("versions", "events", "feedback", "contacts") for row in getattr(case.facts, name)]
    lines += [f"segments: {sorted(case.facts.segments)}"]
    lines += [f"missing: {row}" for row in expected if row not in found]
    lines += [f"too many: {row}" for row in found if row not in expected]
    lines += [f"expected: {row}" for row in expected]
    return "\n".join(lines)


def drawn_cases(count: int, seed_number: int) -> list[Case]:
    """That many cases of which most plan something."""
    found: list[Case] = []
    quiet: list[Case] = []
    block = 0
    while len(found) < count:
        for case in drawn(conversation_cases(), 10, f"{seed_number}, {block}"):
            (found if case.in_slot(0).expected() or len(quiet) > count / 10 else quiet).append(case)
        block += 1
    return [*quiet, *found][:count]


def drawn(worlds: st.SearchStrategy[World], count: int, seed_text: str) -> list[World]:
    """That many worlds, always the same for a seed."""
    found: list[World] = []

    @seed(seed_text)
    @settings(
        max_examples=count,
        database=None,
        derandomize=False,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
    @given(worlds)
    def draw(world: World) -> None:
        found.append(world)

    draw()
    return found
