"""Listrak: events are raised on subscribed contacts alone, and wrong ids in a merchant's file skip nobody."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pp_pipeline.sending.outlets.outlet import Outcome
from pp_pipeline_tests.listrak_server import CONTACT, EVENT_ID, EVENTS, LIST_ID, TOKEN, ListrakServer
from pp_pipeline_tests.platform_roads import Clock, event, outcomes, relay
from pp_pipeline_tests.test_smtp import patience
from pp_pipeline_tests.test_webhook import busy
from pp_pipeline_tests.webhook_server import CLOSE, DELIVERY, DRIP, GARBAGE, HOLD, RESET, Answer, Asked

EMAIL = "person0@example.com"


class _Listening(ListrakServer):
    """Keeps the last request that raised an event."""

    raised: Asked

    def key(self, asked: Asked) -> str:
        self.raised = asked
        return super().key(asked)


def test_an_event_is_raised_on_the_contact_of_the_list_that_it_names() -> None:
    fields = {"event_id": 7, "order_number": 8, "sku": 9, "occurred_on": 10}
    with _Listening() as server:
        server.events = {EVENT_ID: "Active", 99: "Active"}
        outlet = relay("listrak", server.url, profile_fields=fields, list_ids={event().event_name: LIST_ID}, list_id=1)
        assert outcomes(outlet, [event()]) == [Outcome("sent")]
        outlet.close()
        path = urlsplit(server.raised.path)
        assert path.path == f"/email/v1/List/{LIST_ID}/Contact"
        assert parse_qs(path.query) == {
            "eventIds": [str(EVENT_ID)],
            "overrideUnsubscribe": ["false"],
            "subscribedByContact": ["false"],
            "sendDoubleOptIn": ["false"],
            "updateType": ["Update"],
        }
        values = {7: "e000000", 8: "A1", 9: "", 10: "2026-07-10"}
        assert json.loads(server.raised.body) == {
            "emailAddress": EMAIL,
            "segmentationFieldValues": [{"segmentationFieldId": one, "value": text} for one, text in values.items()],
        }


@pytest.mark.parametrize(
    ("changes", "email", "outcome"),
    [
        ({}, "o'brien+é/?#%@example.com", Outcome("sent")),
        ({"contacts": {EMAIL: "Unsubscribed"}}, EMAIL, Outcome("skipped", "unsubscribed")),
        ({"contacts": {EMAIL: ""}}, EMAIL, Outcome("skipped", "not_on_list")),
        ({"contacts": {EMAIL: "Pending"}}, EMAIL, Outcome("failed", "bad_answer")),
        ({}, "a&b@example.com", Outcome("skipped", "address_not_usable")),
        *[
            ({"refusal": word.upper()}, EMAIL, Outcome("skipped", word))
            for word in (
                *("banned_email_address", "suppressed_email", "pending_email_address", "unsubscribed_email_address"),
                *("unsubscribe_with_events", "update_unsubscribe_with_events"),
            )
        ],
        *[
            ({"refusal": word.upper()}, EMAIL, Outcome("failed", f"refused: {word}"))
            for word in ("invalid_parameter", "too_many_segmentation_fields", "malformed_request_body")
        ],
        ({"refusal": "FOR ann@example.com"}, EMAIL, Outcome("failed", "refused: 400")),
        ({"events": {EVENT_ID: "Blocked"}}, EMAIL, Outcome("failed", f"event_not_active: {EVENT_ID}")),
        ({"events": {EVENT_ID + 1: "Active"}}, EMAIL, Outcome("failed", f"no_such_event: {EVENT_ID}")),
    ],
)
def test_what_listrak_says_of_a_contact_has_its_outcome(changes: dict[str, Any], email: str, outcome: Outcome) -> None:
    with ListrakServer() as server:
        vars(server).update(changes)
        outlet = relay("listrak", server.url)
        assert outcomes(outlet, [event(0, email=email)]) == [outcome]
        outlet.close()
        assert [each.key for each in server.accepted] == ([event(0).key] if outcome.state == "sent" else [])


def test_who_leaves_between_the_question_and_the_event_stays_away() -> None:
    with ListrakServer() as server:
        contact = json.dumps({"data": {"subscriptionState": "Subscribed"}}).encode()
        server.scripts[CONTACT].append(Answer(200, body=contact))
        server.contacts[EMAIL] = "Unsubscribed"
        outlet = relay("listrak", server.url)
        assert outcomes(outlet, [event()]) == [Outcome("skipped", "update_unsubscribe_with_events")]
        outlet.close()


def test_with_a_wrong_list_or_event_events_fail_where_everybody_would_be_skipped_and_others_go() -> None:
    with ListrakServer() as server:
        ids = {"recent_buyers": EVENT_ID, "win_back": 99, "refill": EVENT_ID}
        outlet = relay("listrak", server.url, events=list(ids), event_ids=ids, list_ids={"refill": 1})
        names = ["refill", "win_back", "recent_buyers", "refill", "win_back"]
        assert outcomes(outlet, [event(number, event_name=name) for number, name in enumerate(names)]) == [
            Outcome("failed", "no_such_list: 1"),
            Outcome("failed", "no_such_event: 99"),
            Outcome("sent"),
            Outcome("failed", "no_such_list: 1"),
            Outcome("failed", "no_such_event: 99"),
        ]
        outlet.close()
        assert server.counts == {TOKEN: 1, EVENTS: 2, CONTACT: 1, DELIVERY: 1}


@pytest.mark.parametrize("question", [TOKEN, EVENTS, CONTACT])
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(HOLD), "time_out"),
        pytest.param(Answer(DRIP), "time_out", marks=pytest.mark.heavy),
        (Answer(RESET), "connection_lost"),
        (Answer(CLOSE), "connection_lost"),
        (Answer(GARBAGE), "bad_answer"),
    ],
    ids=lambda case: getattr(case, "does", ""),
)
def test_where_a_question_is_not_answered_nothing_is_delivered_and_nothing_unknown(
    question: str, answer: Answer, reason: str
) -> None:
    with ListrakServer() as server:
        server.scripts[question].append(answer)
        outlet = relay("listrak", server.url, seconds=patience(str(answer.does)))
        assert outcomes(outlet, [event(0), event(1)]) == [Outcome("failed", f"broken: {reason}")] * 2
        outlet.close()
        assert (server.counts[DELIVERY], server.accepted) == (0, [])


@pytest.mark.parametrize("question", [EVENTS, CONTACT])
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(500), Outcome("failed", "server_error: 500")),
        (Answer(404), Outcome("failed", "rejected: 404")),
        (Answer(302), Outcome("failed", "redirected: 302")),
        (Answer(204, body=b""), Outcome("failed", "bad_answer")),
        (Answer(200, body=b"[]"), Outcome("failed", "bad_answer")),
        (Answer(200, body=b"\xff"), Outcome("failed", "bad_answer")),
        (busy(429, Retry_After="90"), Outcome("failed", "busy: 429", retry_after=timedelta(seconds=90))),
    ],
    ids=lambda case: str(getattr(case, "does", "")),
)
def test_a_question_that_is_not_answered_with_yes_or_no_is_a_failure(
    question: str, answer: Answer, outcome: Outcome
) -> None:
    if question == EVENTS and answer.does in (200, 404):  # a list without the event, or no list
        known = {200: f"no_such_event: {EVENT_ID}", 404: f"no_such_list: {LIST_ID}"}
        outcome = Outcome("failed", known[int(answer.does)])
    with ListrakServer() as server:
        server.scripts[question].append(answer)
        outlet = relay("listrak", server.url)
        assert outcomes(outlet, [event(0)]) == [outcome]
        outlet.close()
        assert server.counts[DELIVERY] == 0


def test_one_token_and_one_look_at_the_list_do_for_a_sending() -> None:
    with ListrakServer() as server:
        outlet = relay("listrak", server.url)
        assert outcomes(outlet, map(event, range(10))) == [Outcome("sent")] * 10
        assert server.counts == {TOKEN: 1, EVENTS: 1, CONTACT: 10, DELIVERY: 10}
        assert server.connection_count == 2
        outlet.close()
        outcomes(outlet, [event(10)])
        assert (server.counts[TOKEN], server.counts[EVENTS]) == (2, 2)
        outlet.close()


def test_a_token_is_renewed_a_minute_before_it_expires() -> None:
    clock = Clock()
    with ListrakServer() as server:
        outlet = relay("listrak", server.url, clock=clock)
        for seconds, tokens in ((0, 1), (3539, 1), (1, 2), (0, 2)):
            clock.now += timedelta(seconds=seconds)
            assert outcomes(outlet, [event()]) == [Outcome("sent")]
            assert server.counts[TOKEN] == tokens
        outlet.close()


@pytest.mark.parametrize("question", [EVENTS, CONTACT, DELIVERY])
def test_a_token_that_is_not_taken_is_renewed_once(question: str) -> None:
    with ListrakServer() as server:
        server.scripts[question].append(Answer(401))
        outlet = relay("listrak", server.url)
        assert outcomes(outlet, [event(0)]) == [Outcome("sent")]
        assert server.counts[TOKEN] == 2
        server.scripts[question].extend([Answer(401), Answer(401)])
        outlet.close()
        assert outcomes(outlet, [event(1), event(2)]) == [Outcome("failed", "broken: not_authorised")] * 2
        outlet.close()
        assert (server.counts[TOKEN], len(server.accepted)) == (4, 1)


def test_a_token_that_is_good_for_ages_is_kept() -> None:
    with ListrakServer() as server:
        server.lifetime = 10**12
        outlet = relay("listrak", server.url)
        assert outcomes(outlet, [event(0), event(1)]) == [Outcome("sent")] * 2
        assert server.counts[TOKEN] == 1
        outlet.close()


def test_tokens_that_expired_at_listrak_are_renewed_between_events() -> None:
    with ListrakServer() as server:
        outlet = relay("listrak", server.url)
        sent = outcomes(outlet, [event(0)])
        server.expire()
        assert sent + outcomes(outlet, [event(1)]) == [Outcome("sent")] * 2
        assert server.counts[TOKEN] == 2
        outlet.close()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(400), "not_authorised"),
        (Answer(401), "not_authorised"),
        (Answer(500), "no_token: 500"),
        (Answer(503), "no_token: 503"),
        (Answer(200, body=b"token"), "no_token: bad_answer"),
        (Answer(200, body=b'{"access_token": "x"}'), "no_token: bad_answer"),
        (Answer(200, body=b'{"access_token": "x\\r\\nHost: y", "expires_in": 9}'), "key_not_usable"),
    ],
    ids=lambda case: str(getattr(case, "does", "")),
)
def test_without_a_token_nothing_is_asked(answer: Answer, reason: str) -> None:
    with ListrakServer() as server:
        server.scripts[TOKEN].append(answer)
        outlet = relay("listrak", server.url)
        assert outcomes(outlet, [event()]) == [Outcome("failed", f"broken: {reason}")]
        outlet.close()
        assert server.counts == {TOKEN: 1}
