"""How commands print: names are never folded, brackets of help texts are no markup, times have one form."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from pp_pipeline.cli import app
from pp_pipeline.commands import output
from pp_pipeline.sending.guards import GUARDS
from pp_pipeline_tests.ledger_words import pp
from pp_pipeline_tests.sending_world import DAY, World


@pytest.fixture(params=[80, 100])
def width(request: pytest.FixtureRequest) -> Iterator[int]:
    """So many columns of the terminal."""
    before = output.out.width
    output.out.width = request.param
    yield request.param
    output.out.width = before


def test_names_of_guards_are_whole(width: int) -> None:
    lines = CliRunner().invoke(app, ["guards"]).stdout.splitlines()
    assert max(map(len, lines)) <= width
    for guard in GUARDS:
        assert len([line for line in lines if line.split(" ")[0] == guard.name]) == 2, guard.name


def test_keys_states_and_messages_of_the_ledger_are_whole_in_100_columns(lite: World) -> None:
    lite.plan(DAY, 2)
    lite.plan_snapshot(DAY, 1)
    lite.run()
    env = {"PP_HOME": str(lite.settings.home), "PP_CHECKOUT": str(lite.settings.checkout)}
    lines = CliRunner().invoke(app, ["ledger", "list"], env=env).stdout.splitlines()[2:]
    shown = [re.split(r" {2,}", line.strip())[:3] for line in lines]
    assert shown == [
        ["outbox_relay:loyal:2026-07-10", "rehearsal", "sent"],
        ["m00000120260", "rehearsal", "sent"],
        ["m00000020260", "rehearsal", "sent"],
    ]
    assert all(" 07-10  " in line and re.search(r"  \d\d-\d\d \d\d:\d\d  ", line) for line in lines)


def test_brackets_stand_in_help_texts() -> None:
    assert "marked [test]" in CliRunner().invoke(app, ["send-test", "--help"]).stdout


def test_times_have_one_form(lite: World) -> None:
    assert output.moment(datetime(2026, 10, 31, 6, 0, 59, tzinfo=UTC)) == "2026-10-31 06:00"
    assert output.stated_moment("2026-10-31T06:00:59Z by ann") == "2026-10-31 06:00 UTC by ann"
    pp(lite, "ledger", "backup", str(lite.settings.home / "copy.sqlite"))
    assert re.search(r"Last backed up: \d{4}-\d\d-\d\d \d\d:\d\d UTC\.", pp(lite, "ledger"))
