"""`pp why` of what stands in the ledger for a rehearsal, live, or both."""

from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from pp_pipeline.ledger import schema
from pp_pipeline.sending.gates import Gates
from pp_pipeline.sending.plan import BatchId
from pp_pipeline.why.deliveries import DeliveryTeller, Planned
from pp_pipeline_tests.sending_world import DAY, World, key_of

LATE = DAY + timedelta(days=20)


def told(world: World, target: str, is_planned: bool = True) -> list[str]:
    """What is said of A0's message where things go to this target now."""
    batch = BatchId(DAY, "messages", "hello", "main")
    planned = (
        [Planned(batch, key_of(0), "message", "message hello/greet by email", "ann", "e", "A0")] if is_planned else []
    )
    with pytest.MonkeyPatch.context() as patch, world.ledger as ledger:
        patch.setattr(Gates, "target", lambda *_: target)
        settings = world.settings.model_copy(update={"live": target == "live"})
        teller = DeliveryTeller(settings, ledger, "main")
        return [one.text.partition(": ")[2] for one in teller.outgoing(planned, teller.rows(["A0"], []), LATE)]


def stand(world: World, *targets: str) -> None:
    """A message that was skipped, for these targets."""
    world.plan(DAY, 1, status="canceled")
    assert world.run().outcomes == {"skipped": 1}
    with world.ledger as ledger, ledger.writing() as connection:
        row = dict(connection.execute(select(schema.deliveries)).mappings().one())
        connection.execute(schema.deliveries.delete())
        for target in targets:
            connection.execute(
                insert(schema.deliveries).values({k: v for k, v in row.items() if k != "id"} | {"target": target})
            )


@pytest.mark.parametrize(
    ("known", "now", "begins"),
    [
        (["live"], "rehearsal", ["skipped (live), exit_when: canceled"]),
        (["live"], "live", ["skipped, exit_when: canceled"]),
        (["rehearsal"], "rehearsal", ["skipped (rehearsal), exit_when"]),
        (["rehearsal"], "live", ["skipped (rehearsal), exit_when", "not sent, batch"]),
        (["rehearsal", "live"], "rehearsal", ["skipped (rehearsal)", "skipped (live)"]),
        (["rehearsal", "live"], "live", ["skipped (rehearsal)", "skipped, exit_when"]),
    ],
)
def test_a_message_is_told_once_for_each_target(lite: World, known: list[str], now: str, begins: list[str]) -> None:
    stand(lite, *known)
    said = told(lite, now)
    assert [text[: len(begin)] for text, begin in zip(said, begins, strict=True)] == begins
    assert not [text for text in said if "no longer planned" in text]
    assert all(text.endswith("; no longer planned") for text in told(lite, now, is_planned=False))
