"""What a load did, for asset metadata, checks and commands: counts, dates, hashes, names and lines only."""

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from pp_pipeline.landing.gate import RuleOutcome

Outcome = Literal["accepted", "refused", "left_for_later"]


@dataclass(frozen=True)
class LandedFile:
    """What came of one file that a load looked at.

    `file_date` is None where the name has no possible date. `row_count` counts all its rows,
    `quarantined_count` those that were not taken, `without_contact_count` the taken ones without an e-mail,
    `forgotten_count` those of people who are forgotten. `keeps_forgotten`: such people stand in the inbox's file still,
    because it can't be replaced.
    """

    name: str
    file_date: date | None
    outcome: Outcome
    reason: str = ""
    sha256: str = ""
    size: int = 0
    row_count: int = 0
    quarantined_count: int = 0
    without_contact_count: int = 0
    forgotten_count: int = 0
    keeps_forgotten: bool = False
    is_correction: bool = False
    quarantined_by_rule: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class DayOutcome:
    """A day of the load's range as it stands after it; `problem`: why what is in force is not written."""

    day: date
    row_count: int
    content_hash: str
    files_hash: str
    file_names: tuple[str, ...]
    is_rewritten: bool
    problem: str = ""


@dataclass(frozen=True)
class LandingResult:
    """What a load of the days first..last did.

    `vanished` files are in force and no longer in the inbox. `later` files are dated after the last day and
    were not looked at. `rules` are the verdicts of Great Expectations in this load.
    """

    first: date
    last: date
    days: tuple[DayOutcome, ...]
    files: tuple[LandedFile, ...]
    vanished: tuple[str, ...]
    unrecognised: tuple[str, ...]
    later: tuple[str, ...]
    rules: tuple[RuleOutcome, ...]

    @property
    def accepted(self) -> tuple[LandedFile, ...]:
        """Files whose new content was adopted in this load."""
        return tuple(file for file in self.files if file.outcome == "accepted")

    @property
    def refused(self) -> tuple[LandedFile, ...]:
        """Files that this load refused; what was in force under their names stays."""
        return tuple(file for file in self.files if file.outcome == "refused")

    @property
    def problems(self) -> tuple[str, ...]:
        """Why days stay as they were although their files changed."""
        return tuple(day.problem for day in self.days if day.problem)
