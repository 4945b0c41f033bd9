"""A corrected file in the real UI: `pp ui`, a browser, and the clicks of a person (docs/corrections.md, "In the UI").

A week ago two people ordered, and got their letters. Then the file of that day comes once more, with another person in
place of one. Nobody types a command: the sensor's preview tells what the file touches, a backfill builds the days, the
asset's page shows the difference, the job `approve` lets it go, and only who is newly due is written to.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from sqlalchemy import select

from pp_pipeline.correcting.approving import carry_out, decide
from pp_pipeline.defs.jobs import DAILY, SENDING
from pp_pipeline.defs.location import Location
from pp_pipeline.ledger.schema import deliveries
from pp_pipeline.sending.batches import batch_states
from pp_pipeline_tests.browser import chromium_path
from pp_pipeline_tests.dagster_home import Installation, install, instance_of
from pp_pipeline_tests.dagster_server import PATIENCE_SECONDS, ask, until, user_interface

pytestmark = pytest.mark.heavy

_BACKFILLS = """{ partitionBackfillsOrError(limit: 9) { ... on PartitionBackfills { results { id status runs {
  status jobName tags { key value } } } } } }"""
_RUNS = """query ($job: String!) { runsOrError(filter: {pipelineName: $job}) { ... on Runs { results { status } } } }"""
_ENDED = ("COMPLETED_SUCCESS", "COMPLETED_FAILED", "COMPLETED", "FAILED", "CANCELED")


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """A shop with orders of six days ago and of yesterday, all of it built, approved and sent."""
    installation = install(tmp_path)
    today = Location(installation.settings).today()
    for days_ago, names in ((6, ("ann", "ben")), (1, ("cem",))):
        write_orders(installation, today - timedelta(days=days_ago), *names)
    with instance_of(installation) as instance:
        assert installation.run(DAILY, today - timedelta(days=6), today, instance).success
        approve_everything(installation, today)
        assert installation.run(SENDING, today - timedelta(days=6), today, instance).success
    return installation


@pytest.fixture
def page() -> Iterator[Page]:
    """A page of a real browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": 1500, "height": 950})
        opened.set_default_timeout(PATIENCE_SECONDS * 1000)
        expect.set_options(timeout=PATIENCE_SECONDS * 1000)
        yield opened
        browser.close()


def test_a_corrected_file_is_offered_built_looked_at_and_approved_without_a_command(
    installation: Installation, page: Page
) -> None:
    today = Location(installation.settings).today()
    ordered, thanked = today - timedelta(days=6), today - timedelta(days=3)
    before = sent(installation)
    assert ("thank_you", "ann") in before
    write_orders(installation, ordered, "dora", "ben")
    with user_interface(installation.settings) as server:
        tags = preview_of_tick(server, page)
        assert f"asset_partition_range_start: {ordered}" in tags
        assert "pp/campaigns_touched: loyal_customers, recent_buyers, thank_you, win_back" in tags
        assert "pp/orders_that_differ: 2" in tags
        backfill(server, page, DAILY, ordered, today)
        assert sent(installation) == before, "building sends nothing"
        page.goto(f"{server}/assets/batches?view=partitions&partition={thanked}")
        row = page.get_by_role("row").filter(has=page.get_by_text("sent in error", exact=True))
        expect(row.first).to_contain_text("1")
        shown = approve(server, page, f"{{by: eva, first_day: '{ordered}', last_day: '{today}', confirm: true}}")
        assert "dora" in shown and "ann" in shown
        backfill(server, page, SENDING, ordered, today)
    new = sent(installation) - before
    assert ("thank_you", "dora") in new
    assert {number for _, number in new if number} == {"dora"}, "only who is newly due"


def write_orders(installation: Installation, day: date, *names: str) -> None:
    """The day's file: an order of each person, with their name for a number."""
    lines = [f"{name},{name}@example.com,{day}T10:00:00,,processing" for name in names]
    installation.write_orders(f"{day}", *lines)


def approve_everything(installation: Installation, today: date) -> None:
    """Let all go that waits, so that the shop has written to everybody."""
    settings = installation.settings
    with Location(settings).ledger() as ledger:
        states = batch_states(ledger, settings, today - timedelta(days=9), today, today)
        waiting = [one for one in states if one[1].state == "waiting"]
        carry_out(settings, ledger, decide(waiting, None, False), "ana", today)


def sent(installation: Installation) -> set[tuple[str, str]]:
    """What was sent, about which orders: conversation (of an event or a snapshot its kind) and number."""
    columns = (deliveries.c.kind, deliveries.c.conversation, deliveries.c.order_number, deliveries.c.state)
    with Location(installation.settings).ledger() as ledger, ledger.reading() as connection:
        rows = connection.execute(select(*columns)).all()
    return {(name or kind, number or "") for kind, name, number, state in rows if state == "sent"}


def preview_of_tick(server: str, page: Page) -> str:
    """What the sensor asks for, looked at without launching it: the tags of its one run."""
    page.goto(f"{server}/locations/pp_pipeline/sensors/order_file_sensor")
    page.get_by_role("button", name="Preview tick result").click()
    page.get_by_role("button", name="Continue").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("1 run request")).to_be_visible()
    dialog.get_by_role("button", name="Preview", exact=True).click()
    tags = page.get_by_role("dialog").filter(has_text="Run configuration")
    expect(tags.get_by_text("pp/order_files")).to_be_visible()
    return tags.inner_text()


def backfill(server: str, page: Page, job: str, first: date, last: date) -> None:
    """Select the job's assets and a range of days, launch, and wait for the end: one pass, not a run per day."""
    known = {one["id"] for one in backfills(server)}
    page.goto(f"{server}/locations/pp_pipeline/jobs/{job}")
    page.get_by_role("button", name="Materialize").first.click()
    dialog = page.get_by_role("dialog")
    days = dialog.get_by_role("textbox").first
    days.fill(f"[{first}...{last}]")
    days.press("Enter")
    dialog.get_by_role("button", name="Launch backfill").click()
    until(lambda: any(one["id"] not in known and one["status"] in _ENDED for one in backfills(server)))
    launched = next(one for one in backfills(server) if one["id"] not in known)
    assert launched["status"] == "COMPLETED_SUCCESS"
    assert len(launched["runs"]) <= 3, "a range of days is one pass, not a run per day"


def backfills(server: str) -> list[dict]:
    return ask(server, _BACKFILLS)["partitionBackfillsOrError"]["results"]


def approve(server: str, page: Page, config: str) -> str:
    """Run the job `approve` from the Launchpad. Returns the list that it shows."""
    page.goto(f"{server}/locations/pp_pipeline/jobs/approve/playground")
    editor = page.locator(".CodeMirror").first
    editor.evaluate("(node, text) => node.CodeMirror.setValue(text)", f"ops: {{decide: {{config: {config}}}}}\n")
    expect(page.get_by_text("No errors")).to_be_visible()
    page.get_by_role("button", name="Launch Run").click()
    page.wait_for_url("**/runs/*")
    until(lambda: all(one["status"] == "SUCCESS" for one in runs(server, "approve")) and runs(server, "approve") != [])
    page.get_by_text("rows that differ").wait_for()
    return page.locator("body").inner_text()


def runs(server: str, job: str) -> list[dict]:
    return ask(server, _RUNS, job=job)["runsOrError"]["results"]
