"""The words of `exit_when`: the moment of sending and the plan ask the same."""

from itertools import product
from pathlib import Path
from typing import get_args

from pp_pipeline.conversations.exits import OrderExit, exits_of
from pp_pipeline.dbt_project import DbtProject
from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Warehouse
from pp_pipeline_tests.pipeline import copy_checkout

_WORDS = get_args(OrderExit)
_ASKED = "select {% for word, is_true in exits().items() %}{{ is_true }} as {{ word }}, {% endfor %}1 as one from asked"


def test_sql_and_python_say_the_same_of_every_order(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", checkout=tmp_path / "checkout")
    copy_checkout(settings.checkout)
    project = DbtProject(settings)
    project.prepare()
    sql = project.compiled(_ASKED, {"from_day": "2026-01-01", "to_day": "2026-01-01"})
    states = list(product(("processing", "shipped", "canceled", "returned"), (0, 1), (0, 350)))
    found: tuple[object, ...] = ()
    with Warehouse(settings).connect() as connection:
        for status, returned_lines, refunded_cents in states:
            values = f"values ('{status}', {returned_lines}, {refunded_cents})"
            asked = f"with asked (status, returned_lines, refunded_cents) as ({values}) {sql}"
            (found,) = connection.rows(asked)
            true = {word for word, is_true in zip(_WORDS, found, strict=False) if is_true}
            assert true == exits_of(status, returned_lines, refunded_cents), status
    assert len(found) == len(_WORDS) + 1
