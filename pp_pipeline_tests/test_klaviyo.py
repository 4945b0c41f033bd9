"""Klaviyo: what an event looks like there, what is backfill, and whose fault a refusal is."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pp_pipeline.sending.outlets.klaviyo import event_body
from pp_pipeline.sending.outlets.outlet import Outcome
from pp_pipeline_tests.klaviyo_server import KlaviyoServer, error
from pp_pipeline_tests.platform_roads import Clock, event, outcomes, relay
from pp_pipeline_tests.test_webhook import busy
from pp_pipeline_tests.webhook_server import DELIVERY

DAY = date(2026, 7, 10)
VIENNA = ZoneInfo("Europe/Vienna")


def at(*moment: int) -> datetime:
    return datetime(2026, 7, *moment, tzinfo=VIENNA)


def test_an_event_is_told_as_klaviyo_takes_it() -> None:
    with KlaviyoServer() as server:
        outlet = relay("klaviyo", server.url)
        assert outcomes(outlet, [event()]) == [Outcome("sent")]
        outlet.close()
    assert json.loads(server.accepted[0].body) == {
        "data": {
            "type": "event",
            "attributes": {
                "properties": {
                    "event_id": "e000000",
                    "event_name": "recent_buyers",
                    "campaign": "recent_buyers",
                    "merchant": "main",
                    "contact_key": "c000000",
                    "order_number": "A1",
                    "occurred_on": "2026-07-10",
                },
                "time": "2026-07-10T12:00:00+02:00",
                "unique_id": "e000000",
                "backfill": False,
                "metric": {"data": {"type": "metric", "attributes": {"name": "recent_buyers"}}},
                "profile": {"data": {"type": "profile", "attributes": {"email": "person0@example.com"}}},
            },
        }
    }


@pytest.mark.parametrize(
    ("now", "time", "is_old"),
    [
        (at(10, 8), "2026-07-10T08:00:00+02:00", False),  # before noon of its day: now
        (at(10, 13), "2026-07-10T12:00:00+02:00", False),
        (at(12, 23, 59), "2026-07-10T12:00:00+02:00", False),
        (at(13, 0), "2026-07-10T12:00:00+02:00", True),  # by the merchant's days, though 22:00 of the 12th in UTC
        (at(9, 23), "2026-07-09T23:00:00+02:00", False),
    ],
)
def test_an_event_of_an_old_day_is_backfill_and_its_time_has_come(now: datetime, time: str, is_old: bool) -> None:
    attributes = event_body(event(0, occurred_on=DAY), now)["data"]["attributes"]
    assert (attributes["time"], attributes["backfill"]) == (time, is_old)


def test_the_clock_of_backfill_is_the_merchants() -> None:
    clock = Clock(datetime(2026, 7, 12, 22, 30, tzinfo=UTC))
    with KlaviyoServer() as server:
        outlet = relay("klaviyo", server.url, clock=clock)
        outcomes(outlet, [event()])
        outlet.close()
    assert json.loads(server.accepted[0].body)["data"]["attributes"]["backfill"] is True


def test_a_bad_address_is_skipped_and_a_bad_request_is_not() -> None:
    with KlaviyoServer() as server:
        server.bad_addresses.add("person0@example.com")
        outlet = relay("klaviyo", server.url)
        assert outcomes(outlet, [event(0), event(1)]) == [Outcome("skipped", "rejected: 400"), Outcome("sent")]
        server.script.extend([error(400, "/data/attributes/metric"), error(410, "")])
        assert outcomes(outlet, [event(2), event(3)]) == [
            Outcome("failed", "refused: 400"),
            Outcome("failed", "refused: 410"),
        ]
        outlet.close()


def test_klaviyo_is_left_alone_for_as_long_as_it_asks() -> None:
    clock = Clock()
    with KlaviyoServer([busy(429, Retry_After="30")]) as server:
        outlet = relay("klaviyo", server.url, clock=clock)
        wait = timedelta(seconds=30)
        assert outcomes(outlet, [event(0), event(1)]) == [
            Outcome("failed", "busy: 429", retry_after=wait),
            Outcome("failed", "busy", retry_after=wait),
        ]
        clock.now += wait
        assert outcomes(outlet, [event(0)]) == [Outcome("sent")]
        outlet.close()
        assert server.counts[DELIVERY] == 2


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("data", "attributes", "uniqueid"), "x"),
        (("data", "attributes", "profile", "data", "attributes", "e_mail"), "x"),
        (("data", "attributes", "backfill"), "yes"),
        (("data", "attributes", "time"), "yesterday"),
        (("data", "type"), "events"),
        (("data", "attributes", "metric"), None),
    ],
)
def test_the_stand_in_refuses_what_is_not_described(
    place: tuple[str, ...], value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the judge."""

    def odd(*given: Any) -> dict[str, Any]:
        body = fields = event_body(*given)
        for name in place[:-1]:
            fields = fields[name]
        fields[place[-1]] = value
        return body

    monkeypatch.setattr("pp_pipeline.sending.outlets.klaviyo.event_body", odd)
    server = KlaviyoServer()
    outlet = relay("klaviyo", server.url)
    assert outcomes(outlet, [event()]) == [Outcome("failed", "refused: 400")]
    outlet.close()
    with pytest.raises(AssertionError, match="not"):
        server.stop()
