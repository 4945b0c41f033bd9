"""Providers of e-mail and of texts: each is asked as it documents, and each failure has the one outcome that is surely
true, the same by every road."""

import json
import ssl
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import trustme
from pydantic import SecretStr

from pp_pipeline.channel_roads import PROVIDERS, ProviderRoad, TwilioRoad
from pp_pipeline.sending.outlets.outlet import Outcome, OutletBroken, SmsDraft
from pp_pipeline.sending.outlets.pace import MOST_UNANSWERED, Pace
from pp_pipeline.sending.outlets.provider import ProviderChannel
from pp_pipeline.sending.outlets.twilio import TwilioChannel
from pp_pipeline.serving.provider_formats import FORMATS
from pp_pipeline_tests.provider_faces import ACCOUNT, FACES, KEY, SECOND_KEY
from pp_pipeline_tests.provider_servers import ProviderServer, read, refused, taken
from pp_pipeline_tests.test_smtp import DRAFT, patience, server_tls, trusting
from pp_pipeline_tests.webhook_server import CLOSE, DRIP, GARBAGE, HOLD, RESET, Answer

NOW = datetime(2026, 7, 10, 12, 0, 0, tzinfo=UTC)
FAST = partial(Pace, 1_000_000)
EMAIL = replace(
    DRAFT,
    message_id="m000000",
    text="Hello Ann\n",
    html="<p>Hello Ann</p>\n",
    one_click_url="https://example.com/u?t=1",
    reply_to="desk@example.com",
)
TEXT = SmsDraft(
    message_id="m000000",
    conversation="hello",
    merchant="main",
    day=date(2026, 7, 10),
    sender="+15550100000",
    phone="+15550100100",
    text="Hello Ann",
    segments=1,
)
ROADS = (*PROVIDERS, "twilio")
Channel = ProviderChannel | TwilioChannel


def draft(road: str, number: int, **changes: Any) -> Any:
    if road == "twilio":
        return replace(TEXT, message_id=f"m{number:06d}", phone=key(road, number), **changes)
    return replace(EMAIL, message_id=f"m{number:06d}", **changes)


def key(road: str, number: int) -> str:
    """What the provider knows that draft by."""
    return f"+1555010{number:04d}" if road == "twilio" else f"m{number:06d}"


def channel(
    road: str,
    server: ProviderServer | str,
    tls: ssl.SSLContext | None = None,
    now: Callable[[], datetime] = lambda: NOW,
    seconds: float = 30,
    **fields: Any,
) -> Any:
    """A channel to the server."""
    url = server if isinstance(server, str) else server.base_url
    common = {"url": url, "timeout_seconds": seconds, **fields}
    rest: dict[str, Any] = {"tls": tls or ssl.create_default_context(), "pace": FAST(), "now": now}
    if road == "twilio":
        return TwilioChannel(TwilioRoad(account=ACCOUNT, token="TOKEN", **common), SecretStr(KEY), **rest)
    second = {"secret_key": "SECOND"} if road == "mailjet" else {}
    declared = ProviderRoad.model_validate({"via": road, "api_key": "KEY", **second, **common})
    return ProviderChannel(declared, SecretStr(KEY), SecretStr(SECOND_KEY) if second else None, **rest)


def outcomes(outlet: Channel, drafts: Sequence[Any]) -> list[Outcome]:
    """What becomes of each; a broken outlet means `failed` for all that it had not spoken of."""
    found: list[Outcome] = []
    try:
        found.extend(outlet.deliver(drafts))
    except OutletBroken as broken:
        found += [Outcome("failed", f"broken: {broken}")] * (len(drafts) - len(found))
    return found


def states(found: Sequence[Outcome]) -> list[str]:
    return [each.state for each in found]


IDS = {
    "postmark": "b7bc2f4a-e38e",
    "mailgun": "<20260710063000.1.ABC@example.com>",
    "mailjet": "456",
    "brevo": "<20260710063000.1@smtp-relay.example.com>",
    "sparkpost": "1166",
    "resend": "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794",
    "twilio": "SM0123456789abcdef0123456789abcdef",
}


@pytest.mark.parametrize("road", ROADS)
def test_a_message_is_handed_over_as_the_provider_documents(road: str) -> None:
    with ProviderServer(road) as server:
        outlet = channel(road, server)
        found = outcomes(outlet, [draft(road, number) for number in range(3)])
        outlet.close()
        assert states(found) == ["sent"] * 3
        assert [each.key for each in server.accepted] == [key(road, number) for number in range(3)]
        assert (server.connection_count, server.request_count) == (1, 3)
        seen = read(server.accepted[0].headers, server.accepted[0].body)
        assert server.face.recipient(seen) == (key(road, 0) if road == "twilio" else EMAIL.to_email)
        if road == "sendgrid":
            assert found[0].provider_id == seen["personalizations"][0]["custom_args"]["anymail_id"]
        else:
            assert found[0].provider_id == IDS[road]


def busy(status: int, **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()})


FAULTS: list[tuple[Answer, Outcome]] = [
    (Answer(400, body=b"{}"), Outcome("failed", "refused: 400")),
    (Answer(422, body=b"no"), Outcome("failed", "refused: 422")),
    (Answer(404), Outcome("failed", "refused: 404")),
    (Answer(410), Outcome("failed", "refused: 410")),
    (Answer(413), Outcome("skipped", "rejected: 413")),
    (Answer(402), Outcome("failed", "refused: 402")),
    (Answer(408), Outcome("failed", "busy: 408")),
    (Answer(409), Outcome("unknown", "unclear: 409")),
    (Answer(429), Outcome("failed", "busy: 429")),
    (busy(429, Retry_After="0"), Outcome("failed", "busy: 429", retry_after=timedelta(0))),
    (Answer(503), Outcome("failed", "busy: 503")),
    *[(Answer(status), Outcome("unknown", f"server_error: {status}")) for status in (500, 502, 504)],
    (Answer(301, {"Location": "/elsewhere"}), Outcome("unknown", "redirected: 301")),
    (Answer(307, {"Location": "/elsewhere"}), Outcome("failed", "redirected: 307")),
    *[(Answer(RESET, accepts=accepts), Outcome("unknown", "connection_lost")) for accepts in (False, True)],
    *[(Answer(CLOSE, accepts=accepts), Outcome("unknown", "connection_lost")) for accepts in (False, True)],
    *[(Answer(GARBAGE, accepts=accepts), Outcome("unknown", "bad_answer")) for accepts in (False, True)],
]


@pytest.mark.parametrize("road", ROADS)
def test_a_failure_has_its_outcome_and_the_next_message_goes(road: str) -> None:
    script = [answer for failure, _ in FAULTS for answer in (failure, taken(FACES[road]))]
    with ProviderServer(road, script) as server:
        outlet = channel(road, server)
        for number, (answer, outcome) in enumerate(FAULTS):
            found = outcomes(outlet, [draft(road, 2 * number), draft(road, 2 * number + 1)])
            assert (found[0], found[1].state) == (outcome, "sent"), answer
        outlet.close()
        assert server.request_count == len(script)  # nothing was tried again or elsewhere
        accepted = [each.key for each in server.accepted]
        assert accepted == [key(road, number) for number, answer in enumerate(script) if answer.counts]


@pytest.mark.parametrize("does", [HOLD, DRIP])
@pytest.mark.parametrize(
    "road", [road if road in ("postmark", "twilio") else pytest.param(road, marks=pytest.mark.heavy) for road in ROADS]
)
def test_an_answer_that_does_not_come_in_time_is_unknown(road: str, does: str) -> None:
    with ProviderServer(road, [Answer(does, accepts=True)]) as server:
        outlet = channel(road, server, seconds=patience(does))
        found = outcomes(outlet, [draft(road, 0), draft(road, 1)])
        outlet.close()
        assert (found[0], found[1].state) == (Outcome("unknown", "time_out"), "sent")
        assert [each.key for each in server.accepted] == [key(road, 0), key(road, 1)]


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize(
    "body",
    [b"<html>", b"[]", b'"ok"', b"{}", b'{"sid": null}', b"\xff\xfe", b"[" * 9_999],
    ids=lambda body: repr(body[:20]),
)
def test_a_yes_that_nobody_can_read_is_unknown(road: str, body: bytes) -> None:
    with ProviderServer(road, [Answer(200, body=body)]) as server:
        outlet = channel(road, server)
        found = outcomes(outlet, [draft(road, 0), draft(road, 1)])
        outlet.close()
    if road == "sendgrid":  # says nothing but 202, with an empty body
        assert states(found) == ["sent", "sent"]
    else:
        assert found[0] == Outcome("unknown", "bad_answer")
        assert found[1].state == "sent"


@pytest.mark.parametrize("road", ROADS)
def test_a_recipient_that_is_refused_is_skipped_for_good(road: str) -> None:
    with ProviderServer(road) as server:
        server.script.append(refused(server.face))
        outlet = channel(road, server)
        found = outcomes(outlet, [draft(road, 0), draft(road, 1)])
        outlet.close()
        status = 21211 if road == "twilio" else server.face.refusal[0]
    assert (found[0], found[1].state) == (Outcome("skipped", f"rejected: {status}"), "sent")


@pytest.mark.parametrize(
    ("road", "status", "content", "outcome"),
    [
        ("postmark", 422, {"ErrorCode": 300, "Message": "Invalid 'To' address: 'ann@example.com'."},
         Outcome("skipped", "rejected: 422")),
        ("postmark", 422, {"ErrorCode": 300, "Message": "Invalid 'From' address: 'shop'."},
         Outcome("failed", "refused: 422")),
        ("postmark", 422, {"ErrorCode": 400, "Message": "The 'From' address is no Sender Signature on your account."},
         Outcome("failed", "refused: 422")),
        ("sendgrid", 400, {"errors": [{"message": "Invalid", "field": "from.email"}]},
         Outcome("failed", "refused: 400")),
        ("mailgun", 400, {"message": "'from' parameter is not a valid address."}, Outcome("failed", "refused: 400")),
        ("mailgun", 400, {"message": "'to' parameter is not a valid address."}, Outcome("skipped", "rejected: 400")),
        ("mailjet", 400, {"Messages": [{"Status": "error", "Errors": [{"ErrorRelatedTo": ["From"]}]}]},
         Outcome("failed", "refused: 400")),
        ("brevo", 400, {"code": "invalid_parameter", "message": "sender is not valid"},
         Outcome("failed", "refused: 400")),
        ("sparkpost", 200, {"results": {"total_rejected_recipients": 1, "total_accepted_recipients": 0, "id": "1"}},
         Outcome("skipped", "rejected")),
        ("sparkpost", 200, {"results": {"total_rejected_recipients": 0, "total_accepted_recipients": 0, "id": "1"}},
         Outcome("unknown", "bad_answer")),
        ("resend", 422, {"name": "validation_error", "message": "Invalid `from` field."},
         Outcome("failed", "refused: 422")),
        ("twilio", 400, {"code": 21610, "message": "Attempt to send to unsubscribed recipient", "status": 400},
         Outcome("skipped", "unsubscribed")),
        ("twilio", 400, {"code": 21614, "message": "not a mobile number", "status": 400},
         Outcome("skipped", "rejected: 21614")),
        ("twilio", 400, {"code": 21408, "message": "no permission for the region", "status": 400},
         Outcome("failed", "refused: 21408")),
        ("twilio", 400, {"code": ["ann@example.com"], "message": "", "status": 400}, Outcome("failed", "refused: 0")),
        ("twilio", 400, {"type": "t", "title": "t", "status": 400, "code": 21610}, Outcome("skipped", "unsubscribed")),
        ("twilio", 429, {"code": 20429, "message": "Too many requests", "status": 429},
         Outcome("failed", "busy: 429")),
    ],
)  # fmt: skip
def test_what_is_refused_for_something_else_than_the_recipient_may_go_another_time(
    road: str, status: int, content: Any, outcome: Outcome
) -> None:
    with ProviderServer(road, [Answer(status, body=json.dumps(content).encode())]) as server:
        outlet = channel(road, server)
        found = outcomes(outlet, [draft(road, 0), draft(road, 1)])
        outlet.close()
    assert (found[0], found[1].state) == (outcome, "sent")


@pytest.mark.parametrize("road", ROADS)
def test_a_wrong_key_breaks_the_outlet_and_skips_nothing(road: str) -> None:
    for status in (401, 403):
        with ProviderServer(road, [Answer(status)]) as server:
            outlet = channel(road, server)
            broken = Outcome("failed", "broken: not_authorised")
            assert outcomes(outlet, [draft(road, 0), draft(road, 1)]) == [broken] * 2
            assert outcomes(outlet, [draft(road, 2)]) == [broken]
            assert server.request_count == 1
            outlet.close()  # the end of a sending: the next one asks again
            assert states(outcomes(outlet, [draft(road, 0)])) == ["sent"]
            outlet.close()


def test_a_sender_that_twilio_does_not_know_breaks_the_outlet() -> None:
    refusal = Answer(400, body=json.dumps({"code": 21606, "message": "not your number", "status": 400}).encode())
    with ProviderServer("twilio", [refusal]) as server:
        found = outcomes(channel("twilio", server), [draft("twilio", 0), draft("twilio", 1)])
        assert found == [Outcome("failed", "broken: sender_refused: 21606")] * 2
        assert server.request_count == 1


@pytest.mark.parametrize("road", ["postmark", "twilio"])
def test_a_provider_that_asks_to_be_left_alone_is(road: str) -> None:
    now = [NOW]
    with ProviderServer(road, [busy(429, Retry_After="90")]) as server:
        outlet = channel(road, server, now=lambda: now[0])
        wait = timedelta(seconds=90)
        assert outcomes(outlet, [draft(road, 0), draft(road, 1)]) == [
            Outcome("failed", "busy: 429", retry_after=wait),
            Outcome("failed", "busy", retry_after=wait),
        ]
        assert server.request_count == 1
        now[0] += wait
        assert states(outcomes(outlet, [draft(road, 0)])) == ["sent"]
        outlet.close()


@pytest.mark.parametrize("road", ["mailgun", "twilio"])
def test_silence_breaks_the_outlet_before_many_are_unknown(road: str) -> None:
    with ProviderServer(road, [Answer(CLOSE)] * 20) as server:
        found = outcomes(channel(road, server), [draft(road, number % 10) for number in range(20)])
        assert states(found) == ["unknown"] * MOST_UNANSWERED + ["failed"] * (20 - MOST_UNANSWERED)
        assert server.request_count == MOST_UNANSWERED


@pytest.mark.parametrize("road", ["sendgrid", "twilio"])
def test_a_connection_is_kept_replaced_and_encrypted(road: str) -> None:
    authority = trustme.CA()
    with ProviderServer(road, tls=server_tls(authority)) as server:
        refused = Outcome("failed", "broken: certificate_refused")
        assert outcomes(channel(road, server), [draft(road, 0)]) == [refused]
        outlet = channel(road, server, trusting(authority))
        assert states(outcomes(outlet, [draft(road, 0), draft(road, 1)])) == ["sent"] * 2
        server.cut()
        assert states(outcomes(outlet, [draft(road, 2)])) == ["sent"]
        outlet.close()
        assert server.connection_count == 3
        server.refuse()
        assert outcomes(outlet, [draft(road, 0)]) == [Outcome("failed", "broken: connection_refused")]


@pytest.mark.parametrize("road", ["brevo", "twilio"])
def test_no_proxy_of_the_environment_is_used(road: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with ProviderServer(road) as server:
        outlet = channel(road, server)
        assert states(outcomes(outlet, [draft(road, 0)])) == ["sent"]
        outlet.close()


@pytest.mark.parametrize("road", PROVIDERS)
def test_nothing_ends_a_header_or_brings_in_a_second_recipient(road: str) -> None:
    hostile = [
        draft(road, 0, to_email="ann@example.com, bob@example.com"),
        draft(road, 1, to_email="ann@example.com\r\nBcc: bob@example.com"),
        draft(road, 2, from_name='Shop" <bob@example.com>, "', subject="Hello\r\nBcc: bob@example.com\u2028{{x}}"),
    ]
    with ProviderServer(road) as server:
        outlet = channel(road, server)
        found = outcomes(outlet, hostile)
        outlet.close()
        assert found[:2] == [Outcome("skipped", "address_not_usable")] * 2
        assert found[2].state == "sent"
        (taken,) = server.accepted
        seen = read(taken.headers, taken.body)
        assert server.face.recipient(seen) == "ann@example.com"
    text = json.dumps(seen, ensure_ascii=False)
    assert "Hello Bcc: bob@example.com {" in text
    assert ("{{x}}" in text) == (road not in ("brevo", "sparkpost"))


def test_what_makes_no_request_fails_alone() -> None:
    with ProviderServer("mailgun") as server:
        outlet = channel("mailgun", server)
        found = outcomes(outlet, [draft("mailgun", 0, html="\ud800"), draft("mailgun", 1)])
        outlet.close()
    assert (found[0], found[1].state) == (Outcome("failed", "not_sendable"), "sent")
    assert [each.key for each in server.accepted] == ["m000001"]


def test_what_providers_have_of_their_own_is_said() -> None:
    said = {}
    own: dict[str, dict[str, Any]] = {
        "postmark": {"message_stream": "broadcast"},
        "mailgun": {"sender_domain": "example.com"},
    }
    for road, fields in own.items():
        with ProviderServer(road) as server:
            outlet = channel(road, server, **fields)
            drafts = [draft(road, 0), draft(road, 1, one_click_url=""), draft(road, 2, from_email="x@sub.example.com")]
            assert states(outcomes(outlet, drafts)) == ["sent"] * 3
            outlet.close()
            said[road] = [read(each.headers, each.body) for each in server.accepted]
    assert [each.get("MessageStream") for each in said["postmark"]] == ["broadcast", None, "broadcast"]
    assert {"Name": "Message-ID", "Value": "<m000000@example.com>"} in said["postmark"][0]["Headers"]
    assert said["mailgun"][2]["h:Message-Id"] == "<m000002@sub.example.com>"
    assert said["mailgun"][0]["h:List-Unsubscribe"] == "<https://example.com/u?t=1>"
    assert "h:List-Unsubscribe" not in said["mailgun"][1]


def test_pp_serve_finds_our_message_id_in_what_providers_tell_it() -> None:
    """They repeat in their events what was said with the message."""
    said = {}
    for road in ("postmark", "sendgrid"):
        with ProviderServer(road) as server:
            outlet = channel(road, server)
            outcomes(outlet, [draft(road, 0)])
            outlet.close()
            said[road] = read(server.accepted[0].headers, server.accepted[0].body)
    delivery = {"RecordType": "Delivery", "Metadata": said["postmark"]["Metadata"]}
    event = {"event": "delivered", "smtp-id": "<x@ismtpd.example.com>", **said["sendgrid"]["custom_args"]}
    for road, told in (("postmark", delivery), ("sendgrid", event)):
        cells = FORMATS[road](told)
        assert cells is not None
        assert cells["message_id"] == "m000000"


@pytest.mark.parametrize("road", ["mailjet", "twilio"])
def test_no_secret_and_no_address_shows(road: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    with ProviderServer(road) as server:
        server.script.append(refused(server.face))
        outlet = channel(road, server)
        text = repr(outcomes(outlet, [draft(road, 0), draft(road, 1)])) + repr(outlet) + caplog.text
        outlet.close()
    assert not [each for each in (KEY, SECOND_KEY, "ann@", "+1555", "Hello") if each in text]


def test_the_libraries_are_not_loaded_before_the_first_message() -> None:
    program = (
        "import sys; import pp_pipeline.sending.outlets.provider, pp_pipeline.sending.outlets.twilio;"
        "sys.exit(', '.join({'django', 'anymail', 'twilio', 'requests'} & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
