"""Threads and their steps as a conversation's file states them (DESIGN 4)."""

import re
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from pp_pipeline.conversations.conditions import Condition, Text
from pp_pipeline.conversations.fields import field_problem
from pp_pipeline.conversations.part import MOST_PASSES, Name, Part
from pp_pipeline.coupon_codes import CODE_WORDS, is_code

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

Target = Annotated[str, Field(strict=True, pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$")]
"""A thread, or `thread.id` for a step of it."""


TimeOfDay = Annotated[str, Field(strict=True, pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""Such as "09:30", in quotes: YAML makes a number of it without."""


class Wait(Part):
    """So many days; then on to the next such weekday, and on its last day to a time of day, if they are given."""

    days: int = Field(default=0, ge=0, le=3660, strict=True)
    weekday: Weekday | None = Field(default=None, description="goes on to the first such day, today included")
    at: TimeOfDay | None = Field(default=None, description="what follows goes no sooner, by the contact's clock")

    @model_validator(mode="after")
    def _waits(self) -> Self:
        if not self.days and self.weekday is None and self.at is None:
            raise ValueError("a wait needs days (1 or more), a weekday, or a time of day (at)")
        return self

    def ends_after(self, weekday: int) -> int:
        """How many days it takes when it is reached on a weekday (0: Monday)."""
        if self.weekday is None:
            return self.days
        return self.days + (WEEKDAYS.index(self.weekday) - weekday - self.days) % 7


class CouponUse(Part):
    """A coupon to draw: the pool that its codes are drawn from, and what stands in when the pool is empty."""

    pool: Name
    fallback: str | None = Field(default=None, repr=False, description="a code for everybody, shown when none is left")
    min_days_valid: int = Field(
        default=0, ge=0, strict=True, description="a code expires no sooner than so many days on"
    )

    @field_validator("fallback", mode="before")
    @classmethod
    def _is_a_code(cls, given: object) -> object:
        """Told without showing it: a code is worth money."""
        if given is not None and not (isinstance(given, str) and is_code(given)):
            raise ValueError(f"is no code; allowed is {CODE_WORDS}, in quotes where it is all digits")
        return given


class DrawnCoupon(Part):
    """A message's coupon that an action of the conversation draws, so that several messages show one code."""

    drawn: Name = Field(description="id of the action that draws it")


def _coupon_tag(given: object) -> str:
    return (
        "of_action" if isinstance(given, DrawnCoupon) or (isinstance(given, dict) and "drawn" in given) else "of_pool"
    )


Coupon = Annotated[
    Annotated[CouponUse, Tag("of_pool")] | Annotated[DrawnCoupon, Tag("of_action")],
    Discriminator(_coupon_tag),
]


class Variant(Part):
    """Another template for a share of the contacts."""

    variant: Name
    template: Name
    share: float = Field(gt=0, le=1, strict=True)


class Message(Part):
    """What is sent on which channel. `has_offer` is what the discount cap counts."""

    channel: Literal["email", "sms"]
    template: Name = Field(description="name of the template files in the conversation's folder")
    variants: list[Variant] = Field(default_factory=list, description="what shares of the contacts get instead")
    passes: int = Field(default=1, ge=1, le=MOST_PASSES, strict=True, description="with repeats to who did not react")
    after: int | None = Field(default=None, ge=1, strict=True, description="days from one pass to the next")
    coupon: Coupon | None = None
    offer: bool = Field(default=False, strict=True, description="carries an offer that is no code of a pool")
    max_segments: int = Field(
        default=3, ge=1, le=10, strict=True, description="of an SMS: a text of more pieces is not sent"
    )

    @model_validator(mode="after")
    def _segments_are_of_sms(self) -> Self:
        if self.channel != "sms" and "max_segments" in self.model_fields_set:
            raise ValueError("max_segments is for texts; take it away, or write channel: sms")
        return self

    @model_validator(mode="after")
    def _passes_are_days_apart(self) -> Self:
        if (self.passes > 1) != (self.after is not None):
            raise ValueError("passes above 1 and after (days between them) go together")
        names = [each.variant for each in self.variants]
        if len(set(names)) < len(names):
            raise ValueError("two variants have one name")
        if sum(each.share for each in self.variants) > 1.0000001:
            raise ValueError("the shares of the variants are more than 1 together")
        return self

    @property
    def has_offer(self) -> bool:
        """Whether it carries a coupon or another offer."""
        return self.offer or self.coupon is not None

    @property
    def draws_from(self) -> str | None:
        """The id of the action that draws its coupon; None where it draws one of its own, or has none."""
        return self.coupon.drawn if isinstance(self.coupon, DrawnCoupon) else None

    @property
    def templates(self) -> list[str]:
        """All templates that somebody gets."""
        return list(dict.fromkeys([self.template, *(each.template for each in self.variants)]))


class Branch(Part):
    """One branch of a split."""

    when: Condition
    thread: Name = Field(description="where it leads")


class Action(Part):
    """What a step does besides writing: one of its words."""

    fire: Name | None = Field(default=None, description="an event, which reaches other conversations on the next day")
    set: dict[Name, Text] | None = Field(
        default=None, min_length=1, description="profile fields and what they become, seen from the next day on"
    )
    draw: CouponUse | None = Field(default=None, description="a coupon that messages show with `coupon: {drawn: ...}`")

    @model_validator(mode="after")
    def _is_one_action(self) -> Self:
        words = [word for word in type(self).model_fields if getattr(self, word) is not None]
        if len(words) != 1:
            raise ValueError(f"an action is one of fire, set, draw; this one is {' and '.join(words) or 'none'}")
        for field, value in (self.set or {}).items():
            if problem := field_problem(field, value):
                raise ValueError(problem)
        return self


class Step(Part):
    """One step of a thread: exactly one of its words, with an id where it is referred to."""

    id: Name | None = None
    trigger: list[Name] | None = Field(default=None, description="events that begin a run here; none: reached by go_to")
    wait: Wait | None = None
    message: Message | None = None
    split: list[Branch] | None = Field(default=None, min_length=1, description="the first true branch is taken")
    go_to: Target | None = Field(default=None, description="a thread, or thread.id")
    times: int | None = Field(default=None, ge=1, le=366, strict=True, description="with go_to: how often in a run")
    action: Action | None = None
    exit: Literal[True] | None = None

    @model_validator(mode="after")
    def _is_one_step(self) -> Self:
        kinds = [kind for kind in STEP_KINDS if getattr(self, kind) is not None]
        if len(kinds) != 1:
            raise ValueError(f"a step is one of {', '.join(STEP_KINDS)}; this one is {' and '.join(kinds) or 'none'}")
        if kinds[0] in ("message", "action") and self.id is None:
            a = "an" if kinds[0] == "action" else "a"
            raise ValueError(f"{a} {kinds[0]} needs an id, unique in the conversation")
        if self.times is not None and self.go_to is None:
            raise ValueError(f"'times' belongs to go_to, not to {kinds[0]}")
        if self.trigger is not None and len(set(self.trigger)) < len(self.trigger):
            raise ValueError("the trigger names an event twice")
        return self

    @property
    def kind(self) -> str:
        """Which step it is: a word of `STEP_KINDS`."""
        return next(kind for kind in STEP_KINDS if getattr(self, kind) is not None)


STEP_KINDS = ("trigger", "wait", "message", "split", "go_to", "action", "exit")


class Thread(Part):
    """A thread: its trigger, then what it does."""

    thread: Name
    rank: int = Field(default=1, ge=1, strict=True)
    steps: list[Step] = Field(min_length=1)

    @model_validator(mode="after")
    def _begins_with_its_trigger(self) -> Self:
        for place, step in enumerate(self.steps):
            if (step.trigger is not None) != (place == 0):
                raise ValueError("a thread begins with its trigger ([] for none), and has no other")
        return self

    @property
    def events(self) -> list[str]:
        """The events that begin a run at this thread."""
        return self.steps[0].trigger or []


def split_target(target: str) -> tuple[str, str | None]:
    """The thread of a go_to, and the id of the step in it if one is named."""
    found = re.fullmatch(r"([a-z0-9_]+)(?:\.([a-z0-9_]+))?", target)
    assert found is not None, "checked when the file was read"
    return found[1], found[2]
