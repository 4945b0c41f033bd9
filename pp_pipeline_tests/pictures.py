"""The picture of the way that the README shows, taken from the running UI: `make picture`.

The sample is built in a home that lasts as long as this program, `pp ui` serves it, and a headless Chromium looks
at the lineage with the queues unfolded.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from shutil import copytree

from playwright.sync_api import expect, sync_playwright

from pp_pipeline.defs.location import Location
from pp_pipeline.settings import Settings
from pp_pipeline_tests.browser import chromium_path
from pp_pipeline_tests.dagster_server import user_interface

CHECKOUT = Path(__file__).resolve().parent.parent
WAY = CHECKOUT / "docs" / "pictures" / "way.png"
_WAY_PAGE = "/asset-groups?expanded=global@global:campaigns"


def build_sample(home: Path) -> Settings:
    """Build the sample in a home up to today, as `pp run` does."""
    copytree(CHECKOUT / "data" / "inbox", home / "inbox")
    environment = os.environ | {"PP_HOME": str(home), "PP_CHECKOUT": str(CHECKOUT)}
    settings = Settings(home=home, checkout=CHECKOUT)
    days = ["--from", "2026-07-03", "--to", f"{Location(settings).today()}", "--send"]
    subprocess.run([Path(sys.executable).parent / "pp", "run", *days], env=environment, check=False)
    return settings


def take_way(server: str, path: Path) -> None:
    """Take the picture of the way from a UI that runs."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        # In a smaller window the nodes say less. Beside the graph is the navigation, above it the page's head.
        page = browser.new_page(viewport={"width": 2500, "height": 1250})
        page.goto(server + _WAY_PAGE)
        page.locator("foreignObject").get_by_text("Passed").nth(4).wait_for()  # each queue tells of its checks
        expect(page.get_by_text("fetching statuses")).to_have_count(
            0, timeout=30_000
        )  # nor do the folded groups lack any
        page.evaluate("document.fonts.ready")
        path.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=path, clip={"x": 545, "y": 115, "width": 1900, "height": 1070})
        browser.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, user_interface(build_sample(Path(folder))) as server:
        take_way(server, WAY)
    print(f"{WAY.relative_to(CHECKOUT)} is taken anew")
