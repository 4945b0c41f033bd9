"""Runs as `pp why` tells them, held against the plan: the examples of DESIGN 4 and random worlds, on both databases."""

from collections.abc import Sequence

import pytest

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline.landing.days import days_between
from pp_pipeline.merchants import load_merchants
from pp_pipeline.why.history import EventRow
from pp_pipeline.why.messages import EventTeller
from pp_pipeline.why.negative_runs import latest_run, why_not_by_run
from pp_pipeline.why.positions import RunTeller
from pp_pipeline.why.rules import Rules
from pp_pipeline.why.runs import Runs, make_runs
from pp_pipeline_tests.conversation_examples import EXAMPLES
from pp_pipeline_tests.conversation_facts import Event
from pp_pipeline_tests.conversation_oracle import Planned
from pp_pipeline_tests.conversation_pipeline import FIRST, LAST, Case, ConversationPipeline, conversation_pipeline_on
from pp_pipeline_tests.queue_pipelines import TARGETS
from pp_pipeline_tests.test_conversations_property import drawn_cases

Told = tuple[Case, Runs, list[Planned]]


@pytest.fixture(scope="module", params=TARGETS)
def pipeline(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ConversationPipeline:
    return conversation_pipeline_on(request.param, request, tmp_path_factory)


@pytest.fixture(scope="module")
def told(pipeline: ConversationPipeline) -> list[Told]:
    """Of each example the runs, and what the SQL plans."""
    return tell(pipeline, [example.case() for example in EXAMPLES])


def tell(pipeline: ConversationPipeline, cases: Sequence[Case]) -> list[Told]:
    planned = pipeline.planned(cases)
    cases = [case.in_slot(slot) for slot, case in enumerate(cases)]
    rules = Rules(pipeline.project)
    rules.load()
    found = []
    with pipeline.warehouse.connect() as connection:
        for case in cases:
            contacts = sorted({(case.merchant, event.contact) for event in case.facts.events})
            rows = [rules.of_contacts(connection, name, contacts) for name in ("runs", "endings", "answers")]
            found.append(make_runs([the_conversation(case)], *rows))
    return list(zip(cases, found, planned, strict=True))


def the_conversation(case: Case) -> Conversation:
    return Conversation.model_validate(case.conversation)


@pytest.mark.parametrize("place", range(len(EXAMPLES)), ids=lambda place: EXAMPLES[place].name)
def test_runs_are_told_as_they_are_planned(place: int, told: list[Told], pipeline: ConversationPipeline) -> None:
    check(*told[place], pipeline)


@pytest.mark.heavy
@pytest.mark.parametrize("seed", [1, 2])
def test_runs_of_random_worlds_are_told_as_they_are_planned(seed: int, pipeline: ConversationPipeline) -> None:
    for one in tell(pipeline, drawn_cases(60, seed)):
        check(*one, pipeline)


def check(case: Case, runs: Runs, planned: list[Planned], pipeline: ConversationPipeline) -> None:
    """They do what is planned; what is not planned and who does not enter has its reason, which never is the plan."""
    conversation = the_conversation(case)
    assert done_by(runs, conversation) == planned
    begun = {run.begin.event_id for run in runs.begun}
    teller = EventTeller(load_merchants(pipeline.settings)["main"], [conversation], runs)
    for event in case.facts.events:
        if FIRST <= event.occurred_on <= LAST:
            texts = [one.text for one in teller.no_messages(row_of(event))]
            assert len(texts) == (event.name in conversation.events and event.event_id not in begun)
            assert not any("plans anew" in text for text in texts), (event, texts)
    for key in {run.begin.key(conversation.scope) for run in runs.begun}:
        for step in conversation.messages:
            planned_on = {one.due_on for one in planned if (one.step, one.run_key) == (step, key)}
            for day in days_between(FIRST, LAST):
                run = latest_run(runs.of_key(conversation, key), day)
                if run is not None and day not in planned_on:
                    link, text = why_not_by_run(run, step, day)
                    assert link != "not_planned", (key, step, day, text)
    for run in runs.begun:
        positions = [one.what for one in RunTeller(run, LAST).positions()]
        assert positions[0] == "entered" and "left" not in positions[:-1]
        assert ("left" in positions) == (run.leaving.on <= LAST)


def done_by(runs: Runs, conversation: Conversation) -> list[Planned]:
    """What the runs did, as the plan states it."""
    done = [
        Planned(
            run.day(deed.offset),
            str(run.begin.key(conversation.scope)),
            deed.step,
            deed.occurrence,
            deed.pass_number if deed.step in conversation.messages else 0,
            run.begin.event_id,
            (deed.not_before or "") if deed.step in conversation.messages else "",
        )
        for run in runs.begun
        for deed in run.done_deeds()
    ]
    # what is fired on the last day occurs on the day after
    return sorted(one for one in done if one.due_on <= LAST and (one.pass_number or one.due_on < LAST))


def row_of(event: Event) -> EventRow:
    return EventRow(
        event.event_id, event.name, None, None, event.contact, event.order_number, event.sku, event.occurred_on
    )
