"""A ledger that was put back, or lost: noticed, told, and nobody is written to twice (DESIGN 5)."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select

from pp_pipeline.ledger import schema
from pp_pipeline.ledger.store import LedgerError
from pp_pipeline.ledger.witness import Mark, Seen, Witness
from pp_pipeline.sending.gates import Gates
from pp_pipeline.sending.outlets.outlet import EmailDraft, Outcome
from pp_pipeline.settings import utc_now
from pp_pipeline_tests.ledger_words import Post, lay_aside, lose, outbox, pp, put_back, records
from pp_pipeline_tests.sending_world import DAY, World

NEXT = DAY + timedelta(days=1)
THIRD = DAY + timedelta(days=2)


def reasons(world: World) -> set[str]:
    return {state.reason for batch, state in world.states(DAY, THIRD, THIRD) if state.state != "sent"}


def test_a_restored_ledger_sends_nobody_anything_twice(world: World, tmp_path: Path) -> None:
    world.plan(DAY, 3)
    world.run()
    lay_aside(world, tmp_path / "aside.sqlite")
    world.plan(NEXT, 4, start=10)
    world.plan_events(NEXT, 5, start=20)
    world.plan_snapshot(NEXT, 2)
    assert world.run(DAY, NEXT, today=NEXT).sent_count == 10
    went = outbox(world)

    put_back(world, tmp_path / "aside.sqlite")
    summary = world.run(DAY, NEXT, today=NEXT)  # sealed anew, as a schedule would
    assert summary.sent_count == 0
    assert "it lacks claim" in summary.lacking[0]
    assert reasons(world) == {"restored_ledger"}
    told = pp(world, "ledger", code=1)
    assert "Nothing is sent: the ledger is not the one that this home has sent by" in told
    assert "pp ledger accept" in told
    assert "restored ledger" in pp(world, "batches")
    assert "nothing was accepted" in pp(world, "ledger", "accept", "--by", "ann", answer="n\n", code=1)
    assert "pp ledger adopt --from" in pp(world, "ledger", "accept", "--by", "ann", code=1)
    assert world.run(DAY, NEXT, today=NEXT).sent_count == 0

    days = ("--from", str(NEXT), "--to", str(NEXT))
    assert "10 adopted by ann" in pp(world, "ledger", "adopt", *days, "--by", "ann", "--yes")
    assert "ann accepted the ledger" in pp(world, "ledger", "accept", "--by", "ann", "--yes")
    assert "there is nothing to accept" in pp(world, "ledger", "accept", "--by", "ann")
    world.plan(THIRD, 2, start=40)
    assert world.run(DAY, THIRD, today=THIRD).sent_count == 2
    now = outbox(world)
    assert {name: now[name] for name in went} == went
    assert len(now) == len(went) + 2
    shown = records(world, "ledger")
    assert shown["lacking"] == []
    assert shown["accepted_restore"].endswith(" by ann")


def test_a_lost_ledger_is_not_begun_anew(lite: World) -> None:
    lite.plan(DAY, 3)
    lite.run()
    went = outbox(lite)
    lose(lite)
    assert lite.run().sent_count == 0
    assert lite.state() == ("blocked", "restored_ledger")
    assert outbox(lite) == went


def test_a_batch_that_is_not_there_is_missed_too(world: World, tmp_path: Path) -> None:
    lay_aside(world, tmp_path / "aside.sqlite")
    world.plan(DAY, 3)
    world.seal()
    put_back(world, tmp_path / "aside.sqlite")
    assert "it lacks batch 1" in records(world, "ledger", code=1)["lacking"][0]
    assert "it lacks batch 1" in world.send().lacking[0]


def test_a_home_without_witness_begins_one(world: World) -> None:
    world.plan(DAY, 3)
    world.run()
    world.settings.witness_file.unlink()
    world.plan(NEXT, 2, start=10)
    assert world.run(DAY, NEXT, today=NEXT).sent_count == 2
    with world.ledger as ledger, ledger.reading() as connection:
        newest = connection.execute(select(schema.claims.c.token).order_by(schema.claims.c.id.desc())).scalars().first()
    seen = Witness.of(world.settings).seen()
    assert seen is not None
    assert seen.claim is not None
    assert seen.claim.proof == newest


def test_homes_that_share_a_ledger_raise_no_alarm(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url, secret = request.getfixturevalue("postgres_database").url, "a secret of enough characters"
    worlds = [World.make(tmp_path / name, ledger_url=url, secret=secret) for name in ("one", "other")]
    for number in range(4):
        world = worlds[number % 2]
        world.plan(DAY, 1, start=number)
        assert world.run().sent_count == 1


def test_what_is_handed_over_stands_in_the_witness(world: World) -> None:
    class Looking(Post):
        def deliver(self, drafts: Iterable[EmailDraft]) -> Iterator[Outcome]:
            taken = list(drafts)
            with world.ledger as ledger, ledger.reading() as connection:
                keys = [draft.message_id for draft in taken]
                tokens = set(
                    connection.scalars(select(schema.deliveries.c.claim).where(schema.deliveries.c.key.in_(keys)))
                )
            seen = Witness.of(world.settings).seen()
            assert seen is not None
            assert seen.claim is not None
            assert tokens == {seen.claim.proof}
            yield from super().deliver(taken)

    world.plan(DAY, 5)
    assert world.run(outlets=Looking().outlets, chunk_size=2).outcomes == {"sent": 5}


def test_a_ledger_put_back_in_the_middle_of_a_sending_stops_it(world: World) -> None:
    class Losing(Post):
        def deliver(self, drafts: Iterable[EmailDraft]) -> Iterator[Outcome]:
            with world.ledger as ledger, ledger.writing() as connection:
                connection.execute(delete(schema.claims))
            yield from super().deliver(drafts)

    world.plan(DAY, 5)
    post = Losing()
    [report] = world.run(outlets=post.outlets, chunk_size=2).reports
    assert report.problem == "restored_ledger"
    assert len(post.given) == 2


def test_nothing_is_handed_over_that_the_witness_cannot_hold(lite: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lite.plan(DAY, 2)
    lite.seal()
    monkeypatch.setattr(Witness, "note_claim", lambda *_: (_ for _ in ()).throw(LedgerError("no room")))
    post = Post()
    with pytest.raises(LedgerError, match="no room"):
        lite.send(outlets=post.outlets)
    assert post.given == []
    assert lite.states_of_deliveries() == {"deferred": 2}
    monkeypatch.undo()
    assert lite.send(outlets=post.outlets).sent_count == 2


def test_a_torn_line_leaves_the_one_before(tmp_path: Path) -> None:
    witness = Witness(tmp_path / "home" / "witness")
    for number in range(1, 5):
        witness.note_claim(Mark(number, f"token {number}", utc_now()))
    witness.note_claim(Mark(2, "an older one", utc_now()))
    assert newest_claim(witness) == 4
    whole = witness.path.read_bytes()
    half = len(whole) // 2
    newest_is_last = b'"token 4"' in whole[half:]
    torn = whole[:-100] + b"?" * 100 if newest_is_last else b"?" * 100 + whole[100:]
    witness.path.write_bytes(torn)
    assert newest_claim(witness) == 3
    witness.path.write_bytes(b"?" * len(whole))
    with pytest.raises(LedgerError, match="holds no whole line"):
        witness.seen()


def newest_claim(witness: Witness) -> int:
    seen = witness.seen()
    assert seen is not None
    assert seen.claim is not None
    return seen.claim.number


def test_a_witness_that_cannot_be_read_sends_nothing_until_accepted(lite: World) -> None:
    lite.plan(DAY, 2)
    lite.seal()
    lite.settings.witness_file.write_text("{}")
    with pytest.raises(LedgerError, match="can't be read"):
        lite.send()
    assert "can't be read" in pp(lite, "ledger", code=1)
    pp(lite, "ledger", "accept", "--by", "ann", "--yes")
    assert lite.send().outcomes == {"sent": 2}


def test_a_claim_that_another_sender_commits_meanwhile_is_no_gap(lite: World, monkeypatch: pytest.MonkeyPatch) -> None:
    witness, read = Witness.of(lite.settings), Witness.seen
    now = utc_now()

    def seen_while_another_claims(self: Witness) -> Seen | None:
        monkeypatch.setattr(Witness, "seen", read)
        with lite.ledger as other, other.writing() as connection:
            row = {"token": "t", "target": "rehearsal", "claimed_at": now, "delivery_count": 1}
            connection.execute(insert(schema.claims).values(row))
        witness.note_claim(Mark(1, "t", now))
        return read(self)

    with lite.ledger as ledger:
        monkeypatch.setattr(Witness, "seen", seen_while_another_claims)
        assert Gates(lite.settings, ledger).lacking == []
