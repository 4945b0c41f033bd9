"""One thing that needs a person, in words without personal data."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from pp_pipeline.landing.days import runs_of_days

_MOST_DAYS = 5


@dataclass(frozen=True)
class Trouble:
    """Something that does not pass by itself.

    Attributes:
        kind: its name, one word for each way in which things go wrong, such as `old`.
        causes: what it consists of, such as days. An alert tells each once, for as long as it lasts.
        text: what is so, with days and figures.
        remedy: the commands to look at it and to go on.
    """

    kind: str
    causes: tuple[str, ...]
    text: str
    remedy: str

    @property
    def keys(self) -> frozenset[str]:
        """Its causes with its kind: what an alert remembers to have told."""
        return frozenset(f"{self.kind}:{cause}" for cause in self.causes)

    def __str__(self) -> str:
        return f"{self.text}. {self.remedy}"


def named_days(days: Collection[date]) -> str:
    """Days as ranges, the newest last; of many ranges the newest: `2026-07-03 to 2026-07-09, 2026-07-12`."""
    ranges = runs_of_days(set(days))
    shown = [f"{first}" if first == last else f"{first} to {last}" for first, last in ranges[-_MOST_DAYS:]]
    if len(shown) < len(ranges):
        shown.insert(0, "earlier days")
    return ", ".join(shown)
