"""Alerts: each trouble is told once for each of its causes, and once more when it is over."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pp_pipeline.alerting.roads import AlertRoad
from pp_pipeline.alerting.trouble import Trouble
from pp_pipeline.settings import Settings

_MOST_LETTERS = 3000
WORDS = {
    "old": "no batch waits because it is old",
    "large": "no batch waits because it is large",
    "stuck": "batches go on",
    "overdue": "no batch waits for an overdue file",
    "unknown": "of every delivery it is known whether it went",
    "refused": "no file in the inbox is refused",
    "failed": "runs succeed",
    "unseen": "everything can be looked at",
}
"""What an alert says when all causes of a kind are over."""


@dataclass(frozen=True)
class News:
    """What is to be told now: troubles with a cause that was not told yet, and kinds of which none is left.

    `remembered` is what to keep until the next look, once it was told.
    """

    troubles: Sequence[Trouble]
    over: Sequence[str]
    remembered: str

    @property
    def is_none(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self.troubles or self.over)

    def title(self, settings: Settings) -> str:
        """The subject: how much needs a person, and of which installation."""
        if not self.troubles:
            return f"pp_pipeline ({settings.environment}): well again"
        needs = "1 thing needs a person" if len(self.troubles) == 1 else f"{len(self.troubles)} things need a person"
        return f"pp_pipeline ({settings.environment}): {needs}"

    def text(self) -> str:
        """A line for each, with the commands; `pp status` shows the rest."""
        lines = [*(f"- {each}" for each in self.troubles), *(f"- well again: {WORDS[kind]}" for kind in self.over)]
        text = "\n".join(lines)
        return text if len(text) <= _MOST_LETTERS else f"{text[:_MOST_LETTERS]} ...\n`pp status` shows all of it"


def news_of(troubles: Sequence[Trouble], remembered: str | None) -> News:
    """What of some troubles was not told yet, by what was kept at the last look.

    A cause that goes and comes back is told again; while others of its kind stay it goes without a word.
    """
    told = frozenset(json.loads(remembered)) if remembered else frozenset[str]()
    now = frozenset[str]().union(*(each.keys for each in troubles))
    kinds = {key.partition(":")[0] for key in now}
    over = sorted({key.partition(":")[0] for key in told} - kinds)
    new = [each for each in troubles if each.keys - told]
    return News(new, [kind for kind in over if kind in WORDS], json.dumps(sorted(now)))


def tell(roads: Sequence[AlertRoad], title: str, text: str) -> Mapping[str, str]:
    """Send an alert by every road. Returns what went wrong, by the name of the road; it never raises."""
    problems = {}
    for road in roads:
        try:
            problem = road.tell(title, text)
        except Exception as error:  # whatever it is, an alert that can't go must not stop what it watches
            problem = type(error).__name__
        if problem:
            problems[road.name] = problem
    return problems
