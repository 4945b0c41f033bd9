"""The gallery: all messages on one page, as phones and desktops show them."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from pp_pipeline.html_pages import templates_of
from pp_pipeline.messages.locales import language
from pp_pipeline.messages.previews import Preview
from pp_pipeline.sending.outlets.outlet import EmailDraft, SmsDraft

FILE = "gallery.html"


def write_gallery(previews: Sequence[Preview], merchant: str, about: str, folder: Path) -> Path:
    """Write the page.

    Args:
        previews: those of one message one after another.
        merchant: the name that shoppers know.
        about: a sentence on the facts that the messages are about.
    """
    messages = [_message(list(group)) for _, group in groupby(previews, key=lambda preview: preview.name)]
    template = templates_of(Path(__file__).parent).get_template("gallery.html.j2")
    page = template.render(merchant=merchant, about=about, messages=messages)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    path.write_text(page, encoding="utf-8")
    return path


def _message(variants: list[Preview]) -> dict[str, Any]:
    first = variants[0]
    return {
        "id": first.name.replace("/", "-"),
        "name": first.name,
        "kind": first.wording.conversation.kind,
        "channel": {"email": "e-mail", "sms": "SMS"}[first.wording.channel],
        "variants": [_variant(each) for each in variants],
    }


def _variant(preview: Preview) -> dict[str, Any]:
    sizes = preview.sizes
    facts = [("language", preview.locale)]
    if "html_bytes" in sizes:
        facts.append(("size", f"HTML {sizes['html_bytes'] / 1000:.1f} kB, text {sizes['text_bytes'] / 1000:.1f} kB"))
    facts += [(f"content “{name}”", place) for name, place in preview.content.items()]
    return {
        "id": f"{preview.name.replace('/', '-')}-{preview.locale}",
        "title": f"{preview.name} ({preview.locale})",
        "locale": preview.locale,
        "language": language(preview.locale),
        "problem": preview.problem,
        "warnings": preview.warnings,
        "email": preview.draft if isinstance(preview.draft, EmailDraft) else None,
        "sms": preview.draft if isinstance(preview.draft, SmsDraft) else None,
        "facts": facts,
    }
