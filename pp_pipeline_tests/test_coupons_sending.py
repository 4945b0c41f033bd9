"""Coupons in a sending: drawn in the claim, shown in the message, kept whatever becomes of it (DESIGN 5)."""

import os
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from pp_pipeline.ledger.coupon_stock import import_codes
from pp_pipeline.ledger.schema import coupons, deliveries
from pp_pipeline.sending.gates import DeliveryTarget, Gates
from pp_pipeline.sending.outlets.outlet import EmailDraft, Outcome, Outlets
from pp_pipeline.settings import Settings, utc_now
from pp_pipeline_tests.killing import context, is_killed
from pp_pipeline_tests.sending_world import DAY, World, key_of, read_mail
from pp_pipeline_tests.test_coupons import declare

SHOWN = "[[{{ coupon.code }}{% if coupon.expires_on %} to {{ coupon.expires_on | long_date }}{% endif %}]]"
NOW = utc_now()


@pytest.fixture(params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """An installation whose one message declares a coupon, its ledger on each of the two databases."""
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres_database").url
    made = World.make(tmp_path, ledger_url=url)
    declare(made, "{pool: spring}", SHOWN)
    return made


@pytest.fixture
def live(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The same, and what it delivers counts."""
    monkeypatch.setattr(Gates, "target", lambda *_: "live")
    return world.with_settings(environment="production")


@dataclass
class LiveChannel:
    """Keeps what it is given; answers in turn, `sent` when nothing is said."""

    answers: list[Outcome] = field(default_factory=list)
    drafts: list[EmailDraft] = field(default_factory=list)
    target: DeliveryTarget = "live"

    def deliver(self, drafts: Iterable[EmailDraft]) -> Iterator[Outcome]:
        for draft in drafts:
            self.drafts.append(draft)
            yield self.answers.pop(0) if self.answers else Outcome("sent")

    @property
    def outlets(self) -> Outlets:
        return Outlets({("main", "email"): self}, {})

    def shown(self) -> dict[str, str]:
        """What stands in brackets, by message; it is the same in both parts."""
        found = {}
        for draft in self.drafts:
            text, html = (part.partition("[[")[2].partition("]]")[0] for part in (draft.text, draft.html))
            assert text == html
            found[draft.message_id] = text
        return found


class KillingChannel(LiveChannel):
    """Ends its process when it is given something."""

    def deliver(self, drafts: Iterable[EmailDraft]) -> Iterator[Outcome]:
        os.kill(os.getpid(), signal.SIGKILL)
        yield from super().deliver(drafts)


def put(world: World, codes: str, expires_on: date | None = None) -> None:
    with world.ledger as ledger:
        import_codes(ledger, "spring", codes.split(), expires_on, NOW)


def drawn(world: World) -> dict[str, str]:
    with world.ledger as ledger, ledger.reading() as connection:
        query = select(coupons.c.drawn_for, coupons.c.code).where(coupons.c.drawn_for.is_not(None))
        return {row.drawn_for: row.code for row in connection.execute(query)}


def test_messages_show_their_code_and_its_day_and_an_empty_pool_skips(live: World) -> None:
    last_day = (NOW + timedelta(days=40)).date()
    put(live, "A", last_day)
    put(live, "B")
    live.plan(DAY, 3)
    channel = LiveChannel()
    summary = live.run(outlets=channel.outlets)
    assert summary.reports[0].outcomes == {"sent": 2, "skipped: no_coupon": 1}
    assert channel.shown() == {key_of(0): f"A to {last_day:%B} {last_day.day}, {last_day.year}", key_of(1): "B"}
    assert drawn(live) == {key_of(0): "A", key_of(1): "B"}
    assert live.deliveries()[2] == (key_of(2), "skipped", "no_coupon")
    assert live.state() == ("sent", "")
    with live.ledger as ledger, ledger.reading() as connection:
        assert set(connection.scalars(select(deliveries.c.has_offer))) == {True}


@pytest.mark.parametrize("days", [0, 1])
def test_a_code_is_good_for_min_days_valid_from_the_day_it_is_sent_on(live: World, days: int) -> None:
    declare_anew(live, "{pool: spring, min_days_valid: 7, fallback: WELCOME5}")
    # a day to spare, should midnight pass while the test runs
    put(live, "A", (NOW + timedelta(days=8 if days else 6)).date())
    live.plan(DAY, 1)
    channel = LiveChannel()
    live.run(outlets=channel.outlets)
    assert [shown.partition(" ")[0] for shown in channel.shown().values()] == ["A" if days else "WELCOME5"]


def declare_anew(world: World, coupon: str) -> None:
    file = world.conversation_folder / "conversation.yml"
    file.write_text(file.read_text().replace("{pool: spring}", coupon))


def test_a_fallback_stands_in_for_an_empty_pool(live: World) -> None:
    declare_anew(live, "{pool: spring, fallback: WELCOME5}")
    put(live, "A")
    live.plan(DAY, 3)
    channel = LiveChannel()
    live.run(outlets=channel.outlets)
    assert channel.shown() == {key_of(0): "A", key_of(1): "WELCOME5", key_of(2): "WELCOME5"}
    assert drawn(live) == {key_of(0): "A"}


def test_a_retry_keeps_its_code_though_the_pool_is_empty(live: World) -> None:
    put(live, "A B")
    live.plan(DAY, 2)
    first = LiveChannel([Outcome("failed", "refused")])
    live.run(outlets=first.outlets)
    live.plan(DAY, 1, start=5)
    again = LiveChannel()
    live.run(outlets=again.outlets)
    assert first.shown() == {key_of(0): "A", key_of(1): "B"}
    assert again.shown() == {key_of(0): "A"}
    assert live.deliveries()[2] == (key_of(5), "skipped", "no_coupon")


def test_what_another_guard_skips_draws_nothing(live: World) -> None:
    put(live, "A B")
    live.plan(DAY, 2)
    live.seal()
    live.execute(
        "insert into order_versions (merchant, order_number, known_on, contact_key, status)"
        " values ('main', 'A0', ?, 'c000000', 'canceled')",
        (DAY + timedelta(days=1),),
    )
    live.send(outlets=LiveChannel().outlets)
    assert live.deliveries()[0] == (key_of(0), "skipped", "exit_when: canceled")
    assert drawn(live) == {key_of(1): "A"}


def test_a_rehearsal_draws_nothing_and_shows_a_made_up_code(world: World) -> None:
    last_day = (NOW + timedelta(days=40)).date()
    put(world, "A", last_day)
    world.plan(DAY, 2)
    assert world.run().sent_count == 2
    bodies = [read_mail(path).as_string() for path in world.mails()]
    for number, body in enumerate(bodies):
        assert f"[REHEARSAL-{key_of(number)[:8]} to {last_day:%B} {last_day.day}, {last_day.year}]" in body
    assert drawn(world) == {}


def test_a_rehearsal_of_an_empty_pool_shows_a_code_too(world: World) -> None:
    world.plan(DAY, 1)
    assert world.run().sent_count == 1
    assert f"[REHEARSAL-{key_of(0)[:8]}]" in read_mail(world.mails()[0]).as_string()


def test_a_process_killed_after_the_draw_leaves_the_code_with_its_message(live: World) -> None:
    put(live, "A B C")
    live.plan(DAY, 2)
    live.seal()
    assert is_killed(_be_killed, live.settings)
    tied = {key_of(0): "A", key_of(1): "B"}
    assert drawn(live) == tied
    live.plan(DAY, 2, start=5)
    live.seal()
    channel = LiveChannel()
    live.send(outlets=channel.outlets, now=lambda: utc_now() + timedelta(hours=1))
    assert [(key, state) for key, state, _ in live.deliveries()] == [
        (key_of(0), "unknown"),
        (key_of(1), "unknown"),
        (key_of(5), "sent"),
        (key_of(6), "skipped"),
    ]
    assert channel.shown() == {key_of(5): "C"}
    assert drawn(live) == tied | {key_of(5): "C"}


def _be_killed(own: Settings) -> None:
    Gates.target = lambda *_: "live"  # type: ignore[method-assign, assignment]
    World(own).send(outlets=KillingChannel().outlets)


def test_senders_at_once_give_no_code_twice(live: World) -> None:
    put(live, " ".join(f"C{number}" for number in range(50)))
    live.plan(DAY, 60)
    live.seal()
    with ProcessPoolExecutor(4, mp_context=context()) as pool:
        parts = list(pool.map(_send_live, [live.settings] * 4))
    shown = [code for part in parts for code in part.values()]
    assert sorted(shown) == sorted(f"C{number}" for number in range(50))
    assert {message: code for part in parts for message, code in part.items()} == drawn(live)
    assert live.states_of_deliveries() == {"sent": 50, "skipped": 10}


def _send_live(own: Settings) -> dict[str, str]:
    Gates.target = lambda *_: "live"  # type: ignore[method-assign, assignment]
    channel = LiveChannel()
    World(own).send(outlets=channel.outlets, chunk_size=7)
    return channel.shown()


def test_no_report_and_no_repr_tells_a_code(live: World) -> None:
    declare_anew(live, "{pool: spring, fallback: SECRET-FALLBACK}")
    put(live, "SECRET-A")
    template = live.conversation_folder / "hello.txt.j2"
    template.write_text(template.read_text().replace("[{{ coupon.code", "[{{ coupon.code.nothing() }}{{ coupon.code"))
    live.plan(DAY, 2)
    summary = live.run(outlets=LiveChannel().outlets)
    assert summary.outcomes == {"skipped": 2}
    told = f"{summary} {live.deliveries()} {live.conversations()}"
    assert "SECRET" not in told
