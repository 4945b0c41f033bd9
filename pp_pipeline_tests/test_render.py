"""`pp render`: messages to be looked at, written to files (docs/content.md)."""

import webbrowser
from pathlib import Path

import pytest

from pp_pipeline.conversations.wordings import wordings_of
from pp_pipeline.merchants import load_merchants
from pp_pipeline.messages.gallery import write_gallery
from pp_pipeline.messages.previews import make_preview, write_preview
from pp_pipeline.messages.render import Renderer
from pp_pipeline.sending.samples import SECRET, sample_facts
from pp_pipeline_tests.ledger_words import pp, records
from pp_pipeline_tests.sending_world import DAY, World, read_mail


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.fixture
def shown(lite: World) -> World:
    """An installation whose message asks nothing that a made-up order lacks, in English and German."""
    folder = lite.conversation_folder
    edit(folder / "hello.txt.j2", ", {{ order.attributes.color }}", "")
    for ending in ("txt.j2", "mjml.j2"):
        german = (folder / f"hello.{ending}").read_text().replace("Hello", "Hallo").replace("Order", "Bestellung")
        (folder / f"hello.de.{ending}").write_text(german)
    return lite


def test_without_orders_a_made_up_one_is_shown_and_nothing_else_is_made(shown: World) -> None:
    for path in shown.settings.home.iterdir():
        path.unlink()
    told = records(shown, "render", "hello")
    (message,) = told["messages"]
    assert "a made-up order" in told["about"] and told["gallery"] is None
    assert (message["subject"], message["preheader"], message["locale"]) == ("Hello Alex", "Order SAMPLE", "en")
    assert {path.name for path in shown.settings.home.iterdir()} == {"rendered"}
    html, text, mail = map(Path, message["files"])
    assert html.read_bytes().startswith(b"<!doctype html>") and "Notebook, lined" in html.read_text()
    assert message["text_bytes"] == len(text.read_bytes())
    assert read_mail(mail)["Subject"] == "Hello Alex"


def test_a_real_order_is_shown_without_the_address_and_key_of_its_contact(shown: World) -> None:
    shown.plan(DAY, 2)
    told = records(shown, "render", "hello/hello", "--contact", "person0@example.com")
    (message,) = told["messages"]
    assert "order A0 of 2026-07-07" in told["about"] and message["subject"] == "Hello Ann"
    for path in message["files"]:
        content = Path(path).read_text()
        assert "person0@" not in content and "c000000" not in content
    assert not Path(shown.settings.ledger_url.removeprefix("sqlite:///")).exists()
    assert "order A1" in pp(shown, "render", "hello", "--order", "A1")


def test_every_language_is_shown_under_a_name_of_its_own(shown: World) -> None:
    shown.plan(DAY, 1)
    told = records(shown, "render", "all")
    names = [[Path(path).name for path in message["files"]] for message in told["messages"]]
    assert [message["locale"] for message in told["messages"]] == ["en", "de"]
    assert names == [
        ["hello-hello.html", "hello-hello.txt", "hello-hello.eml"],
        ["hello-hello.de.html", "hello-hello.de.txt", "hello-hello.de.eml"],
    ]
    gallery = Path(told["gallery"]).read_text()
    assert "Hello Ann" in gallery and "Hallo Ann" in gallery
    (message,) = records(shown, "render", "hello", "--locale", "de_AT")["messages"]
    assert (message["locale"], message["subject"]) == ("de_AT", "Hallo Ann")
    (message,) = records(shown, "render", "hello", "--locale", "fr")["messages"]
    assert (message["locale"], message["subject"]) == ("en", "Hello Ann")


def test_a_message_that_can_not_be_rendered_is_told_and_the_others_are_written(shown: World) -> None:
    shown.plan(DAY, 1)
    edit(shown.conversation_folder / "hello.de.mjml.j2", "{# body #}", "{{ order.attributes.nothing }}")
    told = records(shown, "render", "all", code=1)
    assert [len(message["files"]) for message in told["messages"]] == [3, 0]
    assert told["messages"][1]["problem"] == "it can't be rendered: render_error: hello/hello: UndefinedError"
    assert "UndefinedError" in Path(told["gallery"]).read_text()
    assert "problem it can't be rendered" in pp(shown, "render", "hello", "--locale", "de", code=1)


def test_what_has_to_be_looked_at_is_told_with_what_content_fell_back_to(shown: World) -> None:
    shown.plan(DAY, 1)
    folder = shown.settings.conversations_dir / "content"
    folder.mkdir()
    (folder / "help.yml").write_text("categories:\n  Food: {text: Warm it., review_by: 2026-01-01}")
    edit(shown.conversation_folder / "hello.mjml.j2", "{# body #}", '{{ content("help").text }}')
    (message,) = records(shown, "render", "hello")["messages"]
    assert message["content"] == {"help": "category Food"}
    assert [warning.partition(": ")[0] for warning in message["warnings"]] == ["content/help.yml:2"]
    told = pp(shown, "render", "hello")
    assert "content help: category Food" in told and "was to be reviewed by 2026-01-01" in told


def test_it_opens_the_first_of_what_it_wrote(shown: World, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    pp(shown, "render", "hello", "--open")
    pp(shown, "render", "all", "--open")
    assert [Path(url).name for url in opened] == ["hello-hello.html", "gallery.html"]


def test_a_line_has_the_category_and_the_links_of_the_products_feed(shown: World) -> None:
    shown.plan(DAY, 1)
    shown.execute("update order_lines set category = ''")
    shown.execute(
        "create table product_sales as select 'main' as merchant, 'S1' as sku, 'Fish' as name, 'Food' as category, "
        "cast(null as varchar) as url, cast(null as varchar) as image, "
        "'https://example.com/how' as how_to_url, cast(null as varchar) as care_url"
    )
    folder = shown.settings.conversations_dir / "content"
    folder.mkdir()
    (folder / "help.yml").write_text("product_link: how_to_url\ncategories: {Food: {text: Warm it., link_text: How}}")
    edit(shown.conversation_folder / "hello.txt.j2", "{# body #}", '{{ content("help").link }} ')
    (message,) = records(shown, "render", "hello")["messages"]
    assert message["content"] == {"help": "category Food"}
    assert "https://example.com/how" in Path(message["files"][1]).read_text()


def test_a_text_message_is_shown_with_its_segments(shown: World) -> None:
    (shown.conversation_folder / "hello.sms.j2").write_text(
        "{{ merchant.sender_name }}: your order {{ order.number }} is on its way. {{ words.reply_stop }}"
    )
    (shown.settings.conversations_dir / "words.yml").write_text("en: {reply_stop: Reply STOP}\n")
    (email,) = shown.conversations()
    thread = email.threads[0]
    sms = thread.steps[1].model_copy(update={"message": email.message.model_copy(update={"channel": "sms"})})
    conversation = email.model_copy(update={"threads": [thread.model_copy(update={"steps": [thread.steps[0], sms]})]})
    merchants = load_merchants(shown.settings)
    renderer = Renderer(shown.settings.conversations_dir, {"hello": conversation}, merchants, SECRET)
    (wording,) = wordings_of([conversation])
    preview = make_preview(renderer, wording, merchants["main"], sample_facts(merchants["main"], DAY), None, [])
    words = "Corner Shop: your order SAMPLE is on its way. Reply STOP"
    assert preview.sizes == {"characters": len(words), "segments": 1}
    (file,) = write_preview(preview, shown.settings.rendered)
    assert (file.name, file.read_text()) == ("hello-hello.sms.txt", words)
    page = write_gallery([preview], "Corner Shop", "", shown.settings.rendered).read_text()
    assert f"{words}</p>" in page and f"{len(words)} characters, 1 segment<" in page
