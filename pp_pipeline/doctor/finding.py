"""What a check found."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "fail", "not_asked"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: its name, such as `home folder`.
        state: `fail` is what keeps something from working; `warn` may be meant; `not_asked` could not be looked at.
        detail: what is so, in a sentence without personal data.
        fix: what to do; '' where there is nothing to do.
    """

    what: str
    state: State
    detail: str
    fix: str = ""
