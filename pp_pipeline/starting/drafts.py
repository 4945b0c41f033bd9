"""What is being begun: checked in a copy of the checkout, then put into the real one, whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from pp_pipeline.configuration import Configuration
from pp_pipeline.conversations.part import Name
from pp_pipeline.settings import Settings, SettingsError

Kind = Literal["campaign", "conversation", "segment"]
LONGEST_NAME = 48
"""PostgreSQL cuts the names of tables at 63 bytes, and dbt puts words of its own behind them."""
COMMANDS_OF_CONVERSATION = ("new", "show")
"""Words that stand where `pp conversation` takes a name."""
_CONFIGURATION = ("dbt", "pp_pipeline/conversations", "pp_pipeline/merchants")
_PLACES: Mapping[Kind, str] = {
    "campaign": "dbt/models/campaigns/queue_{}.sql",
    "conversation": "pp_pipeline/conversations/{}",
    "segment": "dbt/models/list/segment_{}.sql",
}
_name = TypeAdapter(Name)


@dataclass(frozen=True)
class Draft:
    """A campaign, conversation or segment that is not written yet.

    Attributes:
        files: the texts by their places within a checkout: one, or those of the conversation's folder.
    """

    kind: Kind
    name: str
    files: Mapping[str, str]

    @property
    def place(self) -> str:
        """Its file or folder within a checkout."""
        return place_of(self.kind, self.name)


def place_of(kind: Kind, name: str) -> str:
    """Where something of this name stands within a checkout: a file, or a conversation's folder."""
    return _PLACES[kind].format(name)


def name_problem(settings: Settings, kind: Kind, name: str) -> str:
    """Why something new can't have this name; '' if it can."""
    try:
        _name.validate_python(name)
    except ValidationError:
        return f"'{name}' is no name; allowed are lower-case letters, digits and _, beginning with a letter"
    if len(name) > LONGEST_NAME:
        return f"the name has {len(name)} letters; allowed are {LONGEST_NAME}"
    if kind == "conversation" and name in COMMANDS_OF_CONVERSATION:
        return f"'{name}' is a word of `pp conversation`; take another name"
    if (settings.checkout / place_of(kind, name)).exists():
        return f"{place_of(kind, name)} is there already; nothing is overwritten: take another name"
    return ""


@contextmanager
def draft_checkout(settings: Settings, draft: Draft) -> Iterator[Path]:
    """A copy of the checkout's configuration with the draft in it, for as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="pp_draft_") as folder:
        checkout = Path(folder) / "checkout"
        for part in _CONFIGURATION:
            ignored = shutil.ignore_patterns("target", "logs", "__pycache__")
            shutil.copytree(settings.checkout / part, checkout / part, ignore=ignored)
        for name, text in draft.files.items():
            path = checkout / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        yield checkout


def check_draft(settings: Settings, checkout: Path) -> None:
    """Judge the whole configuration of a draft's checkout; no home is touched.

    Raises:
        CampaignError, ConversationError, MerchantError, DbtError: all that is wrong.
    """
    with tempfile.TemporaryDirectory(prefix="pp_draft_") as home:
        Configuration(settings.model_copy(update={"home": Path(home), "checkout": checkout})).check()


def put_in_place(settings: Settings, draft: Draft) -> list[Path]:
    """Write the draft into the checkout: whole or not at all, and over nothing. Returns the files.

    Raises:
        SettingsError: it is there by now, or the folder can't be written.
    """
    target = settings.checkout / draft.place
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        if draft.kind == "conversation":
            _put_folder(part, target, draft.files)
        else:
            _put_file(part, target, *draft.files.values())
    except FileExistsError:
        raise SettingsError(f"{draft.place} is there already; nothing was written") from None
    except OSError as error:
        raise SettingsError(f"{draft.place} can't be written: {error.strerror}; nothing was written") from None
    return [settings.checkout / name for name in draft.files]


def _put_file(part: Path, target: Path, text: str) -> None:
    try:
        part.write_text(text, encoding="utf-8")
        os.link(part, target)  # unlike a rename, it never replaces a file that came meanwhile
    finally:
        part.unlink(missing_ok=True)


def _put_folder(part: Path, target: Path, files: Mapping[str, str]) -> None:
    try:
        part.mkdir()
        for name, text in files.items():
            (part / Path(name).name).write_text(text, encoding="utf-8")
        if target.exists():
            raise FileExistsError
        part.rename(target)  # fails where a folder with files came meanwhile
    finally:
        shutil.rmtree(part, ignore_errors=True)
