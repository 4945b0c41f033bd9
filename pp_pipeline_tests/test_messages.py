"""What messages say: locales, both parts, text messages, and what is told of templates (docs/messages.md)."""

from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from pp_pipeline.conversations.loading import load_conversations
from pp_pipeline.conversations.wordings import wordings_of
from pp_pipeline.messages.colors import DARK_GROUND, READABLE, contrast
from pp_pipeline.messages.formats import long_date_in, money_in
from pp_pipeline.messages.render import Renderer, RenderError
from pp_pipeline.messages.review import template_warnings
from pp_pipeline.messages.sms import segments
from pp_pipeline.messages.templates import templates_of
from pp_pipeline.sending.outlets.mime import email_bytes
from pp_pipeline.sending.planned import OrderLine, RecommendedProduct
from pp_pipeline.settings import Settings
from pp_pipeline_tests.message_shop import (
    MERCHANT,
    WORDS,
    conversation,
    email,
    line,
    message,
    mjml,
    problems,
    renderer,
    sms,
    write,
)

HELLO = "hello/hello.mjml.j2"
SMS = "{{ merchant.sender_name }}: {{ order.total_cents | money(order.currency) }}. {{ words.reply_stop }}"


@pytest.mark.parametrize(
    ("files", "contact", "merchant", "shown"),
    [
        ((), "", "en", "bare en Total $12.50"),
        ((), "de_AT", "en", "bare en Total $12.50"),  # no German file: nothing of it is German
        ((), "en_GB", "en", "bare en_GB Total US$12.50"),
        ((), "xx", "en", "bare en Total $12.50"),
        ((), "'; drop", "en", "bare en Total $12.50"),
        ((), "", "de", "bare de Summe 12,50 $"),
        (("de",), "de", "en", "de de Summe 12,50 $"),
        (("de",), "de-AT", "en", "de de_AT Summe $ 12,50"),
        (("de",), "de_CH", "en", "de de_CH Total $ 12.50"),
        (("de",), "fr_FR", "en", "bare en Total $12.50"),
        (("de",), "fr_FR", "de", "de de Summe 12,50 $"),
        (("de",), "", "de_AT", "de de_AT Summe $ 12,50"),
        (("de", "de_AT"), "de_AT", "en", "de_AT de_AT Summe $ 12,50"),
        (("de", "de_AT"), "de_DE", "en", "de de_DE Summe 12,50 $"),
        (("en",), "en_US", "de", "en en_US Total $12.50"),
        (("he",), "he_IL", "en", "he he_IL סך הכול 12.50 $"),
    ],
)
def test_the_locale_of_a_message(
    tmp_path: Path, files: tuple[str, ...], contact: str, merchant: str, shown: str
) -> None:
    def file(name: str) -> str:
        said = "{{ locale }} {{ words.total }} {{ order.total_cents | money(order.currency) }}"
        return mjml(f"<mj-text>{name} {said}</mj-text>", root='<mjml lang="{{ language }}" dir="{{ direction }}">')

    named = {f"hello/hello.{locale}.mjml.j2": file(locale) for locale in files}
    made = renderer(tmp_path, files={HELLO: file("bare"), "words.yml": WORDS, **named}, locale=merchant)
    assert problems(tmp_path) == []
    draft = email(made, message(locale=contact))
    first = draft.text.splitlines()[0]
    assert first.replace("\xa0", " ").replace("\u200f", "") == shown
    assert draft.locale == shown.split()[1]
    written = draft.locale.replace("_", "-")
    assert f'<html lang="{written}" dir="{"rtl" if written.startswith("he") else "ltr"}"' in draft.html


@pytest.mark.parametrize(
    ("locale", "money", "day"),
    [
        ("en", "-$1,234.50", "July 4, 2026"),
        ("en_GB", "-US$1,234.50", "4 July 2026"),
        ("de", "-1.234,50 $", "4. Juli 2026"),
        ("fr", "-1 234,50 $US", "4 juillet 2026"),
        ("es", "-1.234,50 US$", "4 de julio de 2026"),
    ],
)
def test_money_and_days_as_people_of_a_locale_write_them(locale: str, money: str, day: str) -> None:
    assert " ".join(money_in(locale, -123_450, "USD").split()) == money
    assert long_date_in(locale, date(2026, 7, 4)) == day


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("de: {total: Summe}", "words.yml:1: has no words for en"),
        ("en: {total: Total}\nde: {}", "words.yml:2: de: lacks total; en has them"),
        ("en: {total: Total}\nde: {total: Summe, sum: x}", "words.yml:2: de: sum is not among the words of en"),
        ("en: {total: Total}\ngerman: {total: x}", "words.yml:2: german: is no locale"),
        ("en: {total: 3}", "words.yml:1: en: allowed are `name: text` lines"),
        ("en: {total: x", "words.yml:1: is not valid YAML"),
    ],
)
def test_words_are_complete_in_each_locale(tmp_path: Path, words: str, told: str) -> None:
    write(tmp_path, {"words.yml": words})
    assert any(problem.startswith(told) for problem in templates_of(tmp_path).words.problems)


def test_the_shared_words_of_a_file_are_in_its_language(tmp_path: Path) -> None:
    body = mjml("<mj-text>{{ words.total }}</mj-text>")
    write(tmp_path, {HELLO: body, "hello/hello.it.mjml.j2": body, "hello/hello.xx.mjml.j2": body, "words.yml": WORDS})
    assert problems(tmp_path) == [
        "hello/hello.it.mjml.j2:3: words.yml has no words for it; add them",
        "hello/hello.xx.mjml.j2:1: 'xx' is no locale; write one such as de or de_AT",
    ]


BODY = """\
<mj-text><h1>Thank you, {{ contact.first_name }}.</h1></mj-text>
<mj-raw>{% if order.lines %}</mj-raw>
<mj-text>This is what you chose;
  <a href="{{ merchant.site_url }}/help?a=1&amp;b=2">we help</a> if it is not.</mj-text>
<mj-table><tr><th>Item</th><th>Amount</th></tr>
{% for line in order.lines %}<tr><td>{{ line.product_name }}{% if line.sku %}<br /><small>{{ line.sku }}</small>
{% endif %}</td><td>{{ line.unit_price_cents | money(order.currency) }}</td></tr>{% endfor %}</mj-table>
<mj-text><ul>{% for line in order.lines %}<li>{{ line.product_name }}</li>{% endfor %}</ul></mj-text>
<mj-raw>{% endif %}</mj-raw>
<mj-image src="https://example.com/a.png" alt="A lamp" width="100px" />
<mj-text css-class="html-only">Seen in HTML alone</mj-text>
<mj-button href="{{ merchant.site_url }}/orders">See your order</mj-button>
<mj-divider />"""

TEXT = """\
Thank you, Ann.

This is what you chose; we help (https://example.com/help?a=1&b=2) if it is not.

Item | Amount
Fish & <Chips>, S1 | $12.50
Lamp | $9.00

- Fish & <Chips>
- Lamp

See your order: https://example.com/orders

--

1 Corner Street Unsubscribe (https://example.com/unsubscribe?c="""


def test_the_text_part_is_made_of_the_html(tmp_path: Path) -> None:
    made = renderer(tmp_path, files={HELLO: mjml(BODY)})
    draft = email(made, message(lines=(line("Fish & <Chips>"), line("Lamp", "", 900))))
    assert draft.text[: len(TEXT)] == TEXT
    assert "Item" not in email(made).text
    assert email(made).text.startswith("Thank you, Ann.\n\nSee your order: ")


def test_a_text_part_that_is_written_goes_as_it_is(tmp_path: Path) -> None:
    parts = {"blocks/foot.txt.j2": "{{ unsubscribe_url }}\n{{ merchant.postal_address }}\n"}
    text = 'Hello {{ contact.first_name }} <3\n{% if order %}\nA\n{% endif %}\n\n{% include "blocks/foot.txt.j2" %}'
    made = renderer(tmp_path, files={HELLO: mjml(""), "hello/hello.txt.j2": text, **parts})
    assert problems(tmp_path) == []
    assert email(made, message("<b>Ann</b>")).text.startswith("Hello <b>Ann</b> <3\nA\n\nhttps://example.com/unsub")


@pytest.mark.parametrize("part", ["hello.txt.j2", "hello.mjml.j2"])
def test_a_commercial_message_without_the_postal_address_is_not_sent(tmp_path: Path, part: str) -> None:
    """A template may name it where it is not shown."""
    address = "{{ merchant.postal_address }}"
    files = {"hello.mjml.j2": mjml(""), "hello.txt.j2": "{{ unsubscribe_url }} " + address}
    made = renderer(tmp_path, files={f"hello/{name}": text for name, text in files.items()})
    assert email(made)
    words = "{% for word in merchant.postal_address.split() %}<b>{{ word | upper }}</b> {% endfor %}"
    hidden = "{% if not order %}" + address + "{% endif %}"
    in_words, in_none = ({**files, part: files[part].replace(address, new)} for new in (words, hidden))
    made = renderer(tmp_path / "words", files={f"hello/{name}": text for name, text in in_words.items()})
    assert "<b>CORNER</b>" in email(made).html + email(made).text
    made = renderer(tmp_path / "hidden", files={f"hello/{name}": text for name, text in in_none.items()})
    assert problems(tmp_path / "hidden") == []
    with pytest.raises(RenderError, match=r"^render_error: hello/hello: no postal address$"):
        email(made)


def test_subject_and_preheader_stand_in_the_head(tmp_path: Path) -> None:
    subject = "Fish &amp; {{ contact.first_name }}"
    made = renderer(tmp_path, files={HELLO: mjml("", subject=subject, preheader="For {{ contact.first_name }}")})
    draft = email(made, message("<Ann>"))
    assert draft.subject == "Fish & <Ann>"
    assert "<title>Fish &amp; &lt;Ann&gt;</title>" in draft.html
    assert ">For &lt;Ann&gt;&#847;" in draft.html
    assert "For" not in draft.text


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{% if order %}<mj-text>x</mj-text>{% endif %}", "3: Jinja stands between elements, where MJML shows none"),
        ("<mj-text>a\n<br>b</mj-text>", "4: <br> is not closed; write <br … />"),
        ("<mj-text>a\n<b>b</mj-text>", "4: </mj-text> closes nothing; <b> is open"),
        ("<mj-section></mj-section>", "3: <mj-section> stands in <mj-column>; its place is <mj-body> or <mj-wrapper>"),
        ("<mj-blink>x</mj-blink>", "3: <mj-blink> is not for messages"),
        ("<p>x</p>", "3: <p> is no MJML; put it into <mj-text> or <mj-raw>"),
        ('<mj-include path="none.mjml.j2" />', "3: the template file hello/none.mjml.j2 is not there"),
        ('<mj-include path="../../../etc/passwd" />', "3: includes ../../../etc/passwd, which is not in the folder"),
        ('<mj-include path="hello.mjml.j2" />', "3: includes hello/hello.mjml.j2, which includes it again"),
        ('<mj-include path="{{ order.number }}" />', '3: write <mj-include path="'),
        ("<mj-text>{{ 1 + }}</mj-text>", "3: unexpected 'end of print statement'"),
        ("<mj-text>\n\n{% if order %}x</mj-text>", "6: Unexpected end of template"),
        (
            "<mj-text>{{ ordr.number }}</mj-text>",
            "3: uses ordr, which is not known; known are contact, content, coupon",
        ),
        ("<mj-text>{{ order.numbr }}</mj-text>", "3: uses order.numbr; allowed are attributes, currency, date, lines"),
        ("<mj-text>{{ words.total }}</mj-text>", "3: uses words.total; allowed are none, without words.yml"),
        ("{# review_by: soon #}", "3: review_by is no day such as 2027-03-01"),
    ],
)
def test_a_broken_template_is_told_with_file_and_line(tmp_path: Path, body: str, told: str) -> None:
    write(tmp_path, {HELLO: mjml(body)})
    found = problems(tmp_path)
    assert any(problem.startswith(f"{HELLO}:{told}") for problem in found), found


def test_a_fault_in_a_shared_file_is_told_where_it_stands(tmp_path: Path) -> None:
    write(tmp_path, {HELLO: mjml('<mj-include path="../blocks/a.mjml.j2" />'), "blocks/a.mjml.j2": "\n<mj-txt />"})
    assert problems(tmp_path) == ["blocks/a.mjml.j2:2: <mj-txt> is not for messages"]


@pytest.mark.parametrize(
    ("body", "offers"),
    [
        ("{{ recommended | length }}", "recommended"),
        ("{% if coupon %}{{ coupon.code }}{% endif %}", "coupon"),
        ("{% if content('offer') %}x{% endif %}", 'content("offer")'),
    ],
)
def test_transactional_messages_sell_nothing(tmp_path: Path, body: str, offers: str) -> None:
    write(tmp_path, {HELLO: mjml(f"<mj-text>{body}</mj-text>"), "content/offer.yml": "general: {text: Half price.}"})
    told = f"{HELLO}:3: transactional, but uses {offers}; take it out, or make the conversation commercial"
    assert told in problems(tmp_path, "transactional")
    assert problems(tmp_path, has_coupon=offers == "coupon") == []


def test_html_that_mail_programs_cut_off_is_not_sent(tmp_path: Path) -> None:
    made = renderer(tmp_path, "{% for line in order.lines %}<p>{{ line.product_name }}</p>{% endfor %}")
    with pytest.raises(RenderError, match="more than 100 kB of HTML"):
        email(made, message(lines=(line("é" * 500),) * 100))
    assert len(email(made, message(lines=(line("é" * 500),) * 90)).html.encode()) < 102_400


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 158 + "€", 1),
        ("a" * 159 + "€", 2),
        ("a" * 152 + "€" * 76, 2),
        ("a" * 152 + "€" * 77, 3),  # no € is torn apart: 152, then 76 of two
        ("\n@£ÄÖÜäöüß", 1),
        ("ç" + "a" * 69, 1),  # only Ç is of the basic alphabet
        ("ç" + "a" * 70, 2),
        ("ł" * 134, 2),
        ("ł" * 135, 3),
        ("🎉" * 35, 1),
        ("🎉" * 36, 2),
        ("🎉" * 66, 2),
        ("🎉" * 67, 3),  # nor a surrogate pair: 33 in each
    ],
)
def test_in_how_many_pieces_a_text_travels(text: str, count: int) -> None:
    assert segments(text) == count


def test_a_text_message_in_the_locale_of_the_contact(tmp_path: Path) -> None:
    files = {"hello/hello.sms.j2": SMS, "hello/hello.de.sms.j2": SMS.replace("}}.", "}} für Sie."), "words.yml": WORDS}
    made = renderer(tmp_path, files=files)
    assert problems(tmp_path, channel="sms") == []
    draft = sms(made)
    assert (draft.text, draft.segments) == ("Corner Shop: $12.50. Reply STOP to opt out", 1)
    assert (draft.sender, draft.phone, draft.locale) == ("CornerShop", "+12015550123", "en")
    german = sms(made, message(channel="sms", locale="de_DE"))
    assert german.text == "Corner Shop: 12,50 $ für Sie. Abmelden mit STOP"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Sale! {{ words.reply_stop }}", "does not show merchant.sender_name; commercial"),
        ("{{ merchant.sender_name }}: Sale!", "does not show words.reply_stop; commercial"),
        (SMS + "{{ unsubscribe_url }}", "uses unsubscribe_url, which is not known"),
        (SMS + "{{ coupon.code }}", "uses coupon, but the message declares none"),
    ],
)
def test_a_text_message_that_cannot_be_sent_is_refused(tmp_path: Path, text: str, told: str) -> None:
    write(tmp_path, {"hello/hello.sms.j2": text, "words.yml": WORDS})
    assert any(told in problem for problem in problems(tmp_path, channel="sms"))
    if "commercial" in told:
        assert problems(tmp_path, "transactional", channel="sms") == []


def test_a_sender_with_a_blank_that_does_not_break_is_found(tmp_path: Path) -> None:
    made = renderer(tmp_path, files={"hello/hello.sms.j2": SMS, "words.yml": WORDS}, sender_name="Corner\xa0Shop")
    assert sms(made).text.startswith("Corner Shop: ")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (SMS + "x" * 500, "render_error: hello/hello: 4 segments, more than 3"),
        ("{% if not order %}" + SMS + "{% endif %}x", "render_error: hello/hello: does not say who writes"),
        ("{% if not order %}" + SMS + "{% endif %}", "render_error: hello/hello: an empty part"),
    ],
)
def test_a_text_message_that_is_not_whole_is_not_sent(tmp_path: Path, text: str, reason: str) -> None:
    made = renderer(tmp_path, files={"hello/hello.sms.j2": text, "words.yml": WORDS})
    with pytest.raises(RenderError, match=f"^{reason}"):
        sms(made)


def test_who_writes(tmp_path: Path) -> None:
    made = renderer(tmp_path, '<a href="{{ merchant.logo_url }}">x</a>', logo_url="https://example.com/a.png")
    assert b"Reply-To:" not in email_bytes(email(made))
    made = renderer(tmp_path, "x", reply_to="help@example.com")
    assert b"\r\nReply-To: help@example.com\r\n" in email_bytes(email(made))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"brand_color": "#ffcc00"}, "white on it can't be read: contrast 1.5, needed is 4.5"),
        ({"brand_color": "red"}, "a colour is # and six hexadecimal digits"),
        ({"locale": "german"}, "not a locale"),
        ({"reply_to": "help"}, "not an e-mail address"),
        ({"logo_url": "http://example.com/a.png"}, "begins with https://"),
        ({"sms_sender": "A Corner Shop"}, "a word of up to 11 letters"),
    ],
)
def test_a_look_that_cannot_be_used_is_refused(more: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        type(MERCHANT).model_validate(MERCHANT.model_dump(exclude_unset=True) | more)


def test_what_messages_share_is_reviewed_too(tmp_path: Path) -> None:
    blocks = {
        "blocks/a.mjml.j2": "\n{# review_by: 2027-03-01 #}\n<mj-text>A</mj-text>",
        "blocks/b.mjml.j2": "{# review_by: 1 #}",
    }
    made = '<mj-include path="../blocks/a.mjml.j2" />'
    write(tmp_path, {HELLO: mjml(made), "hello/hello.de.mjml.j2": mjml(made), **blocks})
    assert problems(tmp_path) == []
    found = template_warnings(tmp_path, [conversation()], {"main": MERCHANT}, date(2027, 3, 2))
    assert [(each.file, each.line) for each in found] == [("blocks/a.mjml.j2", 2)]
    write(tmp_path, {HELLO: mjml('<mj-include path="../blocks/b.mjml.j2" />')})
    assert problems(tmp_path) == ["blocks/b.mjml.j2:1: review_by is no day such as 2027-03-01"]


def test_what_wants_to_be_looked_at(tmp_path: Path) -> None:
    button = '<mj-button href="{}">Look</mj-button>'
    files = {
        HELLO: "{# review_by: 2027-03-01 #}\n" + mjml(button.format("{{ merchant.site_url }}/")),
        "hello/hello.de.mjml.j2": mjml(button.format("https://example.com") + "<!-- " + "x" * 103_000 + " -->"),
        "hello/hello.fr.mjml.j2": mjml("<mj-text>" + "x" * 103_000 + "</mj-text>"),
        "hello/hello.txt.j2": "{{ merchant.site_url }}/new\nSee {{ merchant.site_url }}\n",
    }
    write(tmp_path, files)
    for day, is_late in ((date(2027, 3, 1), False), (date(2027, 3, 2), True)):
        found = template_warnings(tmp_path, [conversation()], {"main": MERCHANT}, day)
        told = [(each.file, each.line, each.text.partition(" ")[0]) for each in found]
        assert told == [
            *([(HELLO, 1, "was")] if is_late else []),
            (HELLO, 4, "links"),
            ("hello/hello.de.mjml.j2", 3, "links"),
            ("hello/hello.fr.mjml.j2", 1, "is"),
            ("hello/hello.txt.j2", 2, "links"),
        ]


UNNAMED = OrderLine(None, None, None, 1, None)
PRODUCTS = tuple(
    RecommendedProduct(f"S{number}", f"Shade {number}", None, url, image, price, "USD", "accessory")
    for number, (url, image, price) in enumerate(
        [("https://example.com/1", "https://example.com/1.png", 900), (None, None, None), (None, None, 1)] * 2
    )
)


@pytest.mark.parametrize("is_full", [True, False])
@pytest.mark.parametrize(
    "template", ["you_keep_coming_back", "how_was_it", "two_lines", "thank_you", "we_miss_you", "still_choosing"]
)
def test_the_shipped_messages_with_and_without_all_that_they_may_show(template: str, is_full: bool) -> None:
    shipped = Settings(home=Path("unused"))
    conversations = {each.conversation: each for each in load_conversations(shipped.conversations_dir)}
    merchant = MERCHANT.model_copy(update={"logo_url": "https://example.com/logo.png" if is_full else ""})
    made = Renderer(shipped.conversations_dir, conversations, {"main": merchant}, b"a secret of enough characters")
    planned = message(
        "Ann" if is_full else "", lines=(line("Lamp"), line(None)) * 30 if is_full else (line("Lamp"), UNNAMED)
    )
    name = next(
        one.conversation.conversation for one in wordings_of(list(conversations.values())) if one.template == template
    )
    planned = replace(planned, conversation=name, template=template)
    if is_full:
        planned = replace(planned, recommended=PRODUCTS)
    draft = email(made, planned)
    page = _Page(draft.html)
    assert next(tag for tag in page.tags if tag in ("h1", "h2", "h3")) == "h1"
    assert page.tags.count("h1") == 1
    assert all("alt" in image for image in page.images)
    assert len(draft.html.encode()) < (80_000 if is_full else 20_000)
    shows_products = template in ("you_keep_coming_back", "we_miss_you", "still_choosing")
    shows_help = template in ("thank_you", "how_was_it")
    for part in (draft.html, draft.text):
        assert part.count("Shade") == (3 if is_full and shows_products else 0)
        assert ("Need a hand?" in part) == shows_help
        assert "None" not in part and "{{" not in part and "{%" not in part
    assert page.tags.count("h2") == int(shows_help or (is_full and shows_products))
    assert ("Further items | 20" in draft.text) == (is_full and template == "thank_you")
    assert len(page.images) == (int(is_full) + (1 if is_full and shows_products else 0))


class _Page(HTMLParser):
    """The elements of a page, and the attributes of its pictures."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "img":
            self.images.append(dict(attrs))


def test_a_template_that_is_changed_is_compiled_anew(tmp_path: Path) -> None:
    assert email(renderer(tmp_path, "one")).text.startswith("one")
    assert email(renderer(tmp_path, "two")).text.startswith("two")
    assert templates_of(tmp_path) is templates_of(tmp_path)


@pytest.mark.parametrize("color", ["#000000", "#1f5fbf", "#7a2e4d", "#006400", "#767676", "#0000ff"])
def test_a_colour_is_readable_on_dark_ground_too(color: str) -> None:
    merchant = type(MERCHANT).model_validate(MERCHANT.model_dump(exclude_unset=True) | {"brand_color": color})
    assert contrast(merchant.brand_color_on_dark, DARK_GROUND) >= READABLE
    head = Settings(home=Path("unused")).conversations_dir / "head.mjml.j2"
    assert f"background: {DARK_GROUND} !important" in head.read_text(encoding="utf-8")
