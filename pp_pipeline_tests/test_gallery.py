"""Messages, their gallery and the pages of `pp serve` in a real browser: phone and desktop, light and dark."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from pp_pipeline.conversations.loading import load_conversations
from pp_pipeline.conversations.wordings import wordings_of
from pp_pipeline.merchants import load_merchants
from pp_pipeline.messages.gallery import write_gallery
from pp_pipeline.messages.previews import Preview, languages, make_preview
from pp_pipeline.messages.render import Renderer
from pp_pipeline.sending.outlets.outlet import SmsDraft
from pp_pipeline.sending.samples import SECRET, sample_facts
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


@pytest.mark.parametrize(("width", "scheme"), [(375, "light"), (1200, "dark")])
def test_the_pages_of_serve_can_be_used_by_everybody(
    width: int, scheme: Scheme, browser: Browser, tmp_path: Path
) -> None:
    serving = ServingShop(Shop(Settings(home=tmp_path / "home"), {"main": merchant()}))
    for page, word in (("/u", "Unsubscribe"), ("/preferences", "E-mail"), ("/u?c=nothing", "link")):
        answer = serving.client.get(page if "?" in page else serving.link("ann", page))
        check(browser.look(answer.text, width, scheme), word)
    serving.shop.ledger.close()


@pytest.fixture(scope="module")
def previews() -> list[Preview]:
    """Every message of the checkout in every language, about an order with pictures, prices and a very long name."""
    settings = Settings(home=Path("nowhere"))
    merchants = load_merchants(settings)
    conversations = load_conversations(settings.conversations_dir, merchants)
    by_name = {each.conversation: each for each in conversations}
    renderer = Renderer(settings.conversations_dir, by_name, merchants, SECRET)
    facts = sample_facts(merchants["main"], date(2026, 7, 10))
    picture = {"url": "https://example.com/pen", "image_url": "https://example.com/pen.png"}
    shown = (replace(facts.recommended[0], name="Füllfederhalter" * 6, **picture), *facts.recommended)
    return [
        make_preview(renderer, each, merchants["main"], replace(facts, recommended=shown), locale, [])
        for each in wordings_of(conversations)
        for locale in languages(renderer, each, merchants["main"])
    ]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("width", "images"), [(375, True), (375, False), (1200, True)])
def test_every_message_reads_well(
    width: int, images: bool, scheme: Scheme, browser: Browser, previews: list[Preview]
) -> None:
    for preview in previews:
        assert preview.draft is not None, preview.problem
        if isinstance(preview.draft, SmsDraft):
            continue  # a text has no page of its own
        assert preview.sizes["html_bytes"] < 100_000
        sight = browser.look(preview.draft.html, width, scheme, images)
        shown = ["Main Street Supplies", "Unsubscribe"] + (["Füllfeder"] if "Füllfeder" in preview.draft.html else [])
        check(sight, *shown)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_gallery_shows_them_all_as_they_look_in_each_colour(
    width: int, browser: Browser, previews: list[Preview], tmp_path: Path
) -> None:
    page = write_gallery(previews, "Main Street Supplies", "About an order.", tmp_path)
    names = [preview.name for preview in previews]
    check(browser.look(page, width, "light"), *names)
    check(browser.look(page, width, "dark", clicks=("Dark", "Images off")), *names)
