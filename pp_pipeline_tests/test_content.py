"""Texts that fall back: what a message shows, and what is refused when they are read (docs/content.md)."""

from datetime import date

import pytest

from pp_pipeline.conversations.loading import ConversationError
from pp_pipeline.messages.content import Chosen, Contents
from pp_pipeline.messages.product_changes import ProductChanges
from pp_pipeline.messages.review import content_warnings
from pp_pipeline.sending.planned import Order, OrderLine
from pp_pipeline_tests.sending_world import World

SITE = "https://shop.example.com"
GUIDE = "https://shop.example.com/guides/lamp"

HELP = """
product_link: how_to_url
general: {title: A hand, text: We know it well., link_text: Ask us, link: /help, de: {text: Fragen}}
categories:
  Lamps: {title: Your new lamp, text: Let it cool., link_text: How to use it}
  Paper: {title: Papier, text: Trocken lagern., reviewed_on: 2026-07-01}
products:
  "0042":
    text: The switch is at the back.
    link_text: Pictures
    link: https://example.com/0042
    de_AT: {text: Der Schalter ist hinten., link_text: Bilder}
"""


def read(**files: str) -> Contents:
    return Contents.read({f"content/{name}.yml": text.encode() for name, text in files.items()})


def order(*lines: OrderLine) -> Order:
    return Order("1", date(2026, 7, 1), None, "shipped", None, "USD", {}, lines)


def line(sku: str | None, category: str | None, cents: int | None, quantity: int = 1, **links: str) -> OrderLine:
    return OrderLine(sku, "A thing", category, quantity, cents, **links)


SWITCH = line("0042", "Lamps", 900)

# What the order holds and the message's locale; then what is shown, and the link.
CHOSEN = {
    "the article's own": (order(SWITCH), "en", "product 0042", "https://example.com/0042"),
    "the category's, with the link of the products feed": (
        order(line("1", "Lamps", 900, how_to_url=GUIDE)), "en", "category Lamps", GUIDE
    ),
    "the category's, without a link": (order(line("1", "Lamps", 900, care_url=GUIDE)), "en_GB", "category Lamps", ""),
    "the general one": (order(line(None, None, 900)), "en", "general", f"{SITE}/help"),
    "no order": (None, "en", "general", f"{SITE}/help"),
    "no lines": (order(), "en", "general", f"{SITE}/help"),
    "of the largest line": (order(line("1", "Paper", 500), line("2", "Lamps", 300, 2)), "en", "category Lamps", ""),
    "of equal lines the first": (order(line("1", "Paper", 6), line("2", "Lamps", 3, 2)), "en", "category Paper", ""),
    "a line whose price nobody knows is the smallest": (order(line("1", "Lamps", None), line("2", "Paper", 1)), "en",
                                                      "category Paper", ""),
    "in the locale": (order(SWITCH), "de_AT", "product 0042", "https://example.com/0042"),
    "past what is not in the language": (order(SWITCH), "de", "general", ""),
    "nothing in the language": (order(SWITCH), "fr", None, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", CHOSEN)
def test_a_message_shows_the_nearest_text_in_its_language(name: str) -> None:
    about, locale, place, link = CHOSEN[name]
    chosen = read(help=HELP).choose("help", about, locale, "en", SITE)
    assert (chosen and chosen.place, chosen.words["link"] if chosen else "") == (place, link)
    assert chosen is None or bool(chosen.words["link"]) == bool(chosen.words["link_text"])


def test_an_entry_is_taken_as_a_whole() -> None:
    contents = read(help=HELP)
    nothing = {"title": "", "text": "", "link_text": "", "link": ""}
    own = contents.choose("help", order(SWITCH), "en", "en", SITE)
    assert own == Chosen(
        "product 0042",
        nothing | {"text": "The switch is at the back.", "link_text": "Pictures", "link": "https://example.com/0042"},
    )
    assert contents.choose("help", None, "de", "en", SITE) == Chosen("general", nothing | {"text": "Fragen"})
    with pytest.raises(KeyError):
        contents.choose("halp", None, "en", "en", SITE)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("general: {text: A, tittle: B}", "help.yml:1: general.tittle: is not known here; an entry has title, text"),
        ("generel: {text: A}", "help.yml: holds no texts; write general, categories or products"),
        ("general: {text: A}\nlink: /help", "help.yml:2: link: is not known here; allowed are product_link, general"),
        ("\ngeneral:\n  link_text: A\n  link: /a", "help.yml:2: general.text: is missing; an entry without"),
        ("general:\n  title: A\n  text: ' '", "help.yml:3: general.text: is missing; an entry without"),
        ("product_link: url\ngeneral: {text: A}", "help.yml:1: product_link: is not known; allowed are how_to_url"),
        ("general:\n  text: A\n  link: /a", "help.yml:1: general: has a link without link_text"),
        ("general: {text: A, link_text: B}", "general: has link_text without a link, and there is no product_link"),
        ("general:\n  text: A\n  link_text: B\n  link: javascript:alert(1)", "help.yml:4: general.link: is no link"),
        ("products:\n  1001: {text: A}", "help.yml:2: '1001' is read as no text; put it in quotes"),
        ("categories:\n  Paper:\n    text: A\n    no: {text: B}", "'False' is read as no text; put it in quotes"),
        ("general:\n  text: 12", "help.yml:2: general.text: is no text; put it in quotes"),
        ("general: {text: A,\n  review_by: soon}", "help.yml:2: general.review_by: is no day"),
        ("categories:\n  Paper:\n    text: A\n    de:\n      titel: B", "help.yml:5: categories.Paper.de.titel: is"),
        ("general: {text: A,\n  locales: {de: {text: B}}}", "locales: write each locale as a word of the entry"),
        ("products: [A]", "help.yml:1: products: is no mapping of words"),
        ("general: {text: A}\ngeneral: {text: B}", "help.yml:2: is not valid YAML: 'general' stands twice"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_with_its_place(text: str, complaint: str) -> None:
    contents = read(help=text)
    assert contents.files == {} and any(
        each.startswith("content/help.yml") and complaint in each for each in contents.problems
    )


def test_all_that_is_wrong_is_told_at_once() -> None:
    contents = read(help="general: {tilte: A}", care="general: {text: A, link: b}", Oops="general: {text: A}")
    assert [line.partition(":")[0] for line in contents.problems] == [
        *("content/Oops.yml", "content/care.yml", "content/help.yml", "content/help.yml")
    ]


def test_a_checkout_may_have_no_texts() -> None:
    assert Contents.read({}) == Contents({})


def test_a_template_asks_for_content_that_there_is(lite: World) -> None:
    template = lite.conversation_folder / "hello.mjml.j2"
    template.write_text(
        template.read_text().replace("{# body #}", '{{ content("halp").text }}{{ content(order.number) }}')
    )
    with pytest.raises(ConversationError) as refused:
        lite.conversations()
    assert 'asks for content("halp"); there is none yet. Write content/halp.yml, or take it out' in str(refused.value)
    assert "asks for content by a name that is not written out" in str(refused.value)
    (lite.settings.conversations_dir / "content").mkdir()
    (lite.settings.conversations_dir / "content" / "halp.yml").write_text("general: {tilte: A}")
    with pytest.raises(ConversationError, match=r"content/halp.yml:1: general.tilte: is not known here"):
        lite.conversations()


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("general: {text: A, review_by: 2026-06-30}", "1: general: was to be reviewed by 2026-06-30"),
        ("general: {text: A, review_by: 2026-07-01}", ""),
        ("products:\n  lamp:\n    text: A\n    reviewed_on: 2026-05-09", "2: products lamp: is older than the product"),
        ("products:\n  lamp: {text: A, reviewed_on: 2026-05-10}", ""),
        ("products:\n  pad: {text: A, reviewed_on: 2026-01-01}", ""),
        ("categories:\n  Paper: {text: A, reviewed_on: 2026-05-19}", "2: categories Paper: is older than the product"),
        ("general: {text: A, link_text: B, link: /}", "1: general: links to the home page alone"),
        (f"general:\n  text: A\n  de: {{text: B, link_text: C, link: {SITE}/}}", "1: general: links to the home page"),
        ("general: {text: A, link_text: B, link: /new}", ""),
    ],
)
def test_what_has_to_be_looked_at_again_is_told(text: str, warning: str) -> None:
    changes = ProductChanges({"lamp": date(2026, 5, 10)}, {"Paper": date(2026, 5, 20)})
    found = [str(each) for each in content_warnings(read(help=text), changes, [SITE], date(2026, 7, 1))]
    assert len(found) == bool(warning) and all(f"content/help.yml:{warning}" in each for each in found)
