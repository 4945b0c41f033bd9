"""`pp render`: messages written to files that can be looked at, about the newest real order."""

import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pp_pipeline.commands.acting_day import acting_day
from pp_pipeline.commands.output import guarded, out, print_json, print_line
from pp_pipeline.commands.people import known_merchant, read_address
from pp_pipeline.contact_keys import is_contact_key
from pp_pipeline.conversations.loading import load_conversations
from pp_pipeline.conversations.wordings import Wording, wordings_of
from pp_pipeline.merchants import load_merchants
from pp_pipeline.messages.gallery import write_gallery
from pp_pipeline.messages.locales import known_locale
from pp_pipeline.messages.previews import Preview, languages, make_preview, write_preview
from pp_pipeline.messages.render import Renderer
from pp_pipeline.messages.review import review_warnings
from pp_pipeline.sending.outlets.outlet import EmailDraft
from pp_pipeline.sending.samples import SECRET, Facts, real_facts, sample_facts
from pp_pipeline.settings import Settings, SettingsError, parse_day
from pp_pipeline.warehouse import Connection, Warehouse

EVERYTHING = "all"


@guarded
def render_messages(
    wanted: str,
    who: str,
    order: str,
    on: str | None,
    locale: str | None,
    merchant_name: str,
    opens: bool,
    as_json: bool,
) -> int:
    """Render, write the files and say what is worth knowing. Returns 1 if a message can't be rendered."""
    settings = Settings.from_environment()
    merchants = load_merchants(settings)
    merchant = known_merchant(merchants, merchant_name)
    every = load_conversations(settings.conversations_dir, merchants)
    messages = _wanted(wanted, wordings_of(every))
    if locale is not None and not known_locale(locale):
        raise SettingsError(f"--locale {locale} is no locale; write one such as de or de_AT")
    day = parse_day(on) if on else None
    today = acting_day(settings, merchants, None)
    by_name = {each.conversation: each for each in every}
    renderer = Renderer(settings.conversations_dir, by_name, merchants, SECRET)
    contact = who if not who or is_contact_key(who) else read_address(who, "--contact")
    with _warehouse(settings) as connection:
        warnings = review_warnings(settings.conversations_dir, every, merchants, today, connection)
        facts = real_facts(connection, merchants, merchant_name, day, contact, order) if connection else None
    if facts is None and (who or order):
        raise SettingsError(
            "the warehouse knows no such order of a contact then; without --contact and --order the newest is taken"
        )
    about = _about(facts)
    facts = facts or sample_facts(merchant, day or today)
    previews = [
        make_preview(renderer, each, merchant, facts, in_locale, warnings)
        for each in messages
        for in_locale in ([locale] if locale or wanted != EVERYTHING else languages(renderer, each, merchant))
    ]
    paths = [write_preview(preview, settings.rendered) for preview in previews]
    page = write_gallery(previews, merchant.sender_name, about, settings.rendered) if wanted == EVERYTHING else None
    _tell(previews, paths, page, about, as_json)
    first = page or next((path for files in paths for path in files), None)
    if opens and first:
        webbrowser.open(first.as_uri())
    return int(any(preview.problem for preview in previews))


@contextmanager
def _warehouse(settings: Settings) -> Iterator[Connection | None]:
    """The warehouse; None where nothing was ever run."""
    if not settings.has_warehouse:
        yield None
        return
    with Warehouse(settings).connect() as connection:
        yield connection


def _wanted(name: str, wordings: Sequence[Wording]) -> list[Wording]:
    """The messages that are asked for."""
    found = [each for each in wordings if name in (EVERYTHING, each.name, each.conversation.conversation)]
    if not found:
        names = ", ".join(each.name for each in wordings)
        raise SettingsError(f"there is no message {name}; there are {names}, and {EVERYTHING}")
    return found


def _about(facts: Facts | None) -> str:
    if facts is None or facts.order is None:
        return "About a made-up order: the warehouse holds none."
    return f"About order {facts.order.number} of {facts.order.date}, as it was known on {facts.day}."


def _tell(
    previews: Sequence[Preview], paths: Sequence[Sequence[Path]], page: Path | None, about: str, as_json: bool
) -> None:
    if as_json:
        told = [_record(preview, files) for preview, files in zip(previews, paths, strict=True)]
        print_json({"about": about, "gallery": str(page) if page else None, "messages": told})
        return
    print_line(about, "dim")
    for preview, files in zip(previews, paths, strict=True):
        out.print()
        kind, channel = preview.wording.conversation.kind, preview.wording.channel
        print_line(f"{preview.name}  {kind}, {channel}, {preview.locale}", "bold")
        for word, text in _lines(preview):
            print_line(f"  {word:<10} {text}", "yellow" if word in ("warning", "problem") else "")
        for path in files:
            out.out(f"  {path}", highlight=False)
    if page:
        out.print()
        out.out(str(page), highlight=False)


def _lines(preview: Preview) -> list[tuple[str, str]]:
    lines = []
    if isinstance(preview.draft, EmailDraft):
        lines = [("subject", preview.draft.subject), ("preheader", preview.draft.preheader)]
    sizes = ", ".join(f"{count:,} {word.replace('_', ' ')}" for word, count in preview.sizes.items())
    lines += [("size", sizes)] if sizes else []
    lines += [("content", f"{name}: {place}") for name, place in preview.content.items()]
    lines += [("warning", warning) for warning in preview.warnings]
    return lines + ([("problem", preview.problem)] if preview.problem else [])


def _record(preview: Preview, files: Sequence[Path]) -> dict[str, Any]:
    draft = preview.draft if isinstance(preview.draft, EmailDraft) else None
    return {
        "message": preview.name,
        "kind": preview.wording.conversation.kind,
        "channel": preview.wording.channel,
        "locale": preview.locale,
        "subject": draft.subject if draft else None,
        "preheader": draft.preheader if draft else None,
        **preview.sizes,
        "content": preview.content,
        "warnings": preview.warnings,
        "problem": preview.problem,
        "files": [str(path) for path in files],
    }
