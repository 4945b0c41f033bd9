"""The gate: Great Expectations judges the rows and the files of a load (DESIGN 6).

A suite per kind of feed, built from its declared columns, over the rows of all its files in the load, and one
over a frame with one row per file: a load costs a validation for each kind and one more, however many files it
has (0.1 s each; 1M rows 0.5 s).
The rows are judged by the kinds of their cells (`cells.py`): no value of a shopper reaches Great
Expectations, so its results can be shown. It is imported when first needed (2 s).
"""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pp_pipeline.landing.file_rules import FILE_RULES, FileRule
from pp_pipeline.landing.kinds import KINDS_OF_FEEDS
from pp_pipeline.landing.shapes import FileShape

if TYPE_CHECKING:
    import pandas

# "Complete" gives the index of every failing row. Naming key columns besides, with
# `unexpected_index_column_names`, costs 20 s per million failing rows: the frame's own index is the key.
_RESULT_FORMAT = {
    "result_format": "COMPLETE",
    "return_unexpected_index_query": False,
    "include_unexpected_rows": False,
    "partial_unexpected_count": 0,
}


class GateError(RuntimeError):
    """Great Expectations failed inside, so nothing is known about the data: never a verdict on it."""


@dataclass(frozen=True)
class RuleOutcome:
    """What came of one rule over all that it judged: for checks and reports, without any value."""

    suite: str
    column: str
    rule: str
    description: str
    judged_count: int
    broken_count: int


@dataclass(frozen=True)
class BrokenRows:
    """The rows that break one rule: their places in the judged frame, and the kind of each bad cell."""

    column: str
    rule: str
    places: list[int]
    kinds: list[str]


class Gate:
    """The suites, ready to judge; `outcomes` grows with each judgement."""

    def __init__(self) -> None:
        # Read by the package when it is imported: without it, it reports its use over the network.
        os.environ["GX_ANALYTICS_ENABLED"] = "false"  # noqa: TID251
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig

        self._context = gx.get_context(mode="ephemeral")
        self._context.variables.progress_bars = ProgressBarsConfig(globally=False)
        self._frames = self._context.data_sources.add_pandas("landing")
        self._suites: dict[str, Any] = {}
        self._definitions: dict[str, Any] = {}
        self.outcomes: list[RuleOutcome] = []

    def broken_rows(self, kind: str, kinds: "pandas.DataFrame") -> list[BrokenRows]:
        """The rows that break a rule, by rule.

        Args:
            kind: of the feed.
            kinds: the kinds of cells, a column per feed column, rows numbered from 0.

        Raises:
            GateError: the validation itself failed.
        """
        if kinds.empty:
            return []
        rules = {column.name: column for column in KINDS_OF_FEEDS[kind].columns}
        found = []
        for column, places in self._judge(kind, kinds):
            rule = rules[column]
            self._note(kind, column, rule.rule, rule.description, len(kinds), len(places))
            if places:
                found.append(BrokenRows(column, rule.rule, places, list(kinds[column].iloc[places])))
        return found

    def broken_files(self, shapes: Sequence[FileShape]) -> dict[int, list[FileRule]]:
        """The rules that files break, by the place of the file, in the order of their declaration.

        Raises:
            GateError: the validation itself failed.
        """
        import pandas

        if not shapes:
            return {}
        fields = [rule.field for rule in FILE_RULES]
        frame = pandas.DataFrame([asdict(shape) for shape in shapes], columns=fields, dtype=object)
        rules = {rule.field: rule for rule in FILE_RULES}
        found: dict[int, list[FileRule]] = {}
        for field, places in self._judge("files", frame):
            rule = rules[field]
            self._note("files", field, rule.rule, rule.description, len(shapes), len(places))
            for place in places:
                found.setdefault(place, []).append(rule)
        return found

    def _judge(self, name: str, frame: "pandas.DataFrame") -> list[tuple[str, list[int]]]:
        """Column and failing places for each expectation, in the order of the suite."""
        import great_expectations as gx

        if name not in self._suites:
            expectations = _file_expectations() if name == "files" else _row_expectations(name)
            self._suites[name] = self._context.suites.add(gx.ExpectationSuite(name, expectations=expectations))
            asset = self._frames.add_dataframe_asset(name)
            self._definitions[name] = asset.add_batch_definition_whole_dataframe(name)
        suite = self._suites[name]
        batch = self._definitions[name].get_batch(batch_parameters={"dataframe": frame})
        results = {}
        for result in batch.validate(suite, result_format=_RESULT_FORMAT).results:
            # A failure inside also reads `success = False`; it must not pass for bad data.
            raised = result.exception_info or {}
            if raised.get("raised_exception") or "unexpected_count" not in result.result:
                raise GateError(f"Great Expectations could not judge {result.expectation_config.type}")
            column = result.expectation_config.kwargs["column"]
            places = [int(place) for place in result.result.get("unexpected_index_list") or []]
            if len(places) != result.result["unexpected_count"] or result.success != (not places):
                raise GateError(f"Great Expectations contradicts itself about {column}")
            results[column] = places
        return [(expectation.column, results[expectation.column]) for expectation in suite.expectations]

    def _note(self, suite: str, column: str, rule: str, description: str, judged: int, broken: int) -> None:
        self.outcomes.append(RuleOutcome(suite, column, rule, description, judged, broken))


def _expectation_classes() -> Any:
    import great_expectations.expectations as gxe

    return gxe


def _row_expectations(kind: str) -> list[Any]:
    gxe = _expectation_classes()
    return [
        gxe.ExpectColumnValuesToBeInSet(
            column=column.name,
            value_set=list(column.accepts),
            description=column.description,
            meta={"rule": column.rule},
        )
        for column in KINDS_OF_FEEDS[kind].columns
    ]


def _file_expectations() -> list[Any]:
    gxe = _expectation_classes()
    expectations = []
    for rule in FILE_RULES:
        about: dict[str, Any] = {
            "column": rule.field,
            "description": rule.description,
            "meta": {"rule": rule.rule},
        }
        if rule.expects == "null":
            expectations.append(gxe.ExpectColumnValuesToBeNull(**about))
        else:
            bound = "min_value" if rule.expects == "at_least" else "max_value"
            expectations.append(gxe.ExpectColumnValuesToBeBetween(**about, **{bound: rule.bound}))
    return expectations
