"""A conversation as its file states it (DESIGN 4 and 9), typed and checked.

What the program can do so far is the simplest shape: one thread, a trigger and then one message. The
file's words are those of the whole grammar; a word that is not carried out yet is refused, because
a conversation that is carried out in part writes to the wrong people.
"""

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from pp_pipeline.conversations.exits import ExitWord
from pp_pipeline.coupon_codes import CODE_WORDS, is_code

Name = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
"""What can be a folder, a column value and a part of a file name alike."""

_LATER_STEPS = ("wait", "split", "go_to", "action", "exit")
_LATER_FIELDS = ("pause_when",)


class _Part(BaseModel):
    """A part of the file: what it does not know it refuses, naming what is allowed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _only_known_words(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        for word in given:
            if word in _LATER_STEPS + _LATER_FIELDS:
                raise ValueError(f"'{word}' is not carried out yet; {_ALLOWED_SHAPE}")
            if word not in cls.model_fields:
                raise ValueError(f"'{word}' is not known here; allowed are {', '.join(cls.model_fields)}")
        return given


_ALLOWED_SHAPE = "allowed is one thread of a trigger and then one message"


class CouponUse(_Part):
    """A message's coupon: the pool that its codes are drawn from, and what stands in when the pool is empty."""

    pool: Name
    fallback: str | None = Field(default=None, repr=False, description="a code for everybody, shown when none is left")
    min_days_valid: int = Field(
        default=0, ge=0, strict=True, description="a code expires no sooner than so many days on"
    )

    @field_validator("fallback", mode="before")
    @classmethod
    def _is_a_code(cls, given: Any) -> Any:
        """Told without showing it: a code is worth money."""
        if given is not None and not (isinstance(given, str) and is_code(given)):
            raise ValueError(f"is no code; allowed is {CODE_WORDS}, in quotes where it is all digits")
        return given


class Message(_Part):
    """What is sent on which channel. `has_offer` is what the discount cap counts."""

    channel: Literal["email", "sms"]
    template: Name = Field(description="name of the template files in the conversation's folder")
    passes: Literal[1] = Field(default=1, description="repeats to those who did not react")
    coupon: CouponUse | None = None
    offer: bool = Field(default=False, strict=True, description="carries an offer that is no code of a pool")
    max_segments: int = Field(
        default=3, ge=1, le=10, strict=True, description="of an SMS: a text of more pieces is not sent"
    )

    @model_validator(mode="after")
    def _segments_are_of_sms(self) -> Self:
        if self.channel != "sms" and "max_segments" in self.model_fields_set:
            raise ValueError("max_segments is for texts; take it away, or write channel: sms")
        return self

    @property
    def has_offer(self) -> bool:
        """Whether it carries a coupon or another offer."""
        return self.offer or self.coupon is not None


class Step(_Part):
    """One step of a thread: a trigger, or a message with its id."""

    id: Name | None = None
    trigger: list[Name] | None = None
    message: Message | None = None

    @model_validator(mode="after")
    def _is_one_step(self) -> Self:
        if (self.trigger is None) == (self.message is None):
            raise ValueError("a step is either a trigger or a message")
        if self.message is not None and self.id is None:
            raise ValueError("a message needs an id, unique in the conversation")
        if self.trigger is not None and not self.trigger:
            raise ValueError("the trigger names no event; without a go_to nobody can come here")
        if self.trigger is not None and len(set(self.trigger)) < len(self.trigger):
            raise ValueError("the trigger names an event twice")
        return self


class Thread(_Part):
    """A thread: its trigger, then what it does."""

    thread: Name
    rank: int = Field(default=1, ge=1, strict=True)
    steps: list[Step]


class Conversation(_Part):
    """A conversation. `step`, `events`, `channel` and `template` say what its one message is."""

    conversation: Name
    kind: Literal["commercial", "transactional"] = "commercial"
    flow_type: Name | None = None
    goal: Literal["none", "purchased_again"] = "none"
    scope: Literal["contact", "order"] = "contact"
    entries: Literal["once", "unlimited"] = "unlimited"
    exit_when: list[ExitWord] = Field(default_factory=list)
    live_from: date | None = None
    priority: int = Field(default=0, strict=True, description="of messages that are one too many the highest goes")
    hold_out: float = Field(default=0.0, ge=0, le=0.5, strict=True, description="share of contacts who hear nothing")
    not_within_days: int = Field(
        default=7,
        ge=1,
        strict=True,
        description="so many days lie between two of a step to a contact",
    )
    threads: list[Thread]

    @field_validator("goal", mode="before")
    @classmethod
    def _no_goal(cls, given: Any) -> Any:
        return "none" if given is None else given

    @model_validator(mode="after")
    def _has_the_simplest_shape(self) -> Self:
        ids = [step.id for thread in self.threads for step in thread.steps if step.id]
        for place, name in enumerate(ids):
            if name in ids[:place]:
                raise ValueError(f"the id '{name}' stands twice; ids are unique in the conversation")
        if len(self.threads) != 1:
            raise ValueError(f"has {len(self.threads)} threads; {_ALLOWED_SHAPE}")
        shape = ["trigger" if step.trigger is not None else "message" for step in self.threads[0].steps]
        if shape != ["trigger", "message"]:
            raise ValueError(f"the thread's steps are {', '.join(shape) or 'none'}; {_ALLOWED_SHAPE}")
        if self.kind == "transactional" and self.hold_out:
            raise ValueError("a transactional conversation holds nobody out; take hold_out away")
        return self

    @property
    def events(self) -> list[str]:
        """The events that begin a run."""
        return self.threads[0].steps[0].trigger or []

    @property
    def step(self) -> str:
        """The id of the message step."""
        return self.threads[0].steps[1].id or ""

    @property
    def message(self) -> Message:
        """The one message."""
        message = self.threads[0].steps[1].message
        assert message is not None, "checked when the file was read"
        return message
