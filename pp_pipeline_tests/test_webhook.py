"""Relays by HTTP: each failure has the one outcome that is surely true, and receivers can believe what they get."""

import json
import socket
import ssl
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import trustme
from pydantic import SecretStr

from pp_pipeline.relay_roads import WebhookRoad
from pp_pipeline.sending.outlets import timed_sockets
from pp_pipeline.sending.outlets.outlet import Outcome, OutletBroken
from pp_pipeline.sending.outlets.pace import MOST_UNANSWERED, Pace
from pp_pipeline.sending.outlets.timed_sockets import Deadline
from pp_pipeline.sending.outlets.webhook import WebhookRelay, signature_of, verify
from pp_pipeline.sending.planned import PlannedEvent, PlannedSnapshot
from pp_pipeline_tests.test_smtp import patience, server_tls, trusting
from pp_pipeline_tests.webhook_server import CLOSE, DRIP, GARBAGE, HOLD, RESET, Answer, WebhookServer

SECRET = "a secret of 24 characters"
NOW = datetime(2026, 7, 10, 12, 0, 0, tzinfo=UTC)
EVENT = PlannedEvent(
    key="my_platform:e000000",
    relay="my_platform",
    event_id="e000000",
    event_name="recent_buyers",
    campaign="recent_buyers",
    merchant="main",
    contact_key="c000000",
    email="ann@example.com",
    order_number="A1",
    sku=None,
    occurred_on=date(2026, 7, 10),
)
SNAPSHOT = PlannedSnapshot(
    key="my_platform:loyal:2026-07-10:main",
    relay="my_platform",
    segment="loyal",
    merchant="main",
    snapshot_on=date(2026, 7, 10),
    members=(("c000000", "ann@example.com"), ("c000001", None)),
)
FAST = partial(Pace, 1_000_000)


def event(number: int) -> PlannedEvent:
    return replace(EVENT, key=f"my_platform:e{number:06d}", event_id=f"e{number:06d}")


def relay(
    url: str, tls: ssl.SSLContext | None = None, now: Callable[[], datetime] = lambda: NOW, seconds: float = 30
) -> WebhookRelay:
    """A relay to an address."""
    road = WebhookRoad(relay="my_platform", via="webhook", url=url, secret="MY_HOOK", timeout_seconds=seconds)
    return WebhookRelay(road, SecretStr(SECRET), tls=tls or ssl.create_default_context(), pace=FAST(), now=now)


def outcomes(webhook: WebhookRelay, events: Iterable[PlannedEvent]) -> list[Outcome]:
    """What becomes of each; a broken outlet means `failed` for all that it had not spoken of."""
    asked, found = list(events), list[Outcome]()
    try:
        found.extend(webhook.deliver_events(asked))
    except OutletBroken as broken:
        found += [Outcome("failed", f"broken: {broken}")] * (len(asked) - len(found))
    return found


def busy(status: int, **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()})


FAULTS: list[tuple[Answer, Outcome]] = [
    (Answer(204, body=b""), Outcome("sent")),
    (Answer(202, {"X-Request-Id": "r-1"}), Outcome("sent", provider_id="r-1")),
    (Answer(200, {"X-Request-Id": "for ann@example.com"}), Outcome("sent")),
    (Answer(200, body=b"x" * 2_000_000), Outcome("sent")),
    (Answer(301, {"Location": "/elsewhere"}), Outcome("unknown", "redirected: 301")),
    (Answer(303, {"Location": "/elsewhere"}), Outcome("unknown", "redirected: 303")),
    (Answer(307, {"Location": "/elsewhere"}), Outcome("failed", "redirected: 307")),
    *[(Answer(status), Outcome("skipped", f"rejected: {status}")) for status in (400, 404, 410, 413, 422)],
    (Answer(405), Outcome("failed", "refused: 405")),
    (Answer(408), Outcome("failed", "busy: 408")),
    (Answer(409), Outcome("unknown", "unclear: 409")),
    (Answer(429), Outcome("failed", "busy: 429")),
    (Answer(503), Outcome("failed", "busy: 503")),
    (busy(503, Retry_After="0"), Outcome("failed", "busy: 503", retry_after=timedelta(0))),
    (busy(429, Retry_After="soon"), Outcome("failed", "busy: 429")),
    (
        busy(429, Retry_After="Fri, 10 Jul 2026 11:00:00 GMT"),
        Outcome("failed", "busy: 429", retry_after=timedelta(0)),
    ),
    *[(Answer(status), Outcome("unknown", f"server_error: {status}")) for status in (500, 501, 502, 504)],
    *[(Answer(HOLD, accepts=accepts), Outcome("unknown", "time_out")) for accepts in (False, True)],
    (Answer(DRIP), Outcome("unknown", "time_out")),
    *[(Answer(RESET, accepts=accepts), Outcome("unknown", "connection_lost")) for accepts in (False, True)],
    *[(Answer(CLOSE, accepts=accepts), Outcome("unknown", "connection_lost")) for accepts in (False, True)],
    *[(Answer(GARBAGE, accepts=accepts), Outcome("unknown", "bad_answer")) for accepts in (False, True)],
]


@pytest.mark.parametrize(
    ("answer", "outcome"), FAULTS, ids=[f"{a.does}-{a.accepts}-{n}" for n, (a, _) in enumerate(FAULTS)]
)
def test_a_failure_has_its_outcome_and_the_next_event_goes(answer: Answer, outcome: Outcome) -> None:
    with WebhookServer([answer]) as server:
        webhook = relay(server.url, seconds=patience(str(answer.does)))
        assert outcomes(webhook, [event(0), event(1)]) == [outcome, Outcome("sent")]
        webhook.close()
        assert server.request_count == 2  # nothing was tried again or elsewhere
    accepted = [each.key for each in server.accepted]
    assert accepted == [f"my_platform:e00000{number}" for number in range(0 if answer.counts else 1, 2)]


@pytest.mark.parametrize("status", [401, 403, 407])
def test_a_wrong_secret_breaks_the_outlet_and_skips_nothing(status: int) -> None:
    with WebhookServer([Answer(status)]) as server:
        webhook = relay(server.url)
        assert outcomes(webhook, [event(0), event(1)]) == [Outcome("failed", "broken: not_authorised")] * 2
        assert outcomes(webhook, [event(2)]) == [Outcome("failed", "broken: not_authorised")]
        assert server.request_count == 1
        webhook.close()  # the end of a sending: the next one asks again
        assert outcomes(webhook, [event(0)]) == [Outcome("sent")]
        webhook.close()


def test_a_refused_connection_is_a_failure_until_the_server_is_back() -> None:
    with WebhookServer() as server:
        server.refuse()
        webhook = relay(server.url)
        assert outcomes(webhook, [event(0)]) == [Outcome("failed", "broken: connection_refused")]
        server.listen()
        webhook.close()
        assert outcomes(webhook, [event(0)]) == [Outcome("sent")]
        webhook.close()


def test_a_host_that_nobody_knows_is_a_failure() -> None:
    assert outcomes(relay("https://localhost.invalid/pp"), [event(0)]) == [Outcome("failed", "broken: no_such_host")]


def test_all_addresses_of_a_host_share_one_span_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, spans = [0.0], []

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        spans.append((address[0], timeout))
        clock[0] += timeout
        raise TimeoutError

    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"192.0.2.{number}", 443)) for number in range(3)]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr("socket.create_connection", connect)
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    deadline = Deadline()
    deadline.start(30)
    with pytest.raises(TimeoutError):
        timed_sockets.connect("hooks.example.com", 443, deadline)
    assert spans == [("192.0.2.0", 10), ("192.0.2.1", 10), ("192.0.2.2", 10)]


LARGE = replace(SNAPSHOT, members=tuple((f"c{number:031d}", "ann@example.com") for number in range(200_000)))
"""18 MB: more than what the system takes in for a server that does not read it."""


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(RESET, at="begin"), Outcome("failed", "connection_lost")),
        (Answer(HOLD, at="begin"), Outcome("failed", "time_out")),
        (Answer(413, at="begin"), Outcome("skipped", "rejected: 413")),
    ],
    ids=["reset", "hold", "413"],
)
def test_a_body_that_is_cut_off_was_not_accepted(answer: Answer, outcome: Outcome) -> None:
    with WebhookServer([answer]) as server:
        webhook = relay(server.url, seconds=patience(str(answer.does)))
        assert list(webhook.deliver_snapshots([LARGE, SNAPSHOT])) == [outcome, Outcome("sent")]
        webhook.close()
        assert [each.key for each in server.accepted] == [SNAPSHOT.key]


def test_a_large_snapshot_is_one_request() -> None:
    with WebhookServer() as server:
        webhook = relay(server.url)
        assert list(webhook.deliver_snapshots([LARGE])) == [Outcome("sent")]
        webhook.close()
    assert [each.body.count(b"\n") for each in server.accepted] == [1 + len(LARGE.members)]


def test_an_encrypted_answer_has_no_more_time_than_another() -> None:
    authority = trustme.CA()
    with WebhookServer([Answer(DRIP)], tls=server_tls(authority)) as server:
        webhook = relay(server.url, trusting(authority), seconds=patience(DRIP))
        assert outcomes(webhook, [event(0), event(1)]) == [Outcome("unknown", "time_out"), Outcome("sent")]
        webhook.close()


def test_a_certificate_is_verified() -> None:
    authority = trustme.CA()
    with WebhookServer(tls=server_tls(authority)) as server:
        assert outcomes(relay(server.url), [event(0)]) == [Outcome("failed", "broken: certificate_refused")]
        webhook = relay(server.url, trusting(authority))
        assert outcomes(webhook, [event(0), event(1)]) == [Outcome("sent")] * 2
        webhook.close()
    with WebhookServer(tls=server_tls(authority, "hooks.example.com")) as server:
        webhook = relay(server.url, trusting(authority))
        assert outcomes(webhook, [event(0)]) == [Outcome("failed", "broken: certificate_refused")]
        assert server.request_count == 0


def test_one_connection_carries_events_and_snapshots_over_calls() -> None:
    with WebhookServer([Answer(), Answer(422), Answer(503), Answer(500)]) as server:
        webhook = relay(server.url)
        outcomes(webhook, [event(number) for number in range(5)])
        outcomes(webhook, [event(5)])
        assert list(webhook.deliver_snapshots([SNAPSHOT])) == [Outcome("sent")]
        webhook.close()
        assert (server.connection_count, server.request_count) == (1, 7)


def test_a_connection_that_the_server_closed_meanwhile_is_replaced() -> None:
    with WebhookServer() as server:
        webhook = relay(server.url)
        assert outcomes(webhook, [event(0)]) == [Outcome("sent")]
        server.cut()
        assert outcomes(webhook, [event(1), event(2)]) == [Outcome("sent")] * 2
        webhook.close()
        assert (server.connection_count, server.request_count) == (2, 3)


def test_a_platform_that_asks_to_be_left_alone_is() -> None:
    now = [NOW]
    with WebhookServer([Answer(), busy(429, Retry_After="90")]) as server:
        webhook = relay(server.url, now=lambda: now[0])
        wait = timedelta(seconds=90)
        assert outcomes(webhook, [event(0), event(1), event(2)]) == [
            Outcome("sent"),
            Outcome("failed", "busy: 429", retry_after=wait),
            Outcome("failed", "busy", retry_after=wait),
        ]
        now[0] += timedelta(seconds=60)
        assert outcomes(webhook, [event(3)]) == [Outcome("failed", "busy", retry_after=timedelta(seconds=30))]
        assert server.request_count == 2
        now[0] += timedelta(seconds=30)
        assert outcomes(webhook, [event(3)]) == [Outcome("sent")]
        webhook.close()


def test_retry_after_may_be_a_date_and_is_a_day_at_most() -> None:
    said = ["Fri, 10 Jul 2026 12:00:45 GMT", "9999999", "Fri, 10 Jul 99999999999 12:00:45 GMT"]
    answers = [busy(503, Retry_After=text) for text in said]
    with WebhookServer(answers) as server:
        waits = []
        for number in range(3):
            webhook = relay(server.url)
            waits += [(each.state, each.retry_after) for each in outcomes(webhook, [event(number)])]
            webhook.close()
    assert waits == [("failed", timedelta(seconds=45)), ("failed", timedelta(days=1)), ("failed", None)]


def test_silence_breaks_the_outlet_before_many_are_unknown() -> None:
    with WebhookServer([Answer(CLOSE)] * 20) as server:
        webhook = relay(server.url)
        found = outcomes(webhook, map(event, range(20)))
        assert [each.state for each in found] == ["unknown"] * MOST_UNANSWERED + ["failed"] * (20 - MOST_UNANSWERED)
        assert server.request_count == MOST_UNANSWERED


def test_a_request_says_what_happened_and_is_signed() -> None:
    with WebhookServer() as server:
        webhook = relay(server.url)
        assert [each.state for each in webhook.deliver_events([EVENT])] == ["sent"]
        assert [each.state for each in webhook.deliver_snapshots([SNAPSHOT])] == ["sent"]
        webhook.close()
    told, members = server.accepted
    assert json.loads(told.body) == {
        "event_id": "e000000",
        "event_name": "recent_buyers",
        "campaign": "recent_buyers",
        "merchant": "main",
        "contact_key": "c000000",
        "email": "ann@example.com",
        "order_number": "A1",
        "sku": None,
        "occurred_on": "2026-07-10",
    }
    assert [json.loads(line) for line in members.body.decode().splitlines()] == [
        {"segment": "loyal", "snapshot_on": "2026-07-10", "merchant": "main", "member_count": 2},
        {"contact_key": "c000000", "email": "ann@example.com"},
        {"contact_key": "c000001", "email": None},
    ]
    assert (told.key, members.key) == (EVENT.key, SNAPSHOT.key)
    for each in server.accepted:
        headers = each.headers["PP-Timestamp"], each.body, each.headers["PP-Signature"]
        assert verify(SECRET.encode(), *headers, now=NOW)


SIGNED = signature_of(b"secret", "1783684800", b"{}")


@pytest.mark.parametrize(
    ("changes", "is_good"),
    [
        ({}, True),
        ({"now": NOW + timedelta(minutes=5)}, True),
        ({"now": NOW + timedelta(minutes=5, seconds=1)}, False),
        ({"now": NOW - timedelta(minutes=5, seconds=1)}, False),
        ({"now": NOW + timedelta(hours=1), "tolerance": timedelta(hours=2)}, True),
        ({"secret": b"another"}, False),
        ({"body": b"{ }"}, False),
        ({"timestamp": "1783684801"}, False),
        ({"timestamp": ""}, False),
        ({"timestamp": "nan"}, False),
        ({"timestamp": "17836848\u0660\u0660"}, False),
        ({"signature": SIGNED.removeprefix("v1=")}, False),
        ({"signature": ""}, False),
        ({"signature": "v1=ü"}, False),
    ],
)
def test_a_signature_is_good_for_its_secret_body_and_time_only(changes: dict[str, Any], is_good: bool) -> None:
    request = {"secret": b"secret", "timestamp": "1783684800", "body": b"{}", "signature": SIGNED, "now": NOW}
    assert verify(**{**request, **changes}) is is_good


def test_a_signature_is_what_the_documentation_says() -> None:
    """The value is another tool's: printf '1783684800.{}' | openssl dgst -sha256 -hmac secret"""
    assert (
        signature_of(b"secret", "1783684800", b"{}")
        == "v1=541700a224965a646845969106ad22b354013e6bb6ed04c4b3c6a78f6aaf06fc"
    )


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with WebhookServer() as server:
        webhook = relay(server.url)
        assert outcomes(webhook, [event(0)]) == [Outcome("sent")]
        webhook.close()


def test_no_secret_and_no_address_shows() -> None:
    with WebhookServer([Answer(422, body=b"no ann@example.com")]) as server:
        webhook = relay(server.url + "/token-in-the-path")
        text = repr(outcomes(webhook, [event(0)])) + repr(webhook) + repr(vars(webhook))
        webhook.close()
    assert SECRET not in text
    assert "ann@" not in text
    assert "token-in-the-path" not in text
