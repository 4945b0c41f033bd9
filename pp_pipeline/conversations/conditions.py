"""Conditions of a split's branches (DESIGN 4, "Conditions"): the words, and the atoms that SQL looks up.

A condition is one word with what it asks, or `all`, `any`, `not` of others. For SQL it becomes clauses: it is true
when of one clause every atom is as wanted (a disjunctive normal form).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pp_pipeline.conversations.fields import asking_problem
from pp_pipeline.conversations.part import MOST_PASSES, Name, Part
from pp_pipeline.landing.words import STATUSES

Text = Annotated[str, Field(strict=True, min_length=1, max_length=200)]
OrderState = Literal["canceled", "returned", "partly_returned", "refunded", "shipped", "delivered"]

MESSAGE_WORDS = ("opened", "clicked", "replied")
MOST_CLAUSES = 64


@dataclass(frozen=True, order=True)
class Atom:
    """One question about a run on a day.

    Attributes:
        kind: the word that asks.
        subject: the message step, the channel and kind of a consent, the profile field or preference.
        value: what has to be the case: a link, SKU, category, status, state, segment, action, value of a field.
        number: the least rating, or within how many days.
        from_visit: of the message step, the first occurrence whose messages count.
        to_visit: the last.
        to_pass: the last pass that counts of each.
    """

    kind: str
    subject: str = ""
    value: str = ""
    number: float | None = None
    from_visit: int = 0
    to_visit: int = 0
    to_pass: int = 0


Wish = tuple[Atom, bool]
"""An atom, and whether it has to be true."""
Clause = frozenset[Wish]


class Condition(Part):
    """A condition: exactly one of its words, with the further words that belong to it."""

    all: list["Condition"] | None = Field(default=None, min_length=1, description="each of these is true")
    any: list["Condition"] | None = Field(default=None, min_length=1, description="at least one of these is true")
    not_: "Condition | None" = Field(default=None, alias="not", description="this is false")
    opened: Name | None = Field(default=None, description="a person opened that message of this run")
    clicked: Name | None = Field(default=None, description="a link in that message of this run was clicked")
    link: Text | None = Field(default=None, description="with clicked: that link")
    replied: Name | None = Field(default=None, description="that message of this run was replied to")
    reviewed: Literal[True] | None = Field(default=None, description="the run's order was reviewed")
    min_rating: float | None = Field(default=None, ge=0, description="with reviewed: rated at least so high")
    bought: Literal[True] | None = Field(default=None, description="bought something since entry")
    bought_sku: Text | None = Field(default=None, description="bought that article since entry")
    bought_category: Text | None = Field(default=None, description="bought of that category since entry")
    order_is: OrderState | None = Field(default=None, description="what is true of the run's order")
    order_status: Text | None = Field(default=None, description="the status of the run's order")
    line_status: Text | None = Field(default=None, description="the status of the run's line")
    ticket: Literal["open"] | None = Field(default=None, description="the contact has an open ticket")
    site_action: Text | None = Field(default=None, description="was done on the site since entry")
    within_days: int | None = Field(default=None, ge=1, strict=True, description="with site_action: so many days back")
    segment: Name | None = Field(default=None, description="the contact is in that segment")
    profile: Name | None = Field(
        default=None, description="a field of the contacts feed, or one that a conversation sets, with `is`"
    )
    preference: Text | None = Field(default=None, description="what was last set on the preferences page, with `is`")
    is_: Text | None = Field(default=None, alias="is", description="with profile and preference: the value")
    consent: Literal["email", "sms"] | None = Field(default=None, description="agreed to be written to on the channel")

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        asked = [name for name in self._asked() if name not in _COMPANIONS]
        words = [type(self).model_fields[name].alias or name for name in asked]
        if len(words) != 1:
            given = f"{' and '.join(words)} stand side by side" if words else "asks nothing"
            raise ValueError(f"a condition asks one thing, but {given}; put several into `all` or `any`")
        for name in self._asked():
            if name in _COMPANIONS and asked[0] not in _COMPANIONS[name]:
                alias = type(self).model_fields[name].alias or name
                raise ValueError(f"'{alias}' belongs to {' or '.join(_COMPANIONS[name])}, not to {words[0]}")
        if asked[0] in ("profile", "preference") and self.is_ is None:
            raise ValueError(f"{asked[0]} needs `is`, the value that the field has to have")
        if self.profile is not None and (problem := asking_problem(self.profile)):
            raise ValueError(f"profile: {problem}")
        for name in ("order_status", "line_status"):
            if (status := getattr(self, name)) is not None and status not in STATUSES:
                raise ValueError(f"{name} is {status!r}; allowed is {', '.join(STATUSES)}")
        return self

    def _asked(self) -> list[str]:
        return [name for name in type(self).model_fields if getattr(self, name) is not None]

    @property
    def parts(self) -> list["Condition"]:
        """The conditions that this one is made of; none for one that asks by itself."""
        return [*(self.all or ()), *(self.any or ()), *([self.not_] if self.not_ is not None else ())]

    def named(self, word: str) -> set[str]:
        """What stands under a word here and in all parts, such as the steps under `opened`."""
        own = getattr(self, word)
        return ({own} if own is not None else set()).union(*(part.named(word) for part in self.parts))

    def named_at(self, word: str) -> Iterator[tuple[str, tuple[str | int, ...]]]:
        """As `named`, each with the keys and list places that lead to it."""
        if (own := getattr(self, word)) is not None:
            yield own, (word,)
        for key, parts in (("all", self.all), ("any", self.any)):
            for place, part in enumerate(parts or ()):
                yield from ((name, (key, place, *path)) for name, path in part.named_at(word))
        if self.not_ is not None:
            yield from ((name, ("not", *path)) for name, path in self.not_.named_at(word))

    def clauses(self, kind: str, visits: Mapping[str, int], wanted: bool = True) -> tuple[Clause, ...]:
        """The clauses of which one has to hold, for the condition to be true (or, if not `wanted`, false).

        None hold where it is false whatever happens; a clause without wishes always does.

        Args:
            kind: of the conversation's messages, which consents are given for.
            visits: how often each message was reached when the condition is judged. Those of later visits don't count:
                they would take themselves out of the plan.
        """
        if self.not_ is not None:
            return self.not_.clauses(kind, visits, not wanted)
        if not self.parts:
            atom = self._atom(kind, visits)
            if atom.kind in MESSAGE_WORDS and not atom.to_visit:
                return () if wanted else (frozenset(),)
            return (frozenset({(atom, wanted)}),)
        of_parts = [part.clauses(kind, visits, wanted) for part in self.parts]
        if (self.any is not None) == wanted:
            return tuple(dict.fromkeys(clause for clauses in of_parts for clause in clauses))
        return tuple(dict.fromkeys(frozenset[Wish]().union(*chosen) for chosen in product(*of_parts)))

    @property
    def clause_count(self) -> int:
        """How many clauses it has at most, true or false; cheap to ask where `clauses` is not."""
        return max(self._counts())

    def _counts(self) -> tuple[int, int]:
        if self.not_ is not None:
            true, false = self.not_._counts()
            return false, true
        if not self.parts:
            return 1, 1
        true, false = zip(*(part._counts() for part in self.parts), strict=True)
        sums, products = (sum(true), sum(false)), (_product(true), _product(false))
        return (sums[0], products[1]) if self.any is not None else (products[0], sums[1])

    def _atom(self, kind: str, visits: Mapping[str, int]) -> Atom:
        name = next(name for name in self._asked() if name not in _COMPANIONS)
        value = getattr(self, name)
        match name:
            case "opened" | "clicked" | "replied":
                last = visits.get(value, 0)
                return Atom(
                    name, subject=value, value=self.link or "", from_visit=1, to_visit=last, to_pass=MOST_PASSES
                )
            case "reviewed":
                return Atom(name, number=self.min_rating)
            case "bought" | "ticket":
                return Atom(name)
            case "site_action":
                return Atom(name, value=value, number=self.within_days)
            case "profile" | "preference":
                return Atom(name, subject=value, value=self.is_ or "")
            case "consent":
                return Atom(name, subject=f"{value}_{kind}")
            case _:
                return Atom(name, value=value)


_COMPANIONS = {
    "link": ("clicked",),
    "min_rating": ("reviewed",),
    "within_days": ("site_action",),
    "is_": ("profile", "preference"),
}


def reaction(step: str, visit: int, to_pass: int) -> tuple[Clause, ...]:
    """The clauses of "reacted to one of the passes of that visit so far" (DESIGN 4, "Passes")."""
    seen = [Atom(word, subject=step, from_visit=visit, to_visit=visit, to_pass=to_pass) for word in MESSAGE_WORDS]
    return tuple(frozenset({(atom, True)}) for atom in (*seen, Atom("reviewed"), Atom("bought")))


def _product(numbers: tuple[int, ...]) -> int:
    found = 1
    for number in numbers:
        found *= number
    return found
