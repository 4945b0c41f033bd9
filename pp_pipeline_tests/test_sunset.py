"""The sunset rule: who gets no more advertising for want of interest, and whose silence proves nothing."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from pp_pipeline.sending.engagement import read_engagement
from pp_pipeline_tests.guard_worlds import CONTACT, NOON, add_contact, add_feedback, add_sent, new_version, set_policy
from pp_pipeline_tests.postgres_server import PostgresDatabase
from pp_pipeline_tests.sending_world import DAY, World, key_of

DAYS = 90
Arrange = Callable[[World], None]


def ago(days: int) -> date:
    return DAY - timedelta(days=days)


def _did(event: str, days: int, **cells: Any) -> Arrange:
    return lambda world: add_feedback(world, event, ago(days), **cells)


def _unheard(**cells: Any) -> Arrange:
    """What the merchant hears of other people is something else."""
    settings = ", ".join(f"{name} = ?" for name in cells)
    where = "contact_key = 'somebody'"
    return lambda world: world.execute(f"update feedback_rows set {settings} where {where}", [*cells.values()])


def _forget_opening(days: int) -> Arrange:
    return lambda world: world.execute("delete from feedback_rows where occurred_on = ?", (ago(days),))


def _written(world: World, **columns: Any) -> None:
    with world.ledger as ledger, ledger.writing() as connection:
        connection.exec_driver_sql("delete from deliveries")
    if columns:
        add_sent(world, "earlier", columns.pop("at"), **columns)


def agreed(days: int, channel: str = "email", basis: str = "explicit") -> dict[str, Any]:
    """Cells of the contacts feed: a consent so many days ago."""
    name = f"{channel}_commercial_consent"
    return {name: basis, f"{name}_on": ago(days), f"{name}_evidence": "form"}


SKIPPED, SENT = "skipped: sunset", "sent"
CASES: dict[str, tuple[Arrange, str]] = {
    "nothing for long": (lambda _: None, SKIPPED),
    # what shows interest
    "a purchase": (lambda world: world.execute("update order_versions set ordered_on = ?", (ago(DAYS - 1),)), SENT),
    "a purchase on the last day that is too long ago": (
        lambda world: world.execute("update order_versions set ordered_on = ?", (ago(DAYS),)), SKIPPED,
    ),
    "a purchase that was canceled": (
        lambda world: new_version(world, ordered_on=ago(3), is_purchase=False, known_on=ago(1)), SKIPPED,
    ),
    "an opening": (_did("opened", DAYS - 1, channel="email"), SENT),
    "an opening that is too long ago": (_did("opened", DAYS, channel="email"), SKIPPED),
    "an opening by a program": (_did("opened", 3, channel="email", is_machine_open=True), SKIPPED),
    "an opening by a person": (_did("opened", 3, channel="email", is_machine_open=False), SENT),
    "a click": (_did("clicked", 3), SENT),
    "an answer by SMS": (_did("sms_reply", 3, channel="sms"), SENT),
    "a review": (_did("review_left", 3), SENT),
    "a delivery": (_did("delivered", 3), SKIPPED),
    "a click of somebody else": (_did("clicked", 3, contact_key="somebody"), SKIPPED),
    "a click at another merchant's": (_did("clicked", 3, merchant="other"), SKIPPED),
    "consent": (lambda world: add_contact(world, **agreed(DAYS - 1)), SENT),
    "consent by another channel": (lambda world: add_contact(world, **agreed(3, "sms")), SENT),
    "consent that is too long ago": (lambda world: add_contact(world, **agreed(DAYS)), SKIPPED),
    "consent that is yet to come": (lambda world: add_contact(world, **agreed(-1)), SKIPPED),
    "consent that the shop assumes": (lambda world: add_contact(world, **agreed(3, basis="soft_opt_in")), SKIPPED),
    # whose silence proves nothing
    "nothing is heard": (lambda world: world.execute("delete from feedback_rows"), SENT),
    "something is heard of late only": (_forget_opening(100), SENT),
    "nothing is heard any more": (_forget_opening(5), SENT),
    "something is heard of texts only": (_unheard(channel="sms"), SENT),
    "something is heard at another merchant's only": (_unheard(merchant="other"), SENT),
    "nothing was sent": (_written, SENT),
    "something was sent too long ago": (lambda world: _written(world, at=NOON - timedelta(days=DAYS)), SENT),
    "something was sent by SMS only": (
        lambda world: _written(world, at=NOON - timedelta(days=3), channel="sms"), SENT,
    ),
}  # fmt: skip


@pytest.fixture
def silent(tmp_path: Path) -> World:
    """A contact who was written to and has shown nothing since a purchase long ago, where such things are heard of."""
    world = World.make(tmp_path)
    set_policy(world, {"sunset": {"days": DAYS}})
    world.plan(DAY, 1)
    world.execute("update order_versions set ordered_on = ?", (ago(200),))
    for days in (100, 5):
        add_feedback(world, "opened", ago(days), contact_key="somebody", channel="email")
    add_sent(world, "earlier", NOON - timedelta(days=40))
    return world


def ending(world: World) -> str:
    world.run(now=lambda: NOON)
    state, reason = next((state, reason) for key, state, reason in world.deliveries() if key == key_of(0))
    return f"{state}: {reason}" if reason else state


@pytest.mark.parametrize("what", CASES)
def test_what_shows_interest_and_what_proves_nothing(silent: World, what: str) -> None:
    arrange, expected = CASES[what]
    arrange(silent)
    assert ending(silent) == expected


def test_a_farewell_goes_all_the_same(silent: World) -> None:
    path = silent.settings.merchants_dir / "main.yml"
    path.write_text(path.read_text().replace(f'"days": {DAYS}', f'"days": {DAYS}, "exempt": ["hello"]'))
    assert ending(silent) == "sent"


def test_both_warehouses_tell_the_same(tmp_path: Path, postgres_database: PostgresDatabase) -> None:
    team = World.make(tmp_path / "team", target="postgres", warehouse_url=postgres_database.url)
    found = []
    for world in (team, World.make(tmp_path / "lite")):
        with world.warehouse.connect() as connection:
            assert read_engagement(connection, [DAY]).last_on == {}
        world.plan(DAY, 2)
        add_feedback(world, "opened", ago(9))
        add_feedback(world, "opened", ago(4), is_machine_open=True)
        add_feedback(world, "opened", ago(2), contact_key="somebody", channel="sms")
        with world.warehouse.connect() as connection:
            found.append(read_engagement(connection, [DAY]))
    assert found[0] == found[1]
    assert found[0].last_on == {("main", CONTACT): ago(9)}
    assert found[0].heard == {"main": {"email": (ago(9), ago(4)), "sms": (ago(2), ago(2))}}
