"""Recipes for conversations: whole folders with `<<words>>` for what is asked (docs/conversations.md)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pp_pipeline.conversations.faults import FILE_NAME
from pp_pipeline.starting.drafts import Draft, place_of

_FOLDER = Path(__file__).parent / "recipes"
_REVIEW_AFTER_DAYS = 365
_AT = "10:00"

CONVERSATION_RECIPES = {"thank_you": 3, "review_request": 10, "second_order": 30, "replenish": 30, "win_back": 90} | {
    "plain": 0
}
"""By recipe, the days that it waits where no campaign waited before."""


def about(recipe: str) -> str:
    """What a recipe does: the comment that its file begins with."""
    lines = (_FOLDER / recipe / FILE_NAME).read_text(encoding="utf-8").splitlines()
    return " ".join(line.removeprefix("# ") for line in lines[1:] if line.startswith("# "))


@dataclass(frozen=True)
class Begun:
    """What a conversation begins with.

    Attributes:
        event: that begins a run.
        wait_days: days from the event to the first message.
        purpose: its `flow_type`.
        live_from: events before it begin no run.
    """

    recipe: str
    name: str
    event: str
    wait_days: int
    purpose: str
    live_from: date

    def draft(self, today: date) -> Draft:
        """The folder's files; the messages are to be read again in a year."""
        days = f"days: {self.wait_days}, " if self.wait_days else ""
        words = {
            "name": self.name,
            "event": self.event,
            "wait": f'{{{days}at: "{_AT}"}}',
            "purpose": self.purpose,
            "live_from": self.live_from.isoformat(),
            "review_by": date.fromordinal(today.toordinal() + _REVIEW_AFTER_DAYS).isoformat(),
        }
        place = place_of("conversation", self.name)
        files = {f"{place}/{name}": text for name, text in _filled(self.recipe, words)}
        return Draft("conversation", self.name, files)


def _filled(recipe: str, words: dict[str, str]) -> Iterator[tuple[str, str]]:
    for path in sorted((_FOLDER / recipe).iterdir()):
        text = path.read_text(encoding="utf-8")
        for word, value in words.items():
            text = text.replace(f"<<{word}>>", value)
        yield path.name, text
