"""Conversations that fire for one another, as random worlds: three in a chain, held against the simulator; and built
again day by day in any order, which must change nothing (DESIGN 1 and 4)."""

import os
import random
from collections.abc import Sequence
from datetime import date

import pytest

from pp_pipeline.conversations.conversation import Conversation
from pp_pipeline_tests.conversation_chains import Chain, Written, chains, single_days
from pp_pipeline_tests.conversation_pipeline import (
    FIRST,
    LAST,
    MODELS,
    Case,
    ConversationPipeline,
    conversation_pipeline_on,
)
from pp_pipeline_tests.queue_pipelines import TARGETS
from pp_pipeline_tests.test_conversations_property import DAY_BY_DAY, IN_PIECES, ONE_PASS, drawn

IN_TWO = ((FIRST, date(2026, 1, 9)), (date(2026, 1, 10), LAST))
CHAINS_A_RUN = 30
HEAVY_RUNS = 3
FIRST_SEED = 8_000
"""The same worlds each time; CONVERSATION_SEED draws others."""


@pytest.fixture(scope="module", params=TARGETS)
def pipeline(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ConversationPipeline:
    return conversation_pipeline_on(request.param, request, tmp_path_factory)


def test_chains_are_planned_as_the_simulator_plans_them(pipeline: ConversationPipeline) -> None:
    compare(pipeline, 0, IN_TWO, again=[11], count=8)


@pytest.mark.heavy
@pytest.mark.parametrize("run", range(HEAVY_RUNS))
def test_chains_are_planned_as_the_simulator_plans_them_in_a_long_search(
    run: int, pipeline: ConversationPipeline
) -> None:
    seed_number = int(os.environ.get("CONVERSATION_SEED") or FIRST_SEED) + run
    days = random.Random(seed_number).sample(range(24), 24)
    compare(pipeline, seed_number, (ONE_PASS, IN_PIECES, DAY_BY_DAY)[run % 3], again=days)


def compare(
    pipeline: ConversationPipeline,
    seed_number: int,
    ranges: Sequence[tuple[date, date]],
    again: list[int],
    count: int = CHAINS_A_RUN,
) -> None:
    """Fails with the chains that differ from the oracle's, or with the table that days built `again` changed."""
    worlds = [chain.in_slot(slot) for slot, chain in enumerate(drawn(chains(), count, str(seed_number)))]
    conversations = [Conversation.model_validate(text) for world in worlds for text in world.conversations]
    pipeline.begin_anew([Case(world.conversations[0], world.facts, world.merchant) for world in worlds], conversations)
    for first, last in ranges:
        pipeline.build(first, last)
    expected = [world.expected() for world in worlds]
    assert any(event.name.endswith("second") for each in expected for event in each.events)
    found = [world.found(pipeline) for world in worlds]
    different = [told(*each) for each in zip(worlds, expected, found, strict=True) if each[1] != each[2]]
    assert not different, f"{len(different)} of {count} differ (CONVERSATION_SEED={seed_number}):\n{different[0]}"
    before = contents(pipeline)
    for first, last in single_days(again):
        pipeline.build(first, last)
    assert contents(pipeline) == before, f"CONVERSATION_SEED={seed_number}"


def contents(pipeline: ConversationPipeline) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all models."""
    with pipeline.warehouse.connect() as connection:
        return {name: sorted(connection.rows(f"select * from {name}"), key=str) for name in MODELS}


def told(world: Chain, expected: Written, found: Written) -> str:
    """What a person needs to see of a chain that differs."""
    lines = [str(text) for text in world.conversations]
    lines += [str(row) for name in ("versions", "events", "feedback", "contacts") for row in getattr(world.facts, name)]
    lines += [f"segments: {sorted(world.facts.segments)}"]
    for kind in ("messages", "events"):
        wanted, got = getattr(expected, kind), getattr(found, kind)
        lines += [f"missing: {row}" for row in wanted if row not in got]
        lines += [f"too many: {row}" for row in got if row not in wanted]
    return "\n".join(lines)
