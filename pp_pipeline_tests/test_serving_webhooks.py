"""What providers and phones tell `pp serve`: signatures, forms of events, SMS words, unknown deliveries."""

import base64
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from pp_pipeline.contact_keys import contact_key, phone_key
from pp_pipeline.ledger.schema import deliveries
from pp_pipeline.ledger.suppressions import suppressions_in_force
from pp_pipeline.merchants import load_merchants
from pp_pipeline.serving.sms import word_of
from pp_pipeline.serving.webhooks import sources_of
from pp_pipeline.settings import Settings, SettingsError
from pp_pipeline.warehouse import Warehouse
from pp_pipeline_tests.landing_shop import Shop, merchant
from pp_pipeline_tests.serving_shop import HOOK_SECRET, NOW, WEBHOOKS, ServingShop, open_shop

PHONE = "+12125550100"
MESSAGE = "m" * 32
_AT = "2026-01-06T03:00:00Z"


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[ServingShop]:
    with open_shop(Settings(home=tmp_path / "home"), webhooks=WEBHOOKS, country="US") as found:
        yield found


@pytest.fixture
def serving(ledger_settings: Settings) -> Iterator[ServingShop]:
    with open_shop(ledger_settings, webhooks=WEBHOOKS, country="US") as found:
        yield found


def event(who: str, word: str, **cells: Any) -> dict[str, Any]:
    return {"event": word, "email": f"{who}@example.com", "occurred_at": _AT, "channel": "email"} | cells


def test_feedback_suppresses_at_once_and_lands_as_the_same(serving: ServingShop) -> None:
    answer = serving.post(
        "plain",
        [
            event("ann", "complained", feedback_id="1"),
            event("ben", "bounced", bounce="hard"),
            event("cy", "bounced", bounce="soft"),
            event("dee", "unsubscribed", channel=""),
            {"event": "unsubscribed", "contact_key": serving.key("eve"), "occurred_at": _AT, "channel": "sms"},
            event("fay", "clicked", link="https://example.com/a", further={"left": ["aside"]}),
        ],
    )
    assert (answer.status_code, answer.json()) == (200, {"taken": 6, "kept_out": 0})
    people = ("ann", "ben", "cy", "dee", "eve", "fay")
    expected = {
        "ann": [("email", "", "complained")],
        "ben": [("email", "", "bounced")],
        "dee": [("", "commercial", "unsubscribed")],
        "eve": [("sms", "commercial", "unsubscribed")],
    }
    assert {who: serving.facts(who) for who in people if serving.facts(who)} == expected
    assert "@" not in (serving.shop.settings.inbox / "feedback_2026-01-05_serve.csv").read_text()
    before = serving.ledger_rows()
    assert not serving.shop.load().refused
    assert serving.ledger_rows() == before
    assert len(serving.shop.rows("contact_key", "feedback_rows")) == 6


@pytest.mark.parametrize(
    "bad",
    [
        event("ann", "exploded"), event("ann", "complained", occurred_at="yesterday"),
        event("ann", "complained", occurred_at=None), event("ann", "complained", email="ann"),
        event("ann", "complained", email=["ann@example.com"]), event("ann", "complained", channel="pigeon"),
        event("ann", "complained", merchant="other"), event("ann", "complained", feedback_id="x" * 101),
        {"event": "complained", "occurred_at": _AT}, {"event": "complained", "contact_key": "ab", "occurred_at": _AT},
        {}, [], None, 7, "text", [[]],
    ],
)  # fmt: skip
def test_an_event_that_is_not_known_is_kept_out_and_the_others_count(lite: ServingShop, bad: Any) -> None:
    answer = lite.post("plain", [bad, event("ben", "complained")])
    assert (answer.status_code, answer.json()) == (200, {"taken": 1, "kept_out": 1})
    assert lite.events() == [("complained", "email")]
    assert lite.facts("ben") == [("email", "", "complained")]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"[" + b"1," * 5_001 + b"1]"])
def test_a_body_that_is_not_what_was_agreed_is_refused_whole(lite: ServingShop, body: bytes) -> None:
    answer = lite.post("plain", body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert lite.file_rows() == []


def test_who_does_not_know_the_secret_changes_nothing(lite: ServingShop) -> None:
    said = event("ann", "complained")
    assert lite.post("plain", said, secret="another").status_code == 401
    assert lite.post("plain", said, at=NOW - timedelta(minutes=6)).status_code == 401
    assert lite.post("plain", said, at=NOW + timedelta(minutes=6)).status_code == 401
    assert lite.client.post("/webhooks/main/plain", json=said).status_code == 401
    assert lite.post("nobody", said).status_code == 404
    assert lite.client.post("/webhooks/other/plain", json=said).status_code == 404
    assert lite.client.post("/webhooks/main/plain", content=b"x" * 2_000_001).status_code == 413
    assert (lite.ledger_rows(), lite.file_rows()) == ([], [])


def test_a_replay_changes_nothing(serving: ServingShop) -> None:
    for _ in range(2):
        assert serving.post("plain", [event("ann", "complained"), event("ben", "opened")]).status_code == 200
    before = serving.ledger_rows()
    second = ServingShop(serving.shop)  # another process: it does not know what the first has written
    assert second.post("plain", [event("ann", "complained"), event("ben", "opened")]).status_code == 200
    assert serving.ledger_rows() == before
    rows = serving.file_rows()
    assert len(rows) == 4
    assert len({row["feedback_id"] for row in rows}) == 2


def test_what_is_dated_ahead_does_not_outlive_a_lift(lite: ServingShop) -> None:
    lite.post("plain", event("ann", "unsubscribed", occurred_at="2062-01-01T00:00:00Z"))
    assert [row["occurred_at"] for row in lite.file_rows()] == [NOW.isoformat()]
    lite.later(minutes=1)
    assert lite.choose("ann", email="yes") == 200
    assert lite.facts("ann") == []
    lite.shop.load()
    assert lite.facts("ann") == []


def test_a_password_stands_in_for_a_signature_where_that_was_declared(tmp_path: Path) -> None:
    hook = {"source": "mail", "secret": "HOOK", "format": "postmark", "proof": "password"}
    lite = ServingShop(Shop(Settings(home=tmp_path / "home"), {"main": merchant(webhooks=(hook,))}))
    said = {"RecordType": "SpamComplaint", "Email": "ann@example.com", "BouncedAt": _AT}

    def status(password: str) -> int:
        basic = base64.b64encode(f"anyone:{password}".encode()).decode()
        return lite.client.post(
            "/webhooks/main/mail", json=said, headers={"Authorization": f"Basic {basic}"}
        ).status_code

    assert status("wrong") == status("") == status(HOOK_SECRET + "é") == 401
    assert lite.client.post("/webhooks/main/mail", json=said, headers={"Authorization": "Basic ?"}).status_code == 401
    assert lite.post("mail", said).status_code == 401
    assert lite.ledger_rows() == []
    assert status(HOOK_SECRET) == 200
    assert lite.facts("ann") == [("email", "", "complained")]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"RecordType": "Delivery", "Recipient": "ann@example.com", "DeliveredAt": _AT, "MessageID": "p1",
          "Metadata": {"message_id": MESSAGE}}, ("delivered", "", MESSAGE)),
        ({"RecordType": "Bounce", "Type": "HardBounce", "ID": 42, "Email": "ann@example.com", "BouncedAt": _AT},
         ("bounced", "hard", "")),
        ({"RecordType": "Bounce", "Type": "Transient", "ID": 43, "Email": "ann@example.com", "BouncedAt": _AT},
         ("bounced", "soft", "")),
        ({"RecordType": "SpamComplaint", "Email": "ann@example.com", "BouncedAt": _AT}, ("complained", "", "")),
        ({"RecordType": "SubscriptionChange", "Recipient": "ann@example.com", "ChangedAt": _AT,
          "SuppressSending": True, "SuppressionReason": "ManualSuppression"}, ("unsubscribed", "", "")),
        ({"RecordType": "Open", "Recipient": "ann@example.com", "ReceivedAt": _AT}, ("opened", "", "")),
        ({"RecordType": "Click", "Recipient": "ann@example.com", "ReceivedAt": _AT,
          "OriginalLink": "https://example.com/a"}, ("clicked", "", "")),
        ({"RecordType": "SubscriptionChange", "Recipient": "ann@example.com", "ChangedAt": _AT,
          "SuppressSending": False}, None),
        ({"RecordType": "Inbound"}, None),
        ({"RecordType": ["Bounce"], "Metadata": 7}, None),
    ],
)  # fmt: skip
def test_events_of_postmark(lite: ServingShop, said: dict[str, Any], expected: tuple[str, str, str] | None) -> None:
    assert_row(lite, "postmark", said, expected)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"event": "delivered", "smtp-id": f"<{MESSAGE}@example.com>"}, ("delivered", "", MESSAGE)),
        ({"event": "bounce", "type": "bounce"}, ("bounced", "hard", "")),
        ({"event": "bounce", "type": "blocked"}, ("bounced", "soft", "")),
        ({"event": "spamreport"}, ("complained", "", "")),
        ({"event": "unsubscribe"}, ("unsubscribed", "", "")),
        ({"event": "group_unsubscribe"}, ("unsubscribed", "", "")),
        ({"event": "open", "sg_machine_open": True}, ("opened", "", "")),
        ({"event": "click", "url": "https://example.com/a"}, ("clicked", "", "")),
        ({"event": "processed"}, None),
        ({"event": "open", "timestamp": 10**30}, None),
        ({"event": "open", "timestamp": "now"}, None),
    ],
)
def test_events_of_sendgrid(lite: ServingShop, said: dict[str, Any], expected: tuple[str, str, str] | None) -> None:
    common = {"email": "ann@example.com", "timestamp": 1_767_668_400, "sg_event_id": "e1"}
    assert_row(lite, "sendgrid", common | said, expected)


def assert_row(lite: ServingShop, source: str, said: dict[str, Any], expected: tuple[str, str, str] | None) -> None:
    assert lite.post(source, [said]).json() == {"taken": int(bool(expected)), "kept_out": int(not expected)}
    rows = lite.file_rows()
    assert [(row["event"], row["bounce"], row["message_id"]) for row in rows] == ([expected] if expected else [])
    for row in rows:
        assert (row["contact_key"], row["channel"]) == (lite.key("ann"), "email")
        assert datetime.fromisoformat(row["occurred_at"]) == datetime(2026, 1, 6, 3, tzinfo=UTC)
    assert not lite.shop.load().refused


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("STOP|stop|Stop.| stop! |STOPALL|Stop all|UNSUBSCRIBE|Cancel|END|Quit|Opt-out|REVOKE", "stop"),
        ("Stopp|ABMELDEN|abbestellen|Aufhören|AUFHOEREN", "stop"),
        ("ARRÊT|arret|Arrêtez|désabonner|DÉSINSCRIRE", "stop"),
        ("PARAR|Alto|baja|CANCELAR|detener", "stop"),
        ("START|Unstop|start!", "start"),
        ("HELP|info|Hilfe|AIDE|ayuda?", "help"),
        ("please don't stop|stop it now|yes|no|the end|nonstop|||?|S T O P", ""),
    ],
)
def test_words_of_sms(words: str, asked: str) -> None:
    assert {word: word_of(word) for word in words.split("|")} == dict.fromkeys(words.split("|"), asked)


def test_stop_and_start_count_for_the_number_and_for_whoever_has_it(lite: ServingShop) -> None:
    lite.shop.drop(
        "contacts_2026-01-05.csv",
        f"email,phone\nann@example.com,(212) 555-0100\nben@example.com,{PHONE}\ncy@example.com,+12125550101\n",
    )
    lite.shop.drop("contacts_2026-01-06.csv", "email,phone\nben@example.com,+12125550102\n")
    assert not lite.shop.load().refused
    stopped = [("sms", "commercial", "unsubscribed")]
    assert lite.sms("Stop!", "1") == {"taken": 1, "kept_out": 0}
    assert (lite.facts("ann"), lite.facts("ben"), lite.facts("cy")) == (stopped, [], [])
    number = phone_key(lite.secret, "main", PHONE)
    assert {one.contact_key for one in suppressions_in_force(lite.shop.ledger)} == {number, lite.key("ann")}
    lite.later(minutes=1)
    assert lite.sms("START", "2") == {"taken": 1, "kept_out": 0}
    assert suppressions_in_force(lite.shop.ledger) == []
    lite.later(minutes=1)
    lite.sms("stop", "3")
    lite.sms("START", "2")  # the old one once more
    assert lite.facts("ann") == stopped
    assert not lite.shop.load().refused
    assert lite.facts("ann") == stopped


def test_a_stop_counts_while_nobody_can_look_the_number_up(lite: ServingShop) -> None:
    assert lite.sms("STOP", "1") == {"taken": 1, "kept_out": 0}
    found = suppressions_in_force(lite.shop.ledger)
    assert [(one.contact_key, one.channel) for one in found] == [(phone_key(lite.secret, "main", PHONE), "sms")]
    assert phone_key(lite.secret, "main", PHONE) == contact_key(lite.secret, "main", PHONE)


def test_a_stop_counts_while_a_build_holds_the_warehouse(lite: ServingShop, monkeypatch: pytest.MonkeyPatch) -> None:
    lite.shop.drop("contacts_2026-01-05.csv", f"email,phone\nann@example.com,{PHONE}\n")
    lite.shop.load()
    monkeypatch.setattr("pp_pipeline.serving.sms._LOCK_WAIT_SECONDS", 0.0)
    messages = [{"from": PHONE, "body": "stop", "id": number} for number in (1, 2)]
    with Warehouse(lite.shop.settings).locked():
        assert lite.post("sms", messages).json() == {"taken": 2, "kept_out": 0}
    found = suppressions_in_force(lite.shop.ledger)
    assert [one.contact_key for one in found] == [phone_key(lite.secret, "main", PHONE)]


def test_other_answers_are_kept_and_help_is_not(lite: ServingShop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for body, number in (("Help", "1"), ("Thank you, it fits", "2"), ("Thank you, it fits", "2")):
        assert lite.sms(body, number) == {"taken": 1, "kept_out": 0}
    assert lite.sms("stop", "3", sender="nobody") == {"taken": 0, "kept_out": 1}
    assert lite.post("sms", [{"from": PHONE}, "stop", None]).json() == {"taken": 0, "kept_out": 3}
    rows = lite.file_rows()
    assert [(row["event"], row["channel"], row["reply"]) for row in rows] == [
        ("sms_reply", "sms", "Thank you, it fits")
    ]
    assert suppressions_in_force(lite.shop.ledger) == []
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("pp_pipeline")]
    assert ours[-1] == "main sms: 0 taken, 3 kept out"
    assert [line for line in ours if "fits" in line or "2125550100" in line] == []


@pytest.mark.parametrize(
    ("stored", "state"),
    [
        ({}, "sent"), ({"state": "failed"}, "failed"), ({"state": "skipped"}, "skipped"),
        ({"target": "rehearsal"}, "unknown"), ({"merchant": "other"}, "unknown"), ({"contact_key": "other"}, "unknown"),
        ({"key": "n" * 32}, "unknown"),
    ],
)  # fmt: skip
def test_a_provider_that_delivered_an_unknown_message_settles_it(
    serving: ServingShop, stored: dict[str, Any], state: str
) -> None:
    values = {
        "target": "live", "key": MESSAGE, "kind": "message", "state": "unknown", "reason": "lease_expired",
        "merchant": "main", "contact_key": serving.key("ann"), "claimed_at": NOW, "lease_until": NOW, "claim": "c",
    }  # fmt: skip
    with serving.shop.ledger.writing() as connection:
        connection.execute(insert(deliveries).values(values | stored))
    said = [event("ann", "delivered", message_id=MESSAGE), event("ann", "opened", message_id=MESSAGE)]
    assert serving.post("plain", said).json() == {"taken": 2, "kept_out": 0}
    with serving.shop.ledger.reading() as connection:
        found = connection.execute(select(deliveries.c.state, deliveries.c.reason, deliveries.c.settled_at)).one()
    expected = ("sent", "provider_feedback", NOW) if state == "sent" else (state, "lease_expired", None)
    assert tuple(found) == expected


def test_a_webhook_is_declared_in_the_merchants_file(tmp_path: Path) -> None:
    folder = tmp_path / "pp_pipeline" / "merchants"
    folder.mkdir(parents=True)
    shipped = Path(__file__).parents[1] / "pp_pipeline" / "merchants" / "main.yml"
    line = "\nwebhooks: [{source: my_provider, secret: MY_PROVIDER}]\n"
    (folder / "main.yml").write_text(shipped.read_text() + line)
    settings = Settings(home=tmp_path / "home", checkout=tmp_path)
    with pytest.raises(SettingsError, match="PP_SECRET_MY_PROVIDER is not set; webhook my_provider of main needs it"):
        sources_of(settings, load_merchants(settings))
