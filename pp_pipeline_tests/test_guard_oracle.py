"""The sender against a slow reading of the rules (guard_oracle.py), over random plans and policies."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from sqlalchemy import delete, insert, select

from pp_pipeline.ledger import schema
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.batches import Batch, BatchState, Release
from pp_pipeline.sending.claim import Candidate
from pp_pipeline.sending.contents import Content
from pp_pipeline.sending.gates import DeliveryTarget
from pp_pipeline.sending.guards import GUARDS
from pp_pipeline.sending.guards.zones import zones_of_country
from pp_pipeline.sending.lane import BatchReport
from pp_pipeline.sending.loads import Count
from pp_pipeline.sending.outlets.outlet import EmailDraft, Outcome, Outlets
from pp_pipeline.sending.plan import BatchId
from pp_pipeline.sending.planned import Consent, ContactFacts, Order, Planned, PlannedMessage
from pp_pipeline.sending.sender import Sender
from pp_pipeline_tests.guard_oracle import Simulation, Wish, hours
from pp_pipeline_tests.postgres_server import PostgresDatabase
from pp_pipeline_tests.sending_world import World, add_text_template
from pp_pipeline_tests.test_merchants import GOOD

ZONE = "America/New_York"
FIRST = date(2026, 10, 31)  # the night after it has an hour more there
CONVERSATIONS = {"plain": ("commercial", 0), "eager": ("commercial", 5), "news": ("transactional", 2)}
PLACES = [("Asia/Kolkata", ""), ("", "US"), ("", "DE"), ("America/Los_Angeles", "US"), ("", "")]
PROVEN = Consent("explicit", date(2020, 1, 1), True)
HEARD = dict.fromkeys(["email", "sms"], (FIRST - timedelta(days=9), FIRST))
CONSENTS = {("sms", "commercial"): PROVEN, ("sms", "transactional"): PROVEN}


class Taker:
    """A channel that takes everything."""

    target: DeliveryTarget = "rehearsal"

    def deliver(self, drafts: Iterable[EmailDraft]) -> Iterator[Outcome]:
        return (Outcome("sent") for _ in drafts)


@dataclass(frozen=True)
class Plan:
    """What is drawn."""

    policy: dict[str, Any]
    wishes: list[Wish]
    begins_at: datetime
    step: int
    chunk_size: int


def plan_of(seed: int) -> Plan:
    """Some messages to few contacts within a few days, and a policy that is felt; strategies draw too few of both."""
    dice = Random(seed)
    places = dice.choices(PLACES, k=2)
    engaged = [dice.choice([None, FIRST - timedelta(days=1), FIRST + timedelta(days=1)]) for _ in places]
    wishes = []
    for number in range(dice.randint(6, 20)):
        name = dice.choice(sorted(CONVERSATIONS))
        kind, priority = CONVERSATIONS[name]
        contact = dice.randrange(2)
        zone, country = places[contact]
        zones = (zone,) if zone else tuple(each.key for each in zones_of_country(country)) or (ZONE,)
        channel = dice.choice(["email", "email", "sms"])
        has_offer = kind == "commercial" and dice.random() < 0.5
        due_on = FIRST + timedelta(days=dice.randrange(4))
        key = f"m{dice.randrange(10)}{number:02d}"
        wishes.append(
            Wish(
                key,
                contact,
                channel,
                kind == "transactional",
                priority,
                due_on,
                has_offer,
                zones,
                name,
                engaged[contact],
            )
        )
    begins_at = datetime(2026, 10, 31, dice.randint(4, 20), tzinfo=UTC)
    return Plan(_policy(dice), wishes, begins_at, dice.choice([3, 5, 7]), dice.randint(1, 8))


def _policy(dice: Random) -> dict[str, Any]:
    channels = dice.choice([["email"], ["email", "sms"]])
    parts: dict[str, Any] = {
        "quiet_hours": {channel: _night(dice) for channel in channels},
        "window": {channel: _window(dice) for channel in channels},
        "caps": {channel: _cap(dice) for channel in channels},
        "discount_cap": _cap(dice),
        "spacing_hours": dice.choice([1, 6, 24, 30]),
        "blackouts": [_blackout(dice) for _ in range(dice.randint(1, 2))],
        "daily_ceiling": {channel: _ceiling(dice) for channel in channels},
        "sunset": {"days": dice.randint(1, 3)} | ({"exempt": ["eager"]} if dice.random() < 0.5 else {}),
    }
    policy: dict[str, Any] = {"max_defer_days": dice.randint(0, 3)}
    return policy | {name: part for name, part in parts.items() if dice.random() < 0.55}


def _night(dice: Random) -> dict[str, str]:
    nights = [("21:00", "08:00"), ("00:30", "01:30"), ("12:15", "02:30"), ("01:45", "14:00")]
    return dict(zip(("from", "to"), dice.choice(nights), strict=True))


def _window(dice: Random) -> dict[str, str]:
    windows = [("10:00", "18:00"), ("09:30", "01:15"), ("20:00", "10:00")]
    return dict(zip(("from", "to"), dice.choice(windows), strict=True))


def _cap(dice: Random) -> dict[str, int]:
    return {"messages": dice.randint(1, 2), "days": dice.randint(1, 3)}


def _blackout(dice: Random) -> dict[str, str]:
    first = FIRST + timedelta(days=dice.randrange(4))
    return {"from": str(first), "to": str(first + timedelta(days=dice.randrange(2)))}


def _ceiling(dice: Random) -> dict[str, Any]:
    if dice.random() < 0.5:
        return {"first": dice.randint(1, 3)}
    growth = dice.choice([1.5, 2.0])
    return {"first": dice.randint(1, 2), "from": "2026-11-01", "growth": growth, "most": dice.randint(2, 5)}


@dataclass
class Stage:
    """An installation whose sender is given plans without a warehouse."""

    world: World
    ledger: Ledger

    def play(self, plan: Plan) -> None:
        """Both, moment by moment; they must agree at each."""
        self._clear()
        sender = self._sender(plan)
        items, batches = self._items(plan), self._batches(plan)
        simulation = Simulation(plan.policy, ZONE, plan.wishes)
        for moment in hours(plan.begins_at, 120 // plan.step, plan.step):
            today = moment.astimezone(sender.merchants["main"].zone_info).date()
            sender.__dict__["now"] = lambda moment=moment: moment
            load = [BatchReport(batch, BatchState("ready")) for batch in batches if batch.day <= today]
            contents = {batch.id: Content(batch.hash, items[batch.id]) for batch in batches}
            sender._send_load(load, contents, {}, today, Count(0, None))
            simulation.act(moment)
            assert self._known() == {
                key: (fate.state, fate.reason, fate.until) for key, fate in simulation.fates.items()
            }

    def _sender(self, plan: Plan) -> Sender:
        offers = {wish.key for wish in plan.wishes if wish.has_offer}

        class OfferingSender(Sender):
            def _candidate(self, batch: Batch, item: Planned) -> Candidate:
                return replace(super()._candidate(batch, item), has_offer=item.key in offers)

        takers = Outlets({("main", "email"): Taker(), ("main", "sms"): Taker()}, {})
        sender = OfferingSender(
            self.world.settings, self.ledger, self.world.warehouse, takers, chunk_size=plan.chunk_size
        )
        merchant = Merchant.model_validate(GOOD | {"merchant": "main", "zone": ZONE, "sending": plan.policy})
        hello = sender.conversations["hello"]
        sender.__dict__["merchants"] = {"main": merchant}
        sender.__dict__["conversations"] = {
            name: hello.model_copy(update={"conversation": name, "kind": kind, "priority": priority})
            for name, (kind, priority) in CONVERSATIONS.items()
        }
        return sender

    def _items(self, plan: Plan) -> dict[BatchId, list[Planned]]:
        found: dict[BatchId, list[Planned]] = {}
        for wish in plan.wishes:
            zone = wish.zones[0] if len(wish.zones) == 1 else ""
            country = {2: "DE"}.get(len(wish.zones), "US") if not zone else ""
            contact = ContactFacts(
                phone="+12125550100", zone=zone, country=country, consents=CONSENTS, engaged_on=wish.engaged_on,
                heard=HEARD,
            )  # fmt: skip
            order = Order(
                f"A{wish.key}", FIRST, None, "shipped", 100, "USD", {"color": "blue", "first_name": "Ann"}, ()
            )
            item = PlannedMessage(
                wish.key, "main", f"c{wish.contact}", "ann@example.com", f"run {wish.key}", wish.conversation, "greet",
                1, 1, wish.channel, "hello", f"e{wish.key}", order.number, wish.due_on, order, contact=contact,
                contact_key_now=f"c{wish.contact}",
            )  # fmt: skip
            found.setdefault(BatchId(wish.due_on, "messages", wish.conversation, "main"), []).append(item)
        return found

    def _batches(self, plan: Plan) -> list[Batch]:
        identities = sorted(self._items(plan))
        with self.ledger.writing() as connection:
            for number, identity in enumerate(identities, start=1):
                counts = {"row_count": 1, "new_count": 1, "sent_count": 0, "unplanned_count": 0}
                place = {"kind": "messages", "name": identity.name, "merchant": "main", "day": identity.day}
                values = {"id": number, "version": 1, "hash": f"h{number}", "sealed_at": plan.begins_at}
                connection.execute(insert(schema.batches).values(values | place | counts))
        return [
            Batch(number, identity, 1, f"h{number}", 1, 1, 0, 0, plan.begins_at, frozenset(), Release())
            for number, identity in enumerate(identities, start=1)
        ]

    def _known(self) -> dict[str, tuple[str, str, datetime | None]]:
        columns = (schema.deliveries.c.key, schema.deliveries.c.state, schema.deliveries.c.reason)
        with self.ledger.reading() as connection:
            rows = connection.execute(select(*columns, schema.deliveries.c.deferred_until)).all()
        return {key: (state, reason, until) for key, state, reason, until in rows}

    def _clear(self) -> None:
        with self.ledger.writing() as connection:
            for table in (schema.deliveries, schema.claims, schema.releases, schema.batches):
                connection.execute(delete(table))
        self.world.settings.witness_file.unlink(missing_ok=True)


def make_stage(world: World, ledger: Ledger) -> Stage:
    """With the conversations that plans are of: three times the same one, under their names."""
    add_text_template(world)
    for name in CONVERSATIONS:
        folder = world.settings.conversations_dir / name
        shutil.copytree(world.conversation_folder, folder)
        path = folder / "conversation.yml"
        path.write_text(path.read_text().replace("conversation: hello", f"conversation: {name}"))
    return Stage(world, ledger)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One installation for all plans."""
    world = World.make(tmp_path_factory.mktemp("stage"))
    with world.ledger as ledger:
        yield make_stage(world, ledger)


@pytest.fixture(scope="module")
def team_stage(tmp_path_factory: pytest.TempPathFactory, postgres_module_database: PostgresDatabase) -> Iterator[Stage]:
    """The same on a team's ledger."""
    world = World.make(tmp_path_factory.mktemp("stage"), ledger_url=postgres_module_database.url)
    with world.ledger as ledger:
        yield make_stage(world, ledger)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=12)
def test_the_sender_sends_and_defers_as_a_slow_reading_does(stage: Stage, seed: int) -> None:
    stage.play(plan_of(seed))


@given(seed=st.integers(0, 2**32))
@settings(max_examples=4)
def test_on_a_teams_ledger_too(team_stage: Stage, seed: int) -> None:
    team_stage.play(plan_of(seed))


@pytest.mark.heavy
@given(seed=st.integers(0, 2**32))
@settings(max_examples=150, derandomize=False)
def test_many_plans(stage: Stage, seed: int) -> None:
    stage.play(plan_of(seed))


def test_the_plans_feel_every_guard_that_defers() -> None:
    reasons: set[str] = set()
    for seed in range(60):
        plan = plan_of(seed)
        simulation = Simulation(plan.policy, ZONE, plan.wishes)
        for moment in hours(plan.begins_at, 120 // plan.step, plan.step):
            simulation.act(moment)
            reasons |= {fate.reason for fate in simulation.fates.values()}
    # those of the run and its waits have tests of their own: test_run_guards.py, test_guards.py
    names = {guard.name for guard in GUARDS if guard.does == "defers"} - {"pause_when", "not_before"}
    assert reasons >= names | {f"given_up: {name}" for name in names} | {"sunset"}
