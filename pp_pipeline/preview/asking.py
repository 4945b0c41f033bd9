"""Making a preview: in a shadow home, so nothing of the real one is written."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from pp_pipeline.configuration import Configuration
from pp_pipeline.forgetting.known import all_redactions
from pp_pipeline.landing.file_ledger import all_records, files_in_force
from pp_pipeline.landing.files import differs, scan_inbox
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.preview.campaigns import preview_campaign
from pp_pipeline.preview.conversations import preview_conversation
from pp_pipeline.preview.table import Preview
from pp_pipeline.settings import Settings, SettingsError
from pp_pipeline.shadow import shadow_home

_GUARDS = "guards judge at sending: suppressions, consent, caps, quiet hours and hold-out are not looked at here"


@dataclass(frozen=True)
class Asked:
    """What is to be previewed: one campaign or one conversation, on some days.

    Attributes:
        merchant: only contacts of this one; '' for all.
        checkout: whose configuration; default: that of the settings, as its files are now.
        known_at: build from what was known at this time (`shadow_home`).
    """

    first: date
    last: date
    campaign: str = ""
    conversation: str = ""
    merchant: str = ""
    checkout: Path | None = None
    known_at: datetime | None = None


def make_preview(settings: Settings, asked: Asked, say: Callable[[str], None] | None = None) -> Preview:
    """Who gets what on these days, and why nobody else of the Post Purchase list does.

    Args:
        settings: of the real home, which stays as it is.
        say: told in a line each what takes time.

    Raises:
        SettingsError: there is no such campaign or conversation, or nothing was built yet.
        See `shadow_home` for the others.
    """
    if bool(asked.campaign) == bool(asked.conversation):
        raise SettingsError("a preview is of one campaign or of one conversation; name one of them")
    if asked.first > asked.last:
        raise SettingsError(f"the first day, {asked.first}, lies after the last, {asked.last}")
    chosen = Configuration(settings.model_copy(update={"checkout": asked.checkout or settings.checkout}))
    models = [f"queue_{asked.campaign}"] if asked.campaign else ["planned_messages"]
    _check_name(chosen, asked)
    with shadow_home(
        settings,
        first=asked.first,
        last=asked.last,
        checkout=asked.checkout,
        known_at=asked.known_at,
        models=models,
        say=say,
    ) as shadow:
        configuration = Configuration(shadow)
        make = preview_campaign if asked.campaign else preview_conversation
        name = asked.campaign or asked.conversation
        preview = make(configuration, name, asked.first, asked.last, asked.merchant)
        if asked.known_at is None:
            preview.notes.extend(_unread(settings, configuration, asked.last))
        preview.notes.append(_GUARDS)
        return preview


def _check_name(configuration: Configuration, asked: Asked) -> None:
    """Refuse a name that is none, before anything is copied."""
    if asked.campaign:
        names, kind = configuration.project.campaign_names(), "campaign"
    else:
        names, kind = [one.conversation for one in configuration.conversations], "conversation"
    name = asked.campaign or asked.conversation
    if name not in names:
        raise SettingsError(f"there is no {kind} '{name}'; known are {', '.join(names)}")
    if asked.merchant and asked.merchant not in configuration.merchants:
        raise SettingsError(
            f"there is no merchant '{asked.merchant}'; known are {', '.join(sorted(configuration.merchants))}"
        )


def _unread(settings: Settings, configuration: Configuration, last: date) -> list[str]:
    """That the inbox holds what was not taken in. Hashes that are made here are not kept: nothing is written."""
    with Ledger(configuration.settings) as ledger:
        in_force, redactions = files_in_force(all_records(ledger)), all_redactions(ledger)
    files = scan_inbox(settings, configuration.feeds).files
    count = sum(file.file_date <= last and differs(file, in_force.get(file.name), redactions) for file in files)
    return [f"{count} files of the inbox are not read in it: `pp run` takes them in"] if count else []
