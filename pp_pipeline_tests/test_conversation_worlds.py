"""The random worlds of conversations bring about what the rules speak of, and notice wrong readings of them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from pp_pipeline.conversations.conditions import Condition
from pp_pipeline.conversations.conversation import Conversation, InSegment
from pp_pipeline.conversations.steps import Wait
from pp_pipeline_tests.conversation_answers import Pass, Run
from pp_pipeline_tests.conversation_facts import OrderVersion
from pp_pipeline_tests.conversation_oracle import ConversationOracle, Planned, Way
from pp_pipeline_tests.conversation_pipeline import FIRST, LAST, Case
from pp_pipeline_tests.test_conversations_property import drawn_cases

WORLDS = 600

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def worlds() -> list[Case]:
    return [case.in_slot(0) for case in drawn_cases(WORLDS, 7)]


class Watched(ConversationOracle):
    """Counts what comes about."""

    seen: Counter[str]

    def is_true_exit(self, word: str | InSegment, run: Run, day: date) -> bool:
        found = super().is_true_exit(word, run, day)
        name = word if isinstance(word, str) else "segment"
        self.seen[f"exit {name}" if found else "no exit"] += 1
        return found

    def answer(self, condition: Condition, run: Run, day: date) -> bool:
        found = super().answer(condition, run, day)
        self.seen[f"{next(iter(condition.model_dump(exclude_none=True)))} is {found}"] += 1
        return found

    def begin(self, way: Way, key: str, day: date) -> None:
        before = self.inside(key)
        self.seen["pulled" if before else "entered again" if key in self.entered else "entered"] += 1
        super().begin(way, key, day)

    def reacted(self, run: Run, due: Pass, day: date) -> bool:
        found = super().reacted(run, due, day)
        self.seen[f"pass {'dropped' if found else 'due'} {'after' if run.has_ended else 'during'} the run"] += 1
        return found

    def lead(self, run: Run, thread: str, step_id: str | None) -> None:
        self.seen["led on"] += 1
        super().lead(run, thread, step_id)

    def over_on(self, wait: Wait, day: date) -> date:
        found = super().over_on(wait, day)
        self.seen[f"waited by {' and '.join(wait.model_dump(exclude_defaults=True))}"] += 1
        self.seen["no wait"] += found == day
        return found

    def due(self, run: Run, step: str, occurrence: int, pass_number: int, day: date, not_before: str = "") -> None:
        order = self.facts.in_force(run.event.order_number, day)
        self.seen["about an order of somebody else"] += order is not None and order.contact != run.event.contact
        self.seen["ineligible"] += order is not None and not order.is_eligible
        self.seen["at a time of day"] += not_before != ""
        super().due(run, step, occurrence, pass_number, day, not_before)


CONDITIONS = (
    *("opened", "clicked", "replied", "reviewed", "bought", "bought_sku", "bought_category", "order_is"),
    *("order_status", "line_status", "ticket", "site_action", "segment", "profile", "preference", "consent"),
)
EXITS = ("canceled", "returned", "partly_returned", "refunded", "purchased_again", "unsubscribed", "segment")
EVERYTHING = {
    *("pulled", "entered", "entered again", "led on", "no exit"),
    *("waited by days", "waited by weekday", "waited by days and weekday", "waited by days and at", "waited by at"),
    *("no wait", "about an order of somebody else", "ineligible", "at a time of day"),
    *(f"pass {what} {when} the run" for what in ("dropped", "due") for when in ("after", "during")),
    *(f"exit {word}" for word in EXITS),
    *(f"{word} is {found}" for word in CONDITIONS for found in (True, False)),
}


def test_the_worlds_bring_about_what_the_rules_speak_of(worlds: list[Case]) -> None:
    seen: Counter[str] = Counter()
    for case in worlds:
        oracle = Watched(Conversation.model_validate(case.conversation), case.known())
        oracle.seen = seen
        oracle.plan(FIRST, LAST)
    assert {name for name in EVERYTHING if not seen[name]} == set()


class EqualRanksPull(ConversationOracle):
    def acts(self, way: Way, key: str, day: date) -> bool:
        inside = self.inside(key)
        threads = self.conversation.threads
        is_equal = inside is not None and threads[way.thread].rank == threads[inside.thread].rank
        return is_equal or super().acts(way, key, day)


class OlderOrdersPull(ConversationOracle):
    def age(self, event: object, day: date) -> tuple[bool, float, bytes]:
        return (False, 0.0, b"")


class WhoIsPulledLeavesPassesBehind(ConversationOracle):
    def begin(self, way: Way, key: str, day: date) -> None:
        left = [run for run in self.runs if run.key == key]
        super().begin(way, key, day)
        for run in left:
            run.has_ended = True
        self.runs += left


class PassesEndWithTheRun(ConversationOracle):
    def repeat(self, day: date) -> None:
        self.runs = [run for run in self.runs if not run.has_ended]
        super().repeat(day)


class TheGoalKeepsFromEntering(ConversationOracle):
    def is_exit(self, run: Run, day: date) -> bool:
        return super().is_exit(run, day) or self.leaves_by_goal(run, day)

    def leaves_by_goal(self, run: Run, day: date) -> bool:
        return self.conversation.goal == "purchased_again" and self.purchased_again(run, day)


class AnOrderOfTheSameDayIsBought(ConversationOracle):
    def bought(self, run: Run, day: date) -> Iterable[OrderVersion]:
        own = self.facts.in_force(run.event.order_number, day)
        for other in self.facts.purchases(run.event.contact, day):
            is_later = own is None or other.ordered_on >= own.ordered_on
            is_new = self.facts.first_known(other.order_number) >= run.begun_on
            if other.order_number != run.event.order_number and is_later and is_new:
                yield other


class AnyOrderIsBought(ConversationOracle):
    def bought(self, run: Run, day: date) -> Iterable[OrderVersion]:
        return (
            one for one in self.facts.purchases(run.event.contact, day) if one.order_number != run.event.order_number
        )


class OrdersOfOthersKeepTheirRuns(ConversationOracle):
    def leaves(self, run: Run, day: date) -> bool:
        return self.is_exit(run, day) or TheGoalKeepsFromEntering.leaves_by_goal(self, run, day)  # type: ignore[arg-type]


class TheEndFreesTheWayAtOnce(ConversationOracle):
    """Runs go on before the day's events act."""

    def act(self, day: date) -> None:
        self.go_on(day)
        super().act(day)


class ProgramsCountAsReaders(ConversationOracle):
    def reacted_to_message(self, run: Run, event: str, day: date, *about: object, **more: object) -> bool:
        for place, one in enumerate(self.facts.feedback):
            self.facts.feedback[place] = one._replace(is_machine_open=False)
        return super().reacted_to_message(run, event, day, *about, **more)  # type: ignore[arg-type]


class GoTosAreCountedAnew(ConversationOracle):
    def lead(self, run: Run, thread: str, step_id: str | None) -> None:
        super().lead(run, thread, step_id)
        if sum(run.times_gone.values()) < 6:
            run.times_gone.clear()


class WhatAPassBringsTakesItAway(ConversationOracle):
    def reacted(self, run: Run, due: Pass, day: date) -> bool:
        return super().reacted(run, due._replace(pass_number=due.pass_number + 1), day)


class ATimeOfDayEndsWithAnyWait(ConversationOracle):
    def take_a_step(self, run: Run, day: date) -> None:
        if run.until is not None:
            wait = self.conversation.threads[run.thread].steps[run.step].wait
            run.not_before = (wait and wait.at) or ""
        super().take_a_step(run, day)


class AWeekdayIsAWeekAway(ConversationOracle):
    def over_on(self, wait: Wait, day: date) -> date:
        found = super().over_on(wait, day)
        return found + timedelta(days=7) if found == day and wait.weekday else found


class IneligibleOrdersAreBought(ConversationOracle):
    def purchased_again(self, run: Run, day: date) -> bool:
        before = self.facts
        self.facts = replace(before, versions=[one._replace(is_eligible=True) for one in before.versions])
        found = super().purchased_again(run, day)
        self.facts = before
        return found


MISREADINGS = (
    *(WhatAPassBringsTakesItAway, ATimeOfDayEndsWithAnyWait, AWeekdayIsAWeekAway),
    IneligibleOrdersAreBought,
    *(EqualRanksPull, OlderOrdersPull, WhoIsPulledLeavesPassesBehind, PassesEndWithTheRun, TheGoalKeepsFromEntering),
    *(AnOrderOfTheSameDayIsBought, AnyOrderIsBought, OrdersOfOthersKeepTheirRuns, TheEndFreesTheWayAtOnce),
    *(ProgramsCountAsReaders, GoTosAreCountedAnew),
)


@pytest.mark.parametrize("misreading", MISREADINGS, ids=lambda wrong: wrong.__name__)
def test_a_wrong_reading_is_noticed_by_the_worlds(misreading: type[ConversationOracle], worlds: list[Case]) -> None:
    def plan(case: Case, kind: type[ConversationOracle]) -> list[Planned]:
        facts = case.known()
        return kind(Conversation.model_validate(case.conversation), replace(facts, feedback=list(facts.feedback))).plan(
            FIRST, LAST
        )

    assert any(plan(case, misreading) != plan(case, ConversationOracle) for case in worlds)
