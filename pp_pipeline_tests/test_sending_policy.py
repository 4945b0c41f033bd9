"""A merchant's `sending`: what may stand there, what is refused in words, what a ceiling and quiet hours mean."""

import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from pp_pipeline.merchants import Merchant, MerchantError, load_merchants
from pp_pipeline.sending.guards.timing import midnight
from pp_pipeline.sending.guards.zones import clocks, is_quiet, quiet_until, zones_of_country
from pp_pipeline.sending_policy import DailyCeiling, QuietHours, SendingPolicy
from pp_pipeline.settings import Settings, SettingsError
from pp_pipeline_tests.test_merchants import GOOD, settings_with

EVERYTHING = """
consent:
  email: {basis: soft_opt_in, countries: {DE: explicit, CA: {basis: implied, days: 730}}}
quiet_hours: {email: {from: "21:00", to: "08:00"}, sms: {from: "20:00", to: "09:00"}}
window: {email: {from: "10:00", to: "18:00"}}
caps: {email: {messages: 3, days: 7}, sms: {messages: 2, days: 7}}
discount_cap: {messages: 1, days: 30}
spacing_hours: 24
blackouts: [{from: 2026-11-26, to: 2026-11-27, why: big sale}]
daily_ceiling: {email: {first: 200, from: 2026-11-01, growth: 1.5, most: 20000}}
sunset: {days: 365, exempt: [farewell]}
max_defer_days: 3
"""


def load(folder: Path, sending: Any) -> Merchant:
    settings = settings_with(folder, "vienna.yml", yaml.safe_dump(GOOD | {"sending": sending}))
    return load_merchants(settings)["vienna"]


def test_all_of_it_can_be_stated(tmp_path: Path) -> None:
    policy = load(tmp_path, yaml.safe_load(EVERYTHING)).sending
    assert policy.consent.email.of("DE").basis == "explicit"
    assert (policy.consent.email.of("CA").basis, policy.consent.email.of("CA").days) == ("implied", 730)
    assert policy.consent.email.of("").basis == "soft_opt_in"
    assert policy.quiet_hours["sms"].to == time(9)
    assert policy.looks_back == timedelta(days=365)


def test_all_of_it_may_be_left_out(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, "vienna.yml", yaml.safe_dump(GOOD))
    policy = load_merchants(settings)["vienna"].sending
    assert (policy.consent.email.basis, policy.max_defer_days, policy.looks_back) == ("soft_opt_in", 3, None)


@pytest.mark.parametrize(
    ("sending", "words"),
    [
        ({"consent": {"email": "opt_in"}}, ["sending.consent.email.basis", "soft_opt_in"]),
        ({"consent": {"email": {"basis": "explicit", "days": 3}}}, ["sending.consent.email", "basis: implied"]),
        ({"consent": {"email": {"countries": {"Germany": "explicit"}}}}, ["sending.consent.email.countries"]),
        ({"consent": {"sms": "explicit"}}, ["sending.consent.sms is not known", "allowed are email"]),
        ({"consent": {"email": {"base": "x"}}}, ["email.base is not known", "basis, days, countries"]),
        ({"quiet_hours": {"email": {"from": "08:00", "to": "08:00"}}}, ["quiet_hours.email", "write two times"]),
        ({"quiet_hours": {"email": {"from": 1260, "to": "08:00"}}}, ["quiet_hours.email.from", "in quotes"]),
        (
            {
                "quiet_hours": {"sms": {"from": "20:00", "to": "09:00"}},
                "window": {"sms": {"from": "20:30", "to": "08:00"}},
            },
            ["sending", "the window of sms lies in its quiet_hours, so nothing commercial would ever go"],
        ),
        ({"quiet_hours": {"email": {"from": "21:00"}}}, ["quiet_hours.email.to is missing", "required are from, to"]),
        ({"quiet_hours": {"email": {"from": "21:00", "to": "25:00"}}}, ["quiet_hours.email.to"]),
        ({"quiet_hours": {"fax": {"from": "21:00", "to": "08:00"}}}, ["quiet_hours.fax", "'email' or 'sms'"]),
        ({"caps": {"email": {"messages": 0, "days": 7}}}, ["caps.email.messages", "greater than or equal to 1"]),
        ({"caps": {"email": {"message": 1, "days": 7}}}, ["message is not known", "allowed are messages, days"]),
        ({"blackouts": [{"from": "2026-11-27", "to": "2026-11-26"}]}, ["blackouts.0", "to lies before from"]),
        ({"daily_ceiling": {"email": {"first": 5, "growth": 2}}}, ["daily_ceiling.email", "write from"]),
        ({"daily_ceiling": {"email": {"first": 5, "growth": 0.5}}}, ["daily_ceiling.email.growth"]),
        ({"max_defer_days": -1}, ["sending.max_defer_days"]),
        ({"spacing_hours": None}, ["sending.spacing_hours", "take the line away"]),
        ({"sunset": None}, ["sending.sunset", "take the line away"]),
        ({"sunset": {"days": 0}}, ["sending.sunset.days", "greater than or equal to 1"]),
        ({"sunset": {"day": 90}}, ["day is not known", "allowed are days, exempt"]),
        ({"seeds": ["2125550100"]}, ["sending.seeds.0"]),
        ({"quiet": 1}, ["sending.quiet is not known", "quiet_hours"]),
    ],
)
def test_a_fault_names_the_field_and_what_is_allowed(tmp_path: Path, sending: Any, words: list[str]) -> None:
    with pytest.raises(MerchantError) as error:
        load(tmp_path, sending)
    assert [word for word in ["merchants/vienna.yml:", *words] if word not in str(error.value)] == []


@pytest.mark.parametrize(
    ("ceiling", "by_day"),
    [
        (
            {"first": 200, "from": "2026-11-01", "growth": 1.5, "most": 1000},
            {-1: None, 0: 200, 1: 300, 2: 450, 4: 1000},
        ),
        ({"first": 3, "from": "2026-11-01", "growth": 1.5}, {1: 4, 2: 6, 3: 10}),  # rounded down, each from the first
        ({"first": 50}, {-400: 50, 0: 50, 4000: 50}),
        ({"first": 1, "from": "2026-11-01", "growth": 10, "most": 500}, {40_000: 500}),
        ({"first": 1, "from": "2026-11-01", "growth": 10}, {40_000: 10**12}),
    ],
)
def test_the_ceiling_of_a_day(ceiling: dict[str, Any], by_day: dict[int, int | None]) -> None:
    found = DailyCeiling.model_validate(ceiling)
    assert {day: found.on(date(2026, 11, 1) + timedelta(days=day)) for day in by_day} == by_day


NIGHT = QuietHours.model_validate({"from": "21:00", "to": "08:00"})
NEW_YORK = (ZoneInfo("America/New_York"),)


@pytest.mark.parametrize(
    ("hours", "zones", "moment", "until"),
    [
        # By day, at the edges, and across midnight.
        (NIGHT, NEW_YORK, "2026-07-10T20:59:59-04:00", None),
        (NIGHT, NEW_YORK, "2026-07-10T21:00:00-04:00", "2026-07-11T08:00:00-04:00"),
        (NIGHT, NEW_YORK, "2026-07-11T07:59:30-04:00", "2026-07-11T08:00:00-04:00"),
        (NIGHT, NEW_YORK, "2026-07-11T08:00:00-04:00", None),
        (("12:00", "13:30"), NEW_YORK, "2026-07-11T12:10:00-04:00", "2026-07-11T13:30:00-04:00"),
        # The night of 1 November is an hour longer, that of 14 March an hour shorter; eight o'clock is eight o'clock.
        (NIGHT, NEW_YORK, "2026-10-31T22:00:00-04:00", "2026-11-01T08:00:00-05:00"),
        (NIGHT, NEW_YORK, "2027-03-13T22:00:00-05:00", "2027-03-14T08:00:00-04:00"),
        # An end that the clock leaps over: from three o'clock on it is later than that.
        (("21:00", "02:30"), NEW_YORK, "2027-03-14T01:59:00-05:00", "2027-03-14T03:00:00-04:00"),
        # An end that the clock shows twice is quiet again until the second time.
        (("21:00", "01:30"), NEW_YORK, "2026-11-01T00:00:00-04:00", "2026-11-01T01:30:00-04:00"),
        (("21:00", "01:30"), NEW_YORK, "2026-11-01T01:10:00-05:00", "2026-11-01T01:30:00-05:00"),
        # All zones of the country: Honolulu wakes last, New York goes to bed first.
        (NIGHT, "US", "2026-07-10T12:00:00-04:00", "2026-07-10T14:00:00-04:00"),
        (NIGHT, "US", "2026-07-10T14:00:00-04:00", None),
        (NIGHT, "US", "2026-07-10T20:59:00-04:00", None),
        (NIGHT, "US", "2026-07-10T21:00:00-04:00", "2026-07-11T14:00:00-04:00"),
        # Nothing fits: two days.
        (("10:00", "08:00"), "US", "2026-07-10T12:00:00-04:00", "2026-07-12T12:00:00-04:00"),
    ],
)
def test_quiet_hours_end_by_the_clock(hours: Any, zones: Any, moment: str, until: str | None) -> None:
    if isinstance(hours, tuple):
        hours = QuietHours.model_validate({"from": hours[0], "to": hours[1]})
    places = zones_of_country(zones) if isinstance(zones, str) else zones
    for clock in (UTC, ZoneInfo("America/New_York")):  # whatever zone the moment is written in
        found = quiet_until(hours, places, datetime.fromisoformat(moment).astimezone(clock))
        assert found == (datetime.fromisoformat(until) if until else None)


def test_the_clocks_that_count() -> None:
    vienna = ZoneInfo("Europe/Vienna")
    assert clocks("Asia/Tokyo", "US", vienna) == (ZoneInfo("Asia/Tokyo"),)
    assert {"America/New_York", "Pacific/Honolulu", "America/Anchorage"} <= {
        zone.key for zone in clocks("", "US", vienna)
    }
    assert {zone.key for zone in clocks("", "DE", vienna)} == {"Europe/Berlin", "Europe/Busingen"}
    assert clocks("", "XX", vienna) == clocks("", "", vienna) == (vienna,)


def test_quiet_hours_hold_as_they_are_read() -> None:
    day = QuietHours.model_validate({"from": "12:00", "to": "13:00"})
    noon = datetime(2026, 7, 10, 12, tzinfo=UTC)
    assert is_quiet(day, (ZoneInfo("UTC"),), noon)
    assert not is_quiet(day, (ZoneInfo("Asia/Tokyo"),), noon)
    assert is_quiet(day, (ZoneInfo("Asia/Tokyo"), ZoneInfo("UTC")), noon)


def test_the_day_begins_where_the_merchant_is() -> None:
    merchant = Merchant.model_validate(GOOD | {"merchant": "vienna", "zone": "America/New_York"})
    found = midnight(merchant, datetime(2026, 7, 10, 3, tzinfo=UTC))
    assert found == datetime(2026, 7, 9, 4, tzinfo=UTC)


def test_a_policy_is_read_from_json_as_from_yaml() -> None:
    policy = SendingPolicy.model_validate(yaml.safe_load(EVERYTHING))
    assert SendingPolicy.model_validate(json.loads(policy.model_dump_json(by_alias=True))) == policy


def test_the_environment_says_who_may_be_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PP_HOME", str(tmp_path))
    settings = Settings.from_environment()
    assert (settings.environment, settings.is_production, settings.allowed_recipients) == ("development", False, ())
    monkeypatch.setenv("PP_ENVIRONMENT", " Production ")
    monkeypatch.setenv("PP_ALLOWED_RECIPIENTS", "Ann@example.com, *@test.example.com, +1212*,")
    settings = Settings.from_environment()
    assert settings.is_production
    assert settings.allowed_recipients == ("ann@example.com", "*@test.example.com", "+1212*")
    assert "ann@" not in repr(settings)
    monkeypatch.setenv("PP_ALLOWED_RECIPIENTS", "ann@example.com;somebody")
    with pytest.raises(SettingsError, match="PP_ALLOWED_RECIPIENTS") as error:
        Settings.from_environment()
    assert "somebody" not in str(error.value)
