"""The examples of DESIGN 3, row by row, against the oracle and against the pipeline.

The further examples write down how sentences of section 3 are read where a quick reading
could take them otherwise; together they notice every mistake of `wrong_readings`.
"""

import pytest

from pp_pipeline_tests.further_examples import FURTHER
from pp_pipeline_tests.pipeline import run_cases
from pp_pipeline_tests.section_3_examples import SECTION_3
from pp_pipeline_tests.worked_examples import Example, shown

EXAMPLES = (*SECTION_3, *FURTHER)
EXAMPLES_A_RUN = 24


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_oracle_gives_the_book_of_the_example(example: Example) -> None:
    assert shown(example.case().expected_book()) == example.book


@pytest.fixture(scope="module")
def books_of_the_pipeline(target: str) -> dict[str, tuple[str, ...]]:
    """The book that the pipeline gives for each example; two runs, as one takes 24 cases."""
    books: dict[str, tuple[str, ...]] = {}
    for first in range(0, len(EXAMPLES), EXAMPLES_A_RUN):
        examples = EXAMPLES[first : first + EXAMPLES_A_RUN]
        cases = [example.case().of_merchant(f"merchant_{place:02}") for place, example in enumerate(examples)]
        for example, book in zip(examples, run_cases(cases, target), strict=True):
            books[example.name] = shown(book)
    return books


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_pipeline_gives_the_book_of_the_example(
    example: Example, books_of_the_pipeline: dict[str, tuple[str, ...]]
) -> None:
    assert books_of_the_pipeline[example.name] == example.book
