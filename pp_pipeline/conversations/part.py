"""What every part of a conversation's file shares: its base class, and what a name is."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

Name = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
"""What can be a folder, a column value and a part of a file name alike."""


MOST_PASSES = 5
"""How often one message can go out at most: once, and four repeats."""


class Part(BaseModel):
    """A part of the file: what it does not know it refuses, naming what is allowed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _only_known_words(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        known = [field.alias or name for name, field in cls.model_fields.items()]
        for word in given:
            if word not in known:
                raise ValueError(f"'{word}' is not known here; allowed are {', '.join(known)}")
        return given
