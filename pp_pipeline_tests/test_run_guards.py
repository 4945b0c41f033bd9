"""Guards that hang on the run of a message: pauses, and passes while nothing is heard (DESIGN 4)."""

from datetime import date, timedelta

import pytest
from sqlalchemy import insert

from pp_pipeline.ledger import schema
from pp_pipeline.sending.run_facts import RunFacts, read_run_facts
from pp_pipeline.settings import utc_now
from pp_pipeline_tests.conversation_examples import Example, bought, known, message, order, talk, thread, told, wait
from pp_pipeline_tests.conversation_pipeline import FIRST, ConversationPipeline, conversation_pipeline_on
from pp_pipeline_tests.guard_worlds import tell_of_ticket
from pp_pipeline_tests.queue_pipelines import TARGETS
from pp_pipeline_tests.sending_world import DAY, World, key_of
from pp_pipeline_tests.worked_examples import january


def test_a_message_waits_while_its_conversation_pauses_and_is_dropped_after_that(world: World) -> None:
    file = world.conversation_folder / "conversation.yml"
    file.write_text(file.read_text() + "pause_when: [open_ticket]\nmax_pause_days: 5\n")
    world.plan(DAY, 2)
    tell_of_ticket(world, "ticket_opened", 8)
    assert world.run().outcomes == {"deferred": 1, "sent": 1}
    for days, outcomes in ((4, {"deferred": 1}), (5, {"deferred": 1}), (6, {})):
        assert world.send(today=DAY + timedelta(days=days)).outcomes == outcomes
    assert world.deliveries()[0][1:] == ("skipped", "given_up: pause_when: open_ticket")


@pytest.mark.parametrize(("heard_days_ago", "outcome"), [(8, ("deferred", "no_feedback")), (7, ("sent", ""))])
def test_a_pass_waits_until_feedback_came_in_since_the_one_before(
    world: World, heard_days_ago: int, outcome: tuple[str, str]
) -> None:
    """A silent feed makes no people who did not open."""
    world.plan(DAY, 1)
    world.execute("update planned_messages set pass = 2")
    world.execute("update feedback_rows set file_date = ?", [DAY - timedelta(days=heard_days_ago)])
    first = {"target": "rehearsal", "key": "first", "kind": "message", "state": "sent", "claim": "before"}
    first |= {"conversation": "hello", "run_key": "c000000:0", "step": "greet", "occurrence": 1, "pass": 1}
    with world.ledger as ledger, ledger.writing() as connection:
        moments = {"claimed_at": utc_now(), "lease_until": utc_now(), "due_on": DAY - timedelta(days=7)}
        connection.execute(insert(schema.deliveries).values(**first, **moments))
    world.run()
    assert [found[1:] for found in world.deliveries() if found[0] == key_of(0)] == [outcome]


_ENDS = ["purchased_again", "unsubscribed", {"segment": "loyal"}]
_PLANNED = talk(thread("ask", ["purchase"], wait(2), message("ask")), exit_when=_ENDS)
NOW = (
    Example("nothing happened since", _PLANNED, known(*bought("A", 1)), ()),
    Example("bought again", _PLANNED, known(*bought("A", 1), order("B", 4)), ("purchased_again",)),
    Example("and canceled", _PLANNED, known(*bought("A", 1), order("B", 4), order("B", 5, "canceled", dated=4)), ()),
    Example("on the same day", _PLANNED, known(*bought("A", 1), order("B", 4, dated=1)), ()),
    Example("unsubscribed", _PLANNED, known(*bought("A", 1), told("unsubscribed", 4)), ("unsubscribed",)),
    Example("from another channel", _PLANNED, known(*bought("A", 1), told("unsubscribed", 4, channel="sms")), ()),
    Example("in the segment", _PLANNED, known(*bought("A", 1), loyal=[5]), ("segment loyal",)),
)


@pytest.fixture(scope="module", params=TARGETS)
def pipeline(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ConversationPipeline:
    return conversation_pipeline_on(request.param, request, tmp_path_factory)


def test_what_ends_a_run_is_looked_at_again_on_the_newest_files(pipeline: ConversationPipeline) -> None:
    """The message of the 3rd is planned in each case; what is told from the 4th on is known when it is sent late."""
    pipeline.planned([example.case() for example in NOW], [(FIRST, january(3))])
    exits = facts_now(pipeline, january(3)).exits
    for slot, example in enumerate(NOW):
        run = (f"c{slot:02}_talk", f"c{slot:02}_purchase-A-None-1")
        assert exits.get(run, frozenset()) == frozenset(example.messages), example.name


def test_open_tickets_and_the_newest_feedback_are_read(pipeline: ConversationPipeline) -> None:
    rows = (told("ticket_opened", 2, ticket_number="T1"), told("ticket_opened", 3, ticket_number="T2"))
    example = Example("two tickets", _PLANNED, known(*bought("A", 1), *rows), ())
    pipeline.planned([example.case()], [(FIRST, january(3))])
    facts = facts_now(pipeline, january(3))
    assert (facts.open_tickets, facts.feedback_through) == ({("m00", "ann")}, {"m00": january(3)})


def facts_now(pipeline: ConversationPipeline, day: date) -> RunFacts:
    with pipeline.warehouse.connect() as connection:
        return read_run_facts(connection, [day])
