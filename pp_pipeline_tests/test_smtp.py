"""E-mail by SMTP: each failure has the one outcome that is surely true (DESIGN 5)."""

import email.policy
import ssl
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from functools import partial
from typing import Any

import pytest
import trustme
from pydantic import SecretStr

from pp_pipeline.channel_roads import SmtpRoad
from pp_pipeline.sending.outlets.mime import email_bytes
from pp_pipeline.sending.outlets.outlet import EmailDraft, Outcome, OutletBroken
from pp_pipeline.sending.outlets.pace import MOST_UNANSWERED, Pace
from pp_pipeline.sending.outlets.smtp import SmtpChannel
from pp_pipeline_tests.smtp_server import CLOSE, DRIP, HOLD, LOGIN, RESET, Fault, SmtpServer

# Logging in without encryption is what the server is told to allow.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")

DRAFT = EmailDraft(
    message_id="m000001",
    conversation="hello",
    merchant="main",
    day=date(2026, 7, 10),
    from_name="Corner Shop",
    from_email="shop@example.com",
    to_email="ann@example.com",
    subject="Hello",
    text=".\nA line\n..two dots\n",
    html="<p>Hello</p>\n",
)
MESSAGE_ID = "<m000001@example.com>"
NOW = datetime(2026, 7, 10, 6, 30, tzinfo=UTC)
FAST = partial(Pace, 1_000_000)


def draft(number: int, **changes: Any) -> EmailDraft:
    return replace(DRAFT, message_id=f"m{number:06d}", **changes)


def patience(does: str) -> float:
    """Seconds that a delivery may take: few where nothing but time ends it, many where a busy machine may be slow."""
    return 1 if does in (HOLD, DRIP) else 30


def channel(server: SmtpServer, tls: ssl.SSLContext | None = None, **road: Any) -> SmtpChannel:
    """A channel to the server."""
    fields = {"host": "127.0.0.1", "port": server.port, "security": "none", **road}
    password = SecretStr(LOGIN[1]) if "username" in road else None
    return SmtpChannel(SmtpRoad(**fields), password, tls or ssl.create_default_context(), FAST(), lambda: NOW)


def outcomes(smtp: SmtpChannel, drafts: Sequence[EmailDraft]) -> list[Outcome]:
    """What becomes of each; a broken outlet means `failed` for all that it had not spoken of."""
    found: list[Outcome] = []
    try:
        found.extend(smtp.deliver(drafts))
    except OutletBroken as broken:
        found += [Outcome("failed", f"broken: {broken}")] * (len(drafts) - len(found))
    return found


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def server_tls(authority: trustme.CA, host: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


GREYLISTED = "451 4.7.1 Greylisted, try again in 5 minutes"
FAULTS: list[tuple[Fault, Outcome, int]] = [
    # what goes wrong, what the first message's outcome is, how many of the two the server accepted
    (Fault("mail", "450 4.2.0 later"), Outcome("failed", "busy: 450"), 1),
    (Fault("mail", "421 4.3.2 closing"), Outcome("failed", "busy: 421"), 1),
    (Fault("mail", "what?"), Outcome("failed", "bad_answer"), 1),
    (Fault("mail", RESET), Outcome("failed", "connection_lost"), 1),
    (Fault("mail", HOLD), Outcome("failed", "time_out"), 1),
    (Fault("mail", DRIP), Outcome("failed", "time_out"), 1),
    (Fault("rcpt", GREYLISTED), Outcome("failed", "busy: 451", retry_after=timedelta(minutes=5)), 1),
    (Fault("rcpt", "421 4.7.0 too many"), Outcome("failed", "busy: 421"), 1),
    (Fault("rcpt", "550 5.1.1 no such user ann@example.com"), Outcome("skipped", "rejected: 550"), 1),
    (Fault("rcpt", HOLD), Outcome("failed", "time_out"), 1),
    (Fault("rcpt", CLOSE), Outcome("failed", "connection_lost"), 1),
    (Fault("rcpt", "what?"), Outcome("failed", "bad_answer"), 1),
    (Fault("data", "452 4.3.1 no room"), Outcome("failed", "busy: 452"), 1),
    (Fault("rcpt", "550 5.1.1 User unknown in relay recipient table"), Outcome("skipped", "rejected: 550"), 1),
    (Fault("rcpt", "554 5.7.1 ann@example.com: Relay access denied"), Outcome("failed", "refused: 554"), 1),
    (Fault("rcpt", "550 5.7.54 Unable to relay"), Outcome("failed", "refused: 550"), 1),
    (Fault("data", "550 5.4.5 Daily quota exceeded"), Outcome("failed", "refused: 550"), 1),
    (Fault("data", "554 5.6.0 no"), Outcome("skipped", "rejected: 554"), 1),
    (Fault("data", "250 hm"), Outcome("failed", "bad_answer"), 1),
    (Fault("data", HOLD), Outcome("failed", "time_out"), 1),
    (Fault("data", RESET), Outcome("failed", "connection_lost"), 1),
    (Fault("end", "451 4.3.0 wait 30 seconds"), Outcome("failed", "busy: 451", retry_after=timedelta(seconds=30)), 1),
    (Fault("end", "421 4.3.2 closing"), Outcome("failed", "busy: 421"), 1),
    (Fault("end", "554 5.7.1 looks like spam"), Outcome("skipped", "rejected: 554"), 1),
    (Fault("end", HOLD), Outcome("unknown", "time_out"), 1),
    (Fault("end", HOLD, accepts=True), Outcome("unknown", "time_out"), 2),
    (Fault("end", DRIP, accepts=True), Outcome("unknown", "time_out"), 2),
    (Fault("end", RESET), Outcome("unknown", "connection_lost"), 1),
    (Fault("end", RESET, accepts=True), Outcome("unknown", "connection_lost"), 2),
    (Fault("end", CLOSE), Outcome("unknown", "connection_lost"), 1),
    (Fault("end", "what?", accepts=True), Outcome("unknown", "bad_answer"), 2),
    (Fault("end", "2" * 9_000, accepts=True), Outcome("unknown", "bad_answer"), 2),
    (Fault("end", "354 go on", accepts=True), Outcome("unknown", "bad_answer"), 2),
]


@pytest.mark.parametrize(
    ("fault", "outcome", "accepted_count"), FAULTS, ids=[f"{f.at}-{f.does[:12]}-{f.accepts}" for f, _, _ in FAULTS]
)
def test_a_failure_has_its_outcome_and_the_next_message_goes(
    fault: Fault, outcome: Outcome, accepted_count: int
) -> None:
    with SmtpServer([fault]) as server:
        smtp = channel(server, timeout_seconds=patience(fault.does))
        found = outcomes(smtp, [draft(0), draft(1)])
        smtp.close()
    assert found == [outcome, Outcome("sent", provider_id=MESSAGE_ID)]
    assert [each.message_id for each in server.accepted] == ["m000000", "m000001"][-accepted_count:]


BROKEN: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"connection_script": [Fault("connect", "554 go away")]}, {}, "refused: 554"),
    ({"connection_script": [Fault("connect", "what?")]}, {}, "bad_answer"),
    ({"connection_script": [Fault("connect", HOLD)]}, {"timeout_seconds": 1}, "time_out"),
    ({"connection_script": [Fault("connect", DRIP)]}, {"timeout_seconds": 1}, "time_out"),
    ({"connection_script": [Fault("connect", RESET)]}, {}, "connection_lost"),
    ({"script": [Fault("mail", "550 5.7.1 not your address")]}, {}, "sender_refused: 550"),
    ({"script": [Fault("rcpt", "530 5.7.0 log in first")]}, {}, "not_authorised"),
    ({"login": ("shop", "another")}, {"username": "shop", "password": "MAIL"}, "not_authorised"),
    ({"login": LOGIN}, {}, "not_authorised"),
    ({}, {"username": "shop", "password": "MAIL"}, "not_authorised"),
    ({}, {"security": "starttls"}, "no_starttls"),
    ({}, {"security": "tls"}, "tls_failed"),
    ({}, {"host": "localhost.invalid", "security": "tls"}, "no_such_host"),
    ({}, {"host": "a..b", "security": "tls"}, "no_such_host"),
]


@pytest.mark.parametrize(
    ("server_is", "road", "reason"), BROKEN, ids=[f"{each[2]}-{n}" for n, each in enumerate(BROKEN)]
)
def test_a_server_that_takes_nothing_breaks_the_outlet_and_is_not_asked_again(
    server_is: dict[str, Any], road: dict[str, Any], reason: str
) -> None:
    with SmtpServer(**server_is) as server:
        smtp = channel(server, **road)
        assert outcomes(smtp, [draft(0), draft(1)]) == [Outcome("failed", f"broken: {reason}")] * 2
        assert outcomes(smtp, [draft(2)]) == [Outcome("failed", f"broken: {reason}")]
        assert server.connection_count <= 1
        assert server.accepted == []


def test_a_refused_connection_is_a_failure_until_the_server_is_back() -> None:
    with SmtpServer() as server:
        server.refuse()
        smtp = channel(server)
        assert outcomes(smtp, [draft(0)]) == [Outcome("failed", "broken: connection_refused")]
        server.listen()
        smtp.close()  # the end of a sending
        assert outcomes(smtp, [draft(0)])[0].state == "sent"
        smtp.close()


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_connection_is_encrypted_and_logged_in(security: Any, authority: trustme.CA) -> None:
    with SmtpServer(security=security, tls=server_tls(authority), login=LOGIN) as server:
        smtp = channel(server, trusting(authority), security=security, username=LOGIN[0], password="MAIL")
        assert {each.state for each in outcomes(smtp, [draft(0), draft(1)])} == {"sent"}
        smtp.close()
        assert (server.connection_count, len(server.accepted)) == (1, 2)


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_an_encrypted_answer_has_no_more_time_than_another(security: Any, authority: trustme.CA) -> None:
    with SmtpServer([Fault("end", DRIP)], security=security, tls=server_tls(authority)) as server:
        smtp = channel(server, trusting(authority), security=security, timeout_seconds=patience(DRIP))
        assert [each.reason for each in outcomes(smtp, [draft(0), draft(1)])] == ["time_out", ""]
        smtp.close()


@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.parametrize("wrong", ["authority", "name"])
def test_a_certificate_of_others_ends_it_before_anything_is_said(
    security: Any, wrong: str, authority: trustme.CA
) -> None:
    host = "mail.example.com" if wrong == "name" else "127.0.0.1"
    with SmtpServer(security=security, tls=server_tls(authority, host), login=LOGIN) as server:
        trust = trusting(authority) if wrong == "name" else None
        smtp = channel(server, trust, security=security, username=LOGIN[0], password="MAIL")
        assert outcomes(smtp, [draft(0)]) == [Outcome("failed", "broken: certificate_refused")]
        assert server.transaction_count == 0


def test_one_connection_carries_all_messages_over_calls_and_refusals() -> None:
    script = [None, Fault("rcpt", "550 no"), None, Fault("data", "451 later"), Fault("end", "554 no"), None]
    with SmtpServer(script) as server:
        smtp = channel(server)
        states = [each.state for each in outcomes(smtp, [draft(number) for number in range(3)])]
        states += [each.state for each in outcomes(smtp, [draft(number) for number in range(3, 6)])]
        smtp.close()
        assert states == ["sent", "skipped", "sent", "failed", "skipped", "sent"]
        assert server.connection_count == 1


def test_a_connection_that_was_lost_between_messages_is_replaced() -> None:
    with SmtpServer([None, None, Fault("mail", "421 idle for too long")]) as server:
        smtp = channel(server)
        assert outcomes(smtp, [draft(0)])[0].state == "sent"
        server.cut()
        assert [each.state for each in outcomes(smtp, [draft(1), draft(2)])] == ["sent", "sent"]
        smtp.close()
        assert server.connection_count == 3
        assert [each.message_id for each in server.accepted] == ["m000000", "m000001", "m000002"]


def test_silence_breaks_the_outlet_before_many_are_unknown() -> None:
    with SmtpServer([Fault("end", CLOSE)] * 20) as server:
        smtp = channel(server)
        found = outcomes(smtp, [draft(number) for number in range(20)])
        assert [each.state for each in found] == ["unknown"] * MOST_UNANSWERED + ["failed"] * (20 - MOST_UNANSWERED)
        assert found[-1].reason == "broken: no_answers"
        assert server.transaction_count == MOST_UNANSWERED


def test_what_arrives_is_what_was_written() -> None:
    with SmtpServer() as server:
        smtp = channel(server)
        long = draft(2, text="x" * 3_000 + "\n" + ".\r\nQUIT\r\n" * 3)
        assert [each.state for each in outcomes(smtp, [DRAFT, long])] == ["sent", "sent"]
        smtp.close()
    assert [each.content for each in server.accepted] == [email_bytes(each, NOW) for each in (DRAFT, long)]
    assert {each.recipient for each in server.accepted} == {"ann@example.com"}
    part = message_from_bytes(server.accepted[0].content, policy=email.policy.default).get_body(("plain",))
    assert part is not None
    assert part.get_content().replace("\r\n", "\n") == DRAFT.text.rstrip("\n")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"to_email": "ann@example.com\r\nRCPT TO:<bob@example.com>"}, "address_not_usable"),
        ({"to_email": "ann@example.com, bob@example.com"}, "address_not_usable"),
        ({"to_email": "bücher@example.com"}, "address_not_usable"),
        ({"to_email": "ann\u2028bcc@example.com"}, "address_not_usable"),
    ],
)
def test_what_makes_no_message_is_skipped_and_nothing_of_it_is_said(changes: dict[str, Any], reason: str) -> None:
    with SmtpServer() as server:
        smtp = channel(server)
        found = outcomes(smtp, [draft(0, **changes), draft(1)])
        smtp.close()
    assert found == [Outcome("skipped", reason), Outcome("sent", provider_id=MESSAGE_ID)]
    assert [each.message_id for each in server.accepted] == ["m000001"]
    assert not any(b"bob@" in each.content for each in server.accepted)


@pytest.mark.parametrize("stolen", ["\r\n", "\n", "\r", "\u2028", "\r\n\r\n.\r\n"])
@pytest.mark.parametrize("field", ["subject", "from_name"])
def test_a_line_break_makes_no_header_and_no_end(stolen: str, field: str) -> None:
    with SmtpServer() as server:
        smtp = channel(server)
        found = outcomes(smtp, [draft(1, **{field: f"Hello{stolen}Bcc: bob@example.com{stolen}X: y"})])
        smtp.close()
    assert found == [Outcome("sent", provider_id=MESSAGE_ID)]
    message = message_from_bytes(server.accepted[0].content, policy=email.policy.default)
    assert message["Bcc"] is None
    assert message["X"] is None
    assert message["Date"].datetime == NOW
    assert [each.recipient for each in server.accepted] == ["ann@example.com"]


def test_an_address_of_any_letters_goes_where_the_server_takes_it() -> None:
    with SmtpServer(takes_utf8=True) as server:
        smtp = channel(server)
        found = outcomes(smtp, [draft(0, to_email="bücher@example.com"), draft(1)])
        assert [each.state for each in found] == ["sent", "sent"]
        smtp.close()
    assert [each.recipient for each in server.accepted] == ["bücher@example.com", "ann@example.com"]
    assert "To: bücher@example.com\r\n".encode() in server.accepted[0].content


@pytest.mark.parametrize(
    ("answer", "provider_id"),
    [
        ("250 2.0.0 Ok: queued as 4F2A8C1B", "4F2A8C1B"),
        ("250 OK id=1rXyZ-0003Ab-2c", "1rXyZ-0003Ab-2c"),
        ("250 Ok 0102018f2c3d-11aa-000000", "0102018f2c3d-11aa-000000"),
        ("250 2.0.0 OK", MESSAGE_ID),
        ("250 OK accepted for ann@example.com", MESSAGE_ID),
    ],
)
def test_the_providers_id_is_kept_where_it_says_one(answer: str, provider_id: str) -> None:
    with SmtpServer() as server:
        server.answer = answer
        smtp = channel(server)
        assert outcomes(smtp, [draft(1)]) == [Outcome("sent", provider_id=provider_id)]
        smtp.close()


def test_messages_keep_to_the_pace_by_a_clock_that_only_waiting_moves() -> None:
    now, waits = [100.0], list[float]()

    def wait(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    with SmtpServer() as server:
        smtp = channel(server)
        smtp = SmtpChannel(smtp.road, pace=Pace(4, lambda: now[0], wait))
        outcomes(smtp, [draft(number) for number in range(3)])
        now[0] += 60  # a pause is not made up for
        outcomes(smtp, [draft(number) for number in range(3, 6)])
        smtp.close()
        assert len(server.accepted) == 6
    assert waits == [0.25] * 6  # also before it turns out that there is no more


def test_no_secret_and_no_address_shows() -> None:
    with SmtpServer([Fault("rcpt", "550 no ann@example.com")], login=LOGIN) as server:
        smtp = channel(server, username=LOGIN[0], password="MAIL")
        found = outcomes(smtp, [draft(0)])
        text = repr(smtp) + repr(found) + repr(vars(smtp))
        smtp.close()
    assert LOGIN[1] not in text
    assert "ann@" not in text


def test_nothing_connects_before_the_first_message() -> None:
    with SmtpServer() as server:
        smtp = channel(server)
        unused = smtp.deliver([draft(0)])
        smtp.close()
        assert server.connection_count == 0
        assert next(unused).state == "sent"
        smtp.close()
