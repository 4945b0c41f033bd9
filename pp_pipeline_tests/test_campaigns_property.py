"""Random files and campaigns through the oracle and the pipeline: every movement has to be the same.

`make test` always draws the same worlds; the heavy search draws others each time, and `QUEUE_SEED` in the
environment repeats what it drew. The oracle itself is held to what section 3 promises, and the worlds to
bring about everything that can happen.
"""

import os
import random
from collections import Counter
from datetime import date, timedelta
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pp_pipeline_tests.cases import Case
from pp_pipeline_tests.drawn_worlds import cases_of_a_run, drawn_worlds
from pp_pipeline_tests.happenings import EVERYTHING_THAT_CAN_HAPPEN, by_order, happenings
from pp_pipeline_tests.order_worlds import FIRST_DAY, LAST_DAY, worlds
from pp_pipeline_tests.pipeline import QueuePipeline
from pp_pipeline_tests.queue_oracle import FINAL_REASONS
from pp_pipeline_tests.queue_pipelines import TARGETS, queue_pipeline_on
from pp_pipeline_tests.smaller_cases import report, smaller, smallest
from pp_pipeline_tests.wrong_books import misreadings, notices
from pp_pipeline_tests.wrong_readings import FileNamesByLocale

Ranges = list[tuple[date, date]]

RUNS = 2
HEAVY_RUNS = 24

quick = settings(max_examples=80)


@pytest.fixture(scope="module", params=TARGETS)
def pipeline(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> QueuePipeline:
    return queue_pipeline_on(request.param, tmp_path_factory.mktemp("property"), request)


@pytest.mark.parametrize("run", range(RUNS))
def test_the_pipeline_gives_every_movement_of_the_oracle(run: int, pipeline: QueuePipeline) -> None:
    compare(pipeline, seed_number=run)


def test_days_built_piece_by_piece_give_the_same_movements(pipeline: QueuePipeline) -> None:
    compare(pipeline, seed_number=RUNS, pieces=3)


@pytest.mark.heavy
@pytest.mark.parametrize("run", range(HEAVY_RUNS))
def test_the_pipeline_gives_every_movement_of_the_oracle_in_a_long_search(run: int, pipeline: QueuePipeline) -> None:
    seed_number = int(os.environ.get("QUEUE_SEED") or random.randrange(10**9))
    compare(pipeline, seed_number, pieces=run % 4 + 1)


def compare(pipeline: QueuePipeline, seed_number: int, pieces: int = 1) -> None:
    """Fails with the smallest case that differs.

    Args:
        pipeline: what is compared with the oracle.
        seed_number: tells which 24 worlds are drawn.
        pieces: into how many ranges of days the build is cut.
    """
    cases = cases_of_a_run(seed_number)
    books = partial(pipeline.books, ranges=ranges_of(cases, pieces, seed_number))

    def differ(tried: list[Case]) -> list[bool]:
        return [book != case.expected_book() for case, book in zip(tried, books(tried), strict=True)]

    different = [case for case, differs in zip(cases, differ(cases), strict=True) if differs]
    if different:
        case = smallest(different[0], differ)
        told = report(case, got=books([case])[0], expected=case.expected_book())
        pytest.fail(f"{len(different)} of {len(cases)} cases differ (QUEUE_SEED={seed_number}), such as\n{told}")


def ranges_of(cases: list[Case], pieces: int, seed_number: int) -> Ranges:
    """The days of the cases cut into ranges at random; no ranges for one piece, as the pipeline takes it."""
    if pieces == 1:
        return []
    first = min([FIRST_DAY] + [file.file_date for case in cases for file in case.files])
    cuts = sorted(random.Random(seed_number).sample(range(1, (LAST_DAY - first).days), pieces - 1))
    begins = [first, *(first + timedelta(days=cut) for cut in cuts)]
    ends = [*(begin - timedelta(days=1) for begin in begins[1:]), LAST_DAY]
    return list(zip(begins, ends, strict=True))


@quick
@given(worlds())
def test_an_order_enters_before_it_moves_or_leaves_and_is_gone_after_a_final_reason(case: Case) -> None:
    for rows in by_order(case.expected_book()):
        is_inside = is_gone = False
        for row in rows:
            assert not is_gone
            assert is_inside == (row.movement != "entered")
            assert (row.reason is not None) == (row.movement == "left")
            is_inside = row.movement != "left"
            is_gone = row.reason in FINAL_REASONS


@quick
@given(worlds())
def test_an_order_is_released_when_it_is_due_and_at_most_as_late_as_allowed(case: Case) -> None:
    oracle = case.oracle()
    for row in oracle.movements(LAST_DAY):
        if row.reason in ("released", "filtered"):
            assert 0 <= (row.movement_on - row.due_on).days <= oracle.campaign.lateness_allowed
        if row.reason == "expired":
            assert (row.movement_on - row.due_on).days > oracle.campaign.lateness_allowed


@quick
@given(worlds())
def test_a_contact_has_one_pending_order_unless_each_order_counts(case: Case) -> None:
    oracle = case.oracle()
    oracle.movements(LAST_DAY)
    for waiting in oracle.waiting_after.values():
        contacts = [wait.email for wait in waiting.values()]
        assert case.campaign["repeat_orders"] == "each" or len(contacts) == len(set(contacts))


@quick
@given(worlds())
def test_who_waits_follows_from_the_book(case: Case) -> None:
    oracle = case.oracle()
    book = oracle.movements(LAST_DAY)
    for day, waiting in oracle.waiting_after.items():
        last_rows = {row.order_number: row for row in book if row.movement_on <= day}
        by_the_book = {n: (row.email, row.due_on) for n, row in last_rows.items() if row.movement != "left"}
        assert by_the_book == {number: (wait.email, wait.due_on) for number, wait in waiting.items()}


@quick
@given(worlds(), st.integers(0, 27))
def test_a_day_knows_no_later_file(case: Case, days: int) -> None:
    day = FIRST_DAY + timedelta(days=days)
    until_then = [row for row in case.oracle().movements(LAST_DAY) if row.movement_on <= day]
    assert case.known_on(day).oracle().movements(day) == until_then


@pytest.fixture(scope="module")
def many_worlds() -> list[Case]:
    return drawn_worlds(600, seed_number=1)


def test_the_worlds_bring_about_everything_that_can_happen(many_worlds: list[Case]) -> None:
    counts = Counter(word for case in many_worlds for word in happenings(case))
    assert set(counts) == EVERYTHING_THAT_CAN_HAPPEN
    assert {word: count for word, count in counts.items() if count < 3} == {}


def test_nearly_every_misreading_is_noticed_by_the_worlds(many_worlds: list[Case]) -> None:
    missed = [wrong.__name__ for wrong in misreadings() if not any(notices(case, wrong) for case in many_worlds)]
    assert len(missed) <= 2, missed


def test_a_case_that_differs_is_made_small(many_worlds: list[Case]) -> None:
    """The mistake put in is one that needs two files of one day that state one order."""
    case = next(case for case in many_worlds if len(case.files) > 4 and notices(case, FileNamesByLocale))
    small = smallest(case, lambda cases: [notices(other, FileNamesByLocale) for other in cases])
    assert notices(small, FileNamesByLocale)
    assert not any(notices(other, FileNamesByLocale) for other in smaller(small))
    assert sum(len(file.rows) for file in small.files) <= 3
