"""`pp ledger`: what it shows, and a person's word: resolve, adopt, clear-rehearsal (DESIGN 5)."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update

from pp_pipeline.commands.ledger import short_key
from pp_pipeline.contact_keys import contact_key
from pp_pipeline.ledger import schema
from pp_pipeline.ledger.inspecting import STATES, Filters, count_listed, list_deliveries
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.witness import Witness
from pp_pipeline.merchants import load_merchants
from pp_pipeline.sending.adoptable import Wanted
from pp_pipeline.sending.adopting import Adopter
from pp_pipeline.sending.claims import Claimer
from pp_pipeline.sending.outlets.outlet import EmailDraft, Outcome
from pp_pipeline.sending.sender import LEASE
from pp_pipeline.settings import Settings, utc_now
from pp_pipeline_tests.ledger_words import Post, lay_aside, outbox, pp, put_back, records
from pp_pipeline_tests.sending_world import DAY, World, key_of

SECRET = "a secret of enough characters"
NEXT = DAY + timedelta(days=1)
ONE_DAY = ("--from", str(DAY), "--to", str(DAY))


@pytest.fixture(params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """An installation whose ledger is on each of the two databases."""
    url = request.getfixturevalue("postgres_database").url if request.param == "postgres" else ""
    return World.make(tmp_path, ledger_url=url, secret=SECRET)


@pytest.fixture
def lite(tmp_path: Path) -> World:
    return World.make(tmp_path, secret=SECRET)


def leave_unknown(world: World, count: int) -> None:
    """Messages of DAY whose outlet broke: they may have gone or not."""
    world.plan(DAY, count)
    world.seal()
    assert world.send(outlets=Post(ValueError("broke")).outlets, chunk_size=1).outcomes == {"unknown": 1}
    while world.state()[0] != "sent":
        world.send(outlets=Post(ValueError("broke")).outlets, chunk_size=1)
    assert world.states_of_deliveries() == {"unknown": count}


def test_counts_and_the_oldest_that_is_open(world: World) -> None:
    leave_unknown(world, 2)
    world.plan(NEXT, 3, start=10)
    world.run(NEXT, NEXT, today=NEXT)
    shown = records(world, "ledger")
    assert shown["deliveries"] == [
        {"target": "rehearsal", "kind": "message", "state": "sent", "reason": "", "count": 3},
        {"target": "rehearsal", "kind": "message", "state": "unknown", "reason": "interrupted", "count": 2},
    ]
    assert [(one["state"], one["key"]) for one in shown["oldest"]] == [("unknown", key_of(0))]
    told = pp(world, "ledger")
    assert "5 deliveries" in told
    assert "never (`pp ledger backup FILE`)" in told


def test_list_and_show_name_no_address(world: World) -> None:
    world.plan(DAY, 3)
    world.plan_events(DAY, 1)
    world.plan_snapshot(DAY, 2)
    world.run()
    told = pp(world, "ledger", "list", "--limit", "4")
    assert "1 older one is not shown" in told
    shown = pp(world, "ledger", "show", key_of(1)[:8])
    assert "A1" in shown
    assert "delivery_count" in shown
    assert " UTC " in shown and "+00:00" not in shown
    record = records(world, "ledger", "show", "outbox_relay:recent")
    assert record["batch"]["kind"] == "events"
    assert record["delivery"]["claim"] == record["claim"]["token"]
    assert "@" not in told + shown + str(record)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "m00"), "too short for a key"),
        (("show", "m0000"), "several deliveries have a key"),
        (("show", "nothing"), "no delivery has a key"),
        (("list", "--state", "lost"), "'lost' is no state"),
        (("list", "--target", "test"), "can be rehearsal or live"),
        (("list", "--contact", "ann@"), "not an e-mail address"),
        (("list", "--from", "yesterday"), "is not a day"),
        (("resolve", "--all-unknown"), "say which: --sent"),
        (("resolve", "--sent"), "say which: keys"),
        (("resolve", "--sent", "--all-unknown", "--json"), "with it, say --yes"),
        (("adopt", "--from", "2026-07-11", "--to", "2026-07-10"), "lies after --to"),
        (("clear-rehearsal", "--json"), "with it, say --yes"),
    ],
)
def test_what_cannot_be_asked_is_said_plainly(lite: World, arguments: Sequence[str], words: str) -> None:
    lite.plan(DAY, 2)
    lite.run()
    assert words in pp(lite, "ledger", *arguments, code=2)
    assert lite.states_of_deliveries() == {"sent": 2}


def test_nothing_to_resolve_is_said(lite: World) -> None:
    assert pp(lite, "ledger", "resolve", "--all-unknown", "--sent") == "Nothing was to resolve."


@pytest.mark.parametrize(
    ("key", "short"),
    [
        ("0f3c9a17" * 4, "0f3c9a170f3c"),
        ("relay:" + "0f3c9a17" * 4, "relay:0f3c9a170f3c"),
        ("relay:loyal:2026-07-10:main", "relay:loyal:2026-07-10"),
        ("seed:hello:greet:main:2026-07-10:" + "0f3c9a17" * 4, "seed:hello:greet:main:2026-07-10:0f3c"),
    ],
)
def test_a_short_key_is_the_beginning_of_its_key(key: str, short: str) -> None:
    assert short_key(key) == short


def test_a_contact_is_found_by_address_and_by_key(lite: World) -> None:
    key = contact_key(SECRET.encode(), "main", "ann@example.com")
    lite.plan(DAY, 2)
    lite.run()
    with lite.ledger as ledger, ledger.writing() as connection:
        row = update(schema.deliveries).where(schema.deliveries.c.key == key_of(1))
        connection.execute(row.values(contact_key=key))
    for contact in ("Ann@example.com ", key, key[:10].upper()):
        assert [row["key"] for row in records(lite, "ledger", "list", "--contact", contact)] == [key_of(1)]


rows = st.lists(
    st.fixed_dictionaries({
        "target": st.sampled_from(["rehearsal", "live"]), "state": st.sampled_from(STATES),
        "contact_key": st.sampled_from([None, "ab12", "ab34", "cd_%"]),
        "order_number": st.sampled_from([None, "A1", "A2"]),
        "conversation": st.sampled_from([None, "hello", "other"]), "batch": st.sampled_from([None, 1, 2]),
        "due_on": st.sampled_from([None, *(DAY + timedelta(days=number) for number in range(3))]),
    }),
    max_size=12,
)  # fmt: skip
asked = st.fixed_dictionaries({
    "states": st.lists(st.sampled_from(STATES), max_size=2), "order": st.sampled_from(["", "A1"]),
    "contacts": st.sampled_from([(), ("ab",), ("cd_",), ("ab12", "cd")]), "batch": st.sampled_from(["", "aaaa", "a%"]),
    "first": st.sampled_from([None, DAY + timedelta(days=1)]), "last": st.sampled_from([None, DAY + timedelta(days=1)]),
    "conversation": st.sampled_from(["", "hello"]), "target": st.sampled_from(["", "live"]),
})  # fmt: skip
HASHES = {1: "aaaa1", 2: "bbbb2"}


def means(filters: Filters, row: dict[str, Any]) -> bool:
    """What the filters mean, said as plainly as can be."""
    due_on: date | None = row["due_on"]
    return (
        (not filters.states or row["state"] in filters.states)
        and (not filters.contacts or any((row["contact_key"] or "").startswith(one) for one in filters.contacts))
        and filters.order in ("", row["order_number"])
        and (not filters.batch or HASHES.get(row["batch"], "").startswith(filters.batch))
        and (filters.first is None or (due_on is not None and due_on >= filters.first))
        and (filters.last is None or (due_on is not None and due_on <= filters.last))
        and filters.conversation in ("", row["conversation"])
        and filters.target in ("", row["target"])
    )


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_list_holds_what_the_filters_mean(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:  # fmt: skip
    url = request.getfixturevalue("postgres_database").url if kind == "postgres" else ""
    batch = {"kind": "messages", "name": "hello", "merchant": "main", "day": DAY, "sealed_at": utc_now()}
    batch |= {"row_count": 0, "new_count": 0, "sent_count": 0, "unplanned_count": 0}
    with Ledger(Settings(home=tmp_path, ledger_url=url)) as ledger:
        with ledger.writing() as connection:
            for number, value in HASHES.items():
                connection.execute(insert(schema.batches).values(id=number, version=number, hash=value, **batch))

        @settings(max_examples=60)
        @given(rows, asked)
        def check(drawn: list[dict[str, Any]], options: dict[str, Any]) -> None:
            filters = Filters(**options)
            moment = utc_now()
            with ledger.writing() as connection:
                connection.execute(delete(schema.deliveries))
                for number, row in enumerate(drawn):
                    fixed = {"key": f"k{number}", "kind": "message", "claim": "t"}
                    fixed |= {"claimed_at": moment, "lease_until": moment}
                    connection.execute(insert(schema.deliveries).values(**row, **fixed))
                wanted = [f"k{number}" for number, row in enumerate(drawn) if means(filters, row)]
                assert [row["key"] for row in list_deliveries(connection, filters)] == wanted[::-1]
                assert [row["key"] for row in list_deliveries(connection, filters, 1)] == wanted[::-1][:1]
                assert count_listed(connection, filters) == len(wanted)

        check()


def test_what_was_sent_after_all_is_final(world: World) -> None:
    leave_unknown(world, 3)
    told = pp(world, "ledger", "resolve", key_of(0), key_of(1), "--sent", "--by", "ann")
    assert "2 deliveries resolved as sent by ann" in told
    assert "is sent, not unknown" in pp(world, "ledger", "resolve", key_of(0), "--not-sent", "--by", "ann", code=1)
    assert "Take 1 delivery as sent?" in pp(world, "ledger", "resolve", "--all-unknown", "--sent", code=1, answer="n\n")
    assert world.states_of_deliveries() == {"sent": 2, "unknown": 1}
    pp(world, "ledger", "resolve", "--all-unknown", "--sent", "--by", "bob", "--yes", *ONE_DAY)
    post = Post()
    assert world.run(outlets=post.outlets).sent_count == 0
    assert post.given == []
    assert {reason for _, _, reason in world.deliveries()} == {"resolved: ann", "resolved: bob"}


def test_what_was_not_sent_goes_however_late_it_is_resolved(world: World) -> None:
    leave_unknown(world, 3)
    late = DAY + timedelta(days=30)
    told = pp(world, "ledger", "resolve", key_of(0), key_of(2), "--not-sent", "--by", "ann")
    assert "2 deliveries resolved as failed by ann" in told
    assert "waits for approval" not in told
    post = Post()
    assert world.send(DAY, DAY, late, outlets=post.outlets).outcomes == {"sent": 2}
    assert post.given == [key_of(0), key_of(2)]
    assert world.states_of_deliveries() == {"sent": 2, "unknown": 1}
    assert world.state(late) == ("sent", "")
    assert world.send(DAY, DAY, late, outlets=post.outlets).sent_count == 0


def test_a_newer_version_of_the_batch_is_opened_again_and_waits_where_it_is_old(lite: World) -> None:
    leave_unknown(lite, 2)
    lite.execute("delete from planned_messages where message_id = ?", (key_of(1),))
    late = DAY + timedelta(days=30)
    lite.seal(today=late)
    assert lite.state(late) == ("sent", "")
    told = pp(lite, "ledger", "resolve", "--all-unknown", "--not-sent", "--by", "ann", "--yes")
    assert lite.state(late) == ("waiting", "old")
    assert "waits for approval: pp approve" in told
    lite.approve()
    post = Post()
    lite.send(DAY, DAY, late, outlets=post.outlets)
    assert post.given == [key_of(0)]  # the other one is planned no more


def test_a_sender_still_at_it_does_not_overwrite_a_persons_word(world: World) -> None:
    class Slow(Post):
        def deliver(self, drafts: Iterable[EmailDraft]) -> Iterator[Outcome]:
            with world.ledger as ledger:
                Claimer(ledger, "rehearsal", LEASE, Witness.of(world.settings)).lapse(utc_now() + 2 * LEASE)
            pp(world, "ledger", "resolve", key_of(0), "--not-sent", "--by", "ann")
            yield from super().deliver(drafts)

    world.plan(DAY, 2)
    world.run(outlets=Slow().outlets)
    # The one that nobody spoke of is settled by the sender, who knows better than a lease.
    assert world.deliveries() == [(key_of(0), "failed", "resolved: ann"), (key_of(1), "sent", "")]


def test_what_is_adopted_is_not_sent(world: World) -> None:
    world.plan(DAY, 3)
    world.plan_events(DAY, 4)
    world.plan_snapshot(DAY, 2)
    world.seal()
    assert "Nothing was written" in pp(world, "ledger", "adopt", *ONE_DAY, "--dry-run", "--by", "ann")
    assert "Take 8 as sent" in pp(world, "ledger", "adopt", *ONE_DAY, "--by", "ann", code=1, answer="n\n")
    assert world.deliveries() == []
    told = pp(world, "ledger", "adopt", *ONE_DAY, "--by", "ann", "--yes")
    assert "8 adopted by ann; 3 batches are done by it" in told
    assert {state.state for _, state in world.states()} == {"sent"}
    assert world.run().sent_count == 0
    assert outbox(world) == {}
    assert {(state, reason) for _, state, reason in world.deliveries()} == {("sent", "adopted: ann")}
    again = records(world, "ledger", "adopt", *ONE_DAY, "--by", "bob", "--yes")
    assert (again["adopted"], again["known"], again["batches_finished"]) == (0, 8, 0)
    assert {reason for _, _, reason in world.deliveries()} == {"adopted: ann"}


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        (("--conversation", "hello"), {"message": 3}),
        (("--relay", "outbox_relay"), {"event": 4, "snapshot": 1}),
        (("--relay", "another"), {}),
        (("--target", "live"), {"message": 3, "event": 4, "snapshot": 1}),
    ],
)
def test_a_part_is_adopted(lite: World, options: Sequence[str], kinds: dict[str, int]) -> None:
    lite.plan(DAY, 3)
    lite.plan_events(DAY, 4)
    lite.plan_snapshot(DAY, 2)
    lite.plan(NEXT, 1, start=10)
    lite.seal(DAY, NEXT, NEXT)
    pp(lite, "ledger", "adopt", *ONE_DAY, *options, "--by", "ann", "--yes")
    with lite.ledger as ledger, ledger.reading() as connection:
        found = list(connection.execute(select(schema.deliveries.c.kind, schema.deliveries.c.target)))
    targets = {"live" if "live" in options else "rehearsal"} if kinds else set()
    assert {row.target for row in found} == targets
    assert {kind: [row.kind for row in found].count(kind) for kind in {row.kind for row in found}} == kinds
    went = 0 if "live" in options else sum(kinds.values())
    assert lite.run(DAY, NEXT, NEXT).sent_count == 9 - went


def test_adopting_leaves_what_stands_and_what_is_open(lite: World) -> None:
    lite.plan(DAY, 2)
    lite.run(outlets=Post(Outcome("failed", "busy")).outlets)
    lite.plan(DAY, 3, start=10)
    lite.seal()
    told = records(lite, "ledger", "adopt", *ONE_DAY, "--by", "ann", "--yes")
    assert (told["adopted"], told["known"], told["batches_finished"]) == (3, 2, 0)
    post = Post()
    lite.send(outlets=post.outlets)
    assert post.given == [key_of(0), key_of(1)]


@pytest.mark.parametrize(("state", "becomes"), [("failed", "sent"), ("deferred", "sent"), ("claimed", "unknown")])
def test_what_an_old_ledger_holds_as_open_is_not_sent_again(
    state: str, becomes: str, world: World, tmp_path: Path
) -> None:
    """It may have gone since the backup: it lies before the newest claim's day, and the ledger knows it."""
    world.plan(DAY, 2)
    world.run(outlets=Post(Outcome("failed", "busy")).outlets)
    with world.ledger as ledger, ledger.writing() as connection:
        connection.execute(update(schema.deliveries).values(state=state, lease_until=utc_now() + timedelta(days=9)))
    lay_aside(world, tmp_path / "aside.sqlite")
    world.plan(NEXT, 1, start=10)
    world.run(NEXT, NEXT, today=NEXT)
    put_back(world, tmp_path / "aside.sqlite")

    assert f"pp ledger adopt --from {DAY} --to" in pp(world, "ledger", "accept", code=1, answer="n\n")
    days = ("--from", str(DAY), "--to", str(NEXT))
    assert "2 more stand as failed, deferred or claimed" in pp(world, "ledger", "adopt", *days, "--dry-run")
    assert world.states_of_deliveries() == {state: 2}
    told = records(world, "ledger", "adopt", *days, "--by", "ann", "--yes")
    assert (told["adopted"], told["new"], told["reopened"], told["known"]) == (3, 1, 2, 0)
    assert world.states_of_deliveries() == ({"sent": 3} if becomes == "sent" else {becomes: 2, "sent": 1})
    pp(world, "ledger", "accept", "--by", "ann", "--yes")
    post = Post()
    world.send(DAY, NEXT, NEXT, outlets=post.outlets)
    assert post.given == []


def test_pages_and_their_order_change_nothing(world: World) -> None:
    world.plan(DAY, 7)
    world.plan(NEXT, 4, start=3)  # three of them stand on two days, as after a rebuild of one day alone
    world.execute("update planned_messages set message_id = ? where message_id = ?", (key_of(3), key_of(3, NEXT)))
    world.plan_events(DAY, 5)
    world.seal(DAY, NEXT, NEXT)
    merchants = load_merchants(world.settings)
    seen: list[tuple[int, int]] = []
    with world.ledger as ledger:
        adopter = Adopter(world.settings, ledger, world.warehouse, merchants, {"hello": "commercial"}, page_rows=2)
        wanted = Wanted(DAY, NEXT)
        assert adopter.adopt(wanted, "ann", utc_now(), dry_run=True).count == 15
        assert adopter.adopt(wanted, "ann", utc_now(), progress=lambda done, of: seen.append((done, of))).count == 15
        with ledger.reading() as connection:
            kinds = connection.scalars(
                select(schema.deliveries.c.message_kind).where(schema.deliveries.c.kind == "message")
            )
            assert set(kinds) == {"commercial"}
    assert seen == sorted(seen)
    assert world.send(DAY, NEXT, NEXT).sent_count == 0


def draw(world: World, code: str, drawn_for: str) -> None:
    with world.ledger as ledger, ledger.writing() as connection:
        values = {"pool": "spring", "code": code, "drawn_for": drawn_for, "drawn_at": utc_now()}
        connection.execute(insert(schema.coupons).values(**values))


def test_the_rehearsal_is_cleared_and_nothing_else(world: World) -> None:
    world.plan(DAY, 3)
    world.plan_events(DAY, 2)
    world.run()
    with world.ledger as ledger, ledger.writing() as connection:
        row = connection.execute(select(schema.deliveries).where(schema.deliveries.c.key == key_of(1))).mappings().one()
        live = {name: value for name, value in row.items() if name != "id"} | {"target": "live"}
        connection.execute(insert(schema.deliveries).values(live))
    for code, number in (("ONE", 0), ("TWO", 1), ("THREE", 99)):
        draw(world, code, key_of(number))
    assert "nothing was cleared" in pp(world, "ledger", "clear-rehearsal", code=1, answer="n\n")
    assert records(world, "ledger", "clear-rehearsal", "--yes", "--outbox") == {
        "deliveries": 5, "releases": 2, "coupons": 1, "outbox_files": 4,
    }  # fmt: skip
    assert outbox(world) == {}
    assert world.deliveries() == [(key_of(1), "sent", "")]
    with world.ledger as ledger, ledger.reading() as connection:
        drawn = select(schema.coupons.c.code).where(schema.coupons.c.drawn_for.is_not(None))
        assert sorted(connection.scalars(drawn)) == ["THREE", "TWO"]
    assert world.state(DAY + timedelta(days=30)) == ("waiting", "old")
    assert world.run().sent_count == 5  # the same day, rehearsed again; claims are kept, so nothing is missed
    assert records(world, "ledger")["lacking"] == []


def test_a_rehearsal_under_way_is_not_cleared(lite: World) -> None:
    class Clearing(Post):
        def deliver(self, drafts: Iterable[EmailDraft]) -> Iterator[Outcome]:
            assert "a sending is under way" in pp(lite, "ledger", "clear-rehearsal", "--yes", code=2)
            yield from super().deliver(drafts)

    lite.plan(DAY, 2)
    assert lite.run(outlets=Clearing().outlets).outcomes == {"sent": 2}
