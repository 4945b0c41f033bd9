"""Random files and campaigns through the oracle and the pipeline: every movement has to be the same.

`PP_TEST_PROFILE=heavy` (CI) draws more, and other worlds each time; `PP_TEST_SEED` repeats what it drew. The oracle
itself is held to what section 3 promises, and the worlds to bring about everything that can happen.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from pp_pipeline_tests.cases import Case, sorted_book
from pp_pipeline_tests.further_examples import FURTHER
from pp_pipeline_tests.order_worlds import FIRST_DAY, LAST_DAY, worlds
from pp_pipeline_tests.orders_oracle import days_between
from pp_pipeline_tests.pipeline import run_cases
from pp_pipeline_tests.queue_oracle import FINAL_REASONS, Movement
from pp_pipeline_tests.section_3_examples import SECTION_3
from pp_pipeline_tests.smaller_cases import CASES_A_RUN, report, smallest
from pp_pipeline_tests.wrong_books import ReleasedIsNotFinal
from pp_pipeline_tests.wrong_readings import FileNamesByLocale, Misreading

RUNS = {"default": 3, "heavy": 40}
PROFILE = os.environ.get("PP_TEST_PROFILE", "default")
SEED = int(os.environ.get("PP_TEST_SEED") or (0 if PROFILE == "default" else random.randrange(10**6)))
QUIET_CASES_A_RUN = 2  # with an empty book; that nothing happens is checked too, but says less

quick = settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def drawn_worlds(count: int, seed_number: int) -> list[Case]:
    """Worlds as hypothesis draws them, all different."""
    drawn: dict[str, Case] = {}

    @seed(seed_number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(worlds())
    def draw(case: Case) -> None:
        drawn[repr(case)] = case

    draw()
    return list(drawn.values())


def cases_of_a_run(seed_number: int) -> list[Case]:
    """24 worlds with a merchant of their own each, nearly all with something in their book."""
    loud: list[Case] = []
    quiet: list[Case] = []
    for case in drawn_worlds(3 * CASES_A_RUN, seed_number):
        (loud if case.expected_book() else quiet).append(case)
    cases = [*quiet[:QUIET_CASES_A_RUN], *reversed(loud)][:CASES_A_RUN]
    return of_different_merchants(cases)


def of_different_merchants(cases: list[Case]) -> list[Case]:
    return [case.of_merchant(f"merchant_{place:02}") for place, case in enumerate(cases)]


@pytest.mark.parametrize("run", range(RUNS[PROFILE]))
def test_the_pipeline_gives_every_movement_of_the_oracle(run: int, target: str) -> None:
    def books(cases: list[Case]) -> list[list[Movement]]:
        return [sorted_book(book) for book in run_cases(of_different_merchants(cases), target)]

    def differ(cases: list[Case]) -> list[bool]:
        return [book != case.expected_book() for case, book in zip(cases, books(cases), strict=True)]

    cases = cases_of_a_run(SEED + run)
    different = [case for case, differs in zip(cases, differ(cases), strict=True) if differs]
    if different:
        case = smallest(different[0], differ)
        told = report(case, [*books([case])[0]], [*case.expected_book()])
        pytest.fail(f"{len(different)} of {len(cases)} cases differ (PP_TEST_SEED={SEED}), such as\n{told}")


@quick
@given(worlds())
def test_an_order_enters_before_it_moves_or_leaves_and_is_gone_after_a_final_reason(case: Case) -> None:
    for rows in _by_order(case.expected_book()):
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
        by_the_book = {
            number: (row.email, row.due_on) for number, row in last_rows.items() if row.movement != "left"
        }
        assert by_the_book == {number: (wait.email, wait.due_on) for number, wait in waiting.items()}


@quick
@given(worlds(), st.integers(0, 27))
def test_a_day_knows_no_later_file(case: Case, days: int) -> None:
    day = list(days_between(FIRST_DAY, LAST_DAY))[days]
    files = tuple(file for file in case.files if file.file_date <= day)
    known = Case("main", files, case.campaign, case.days, case.zone, case.currency, case.ineligible_emails)
    assert known.oracle().movements(day) == [row for row in case.oracle().movements(LAST_DAY) if row.movement_on <= day]


@pytest.fixture(scope="module")
def many_worlds() -> list[Case]:
    return drawn_worlds(600, seed_number=1)


def test_the_worlds_bring_about_everything_that_can_happen(many_worlds: list[Case]) -> None:
    counts = Counter(happening for case in many_worlds for happening in happenings(case))
    assert {happening: count for happening, count in counts.items() if count < 5} == {}
    assert set(counts) == EVERYTHING_THAT_CAN_HAPPEN


def test_every_misreading_is_noticed_by_an_example() -> None:
    cases = [example.case() for example in (*SECTION_3, *FURTHER)]
    assert [m.__name__ for m in misreadings() if not any(notices(case, m) for case in cases)] == []


def test_nearly_every_misreading_is_noticed_by_the_worlds(many_worlds: list[Case]) -> None:
    missed = [m.__name__ for m in misreadings() if not any(notices(case, m) for case in many_worlds)]
    assert len(missed) <= 3, missed


def test_a_case_that_differs_is_made_small(many_worlds: list[Case]) -> None:
    """The mistake put in is one that needs two files of one day and one order."""
    case = next(case for case in many_worlds if len(case.files) > 4 and notices(case, FileNamesByLocale))
    small = smallest(case, lambda cases: [notices(other, FileNamesByLocale) for other in cases])
    assert len(small.files) == 2
    assert sum(len(file.rows) for file in small.files) == 2
    assert notices(small, FileNamesByLocale) and not notices(small, ReleasedIsNotFinal)


EVERYTHING_THAT_CAN_HAPPEN = {
    "entered",
    "entered before the order was dated",
    "entered from before active_from",
    "entered again after canceled",
    "entered again after withdrawn",
    "entered again after superseded",
    "moved to another due date",
    "moved to another contact",
    "moved and left on one day",
    "left canceled",
    "left withdrawn",
    "left superseded",
    "left expired",
    "left expired on hold",
    "left expired with wait 0",
    "left filtered",
    "left released",
    "left released on the day of entering",
    "left released late",
    "left released after a hold",
    "left released with wait 0",
    "waits by order_date",
    "waits by ship_date",
    "waits by status_change",
    "the basis source changed alone",
    "nothing",
}


def happenings(case: Case) -> set[str]:
    """What comes about in a case, in words of `EVERYTHING_THAT_CAN_HAPPEN`."""
    oracle = case.oracle()
    book = oracle.movements(LAST_DAY)
    campaign = oracle.campaign
    words = {" ".join([row.movement, row.reason or ""]).strip() for row in book} - {"moved"}
    words |= {f"waits by {row.basis_source}" for row in book}
    for rows in _by_order(book):
        held = {
            known.version.fields.status in campaign.hold_statuses and known.on <= rows[-1].movement_on
            for known in oracle.orders.history[rows[0].order_number]
        }
        for before, row in zip([None, *rows], rows, strict=False):
            is_same_day = before is not None and before.movement_on == row.movement_on
            if row.movement == "entered":
                words |= {f"entered again after {before.reason}"} if before else set()
                words |= {"entered from before active_from"} if row.basis_date < campaign.active_from else set()
                words |= {"entered before the order was dated"} if row.basis_date > row.movement_on else set()
                continue
            assert before is not None
            if row.movement == "moved":
                words |= {"moved to another due date"} if before.due_on != row.due_on else set()
                words |= {"moved to another contact"} if before.email != row.email else set()
                continue
            if row.reason in ("expired", "released"):
                words |= {f"left {row.reason} with wait 0"} if campaign.wait_days == 0 else set()
            if row.reason == "expired" and True in held:
                words.add("left expired on hold")
            if row.reason == "released":
                words |= {"left released late"} if row.movement_on > row.due_on else set()
                words |= {"left released after a hold"} if row.movement_on > row.due_on and True in held else set()
                words |= {"left released on the day of entering"} if is_same_day else set()
            words |= {"moved and left on one day"} if is_same_day and before.movement == "moved" else set()
            words |= {"the basis source changed alone"} if before.basis_source != row.basis_source else set()
    return words or {"nothing"}


def misreadings(kind: type[Misreading] = Misreading) -> Iterator[type[Misreading]]:
    """Every wrong reading with a name of its own."""
    for reading in kind.__subclasses__():
        if not reading.__name__.startswith("_"):
            yield reading
        yield from misreadings(reading)


def notices(case: Case, misreading: type[Misreading]) -> bool:
    """Whether the wrong reading gives the case another book."""
    return sorted_book(misreading.of(case).movements(case.days[1])) != case.expected_book()


def _by_order(book: list[Movement]) -> list[list[Movement]]:
    rows_of: dict[str, list[Movement]] = {}
    for row in sorted_book(book):
        rows_of.setdefault(row.order_number, []).append(row)
    return list(rows_of.values())
