"""The worked examples of DESIGN 4, by the simulator and by the SQL; and conversations that fire for one another."""

import pytest

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline_tests.conversation_examples import EXAMPLES, bought, known, message, shown, talk, thread, wait
from pp_pipeline_tests.conversation_oracle import Planned
from pp_pipeline_tests.conversation_pipeline import FIRST, LAST, Case, ConversationPipeline, conversation_pipeline_on
from pp_pipeline_tests.queue_pipelines import TARGETS


@pytest.fixture(scope="module", params=TARGETS)
def pipeline(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ConversationPipeline:
    return conversation_pipeline_on(request.param, request, tmp_path_factory)


@pytest.fixture(scope="module")
def planned(pipeline: ConversationPipeline) -> list[list[Planned]]:
    """What the SQL makes of all examples, which share one build."""
    return pipeline.planned([example.case() for example in EXAMPLES])


@pytest.mark.parametrize("place", range(len(EXAMPLES)), ids=lambda place: EXAMPLES[place].name)
def test_the_pipeline_plans_what_the_example_says(place: int, planned: list[list[Planned]]) -> None:
    example = EXAMPLES[place]
    assert shown(planned[place], example.facts) == example.messages


@pytest.mark.parametrize("place", range(len(EXAMPLES)), ids=lambda place: EXAMPLES[place].name)
def test_the_simulator_plans_what_the_example_says(place: int) -> None:
    example = EXAMPLES[place]
    assert shown(example.case().in_slot(0).expected(), example.facts) == example.messages


def test_events_of_actions_reach_other_conversations_the_day_after(pipeline: ConversationPipeline) -> None:
    """One by one, three in a chain; the third hears of a contact whose order the first was about."""
    facts = known(*bought("A", 1))
    texts = [
        talk(thread("ask", [begins], wait(1), message("ask"), {"id": "tell", "action": {"fire": fires}}))
        for begins, fires in (("purchase", "second"), ("second", "third"), ("third", "fourth"))
    ]
    conversations = [
        Conversation.model_validate({"conversation": name, **text})
        for name, text in zip(("one", "two", "three"), texts, strict=True)
    ]
    pipeline.begin_anew([Case({"conversation": "none", **texts[0]}, facts)], conversations)
    pipeline.build(FIRST, LAST)
    with pipeline.warehouse.connect() as connection:
        found = connection.rows("select conversation, due_on, order_number from planned_messages order by due_on")
    assert [(name, day.day, order) for name, day, order in found] == [
        ("one", 2, "A"),
        ("two", 4, "A"),
        ("three", 6, "A"),
    ]


def test_variants_are_given_to_shares_of_the_contacts(pipeline: ConversationPipeline) -> None:
    """Always the same ones; what no variant takes gets the template itself."""
    variants = [
        {"variant": "short", "template": "brief", "share": 0.3},
        {"variant": "long", "template": "letter", "share": 0.3},
    ]
    text = talk(thread("ask", ["purchase"], message("ask", variants=variants)))
    order, event = bought("A", 1)
    facts = known(
        *(order._replace(order_number=str(number), contact=f"c{number}") for number in range(300)),
        *(
            event._replace(event_id=str(number), order_number=str(number), contact=f"c{number}")
            for number in range(300)
        ),
    )
    case = Case({"conversation": "talk", **text}, facts)
    shares = []
    for _ in range(2):
        pipeline.begin_anew([case])
        pipeline.build(FIRST, LAST)
        with pipeline.warehouse.connect() as connection:
            shares.append(connection.rows("select variant, template, contact_key from planned_messages order by 3"))
    assert shares[0] == shares[1]
    counts = {pair: [row[:2] for row in shares[0]].count(pair) for pair in {row[:2] for row in shares[0]}}
    assert counts.keys() == {("short", "brief"), ("long", "letter"), ("", "hello")}
    assert sum(counts.values()) == 300
    assert all(60 <= count <= 160 for count in counts.values()), counts
