"""A real browser (Chromium) that looks at pages, and what it sees: width, words, faults, accessibility (axe-core)."""

import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, Playwright, Route, sync_playwright

Scheme = Literal["light", "dark"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
    "rules": {"heading-order": {"enabled": True}, "image-redundant-alt": {"enabled": True}},
    "resultTypes": ["violations"],
    "iframes": False,  # what stands in them is looked at by itself
}
_PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="320" height="200"><rect width="320" height="200"/></svg>'
_HERE = "http://127.0.0.1:"
_BLOCKED = "blockedbyclient"
_MEASURE = """() => ({
    too_wide: Math.max(0, document.documentElement.scrollWidth - window.innerWidth),
    text: document.body.innerText,
    without_alt: [...document.images].filter((image) => !image.hasAttribute("alt")).length,
})"""


class NoBrowser(RuntimeError):
    """There is no Chromium; the text says how to get one."""


@dataclass(frozen=True)
class Sight:
    """What a browser sees of a page."""

    too_wide: int
    """Pixels by which it is wider than the window."""
    text: str
    without_alt: int
    """Images without an alt text."""
    faults: tuple[str, ...]
    """What its console complained of."""
    violations: tuple[str, ...]
    """Of accessibility (WCAG 2.1 A and AA, order of headings): rule and place."""


class Browser:
    """Chromium, in a thread of its own: its event loop would stand in the way of tests that begin one.

    Nothing comes from outside: pages are given, or files, or answered by a server of this machine, and every other
    request of theirs is refused.

    Raises:
        NoBrowser: none is installed.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._playwright, self._page = self._thread.submit(_start, chromium_path()).result()
        self._faults: list[str] = []
        self._has_images = True
        self._thread.submit(self._listen).result()

    def look(
        self,
        page: str | Path,
        width: int,
        scheme: Scheme = "light",
        images: bool = True,
        clicks: tuple[str, ...] = (),
        screenshot: Path | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Sight:
        """Open a page, given as HTML, as a file or by an address of this machine, in a window of that width.

        Args:
            images: False blocks them, as many mail programs do.
            fields: what to fill in first, by the labels of the fields.
            clicks: buttons to press first, by their words.
            screenshot: where to put a picture of the whole page.
        """
        return self._thread.submit(self._look, page, width, scheme, images, clicks, screenshot, fields or {}).result()

    def close(self) -> None:
        """End it."""
        self._thread.submit(self._playwright.stop).result()
        self._thread.shutdown()

    def _listen(self) -> None:
        self._page.on("console", lambda said: self._faults.append(said.text) if said.type == "error" else None)
        self._page.on("pageerror", lambda error: self._faults.append(str(error)))
        self._page.route("**/*", self._answer)

    def _look(
        self, page: str | Path, width: int, scheme: Scheme, images: bool, clicks: tuple[str, ...],
        screenshot: Path | None, fields: Mapping[str, str],
    ) -> Sight:  # fmt: skip
        opened, self._has_images = self._page, images
        self._faults.clear()
        opened.set_viewport_size({"width": width, "height": 900})
        opened.emulate_media(color_scheme=scheme)
        if isinstance(page, Path):
            opened.goto(page.as_uri())
        elif page.startswith(_HERE):
            opened.goto(page)
        else:
            opened.set_content(page)
        for label, value in fields.items():
            opened.get_by_label(label, exact=True).fill(value)
        for words in clicks:
            opened.get_by_role("button", name=words, exact=True).first.click()
        opened.wait_for_load_state("load")
        if screenshot:
            opened.screenshot(path=screenshot, full_page=True)
        seen = opened.evaluate(_MEASURE)
        if not opened.evaluate("'axe' in window"):  # it stays while only the content is set anew
            opened.evaluate(AXE_SCRIPT)
        violations = opened.evaluate("(options) => axe.run(options)", _AXE)["violations"]
        faults = [fault for fault in self._faults if "ERR_BLOCKED_BY_CLIENT" not in fault]  # images that are not wanted
        return Sight(**seen, faults=tuple(faults), violations=tuple(_words(each) for each in violations))

    def _answer(self, route: Route) -> None:
        if route.request.url.startswith(("file:", _HERE)):
            route.continue_()
        elif route.request.resource_type != "image":
            route.abort("accessdenied")
        elif self._has_images:
            route.fulfill(body=_PICTURE, content_type="image/svg+xml")
        else:
            route.abort(_BLOCKED)


def chromium_path() -> str:
    """Where Chromium is.

    Raises:
        NoBrowser: none is installed.
    """
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if path is None:
        raise NoBrowser("these tests need a real browser: install Chromium, such as by apt-get install chromium")
    return path


def _start(path: str) -> tuple[Playwright, Page]:
    playwright = sync_playwright().start()
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return playwright, playwright.chromium.launch(executable_path=path, args=arguments).new_page()


def _words(violation: dict[str, Any]) -> str:
    places = ", ".join(str(node["target"][0]) for node in violation["nodes"][:3])
    return f"{violation['id']}: {places}"
