"""What of a forgotten person is in the inbox, comes again, can't be replaced or can't be read; and the outbox."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from sqlalchemy import insert

from pp_pipeline.commands.forget import write_tombstone
from pp_pipeline.contact_keys import contact_key, contact_secret
from pp_pipeline.forgetting import replacing
from pp_pipeline.forgetting.leftovers import leftovers
from pp_pipeline.forgetting.outbox import OutboxFound, forget_in_outbox, is_in_hand
from pp_pipeline.forgetting.searching import Search, spellings
from pp_pipeline.landing.fetching import fetch_files
from pp_pipeline.landing.files import unread_files
from pp_pipeline.ledger.schema import deliveries
from pp_pipeline.ledger.suppressions import Lift, apply_changes, suppressions_in_force
from pp_pipeline.sending.outlets import outbox
from pp_pipeline.settings import Settings, utc_now
from pp_pipeline_tests import forgetting_cases as cases
from pp_pipeline_tests.forgetting_cases import ANN
from pp_pipeline_tests.landing_shop import Shop, csv_of, merchant
from pp_pipeline_tests.test_forgetting_files import people_left
from pp_pipeline_tests.test_forgetting_kill import rounds

ORDERS = "orders_2026-01-06.csv"
CONTENT = csv_of({"order_number": "A1", "email": "bob@example.com"}, {"order_number": "A2", "email": ANN})


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    opened = Shop(Settings(home=tmp_path / "home"))
    yield opened
    opened.ledger.close()


def key(shop: Shop, address: str = ANN) -> str:
    return contact_key(contact_secret(shop.settings), "main", address)


def forget(shop: Shop) -> None:
    write_tombstone(shop.ledger, key(shop))


def unread(shop: Shop) -> list[str]:
    found = unread_files(shop.settings, shop.ledger, shop.merchants, date(2026, 1, 31))
    return [one.file.name for one in found if not one.refused_before]


def test_a_file_that_comes_after_the_tombstone_is_taken_without_the_person(shop: Shop) -> None:
    forget(shop)
    path = shop.drop(ORDERS, CONTENT)
    path.chmod(0o640)
    os.utime(path, ns=(1_767_600_000_000_000_000, 1_767_600_000_000_000_000))
    (landed,) = shop.load().accepted
    assert (landed.row_count, landed.forgotten_count, landed.without_contact_count) == (2, 1, 1)
    assert shop.rows("order_number, email, email_as_given") == [
        ("A1", "bob@example.com", "bob@example.com"), ("A2", None, "forgotten")
    ]  # fmt: skip
    assert people_left(path.read_bytes(), ANN) == []
    assert (path.stat().st_mode & 0o777, path.stat().st_mtime_ns) == (0o640, 1_767_600_000_000_000_000)
    (kept,) = shop.settings.archive.iterdir()
    assert kept.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("day", [6, 10])
def test_the_original_that_comes_again_is_no_news(day: int, shop: Shop) -> None:
    forget(shop)
    path = shop.drop(ORDERS, CONTENT)
    shop.load()
    redacted, records, landed = path.read_bytes(), shop.files(), shop.landed()
    shop.drop(ORDERS, CONTENT)
    assert unread(shop) == []
    result = shop.load(day, 10)  # also a load of other days
    assert result.files == ()
    assert path.read_bytes() == redacted
    assert (shop.files(), shop.landed()) == (records, landed)
    shop.drop(ORDERS, CONTENT + "A3,cy@example.com,2026-01-05T10:00:00,,processing,1.00,USD,CUP,Cup,Cups,1,1.00\n")
    (landed_again,) = shop.load().accepted
    assert (landed_again.is_correction, landed_again.row_count) == (True, 3)
    assert people_left(path.read_bytes(), ANN) == []


def test_rows_that_say_nothing_without_the_person_are_dropped_and_not_rejected(shop: Shop) -> None:
    forget(shop)
    shop.drop("contacts_2026-01-06.csv", cases.csv_bytes([cases.CONTACTS[0], cases.CONTACTS[2]]))
    shop.drop("feedback_2026-01-06.jsonl", cases.json_bytes(cases.FEEDBACK[:2]))
    shop.drop("suppressions_2026-01-06.parquet", cases.parquet_bytes(cases.SUPPRESSIONS))
    result = shop.load()
    assert {file.name[:8]: (file.outcome, file.row_count, file.quarantined_count, file.forgotten_count)
            for file in result.files} == {
        "contacts": ("accepted", 0, 0, 1), "feedback": ("accepted", 0, 0, 1), "suppress": ("accepted", 1, 0, 1),
    }  # fmt: skip
    assert [row[0] for row in shop.rows("email", "suppression_rows")] == ["bob@example.com"]
    assert [one.reason for one in suppressions_in_force(shop.ledger, key(shop))] == ["forgotten"]


def test_a_file_that_can_not_be_replaced_is_told_and_counts_as_read(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.drop(ORDERS, CONTENT)
    shop.load()
    forget(shop)

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(replacing.os, "utime", refuse)
    found = rounds(shop.settings, shop.ledger).run(writes=True)
    assert [name for name, _ in found.stuck] == [f"inbox/{ORDERS}"]
    assert "can't be replaced" in found.stuck[0][1]
    assert not any(people_left(path.read_bytes(), ANN) for path in shop.settings.archive.iterdir())
    assert unread(shop) == []
    assert shop.load().files == ()
    shop.drop("orders_2026-01-07.csv", csv_of({"email": ANN}, {"email": "cy@example.com"}))
    (landed,) = shop.load().accepted
    assert landed.keeps_forgotten
    assert not [path for path in shop.settings.inbox.iterdir() if path.name.startswith(".")]


def test_what_no_feed_can_read_is_named(shop: Shop) -> None:
    shop.drop(ORDERS, CONTENT)
    shop.load()
    forget(shop)
    shop.drop("orders_2026-01-07.csv", f"order_number,email\nA1,{ANN}\n")  # refused: columns are missing
    shop.drop("notes.txt", f"wrote to {ANN.upper()}".encode("utf-16"))
    shop.drop("orders_2026-01-08.csv.part", "o'ann@example.com and joann@example.com")
    shop.drop(".orders_2026-01-08.csv", "mail=ann%40example.com&x")
    found = rounds(shop.settings, shop.ledger).run(writes=True)
    assert [name for name, _ in found.stuck] == ["inbox/orders_2026-01-07.csv"]
    left = list(leftovers(shop.settings, Search([ANN]), found.searched))
    assert [name for name, _ in left] == ["inbox/.orders_2026-01-08.csv", "inbox/notes.txt"]


def test_the_tombstone_is_lifted_by_nobody(shop: Shop) -> None:
    forget(shop)
    with shop.ledger.writing() as connection:
        apply_changes(connection, [Lift(key(shop), "", "", utc_now())])
    write_tombstone(shop.ledger, key(shop))  # said twice it stands once
    assert [(one.reason, one.channel, one.kind) for one in suppressions_in_force(shop.ledger)] == [
        ("forgotten", "", "")
    ]


def test_a_fetched_file_is_not_fetched_again_for_what_was_taken_out(shop: Shop) -> None:
    MemoryFileSystem.store.clear()
    MemoryFileSystem().pipe(f"/shop/orders/{ORDERS}", CONTENT.encode())
    settings = shop.settings.model_copy(update={"inbox_url": "memory://shop/orders"})
    assert fetch_files(settings).fetched == (ORDERS,)
    forget(shop)
    shop.load()
    assert people_left((shop.settings.inbox / ORDERS).read_bytes(), ANN) == []
    again = fetch_files(settings)
    assert (again.fetched, again.unchanged) == ((), 1)
    MemoryFileSystem().rm(f"/shop/orders/{ORDERS}")
    MemoryFileSystem().pipe("/shop/orders/orders_2026-01-07.csv", b"x\n")
    assert fetch_files(settings).removed == (ORDERS,)
    MemoryFileSystem.store.clear()


def test_the_outbox_loses_the_persons_lines_and_messages_only(shop: Shop) -> None:
    folder = shop.settings.outbox
    events = folder / "events/relay/2026-01-06.jsonl"
    lines = [
        {"merchant": "main", "contact_key": key(shop), "email": ANN},
        {"merchant": "main", "contact_key": "b" * 32, "email": "joann@example.com"},
        {"merchant": "other", "contact_key": "c" * 32, "email": ANN},
    ]
    outbox._append(events, [json.dumps(line) + "\n" for line in lines])
    with events.open("a") as file:
        file.write(f'{{"merchant": "main", "email": "{ANN}')  # killed in the middle of a line
    messages = folder / "messages/2026-01-06"
    messages.mkdir(parents=True)
    (messages / "a.eml").write_bytes(b"To: ann@example.com\r\n\r\nHello")
    (messages / "b.eml").write_bytes(b"To: joann@example.com\r\n\r\nHello")
    (messages / ".c.eml.7.part").write_bytes(b"To: bob@example.com\r\n\r\nAs ann@exam=\r\nple.com said")
    both = b"From: Shop <%s>\r\nTo: ann@example.com\r\n\r\nHello"  # what was rehearsed is cleared: nobody knows whose
    (messages / "d.eml").write_bytes(both % b"shop@example.com")
    (messages / "e.eml").write_bytes(both % b"Other@example.com")
    merchants = {"main": merchant(), "other": merchant("other", sender_email="other@example.com")}

    def forget_there(writes: bool) -> OutboxFound:
        return forget_in_outbox(shop.settings, shop.ledger, merchants, "main", key(shop), Search([ANN]), writes)

    assert forget_there(writes=False) == OutboxFound(3, 2)
    assert len(list(messages.iterdir())) == 5
    assert forget_there(writes=True) == OutboxFound(3, 2)
    assert [json.loads(line) for line in events.read_text().splitlines()] == lines[1:]
    assert sorted(path.name for path in messages.iterdir()) == ["b.eml", "e.eml"]
    assert forget_there(writes=True) == OutboxFound(0, 0)


@pytest.mark.parametrize(
    ("changes", "is_there"),
    [
        ({}, True),
        ({"state": "sent"}, False),
        ({"lease_until": datetime(2026, 1, 6, 11, tzinfo=UTC)}, False),
        ({"contact_key": "b" * 32}, False),
        ({"kind": "snapshot", "contact_key": None}, True),
        ({"kind": "snapshot", "contact_key": None, "merchant": "other"}, False),
    ],
)
def test_what_a_sending_has_in_hand_is_known(shop: Shop, changes: dict[str, Any], is_there: bool) -> None:
    now = datetime(2026, 1, 6, 12, tzinfo=UTC)
    row = {"target": "rehearsal", "key": "m1", "kind": "message", "state": "claimed", "claim": "t", "merchant": "main"}
    row |= {"contact_key": key(shop), "claimed_at": now, "lease_until": now + timedelta(minutes=10)}
    with shop.ledger.writing() as connection:
        connection.execute(insert(deliveries).values(row | changes))
    assert is_in_hand(shop.ledger, "main", key(shop), now) is is_there


def test_lines_that_are_appended_while_the_file_is_replaced_are_kept(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shop.settings.outbox / "events/relay/2026-01-06.jsonl"
    outbox._append(path, ["first\n"])
    flock = outbox.fcntl.flock
    waited = []

    def replaced_while_it_waits(*arguments: Any) -> None:
        if not waited:
            waited.append(1)
            other = path.with_name("other")
            other.write_text("without\n")
            other.replace(path)
        flock(*arguments)

    monkeypatch.setattr(outbox.fcntl, "flock", replaced_while_it_waits)
    outbox._append(path, ["second\n"])
    assert path.read_text() == "without\nsecond\n"


@pytest.mark.parametrize(
    ("text", "is_there"),
    [
        ("ann@example.com", True), ("<ANN@Example.com>", True), ("mailto:ann@example.com.", True),
        ("ann%40example.com", True), ("joann@example.com", False), ("o.ann@example.com", False),
        ("ann@example.community", False), ("ann@example.com.au", False), ("x+ann@example.com", False),
    ],
)  # fmt: skip
def test_an_address_is_found_whole(text: str, is_there: bool) -> None:
    for encoding in ("utf-8", "utf-16", "utf-16-be", "latin-1"):
        assert Search([ANN]).is_in(f"é {text} ".encode(encoding)) is is_there, encoding


def test_a_domain_is_looked_for_in_both_its_spellings() -> None:
    search = Search(spellings("ann@xn--bcher-kva.example.com"))
    assert search.is_in("Ann@Bücher.example.com".encode())
    assert search.is_in(b"ann@xn--bcher-kva.example.com")
