"""`make demo-fix`: the difference that a corrected file makes, from the sample to what waits for a person."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pp_pipeline.ledger.store import Ledger
from pp_pipeline.sending.batches import batch_states
from pp_pipeline.settings import Settings, parse_day

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.mark.heavy
def test_the_demo_shows_what_a_corrected_file_makes_due_moves_and_sent_in_error(tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in (CHECKOUT / "data" / "inbox").iterdir()}
    home = tmp_path / "home"
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT), "PP_CHECKOUT": str(CHECKOUT), "PP_LEDGER_URL": "nowhere"}
    program = [sys.executable, CHECKOUT / "data" / "demo_fix.py", home]
    told = subprocess.run(program, env=environment, capture_output=True, text=True, check=True)
    assert not told.stderr
    lines = told.stdout.splitlines()
    assert max(len(line) for line in lines if str(home.name) not in line) <= 101
    words = " ".join(told.stdout.split())
    assert "1 new or changed files, the earliest for 2026-07-05 builds 2026-07-05 to 2026-07-09" in words
    assert "4 orders differ. May touch: loyal_customers" in words
    assert "review_request" not in words  # none of the four was shipped by then
    for row in ("2 sent in error", "1 moved", "3 new", "2026-07-08 messages thank_you"):
        assert row in words, row
    settings = Settings(home=home, checkout=CHECKOUT)
    with Ledger(settings) as ledger:
        days = [parse_day(f"2026-07-{day}") for day in ("05", "09", "13")]
        states = batch_states(ledger, settings, days[0], days[1], days[2])
    assert {(batch.day, batch.id.name) for batch, state in states if state.state == "waiting"} == {
        (days[0], "outbox_relay"),
        (parse_day("2026-07-08"), "thank_you"),
    }
    assert before == {path.name: path.read_bytes() for path in (CHECKOUT / "data" / "inbox").iterdir()}
