"""The conversation rules of DESIGN 4, contact by contact, day by day: slow, and as close to the words as Python gets.

What the pipeline computes with joins has to be exactly what stands here. The methods stand in the order of the
section's sentences; those of its conditions stand in conversation_answers.py. It reads the conversation as its file
states it, not what compiling.py makes of it.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from pp_pipeline.conversations.conversation import InSegment
from pp_pipeline.conversations.steps import Action, Step, Wait, split_target
from pp_pipeline_tests.conversation_answers import ConversationAnswers, Pass, Run
from pp_pipeline_tests.conversation_facts import Event, FieldSet


class Planned(NamedTuple):
    """A message that is due, or an event that an action fires (`pass_number` 0); `not_before`: a time of day."""

    due_on: date
    run_key: str
    step: str
    occurrence: int
    pass_number: int
    event_id: str
    not_before: str = ""


class Way(NamedTuple):
    """An event, and the thread that it leads to."""

    event: Event
    thread: int


@dataclass
class ConversationOracle(ConversationAnswers):
    """One conversation over what is known of one merchant's contacts."""

    runs: list[Run] = field(default_factory=list)  # inside, or ended with passes to come
    entered: set[str] = field(default_factory=set)
    planned: list[Planned] = field(default_factory=list)
    begun: list[Run] = field(default_factory=list)
    sets: list[FieldSet] = field(default_factory=list)

    def plan(self, first: date, last: date) -> list[Planned]:
        """All that is due on the days, sorted."""
        day = first
        while day <= last:
            self.leave(day)
            self.act(day)
            self.go_on(day)
            self.repeat(day)
            day += timedelta(days=1)
        return sorted(self.planned)

    def waiting(self) -> Counter[tuple[int, int]]:
        """How many runs wait at each step after the last day that was planned."""
        return Counter((run.thread, run.step) for run in self.runs if not run.has_ended)

    # 1. "A run leaves for which a word of exit_when, or the goal, is true, or whose order now belongs to another
    #    contact."

    def leave(self, day: date) -> None:
        self.runs = [run for run in self.runs if not self.leaves(run, day)]

    def leaves(self, run: Run, day: date) -> bool:
        order = self.facts.in_force(run.event.order_number, day)
        return (
            self.is_exit(run, day)
            or (self.conversation.goal == "purchased_again" and self.purchased_again(run, day))
            or (order is not None and order.contact != run.event.contact)
        )

    def is_exit(self, run: Run, day: date) -> bool:
        return any(self.is_true_exit(word, run, day) for word in self.conversation.exit_when)

    def is_true_exit(self, word: str | InSegment, run: Run, day: date) -> bool:
        if isinstance(word, InSegment):
            return (word.segment, day, run.event.contact) in self.facts.segments
        match word:
            case "purchased_again":
                return self.purchased_again(run, day)
            case "unsubscribed":
                channels = (None, *self.conversation.channels)
                known = self.facts.known_feedback("unsubscribed", day, run.event.contact)
                return any(one.channel in channels for one in known)
            case _:
                return self.order_is(word, self.facts.in_force(run.event.order_number, day), day)

    # 2. "The day's events act, per run key."

    def act(self, day: date) -> None:
        ways = [
            Way(event, place)
            for event in self.facts.events
            for place, thread in enumerate(self.conversation.threads)
            if event.occurred_on == day and event.name in thread.events
        ]
        for key in sorted({key for way in ways if (key := self.run_key(way.event)) is not None}):
            own = [way for way in ways if self.run_key(way.event) == key]
            for way in self.in_their_order(own, day):
                if self.acts(way, key, day):
                    self.begin(way, key, day)
                    break

    def run_key(self, event: Event) -> str | None:
        """None where the event says less than the scope asks for."""
        parts = {
            "contact": [event.contact],
            "order": [event.contact, event.order_number],
            "line": [event.contact, event.order_number, event.sku],
        }[self.conversation.scope]
        return ":".join(str(part) for part in parts) if None not in parts else None

    def in_their_order(self, ways: Iterable[Way], day: date) -> list[Way]:
        """Higher thread rank first, then the newer order, then event id, then the order of threads in the file."""
        ways = sorted(ways, key=lambda way: (way.event.event_id, way.thread))
        ways.sort(key=lambda way: self.age(way.event, day), reverse=True)
        ways.sort(key=lambda way: self.conversation.threads[way.thread].rank, reverse=True)
        return ways

    def age(self, event: Event, day: date) -> tuple[bool, float, bytes]:
        """What orders are newer by; an event without one comes last."""
        order = self.facts.in_force(event.order_number, day)
        if order is None:
            return (False, 0.0, b"")
        return (True, order.ordered_at.timestamp(), order.order_number.encode())

    def acts(self, way: Way, key: str, day: date) -> bool:
        conversation = self.conversation
        if conversation.live_from is not None and day < conversation.live_from:
            return False
        if self.is_exit(Run(key, way.event, day, way.thread), day):
            return False
        inside = self.inside(key)
        if inside is None:
            return conversation.entries == "unlimited" or key not in self.entered
        is_higher = conversation.threads[way.thread].rank > conversation.threads[inside.thread].rank
        ours, theirs = self.age(way.event, day), self.age(inside.event, day)
        is_older = ours[0] and theirs[0] and ours < theirs
        return is_higher and not is_older

    def inside(self, key: str) -> Run | None:
        return next((run for run in self.runs if run.key == key and not run.has_ended), None)

    def begin(self, way: Way, key: str, day: date) -> None:
        """The old run of this key ends, and its passes with it."""
        self.runs = [run for run in self.runs if run.key != key]
        run = Run(key, way.event, day, way.thread)
        self.runs.append(run)
        self.begun.append(run)
        self.entered.add(key)

    # 3. "Runs with no wait left go on, step by step, until a wait that is not over, or the end."

    def go_on(self, day: date) -> None:
        for run in self.runs:
            while not run.has_ended and (run.until is None or run.until <= day):
                self.take_a_step(run, day)

    def take_a_step(self, run: Run, day: date) -> None:
        steps = self.conversation.threads[run.thread].steps
        step = steps[run.step] if run.step < len(steps) else None
        if step is None or step.exit:
            run.has_ended = True
            return
        place = (run.thread, run.step)
        if step.wait is not None and run.until is None:
            run.until = self.over_on(step.wait, day)
            at = step.wait.at or ""
            run.not_before = at if run.until > day else max(run.not_before, at)
            return
        run.until = None
        run.step += 1
        if step.message is not None:
            self.write(run, step, day)
        elif step.action is not None:
            self.do(run, step, step.action, day)
        elif step.go_to is not None:
            run.times_gone[place] = run.times_gone.get(place, 0) + 1
            if step.times is None or run.times_gone[place] <= step.times:
                self.lead(run, *split_target(step.go_to))
        elif step.split is not None:
            branch = next((branch for branch in step.split if self.is_true(branch.when, run, day)), None)
            if branch is not None:
                self.lead(run, branch.thread, None)

    def do(self, run: Run, step: Step, action: Action, day: date) -> None:
        """What it sets is seen from the next day on; coupons are drawn by the sender."""
        assert step.id is not None
        occurrence = self.reach(run, step)
        if action.fire is not None:
            self.due(run, step.id, occurrence, 0, day)
        for field_name, value in (action.set or {}).items():
            about = (self.conversation.conversation, run.event.event_id, len(self.sets), run.event.contact)
            self.sets.append(FieldSet(day, *about, field_name, value))

    def over_on(self, wait: Wait, day: date) -> date:
        """So many days on; then the first such weekday, that day included."""
        day += timedelta(days=wait.days)
        while wait.weekday not in (None, day.strftime("%A").lower()):
            day += timedelta(days=1)
        return day

    def lead(self, run: Run, thread: str, step_id: str | None) -> None:
        names = [each.thread for each in self.conversation.threads]
        run.thread = names.index(thread)
        ids = [step.id for step in self.conversation.threads[run.thread].steps]
        run.step = ids.index(step_id) if step_id else 0

    def reach(self, run: Run, step: Step) -> int:
        """The how-manieth time this run reaches the step."""
        assert step.id is not None
        run.times_reached[step.id] = run.times_reached.get(step.id, 0) + 1
        return run.times_reached[step.id]

    def due(self, run: Run, step: str, occurrence: int, pass_number: int, day: date, not_before: str = "") -> None:
        self.planned.append(Planned(day, run.key, step, occurrence, pass_number, run.event.event_id, not_before))

    # "Passes are a side track of their message."

    def write(self, run: Run, step: Step, day: date) -> None:
        assert step.id is not None and step.message is not None
        occurrence = self.reach(run, step)
        self.due(run, step.id, occurrence, 1, day, run.not_before)
        for number in range(2, step.message.passes + 1):
            due_on = day + timedelta(days=(number - 1) * (step.message.after or 0))
            run.passes.append(Pass(due_on, step.id, occurrence, number, run.not_before))

    def repeat(self, day: date) -> None:
        for run in self.runs:
            for due in [one for one in run.passes if one.due_on == day]:
                if self.reacted(run, due, day):
                    visit = (due.step, due.occurrence)
                    run.passes = [one for one in run.passes if (one.step, one.occurrence) != visit]
                else:
                    self.due(run, due.step, due.occurrence, due.pass_number, day, due.not_before)

    def reacted(self, run: Run, due: Pass, day: date) -> bool:
        """To a pass of that visit that went before this one: nothing can be known of this one yet."""
        before = (due.step, [due.occurrence], range(1, due.pass_number))
        return (
            self.reacted_to_message(run, "opened", day, *before)
            or self.reacted_to_message(run, "clicked", day, *before)
            or self.reacted_to_message(run, "sms_reply", day, *before)
            or self.reviewed(run, None, day)
            or any(True for _ in self.bought(run, day))
        )
