"""`pp serve`: links, one click, the preference page, and the files and suppressions that come of them."""

import asyncio
import logging
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from pp_pipeline.contact_keys import contact_key, contact_secret
from pp_pipeline.ledger.store import Ledger
from pp_pipeline.ledger.suppressions import Change, Lift, Suppress, apply_changes, suppressions_in_force
from pp_pipeline.serving.contact_words import unsubscribe
from pp_pipeline.serving.feedback_files import FeedbackFiles
from pp_pipeline.serving.intake import Intake
from pp_pipeline.serving.pages import CONTENT_SECURITY_POLICY
from pp_pipeline.serving.requests import read_body
from pp_pipeline.serving.rows import FeedbackRow
from pp_pipeline.serving.tokens import Person, make_token, read_token
from pp_pipeline.settings import Settings
from pp_pipeline_tests.killing import context
from pp_pipeline_tests.landing_shop import Shop, merchant
from pp_pipeline_tests.sending_world import DAY, World, read_mail
from pp_pipeline_tests.serving_shop import FILE, NOW, ONE_CLICK, WEBHOOKS, ServingShop, open_shop

UNSUBSCRIBED = ("email", "commercial", "unsubscribed")


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[ServingShop]:
    with open_shop(Settings(home=tmp_path / "home"), webhooks=WEBHOOKS, country="US") as found:
        yield found


@pytest.fixture
def serving(ledger_settings: Settings) -> Iterator[ServingShop]:
    with open_shop(ledger_settings, webhooks=WEBHOOKS, country="US") as found:
        yield found


def say(serving: ServingShop, *changes: Change) -> None:
    with serving.shop.ledger.writing() as connection:
        apply_changes(connection, changes)


def suppress(serving: ServingShop, who: str, channel: str, kind: str, reason: str) -> None:
    say(serving, Suppress(serving.key(who), channel, kind, reason, NOW, "file"))


def test_the_header_of_a_real_mail_unsubscribes_by_one_click(tmp_path: Path) -> None:
    world = World.make(tmp_path)
    key = contact_key(contact_secret(world.settings), "main", "person0@example.com")
    world.plan(DAY, 1)
    world.execute("update planned_messages set contact_key = ?", (key,))
    world.execute("update order_versions set contact_key = ?", (key,))
    world.execute("update external_events set contact_key = ?", (key,))
    world.run()
    mail = read_mail(world.mails()[0])
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = str(mail["List-Unsubscribe"]).strip("<>")
    shop = Shop(Settings(home=tmp_path / "shop", secret=contact_secret(world.settings).decode()))
    serving = ServingShop(shop)
    link = url.replace("https://example.com/unsubscribe", "/u")
    assert serving.client.get(link).status_code == 200
    assert suppressions_in_force(shop.ledger) == []
    assert serving.client.post(link, content="List-Unsubscribe=One-Click", headers=_FORM).status_code == 200
    found = suppressions_in_force(shop.ledger)
    assert [(one.contact_key, one.channel, one.kind, one.reason) for one in found] == [(key, *UNSUBSCRIBED)]


_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_one_click_counts_at_once_and_lands_as_the_same_suppression(serving: ServingShop) -> None:
    assert serving.one_click("ann") == 200
    assert serving.client.post(serving.link("ben"), files={"List-Unsubscribe": (None, "One-Click")}).status_code == 200
    assert serving.facts("ann") == serving.facts("ben") == [UNSUBSCRIBED]
    rows = serving.file_rows()
    assert [row["contact_key"] for row in rows] == [serving.key("ann"), serving.key("ben")]
    assert {row["email"] for row in rows} == {""}
    before = serving.ledger_rows()
    for _ in range(2):
        assert not serving.shop.load().refused
        assert serving.ledger_rows() == before
    landed = serving.shop.rows("contact_key, event, channel, email", "feedback_rows")
    assert landed == sorted((serving.key(who), "unsubscribed", "email", None) for who in ("ann", "ben"))
    assert serving.one_click("cy") == 200
    assert serving.shop.load().files[0].outcome == "accepted"
    assert len(serving.shop.rows("contact_key", "feedback_rows")) == 3


def test_the_file_alone_suppresses_whoever_a_lost_ledger_forgot(lite: ServingShop, tmp_path: Path) -> None:
    lite.one_click("ann")
    with open_shop(Settings(home=tmp_path / "second", secret=lite.secret.decode())) as other:
        other.shop.drop(FILE, (lite.shop.settings.inbox / FILE).read_bytes())
        other.shop.load()
        assert other.facts("ann") == [UNSUBSCRIBED]


@pytest.mark.parametrize("page", ["/u", "/preferences"])
def test_get_and_head_change_nothing(lite: ServingShop, page: str) -> None:
    lite.one_click("ben")
    before, files = lite.ledger_rows(), lite.file_rows()
    for who in ("ann", "ben"):
        answer = lite.client.get(lite.link(who, page), params={"List-Unsubscribe": "One-Click", "c": lite.token(who)})
        assert answer.status_code == 200
        assert lite.client.head(lite.link(who, page)).status_code == 200
    assert (lite.ledger_rows(), lite.file_rows()) == (before, files)


def test_the_same_click_again_changes_nothing_and_counts_anew_after_a_lift(serving: ServingShop) -> None:
    assert serving.one_click("ann") == 200
    before = serving.ledger_rows()
    for _ in range(2):
        serving.later(minutes=1)
        assert serving.one_click("ann") == 200
    assert serving.ledger_rows() == before
    assert len(before) == len(serving.file_rows()) == 1
    say(serving, Lift(serving.key("ann"), "", "", serving.now))
    assert serving.facts("ann") == []
    assert serving.one_click("ann") == 200
    assert serving.facts("ann") == [UNSUBSCRIBED]
    first, second = serving.file_rows()
    assert first["feedback_id"] != second["feedback_id"]


def test_a_click_counts_though_a_clock_elsewhere_is_ahead(lite: ServingShop) -> None:
    say(lite, Lift(lite.key("ann"), "", "", NOW))
    suppress(lite, "ann", *UNSUBSCRIBED)
    say(lite, Lift(lite.key("ann"), "", "", datetime(2026, 1, 6, 5, tzinfo=UTC)))
    assert lite.one_click("ann") == 200
    assert lite.facts("ann") == [UNSUBSCRIBED]


def forged(token: str) -> list[str]:
    """What a token must not be taken for."""
    key, _, signature = token.partition(".")
    other = "0" if signature[0] != "0" else "1"
    return [
        "", key, token[:-1], token + "0", f"{key}.{other}{signature[1:]}", f"{'0' * 32}.{signature}", token.upper(),
        f"2.sms.{token}", f"2.email.{key}.{signature}", f"3.{token}", f"{token}\n", "é" * 65, "%00",
    ]  # fmt: skip


@pytest.mark.parametrize("place", range(13))
def test_a_token_that_was_not_made_here_is_refused(lite: ServingShop, place: int) -> None:
    token = forged(lite.token("ann"))[place]
    for page in ("/u", "/preferences"):
        assert lite.client.get(page, params={"c": token}).status_code == 403
        assert lite.client.post(page, params={"c": token}, data=ONE_CLICK | {"email": "no"}).status_code == 403
    assert lite.ledger_rows() == []


def test_a_token_is_good_for_its_merchant_contact_and_channel_for_ever(lite: ServingShop) -> None:
    # the first form, byte for byte as mails that went out long ago hold it
    secret, key = b"0123456789abcdef", "ab" * 16
    old = f"{key}.4e34afd77e37c8f9e0579fadc5a3e323"
    assert make_token(secret, Person("main", key, "email")) == old
    assert read_token(secret, ["other", "main"], old) == Person("main", key, "email")
    assert read_token(secret, ["other"], old) is None
    by_sms = make_token(secret, Person("main", key, "sms"))
    assert read_token(secret, ["main"], by_sms) == Person("main", key, "sms")
    assert read_token(secret, ["main"], by_sms.removeprefix("2.sms.")) is None
    assert lite.one_click("ann", merchant="other") == 200
    assert lite.facts("ann") == []
    assert [row["merchant"] for row in lite.file_rows()] == ["other"]
    assert lite.one_click("ann", channel="sms") == 200
    assert lite.facts("ann") == [("sms", "commercial", "unsubscribed")]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("", "application/x-www-form-urlencoded", 400),
        ("List-Unsubscribe=yes", "application/x-www-form-urlencoded", 400),
        ("&".join(["a=b"] * 60), "application/x-www-form-urlencoded", 400),
        ("\udcff=1".encode("utf-8", "surrogateescape"), "application/x-www-form-urlencoded", 400),
        ("x" * 20_000, "application/x-www-form-urlencoded", 413),
        ("List-Unsubscribe=One-Click", "text/plain", 415),
        ("List-Unsubscribe=One-Click", "multipart/form-data", 400),
        ("--x\r\n\r\nOne-Click\r\n--x--", "multipart/form-data; boundary=x", 400),
        ("--x\r\n1--x--", "multipart/form-data; boundary=x", 400),
        ("--x--", "multipart/form-data; boundary=x", 400),
    ],
)
def test_what_is_no_one_click_changes_nothing(
    lite: ServingShop, body: str | bytes, content_type: str, status: int
) -> None:
    answer = lite.client.post(lite.link("ann"), content=body, headers={"Content-Type": content_type})
    assert answer.status_code == status
    assert lite.ledger_rows() == []


def test_preferences_stop_and_take_back_by_channel(serving: ServingShop) -> None:
    assert serving.choose("ann", email="no", sms="no", notification="sms") == 200
    assert serving.facts("ann") == [UNSUBSCRIBED, ("sms", "commercial", "unsubscribed")]
    serving.later(minutes=1)
    assert serving.choose("ann", email="yes") == 200
    assert serving.facts("ann") == [("sms", "commercial", "unsubscribed")]
    assert [(row["event"], row["channel"], row["action"]) for row in serving.file_rows()] == [
        ("unsubscribed", "email", ""),
        ("unsubscribed", "sms", ""),
        ("preference_set", "", "notification_preference=sms"),
        ("preference_set", "", "email_commercial=yes"),
    ]
    assert not serving.shop.load().refused
    assert serving.facts("ann") == [("sms", "commercial", "unsubscribed")]


@pytest.mark.parametrize(
    ("said", "left"),
    [
        (("", "commercial", "unsubscribed"), [("sms", "commercial", "unsubscribed")]),
        (("", "", "unsubscribed"), [("email", "transactional", "unsubscribed"),
                                    ("sms", "commercial", "unsubscribed"), ("sms", "transactional", "unsubscribed")]),
        (("email", "", "complained"), [("email", "", "complained")]),
        (("email", "", "bounced"), [("email", "", "bounced")]),
        (("", "", "deleted"), [("", "", "deleted")]),
        (("email", "commercial", "manual"), [("email", "commercial", "manual")]),
    ],
)  # fmt: skip
def test_a_contact_takes_back_its_own_word_and_nothing_else(
    lite: ServingShop, said: tuple[str, str, str], left: list[tuple[str, str, str]]
) -> None:
    suppress(lite, "ann", *said)
    page = lite.client.get(lite.link("ann", "/preferences")).text
    assert ('name="email"' in page) == (said[2] == "unsubscribed")
    assert lite.choose("ann", email="yes") == 200
    assert lite.facts("ann") == left


def test_taking_back_leaves_what_stands_for_another_reason(lite: ServingShop) -> None:
    suppress(lite, "ann", *UNSUBSCRIBED)
    suppress(lite, "ann", "email", "commercial", "manual")
    lite.choose("ann", email="yes")
    assert lite.facts("ann") == [("email", "commercial", "manual")]


@pytest.mark.parametrize("fields", [{"email": "maybe"}, {"sms": ""}, {"notification": "pigeon"}])
def test_a_choice_that_nobody_offered_changes_nothing(lite: ServingShop, fields: dict[str, str]) -> None:
    assert lite.choose("ann", **fields) == 400
    assert (lite.ledger_rows(), lite.file_rows()) == ([], [])


def test_pages_name_the_shop_and_load_nothing(lite: ServingShop) -> None:
    evil = {"main": merchant(sender_name="<b>Shop & Sons</b>")}
    serving = ServingShop(Shop(Settings(home=lite.shop.settings.home / "evil"), evil))
    for page in ("/u", "/preferences"):
        answer = serving.client.get(serving.link("ann", page))
        assert "&lt;b&gt;Shop &amp; Sons&lt;/b&gt;" in answer.text
        assert "1 Main Street, Springfield" in answer.text
        assert '<html lang="en">' in answer.text
        assert re.findall(r"(?:src|action|https?:)\S*", answer.text) == []
        assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        assert "<script" not in answer.text


def test_without_the_ledger_nobody_is_told_yes(
    lite: ServingShop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise OperationalError("statement", {}, Exception("disk"))

    with monkeypatch.context() as patch:
        patch.setattr("pp_pipeline.serving.intake.apply_changes", broken)
        answer = lite.client.post(lite.link("ann"), data=ONE_CLICK)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        assert lite.post("plain", _event("ben")).status_code == 503
        assert lite.facts("ann") == []
    assert lite.one_click("ann") == 200
    assert lite.facts("ann") == [UNSUBSCRIBED]
    assert [row["contact_key"] for row in lite.file_rows()] == [lite.key("ann"), lite.key("ben")]
    assert lite.key("ann") not in "".join(our_logs(caplog))


def _event(who: str) -> dict[str, str]:
    return {"event": "complained", "email": f"{who}@example.com", "occurred_at": "2026-01-05T10:00:00Z"}


def test_a_full_disk_holds_no_suppression_up_and_logs_nobody(
    lite: ServingShop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("pp_pipeline.serving.feedback_files._write_all", _fail)
    assert lite.one_click("ann") == 200
    assert lite.facts("ann") == [UNSUBSCRIBED]
    assert lite.file_rows() == []
    assert our_logs(caplog) == ["1 rows of feedback are in no file: OSError"]


def our_logs(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the endpoint logs; the client that asks has a log of its own."""
    return [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "asyncio"))]


def _fail(descriptor: int, content: bytes) -> None:
    os.write(descriptor, content[:20])
    raise OSError("disk full")


def row(number: int, **cells: str) -> FeedbackRow:
    return FeedbackRow("main", "ab" * 16, "sms_reply", NOW, f"n{number}", {"channel": "sms"} | cells)


def test_a_line_that_a_crash_cut_off_goes_and_odd_texts_stay_on_one(tmp_path: Path) -> None:
    main = merchant()
    path = tmp_path / FILE
    FeedbackFiles(tmp_path).append([(main, row(1, reply='He said "no",\r\nthen\x00 left\u2028'))], NOW)
    whole = path.read_bytes()
    path.write_bytes(whole + b"main,sms_re")
    FeedbackFiles(tmp_path).append([(main, row(2, reply="x" * 9_000))], NOW)
    lines = path.read_text().splitlines()
    assert len(lines) == 3
    assert path.read_bytes().startswith(whole)
    assert 'He said ""no"", then left' in lines[1]
    assert len(lines[2]) < 2_200


def _append_rows(inbox: Path, start: int) -> None:
    files = FeedbackFiles(inbox)
    for number in range(start, start + 200):
        files.append([(merchant(), row(number, reply="word " * 300))], NOW)


def test_two_processes_append_whole_lines(tmp_path: Path) -> None:
    writers = [context().Process(target=_append_rows, args=(tmp_path, start)) for start in (1000, 2000)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    lines = (tmp_path / FILE).read_text().splitlines()
    assert len({line.split(",")[5] for line in lines[1:]}) == 400 == len(lines) - 1
    assert [line for line in lines if line.startswith("merchant")] == lines[:1]
    assert len({line.count(",") for line in lines}) == 1


def test_two_endpoints_at_once_suppress_once(serving: ServingShop) -> None:
    """Whoever looked before the other wrote says the same: one row in the ledger, one number in the file."""
    settings = serving.shop.settings
    with Ledger(settings) as ledger:
        second = Intake(ledger, FeedbackFiles(settings.inbox), now=lambda: NOW)
        main = serving.shop.merchants["main"]
        with ThreadPoolExecutor(8) as pool:
            clicks = [
                pool.submit(unsubscribe, intake, main, [serving.key("ann")], "email")
                for intake in (serving.intake, second) * 12
            ]
            assert [click.result() for click in clicks] == [None] * 24
    assert len(serving.ledger_rows()) == 1
    assert len({row["feedback_id"] for row in serving.file_rows()}) == 1
    assert len(serving.file_rows()) in (1, 2)


def test_a_key_stands_in_for_a_blank_address_in_any_feedback_file(lite: ServingShop) -> None:
    key, at = lite.key("ann"), "2026-01-05T08:00:00Z"
    lite.shop.drop(
        "feedback_2026-01-05.csv",
        "email,contact_key,event,occurred_at\n"
        f",{key.upper()},clicked,{at}\n"
        f"ben@example.com,{key},clicked,{at}\n"
        f"cy@example.com,,clicked,{at}\n"
        f"dee@example.com,no key,clicked,{at}\n"
        f",no key,clicked,{at}\n"
        f",,clicked,{at}\n"
        f"nobody,{key},clicked,{at}\n",
    )
    landed = lite.shop.load().files[0]
    assert landed.quarantined_by_rule == {
        "contact_key is_a_contact_key_or_blank": 2,
        "email is_an_address": 3,
    }
    rows = lite.shop.rows("feed_line, contact_key, email", "feedback_rows")
    assert rows == [
        (2, key, None),
        (3, lite.key("ben"), "ben@example.com"),
        (4, lite.key("cy"), "cy@example.com"),
    ]


@pytest.mark.parametrize(
    ("messages", "status"),
    [
        ([{"type": "http.request", "body": b"x" * 60, "more_body": True}] * 2, 413),
        ([{"type": "http.request", "body": b"x", "more_body": True}], 408),
        ([{"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.disconnect"}], 400),
    ],
    ids=["larger than it said", "does not come to its end", "breaks off"],
)
def test_a_body_that_is_no_good_is_not_waited_for(messages: list[dict[str, Any]], status: int) -> None:
    left = list(messages)

    async def receive() -> Any:
        return left.pop(0) if left else await asyncio.Event().wait()

    async def read() -> None:
        scope = {"type": "http", "method": "POST", "headers": []}
        await read_body(Request(scope, receive), 100, seconds=0.05)

    with pytest.raises(HTTPException) as caught:
        asyncio.run(read())
    assert caught.value.status_code == status
