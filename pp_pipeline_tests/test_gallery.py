"""Messages, their gallery and the pages of `pp serve` in a real browser: phone and desktop, light and dark."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pp_pipeline.settings import Settings
from pp_pipeline_tests.browser import Browser, Scheme, Sight
from pp_pipeline_tests.landing_shop import Shop, merchant
from pp_pipeline_tests.serving_shop import ServingShop

pytestmark = pytest.mark.xdist_group("browser")

SCHEMES: tuple[Scheme, ...] = ("light", "dark")
WIDTHS = (375, 1200)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = Browser()
    yield found
    found.close()


def check(sight: Sight, *words: str) -> None:
    """Nothing is cut off, wrong or hard to read, and the words can be seen."""
    assert (sight.too_wide, sight.without_alt, sight.faults, sight.violations) == (0, 0, (), ())
    assert [word for word in words if word not in sight.text] == []


def test_the_browser_sees_what_is_wrong_with_a_page(browser: Browser) -> None:
    page = """<html lang="en"><title>t</title><h1>One</h1><h3 style="color: #999">Three</h3>
    <p style="width: 500px">wide</p><img src="http://example.com/a.png"><script>missing()</script></html>"""
    sight = browser.look(page, 375)
    assert sight.too_wide > 0 and sight.without_alt == 1 and "missing" in sight.faults[0]
    assert {each.partition(":")[0] for each in sight.violations} == {"color-contrast", "heading-order", "image-alt"}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_pages_of_serve_can_be_used_by_everybody(
    width: int, scheme: Scheme, browser: Browser, tmp_path: Path
) -> None:
    serving = ServingShop(Shop(Settings(home=tmp_path / "home"), {"main": merchant()}))
    for page, word in (("/u", "Unsubscribe"), ("/preferences", "E-mail"), ("/u?c=nothing", "link")):
        answer = serving.client.get(page if "?" in page else serving.link("ann", page))
        check(browser.look(answer.text, width, scheme), word)
    serving.shop.ledger.close()
