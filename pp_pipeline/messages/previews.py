"""Messages to be looked at: rendered, with what is worth knowing of them, and written to files (docs/content.md)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pp_pipeline.conversations.wordings import Wording
from pp_pipeline.merchants import Merchant
from pp_pipeline.messages.content import FOLDER, content_names
from pp_pipeline.messages.render import Renderer, RenderError
from pp_pipeline.messages.review import ReviewWarning
from pp_pipeline.messages.templates import MJML, SMS
from pp_pipeline.messages.uses import names_used
from pp_pipeline.sending.outlets.mime import email_bytes
from pp_pipeline.sending.outlets.outlet import EmailDraft, SmsDraft
from pp_pipeline.sending.samples import Facts, message_about


@dataclass(frozen=True)
class Preview:
    """A message as it would go out in one language, or why it would not.

    Attributes:
        locale: in which it is written; of what can't be rendered, the one that was asked for.
        is_own: whether that is the merchant's own language, the one of files without a locale.
        problem: why there is no draft; '' where there is one.
        content: what stands behind each name of content that it uses: `category Lamps`, or `nothing`.
        warnings: what somebody should look at, each with file and line.
    """

    wording: Wording
    locale: str
    is_own: bool
    draft: EmailDraft | SmsDraft | None
    problem: str
    content: Mapping[str, str]
    warnings: tuple[str, ...]

    @property
    def name(self) -> str:
        """`conversation/template`."""
        return self.wording.name

    @property
    def stem(self) -> str:
        """What its files are called, before the ending."""
        return self.name.replace("/", "-") + ("" if self.is_own else f".{self.locale}")

    @property
    def sizes(self) -> dict[str, int]:
        """Bytes of the parts; of a text message its characters and segments."""
        if isinstance(self.draft, EmailDraft):
            return {"html_bytes": len(self.draft.html.encode()), "text_bytes": len(self.draft.text.encode())}
        return {"characters": len(self.draft.text), "segments": self.draft.segments} if self.draft else {}


def make_preview(
    renderer: Renderer,
    wording: Wording,
    merchant: Merchant,
    facts: Facts,
    locale: str | None,
    warnings: Iterable[ReviewWarning],
) -> Preview:
    """Render a message about some facts.

    Args:
        locale: of the contact; None for what is known of it.
        warnings: those of all messages; the preview has what is said of its own files.
    """
    message = message_about(facts, wording, merchant, locale)
    find = renderer.templates.sms if message.channel == "sms" else renderer.templates.email
    template, written_in = find(wording.name, message.contact.locale, merchant.locale)
    try:
        draft, problem = renderer.render(message), ""
    except RenderError as error:
        draft, problem = None, f"it can't be rendered: {error}"
    used = names_used(renderer.templates, template)
    chosen = {each: renderer.choose(each, message, written_in) for each in content_names(used)}
    files = {*template.files, *(f"{FOLDER}/{each}.yml" for each in chosen)}
    return Preview(
        wording,
        written_in,
        not template.locale,
        draft,
        problem,
        {each: found.place if found else "nothing" for each, found in chosen.items()},
        tuple(str(each) for each in warnings if each.file in files),
    )


def languages(renderer: Renderer, wording: Wording, merchant: Merchant) -> list[str]:
    """The locales that a message is written in, the merchant's own first."""
    form = SMS if wording.channel == "sms" else MJML
    files = renderer.templates.variants(wording.name, form)
    found = [renderer.templates.locale_of_file(wording.name, name, form) for name in files]
    return list(dict.fromkeys(locale or merchant.locale for locale in found))


def write_preview(preview: Preview, folder: Path) -> list[Path]:
    """Write a message's files, the one to look at first: HTML, text and the e-mail as it travels, or the SMS."""
    match preview.draft:
        case EmailDraft() as draft:
            files = {"html": draft.html.encode(), "txt": draft.text.encode(), "eml": email_bytes(draft)}
        case SmsDraft() as draft:
            files = {"sms.txt": draft.text.encode()}
        case _:
            files = {}
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for ending, content in files.items():
        paths.append(folder / f"{preview.stem}.{ending}")
        paths[-1].write_bytes(content)
    return paths
