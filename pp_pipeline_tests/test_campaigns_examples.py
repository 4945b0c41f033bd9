"""The examples of DESIGN 3, row by row, against the oracle and against the pipeline.

The further examples write down how sentences of section 3 are read where a quick reading
could take them otherwise; together they notice every mistake of `wrong_readings`.
"""

import pytest

from pp_pipeline_tests.further_examples import FURTHER
from pp_pipeline_tests.pipeline import SLOTS
from pp_pipeline_tests.queue_pipelines import TARGETS, queue_pipeline_on
from pp_pipeline_tests.section_3_examples import SECTION_3
from pp_pipeline_tests.worked_examples import Example, shown
from pp_pipeline_tests.wrong_books import misreadings, notices

EXAMPLES = (*SECTION_3, *FURTHER)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_oracle_gives_the_book_of_the_example(example: Example) -> None:
    assert shown(example.case().expected_book()) == example.book


@pytest.fixture(scope="module", params=TARGETS)
def books_of_the_pipeline(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[str, ...]]:
    """The book that the pipeline gives for each example, in as few runs as there are slots for."""
    pipeline = queue_pipeline_on(request.param, tmp_path_factory.mktemp("examples"), request)
    books: dict[str, tuple[str, ...]] = {}
    for first in range(0, len(EXAMPLES), SLOTS):
        examples = EXAMPLES[first : first + SLOTS]
        found = pipeline.books([example.case() for example in examples])
        books |= {example.name: shown(book) for example, book in zip(examples, found, strict=True)}
    return books


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_pipeline_gives_the_book_of_the_example(
    example: Example, books_of_the_pipeline: dict[str, tuple[str, ...]]
) -> None:
    assert books_of_the_pipeline[example.name] == example.book


def test_every_misreading_is_noticed_by_an_example() -> None:
    cases = [example.case() for example in EXAMPLES]
    assert [wrong.__name__ for wrong in misreadings() if not any(notices(case, wrong) for case in cases)] == []
