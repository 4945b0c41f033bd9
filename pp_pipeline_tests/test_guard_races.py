"""Two senders of a team can't together let go what is one too many (DESIGN 5)."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Connection, text

from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.witness import Witness
from pp_pipeline.sending.batches import newest_batches
from pp_pipeline.sending.claim import Candidate, Claim, Judgement
from pp_pipeline.sending.claims import Claimer
from pp_pipeline.sending.contents import read_contents
from pp_pipeline.sending.gates import Gates
from pp_pipeline.sending.judging import Bench
from pp_pipeline.sending.sender import Sender
from pp_pipeline_tests.guard_worlds import NOON, set_policy
from pp_pipeline_tests.postgres_server import PostgresDatabase
from pp_pipeline_tests.sending_world import DAY, World

_WAITING = text("select count(*) from pg_locks where locktype = 'advisory' and not granted")


def _until_it_waits(ledger: Ledger, claim: "Future[Claim]") -> None:
    """Until the second claim waits for the first, or did not have to."""
    while not claim.done():
        with ledger.reading() as connection:
            if connection.scalar(_WAITING):
                return


@pytest.mark.parametrize(
    ("policy", "shared_contact", "reason"),
    [
        ({"daily_ceiling": {"email": {"first": 1}}}, False, "daily_ceiling"),
        ({"caps": {"email": {"messages": 1, "days": 7}}}, True, "frequency_cap"),
    ],
)
def test_the_second_claim_waits_and_counts_the_first(
    policy: dict[str, Any], shared_contact: bool, reason: str, tmp_path: Path, postgres_database: PostgresDatabase
) -> None:
    world = World.make(tmp_path, ledger_url=postgres_database.url)
    set_policy(world, policy)
    world.plan(DAY, 2)
    if shared_contact:
        world.execute("update planned_messages set contact_key = 'c000000'")
        world.execute("update order_versions set contact_key = 'c000000'")
    world.seal()
    with world.ledger as ledger:
        sender = Sender(world.settings, ledger, world.warehouse)
        (batch,) = newest_batches(ledger, Gates(world.settings, ledger), DAY, DAY)
        with world.warehouse.connect() as connection:
            items = read_contents(connection, [batch.id], sender.merchants)[batch.id].items
        first, second = (Candidate(batch, item, "commercial") for item in items)
        bench = Bench(sender.conversations, sender.merchants, "rehearsal")
        has_judged, may_go_on = Event(), Event()

        def judge_and_linger(
            connection: Connection, token: str, candidates: Sequence[Candidate], moment: datetime
        ) -> Judgement:
            judgement = bench.judge(connection, token, candidates, moment)
            has_judged.set()
            may_go_on.wait(60)
            return judgement

        claimer = Claimer(ledger, "rehearsal", timedelta(minutes=10), Witness.of(world.settings))
        with ThreadPoolExecutor(2) as pool:
            one = pool.submit(claimer.claim, [first], judge_and_linger, DAY, NOON, NOON)
            assert has_judged.wait(60)
            other = pool.submit(claimer.claim, [second], bench.judge, DAY, NOON, NOON)
            _until_it_waits(ledger, other)
            may_go_on.set()
        assert [each.item.key for each in one.result().candidates] == [first.item.key]
        assert other.result().decided[second.item.key].reason == reason
