"""A year of backfill over all campaigns is one pass (DESIGN 1): one run, and each model built once for all days."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pp_pipeline.dbt_project import DbtProject, NodeResult
from pp_pipeline.defs.jobs import DAILY
from pp_pipeline_tests.dagster_home import Installation
from pp_pipeline_tests.sample_year import FIRST, LAST, SampleYear


@pytest.mark.heavy
def test_a_year_of_all_campaigns_is_built_in_one_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = SampleYear(tmp_path).settings.model_copy(update={"today": LAST})
    built: Counter[str] = Counter()
    build = DbtProject.build

    def counted(
        self: DbtProject, models: Sequence[str], first: date, last: date, *rest: Any, **options: Any
    ) -> list[NodeResult]:
        assert (first, last) == (FIRST, LAST)
        results = build(self, models, first, last, *rest, **options)
        built.update(one.name for one in results)
        return results

    monkeypatch.setattr(DbtProject, "build", counted)
    installation = Installation(settings)
    assert installation.run(DAILY, FIRST, LAST).success
    assert {f"queue_{name}" for name in ("thank_you", "win_back", "review_request")} <= built.keys()
    assert set(built.values()) == {1}
    built.clear()
    assert installation.run(DAILY, FIRST, LAST).success
    assert set(built.values()) == {1}, "nor is a year that was built before another thing than a year that was not"
