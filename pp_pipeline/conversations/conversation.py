"""A conversation as its file states it (DESIGN 4 and 9), typed and checked.

The parts of its threads stand in steps.py, conditions in conditions.py. What can be wrong with how steps follow one
another is found by flow.py.
"""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from pp_pipeline.conversations.exits import ExitWord
from pp_pipeline.conversations.part import Name, Part
from pp_pipeline.conversations.steps import Action, CouponUse, DrawnCoupon, Message, Step, Thread

PauseWord = Literal["open_ticket", "return_started"]


class InSegment(Part):
    """The contact is in a segment."""

    segment: Name


def _exit_tag(given: object) -> str:
    return "segment_of" if isinstance(given, dict | InSegment) else "word"


Exit = Annotated[
    Annotated[ExitWord, Tag("word")] | Annotated[InSegment, Tag("segment_of")],
    Discriminator(_exit_tag),
]


class Conversation(Part):
    """A conversation."""

    conversation: Name
    kind: Literal["commercial", "transactional"] = "commercial"
    flow_type: Name | None = None
    goal: Literal["none", "purchased_again"] = "none"
    scope: Literal["contact", "order", "line"] = "contact"
    entries: Literal["once", "unlimited"] = "unlimited"
    exit_when: list[Exit] = Field(default_factory=list)
    pause_when: list[PauseWord] = Field(default_factory=list, description="messages wait while one of these is true")
    max_pause_days: int = Field(default=14, ge=1, strict=True, description="and are dropped after so many days")
    live_from: date | None = None
    priority: int = Field(default=0, strict=True, description="of messages that are one too many the highest goes")
    hold_out: float = Field(default=0.0, ge=0, le=0.5, strict=True, description="share of contacts who hear nothing")
    not_within_days: int = Field(
        default=7,
        ge=1,
        strict=True,
        description="so many days lie between two of a step to a contact",
    )
    threads: list[Thread] = Field(min_length=1)

    @field_validator("goal", mode="before")
    @classmethod
    def _no_goal(cls, given: object) -> object:
        return "none" if given is None else given

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.kind == "transactional" and self.hold_out:
            raise ValueError("a transactional conversation holds nobody out; take hold_out away")
        return self

    @property
    def exit_words(self) -> list[str]:
        """The words of `exit_when` as facts about runs hold them."""
        return [word if isinstance(word, str) else f"segment {word.segment}" for word in self.exit_when]

    @property
    def events(self) -> list[str]:
        """The events that begin a run, each once."""
        return list(dict.fromkeys(event for thread in self.threads for event in thread.events))

    @property
    def places(self) -> list[tuple[tuple[str | int, ...], Step]]:
        """All steps, in the order of the file, with the keys and list places that lead to them."""
        return [
            (("threads", place, "steps", number), step)
            for place, thread in enumerate(self.threads)
            for number, step in enumerate(thread.steps)
        ]

    @property
    def steps(self) -> list[Step]:
        """All steps, in the order of the file."""
        return [step for thread in self.threads for step in thread.steps]

    @property
    def messages(self) -> dict[str, Message]:
        """The messages by the ids of their steps."""
        return {step.id: step.message for step in self.steps if step.id and step.message}

    @property
    def actions(self) -> dict[str, Action]:
        """The actions by the ids of their steps."""
        return {step.id: step.action for step in self.steps if step.id and step.action}

    @property
    def step(self) -> str:
        """The id of the first message, which a test message shows."""
        return next(iter(self.messages))

    @property
    def message(self) -> Message:
        """The first message."""
        return self.messages[self.step]

    @property
    def fires(self) -> list[str]:
        """The events that its actions fire."""
        return list(dict.fromkeys(each.fire for each in self.actions.values() if each.fire))

    @property
    def sets(self) -> list[str]:
        """The profile fields that its actions set."""
        return list(dict.fromkeys(field for each in self.actions.values() for field in each.set or ()))

    @property
    def reads(self) -> set[str]:
        """The profile fields that its conditions ask for."""
        branches = [branch for step in self.steps for branch in step.split or ()]
        return {field for branch in branches for field in branch.when.named("profile")}

    def coupon_of(self, step: str) -> CouponUse | None:
        """What a message draws its coupon from, by itself or through an action; None where it has none."""
        coupon = self.messages[step].coupon
        return self.actions[coupon.drawn].draw if isinstance(coupon, DrawnCoupon) else coupon

    @property
    def channels(self) -> list[str]:
        """The channels that it writes on."""
        return list(dict.fromkeys(message.channel for message in self.messages.values()))
