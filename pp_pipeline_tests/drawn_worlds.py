"""Random worlds as plain lists, for tests that put many of them into one run of the pipeline."""

from hypothesis import HealthCheck, Phase, given, seed, settings

from pp_pipeline_tests.cases import Case
from pp_pipeline_tests.order_worlds import worlds
from pp_pipeline_tests.smaller_cases import CASES_A_RUN

# Past its first ten examples hypothesis draws five variations of each new one: good to find one
# fault, a waste where 24 cases share a run. So it is begun anew every ten examples.
_EXAMPLES_BEFORE_VARIATIONS = 10
_ALL_HEALTH_CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
_QUIET_CASES_A_RUN = 2  # with an empty book: that nothing happens is checked too, but says less


def drawn_worlds(count: int, seed_number: int) -> list[Case]:
    """That many worlds as hypothesis draws them, all different."""
    drawn: dict[str, Case] = {}
    block = 0
    while len(drawn) < count:
        for case in _a_few_worlds(f"{seed_number}, {block}"):
            drawn[repr(case)] = case
        block += 1
    return list(drawn.values())[:count]


def cases_of_a_run(seed_number: int) -> list[Case]:
    """24 worlds, nearly all with something in their book."""
    loud: list[Case] = []
    quiet: list[Case] = []
    for case in drawn_worlds(2 * CASES_A_RUN, seed_number):
        (loud if case.expected_book() else quiet).append(case)
    return [*quiet[:_QUIET_CASES_A_RUN], *loud][:CASES_A_RUN]


def _a_few_worlds(seed_text: str) -> list[Case]:
    drawn: list[Case] = []

    @seed(seed_text)
    @settings(
        max_examples=_EXAMPLES_BEFORE_VARIATIONS,
        database=None,
        derandomize=False,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=_ALL_HEALTH_CHECKS,
    )
    @given(worlds())
    def draw(case: Case) -> None:
        drawn.append(case)

    draw()
    return drawn
