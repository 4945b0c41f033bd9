"""Every guard for every kind of delivery (DESIGN 5): what it holds, what passes it, what goes where it is silent."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

from pp_pipeline.cli import app
from pp_pipeline.conversations.shares import is_held_out
from pp_pipeline.merchants import Merchant
from pp_pipeline.sending.gates import Gates
from pp_pipeline.sending.guards import GUARDS, DeliveryKind
from pp_pipeline.sending.outlets.outbox import OutboxChannel, OutboxRelay
from pp_pipeline.sending.outlets.outlet import Outlets
from pp_pipeline.sending.sender import Sender
from pp_pipeline.settings import Settings
from pp_pipeline_tests.guard_worlds import (
    CONTACT,
    NOON,
    add_contact,
    add_feedback,
    add_refused_row,
    add_sent,
    endings,
    new_version,
    plan_one_of_each_kind,
    set_policy,
    suppress,
    tell_of_ticket,
)
from pp_pipeline_tests.sending_world import DAY, World, key_of

KINDS: tuple[DeliveryKind, ...] = get_args(DeliveryKind)
NOTHING_HOLDS = {"commercial": "sent", "transactional": "sent", "event": "sent", "snapshot": "1 members"}


@dataclass(frozen=True)
class Sending:
    """A world before its sending, and how the sender is changed for it."""

    world: World
    monkeypatch: pytest.MonkeyPatch

    def changed_conversations(self, **changes: Any) -> None:
        """All conversations with other fields, also those that their files could not state."""
        stated = Sender(self.world.settings, self.world.ledger, self.world.warehouse).conversations
        found = {name: conversation.model_copy(update=changes) for name, conversation in stated.items()}
        self.monkeypatch.setattr(Sender, "conversations", found)

    def with_offers(self) -> None:
        """All messages hold a discount."""
        original = Sender._candidate
        self.monkeypatch.setattr(
            Sender, "_candidate", lambda sender, batch, item: replace(original(sender, batch, item), has_offer=True)
        )

    def live(self) -> None:
        """The deliveries count as live, and so does the outbox."""
        self.monkeypatch.setattr(Gates, "target", lambda _gates, _batch: "live")
        self.monkeypatch.setattr("pp_pipeline.sending.sender.make_outlets", _live_outbox)


def _live_outbox(settings: Settings, merchants: Mapping[str, Merchant]) -> Outlets:
    relay = OutboxRelay(settings.outbox, "live")
    relays = {(name, each.relay): relay for name, merchant in merchants.items() for each in merchant.relays}
    return Outlets({(name, "email"): OutboxChannel(settings.outbox, "live") for name in merchants}, relays)


def _allow_list(sending: Sending, holds: bool) -> None:
    sending.live()
    allowed = ("*@elsewhere.example.com", "person1@example.com") if holds else ("person0@*",)
    settings = sending.world.settings.model_copy(update={"allowed_recipients": allowed})
    object.__setattr__(sending.world, "settings", settings)


def _consent(sending: Sending, holds: bool) -> None:
    """Of a segment where the relay demands it."""
    ads = "{relay: ads, via: audience_file, folder: /nowhere, format: google, segments: [loyal]}"
    path = sending.world.settings.merchants_dir / "main.yml"
    path.write_text(path.read_text().replace(", segments: [loyal]}", f"}}\n  - {ads}"))
    word = "none" if holds else "explicit"
    add_contact(sending.world, email_commercial_consent=word, email_transactional_consent=word)


def _hold_out(sending: Sending, holds: bool) -> None:
    share = next(share for share in (0.5, 0.9, 0.999) if is_held_out(CONTACT, "hello", share))
    sending.changed_conversations(hold_out=share if holds else 0.0)


def _no_phone(sending: Sending, holds: bool) -> None:
    if holds:
        sending.world.execute("update planned_messages set channel = 'sms'")


def _sunset(sending: Sending, holds: bool) -> None:
    set_policy(sending.world, {"sunset": {"days": 90}})
    sending.world.execute("update order_versions set ordered_on = ?", (DAY - timedelta(days=200),))
    for days in (100, 5):
        add_feedback(sending.world, "opened", DAY - timedelta(days=days), contact_key="somebody")
    add_feedback(sending.world, "clicked", DAY - timedelta(days=90 if holds else 89))
    add_sent(sending.world, "earlier", NOON - timedelta(days=40))


def _pause_when(sending: Sending, holds: bool) -> None:
    sending.changed_conversations(pause_when=["open_ticket"])
    tell_of_ticket(sending.world, "ticket_opened", 8)
    if not holds:
        tell_of_ticket(sending.world, "ticket_closed", 9)


def _not_before(sending: Sending, holds: bool) -> None:
    sending.world.execute("update planned_messages set not_before = ?", ["12:01" if holds else "12:00"])


def _sent_under_another_id(sending: Sending, holds: bool) -> None:
    if holds:
        for name in ("hello", "news"):
            run = {"conversation": name, "run_key": "c000000:0", "due_on": DAY - timedelta(days=2)}
            add_sent(sending.world, f"other {name}", NOON - timedelta(days=30), **run)


def _earlier_pass(sending: Sending, holds: bool) -> None:
    sending.world.execute("update planned_messages set pass = 2")
    for name in ("hello", "news"):
        run = {"conversation": name, "run_key": "c000000:0", "state": "skipped" if holds else "sent"}
        add_sent(sending.world, f"first pass of {name}", NOON - timedelta(days=30), **run)


def _blackout(sending: Sending, holds: bool) -> None:
    day = DAY if holds else DAY - timedelta(days=1)
    set_policy(sending.world, {"blackouts": [{"from": str(day), "to": str(day), "why": "sale"}]})


def _quiet_hours(sending: Sending, holds: bool) -> None:
    set_policy(sending.world, {"quiet_hours": {"email": {"from": "11:00", "to": "12:01" if holds else "12:00"}}})


def _outside_window(sending: Sending, holds: bool) -> None:
    set_policy(sending.world, {"window": {"email": {"from": "12:01" if holds else "12:00", "to": "18:00"}}})


def _frequency_cap(sending: Sending, holds: bool) -> None:
    set_policy(sending.world, {"caps": {"email": {"messages": 1, "days": 7}}})
    add_sent(
        sending.world, "earlier", NOON - timedelta(days=7) + timedelta(seconds=holds), message_kind="transactional"
    )


def _spacing(sending: Sending, holds: bool) -> None:
    set_policy(sending.world, {"spacing_hours": 24})
    add_sent(sending.world, "earlier", NOON - timedelta(hours=24) + timedelta(seconds=holds), channel="sms")
    add_sent(sending.world, "same channel", NOON - timedelta(hours=1))


def _discount_cap(sending: Sending, holds: bool) -> None:
    set_policy(sending.world, {"discount_cap": {"messages": 1, "days": 30}})
    sending.with_offers()
    add_sent(sending.world, "earlier", NOON - timedelta(days=29), has_offer=holds)


def _daily_ceiling(sending: Sending, holds: bool) -> None:
    set_policy(sending.world, {"daily_ceiling": {"email": {"first": 2}}})
    add_sent(sending.world, "one", NOON - timedelta(hours=2), contact_key="c7")
    add_sent(sending.world, "two", NOON - timedelta(hours=2 if holds else 13), contact_key="c8", state="unknown")


@dataclass(frozen=True)
class Held:
    """The fact that a guard looks at, and what becomes of each kind of delivery where it is there."""

    arrange: Callable[[Sending, bool], None]
    commercial: str
    transactional: str
    event: str = "sent"
    snapshot: str = "1 members"


CASES = {
    "suppressed": Held(
        lambda sending, holds: suppress(sending.world) if holds else None,
        "skipped: suppressed", "skipped: suppressed", "skipped: suppressed", "0 members",
    ),
    "not_on_allow_list": Held(
        _allow_list,
        "skipped: not_on_allow_list", "skipped: not_on_allow_list", "skipped: not_on_allow_list", "0 members",
    ),
    "no_phone": Held(_no_phone, "skipped: no_phone", "skipped: no_phone"),
    "no_consent": Held(_consent, "skipped: no_consent", "skipped: no_consent", snapshot="0 members"),
    "order_of_another_contact": Held(
        lambda sending, holds: new_version(sending.world, contact_key="c9" if holds else CONTACT),
        "skipped: order_of_another_contact", "skipped: order_of_another_contact",
    ),
    "order_in_quarantine": Held(
        lambda sending, holds: add_refused_row(sending.world, DAY - timedelta(days=3 if holds else 4)),
        "skipped: order_in_quarantine", "skipped: order_in_quarantine", "skipped: order_in_quarantine",
    ),
    "exit_when": Held(
        lambda sending, holds: new_version(sending.world, status="canceled" if holds else "shipped"),
        "skipped: exit_when: canceled", "skipped: exit_when: canceled",
    ),
    "pause_when": Held(_pause_when, "deferred: pause_when: open_ticket", "deferred: pause_when: open_ticket"),
    "hold_out": Held(_hold_out, "skipped: hold_out", "sent"),
    "sunset": Held(_sunset, "skipped: sunset", "sent"),
    "sent_under_another_id": Held(
        _sent_under_another_id, "skipped: sent_under_another_id", "skipped: sent_under_another_id"
    ),
    "earlier_pass_not_sent": Held(
        _earlier_pass, "skipped: earlier_pass_not_sent", "skipped: earlier_pass_not_sent"
    ),
    "not_before": Held(_not_before, "deferred: not_before", "deferred: not_before"),
    "blackout": Held(_blackout, "deferred: blackout", "sent"),
    "quiet_hours": Held(_quiet_hours, "deferred: quiet_hours", "deferred: quiet_hours"),
    "outside_window": Held(_outside_window, "deferred: outside_window", "sent"),
    "frequency_cap": Held(_frequency_cap, "deferred: frequency_cap", "sent"),
    "spacing": Held(_spacing, "deferred: spacing", "sent"),
    "discount_cap": Held(_discount_cap, "deferred: discount_cap", "sent"),
    "daily_ceiling": Held(_daily_ceiling, "deferred: daily_ceiling", "sent"),
}  # fmt: skip
_VERBS = {"skipped": "skips", "deferred": "defers", "sent": "passes", "1 members": "passes", "0 members": "leaves out"}


def outcomes(held: Held) -> dict[DeliveryKind, str]:
    return {kind: getattr(held, kind) for kind in KINDS}


def test_every_cell_of_the_table_has_a_case_that_says_the_same() -> None:
    stated = {(guard.name, kind): guard.acts_on(kind).removesuffix(" or defers") for guard in GUARDS for kind in KINDS}
    cases = {
        (name, kind): _VERBS[outcome.partition(":")[0]]
        for name, held in CASES.items()
        for kind, outcome in outcomes(held).items()
    }
    assert cases == stated


@pytest.mark.parametrize("name", CASES)
def test_a_guard_holds_what_it_should_and_lets_the_rest_pass(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = CASES[name]
    for holds, expected in ((True, outcomes(held)), (False, NOTHING_HOLDS)):
        with monkeypatch.context() as patch:
            world = World.make(tmp_path / str(holds))
            plan_one_of_each_kind(world)
            held.arrange(Sending(world, patch), holds)
            world.run(now=lambda: NOON)
            assert endings(world) == expected


@pytest.mark.parametrize("name", ["suppressed", "frequency_cap", "spacing", "discount_cap", "daily_ceiling"])
def test_a_guard_that_reads_the_ledger_reads_that_of_a_team_alike(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    world = World.make(tmp_path, ledger_url=request.getfixturevalue("postgres_database").url)
    plan_one_of_each_kind(world)
    CASES[name].arrange(Sending(world, monkeypatch), True)
    world.run(now=lambda: NOON)
    assert endings(world) == outcomes(CASES[name])


def test_a_pass_waits_for_the_one_before(tmp_path: Path) -> None:
    world = World.make(tmp_path)
    plan_one_of_each_kind(world, pass_number=2)
    run = {"conversation": "hello", "run_key": "c000000:0", "state": "failed"}
    add_sent(world, "first pass", NOON - timedelta(hours=1), **run)
    world.run(now=lambda: NOON)
    assert endings(world)["commercial"] == "deferred: earlier_pass_open"


@pytest.mark.parametrize(
    ("refused_on", "merchant", "is_held"),
    [
        (DAY - timedelta(days=4), "main", False),  # the version came after it
        (DAY - timedelta(days=3), "main", True),  # beside it: the version may lack what the row says
        (DAY, "main", True),
        (DAY, "other", False),
    ],
)
def test_an_order_is_in_quarantine_by_rows_refused_after_or_beside_its_version(
    tmp_path: Path, refused_on: date, merchant: str, is_held: bool
) -> None:
    world = World.make(tmp_path)
    world.plan(DAY, 2)
    add_refused_row(world, refused_on, merchant=merchant)
    world.run()
    first = (key_of(0), "skipped", "order_in_quarantine") if is_held else (key_of(0), "sent", "")
    assert world.deliveries() == [first, (key_of(1), "sent", "")]


def test_production_and_rehearsals_need_no_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rehearsal = World.make(tmp_path / "rehearsal")
    plan_one_of_each_kind(rehearsal)
    rehearsal.run()
    assert endings(rehearsal) == NOTHING_HOLDS
    production = World.make(tmp_path / "production", environment="production")
    plan_one_of_each_kind(production)
    Sending(production, monkeypatch).live()
    production.run()
    assert endings(production) == NOTHING_HOLDS


def test_the_command_prints_the_table() -> None:
    from typer.testing import CliRunner

    printed = json.loads(CliRunner().invoke(app, ["guards", "--json"]).stdout)
    assert [row["guard"] for row in printed] == [guard.name for guard in GUARDS]
    assert next(row for row in printed if row["guard"] == "blackout")["transactional"] == "passes"
    assert "frequency_cap" in CliRunner().invoke(app, ["guards"]).stdout
