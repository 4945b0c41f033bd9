"""A run of a conversation in plain words: where it entered, waited, turned, what ended it, and where it stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pp_pipeline.conversations.conditions import Atom
from pp_pipeline.conversations.drawing import condition_words, step_words
from pp_pipeline.conversations.flow import Place, places_of_ids
from pp_pipeline.conversations.programs import Deed, Turn
from pp_pipeline.why.entries import Position, Standing
from pp_pipeline.why.runs import Leaving, Run
from pp_pipeline.why.story import RunStanding
from pp_pipeline.why.words import value_words

_ENDINGS = {
    "goal": "its goal is reached: the contact bought again",
    "another_contact": "its order belongs to another contact now",
    "purchased_again": "the contact bought again (exit_when)",
    "unsubscribed": "the contact unsubscribed (exit_when)",
    "end": "it came to its end",
}


@dataclass(frozen=True)
class RunTeller:
    """Tells of one run, up to the newest built day."""

    run: Run
    built_through: date

    @property
    def name(self) -> str:
        """The conversation's."""
        return self.run.begin.conversation

    def positions(self) -> list[Position]:
        """What happened to it, in order of days."""
        begin, thread = self.run.begin, self.run.thread.thread
        order = f" (order {begin.order_number})" if begin.order_number else ""
        entry = begin.thread_place, 0
        found = [self._position(begin.begun_on, "entered", f"entered at {thread} by {begin.event_name}{order}", entry)]
        leaving = self.run.leaving
        happened = [*(self._turned(turn) for turn in self.run.reached_turns()), *self._waits(), *self._actions()]
        happened += self._no_passes()
        # on its last day a run still goes on to its natural end; an exit or a pull comes before that
        found += [one for one in happened if one.on < leaving.on or (leaving.word == "end" and one.on == leaving.on)]
        found = [one for one in found if one.on <= self.built_through]
        if leaving.on <= self.built_through:
            found.append(self._position(leaving.on, "left", f"left: {leaving_words(leaving)}", entry))
        return sorted(found, key=lambda one: one.on)

    def standing(self) -> RunStanding | None:
        """Where it stands at the end of the newest built day; None where it has left."""
        stay = self.run.stay_on(self.built_through)
        if stay is None:
            return None
        thread, step, until = self._thread(stay.place), self.run.step(stay.place), self.run.day(stay.to_offset)
        text = f"conversation {self.name}: stands at {place_words(self.run, stay.place)} until {until}"
        return RunStanding(self.name, thread, step.id, until, text)

    def _waits(self) -> list[Position]:
        found = []
        for stay in self.run.reached_stays():
            on, until = self.run.day(stay.from_offset), self.run.day(stay.to_offset)
            text = f"waits at {place_words(self.run, stay.place)} until {until}"
            found.append(self._position(on, "waits", text, stay.place, until=until))
        return found

    def _turned(self, turn: Turn) -> Position:
        text = turn_words(self.run, turn)
        values = self.run.values(turn.node, turn.offset)
        return self._position(self.run.day(turn.offset), "turned", text, turn.place, values=shown_values(values))

    def _actions(self) -> list[Position]:
        found = []
        for deed in self.run.reached_deeds():
            place = self._place(deed.step)
            step = self.run.step(place)
            if step.action is not None:
                found.append(
                    self._position(self.run.day(deed.offset), "fires", f"{step_words(step)} ({deed.step})", place)
                )
        return found

    def _no_passes(self) -> list[Position]:
        """The passes that were not due, as there was a reaction: the first of each message."""
        deeds = self.run.program.deeds
        reached = {(deed.step, deed.occurrence, deed.pass_number) for deed in self.run.reached_deeds()}
        found = []
        for deed in deeds:
            key = deed.step, deed.occurrence, deed.pass_number
            if deed.pass_number < 2 or key in reached or (*key[:2], deed.pass_number - 1) not in reached:
                continue
            if self.run.failed_checks(deed.node)[0].offset != deed.offset:
                continue  # it is the way to another message that failed
            text = f"no pass {deed.pass_number} of {deed.step}: {reaction_words(self.run, deed)}"
            found.append(self._position(self.run.day(deed.offset), "no_pass", text, self._place(deed.step)))
        return found

    def _position(self, on: date, what: Standing, text: str, place: Place, **more: Any) -> Position:
        return Position(
            on=on,
            text=f"conversation {self.name}: {text}",
            contact_key=self.run.begin.contact_key,
            conversation=self.name,
            event_id=self.run.begin.event_id,
            what=what,
            thread=self._thread(place),
            step=self.run.step(place).id,
            **more,
        )

    def _thread(self, place: Place) -> str:
        return self.run.conversation.threads[place[0]].thread

    def _place(self, step_id: str) -> Place:
        return places_of_ids(self.run.conversation)[step_id]


def place_words(run: Run, place: Place) -> str:
    """A step of a conversation: its thread, its id if it has one, what it does."""
    thread, step = run.conversation.threads[place[0]], run.step(place)
    return f"{thread.thread}{f'.{step.id}' if step.id else ''} ({step_words(step)})"


def leaving_words(leaving: Leaving) -> str:
    """Why a run left."""
    if leaving.word == "pulled" and leaving.by is not None:
        begin = leaving.by.begin
        order = f" of order {begin.order_number}" if begin.order_number else ""
        return f"{begin.event_name}{order} pulled it into {leaving.by.thread.thread}"
    segment = leaving.word.removeprefix("segment ")
    if segment != leaving.word:
        return f"the contact is in the segment {segment} (exit_when)"
    return _ENDINGS.get(leaving.word) or f"its order is {leaving.word.replace('_', ' ')} (exit_when)"


def turn_words(run: Run, turn: Turn) -> str:
    """Which way a run took at a split, and on what values."""
    branches = run.step(turn.place).split or []
    values = value_words(shown_values(run.values(turn.node, turn.offset)))
    if turn.branch is None:
        return f"split: no branch is true, on to the next step: {values}"
    branch = branches[turn.branch]
    return f"split: to {branch.thread}, as {condition_words(branch.when)}: {values}"


def reaction_words(run: Run, deed: Deed) -> str:
    """What made a pass unnecessary."""
    checks = run.failed_checks(deed.node)
    seen = [atom for check in checks for atom, is_true in run.asked(check).items() if is_true]
    return ", ".join(dict.fromkeys(atom_words(atom) for atom in seen)) or "there was a reaction"


def shown_values(values: Mapping[Atom, bool]) -> dict[str, bool]:
    """Questions in words, with their answers."""
    return {atom_words(atom): is_true for atom, is_true in values.items()}


def atom_words(atom: Atom) -> str:
    """A question in words, such as `opened we_miss_you`."""
    parts = [atom.kind, atom.subject, atom.value]
    if atom.number is not None:
        parts.append(f"within {atom.number:g} days" if atom.kind == "site_action" else f"at least {atom.number:g}")
    return " ".join(part for part in parts if part)
