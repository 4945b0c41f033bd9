"""The preference page of `pp serve`: which channels and kinds it offers to whom, and what each choice does."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pp_pipeline.settings import Settings
from pp_pipeline.warehouse import Warehouse
from pp_pipeline_tests.serving_shop import WEBHOOKS, ServingShop, open_shop, state_of

PHONE = "+12125550100"
ALL = {"email", "sms", "email_orders", "sms_orders", "notification"}


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[ServingShop]:
    with open_shop(Settings(home=tmp_path / "home"), webhooks=WEBHOOKS, country="US") as found:
        yield found


@pytest.fixture(params=["duckdb", "postgres"])
def serving(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServingShop]:
    """An endpoint whose warehouse is on each of the two databases."""
    if request.param == "duckdb":
        settings = Settings(home=tmp_path / "home")
    else:
        url = request.getfixturevalue("postgres_database").url
        settings = Settings(home=tmp_path / "home", target="postgres", warehouse_url=url)
    with open_shop(settings, webhooks=WEBHOOKS, country="US") as found:
        yield found


def offered(serving: ServingShop, who: str, **token: str) -> set[str]:
    """What somebody's preference page lets choose."""
    page = serving.client.get(serving.link(who, "/preferences", **token)).text
    return set(re.findall(r'<input type="radio" name="(\w+)"', page))


@pytest.mark.parametrize("field", ["email", "sms", "email_orders", "sms_orders"])
def test_each_choice_suppresses_at_once_and_is_taken_back(lite: ServingShop, field: str) -> None:
    channel, _, orders = field.partition("_")
    kind = "transactional" if orders else "commercial"
    assert lite.choose("ann", **{field: "no"}) == 200
    assert lite.facts("ann") == [(channel, kind, "unsubscribed")]
    page = lite.client.get(lite.link("ann", "/preferences")).text
    assert f'name="{field}" value="no" checked' in page
    lite.later(minutes=1)
    assert lite.choose("ann", **{field: "no"}) == 200
    assert len(lite.file_rows()) == 1
    assert lite.choose("ann", **{field: "yes"}) == 200
    assert lite.facts("ann") == []
    first, second = lite.file_rows()
    said = ("preference_set", "", f"{channel}_transactional=no") if orders else ("unsubscribed", channel, "")
    assert (first["event"], first["channel"], first["action"]) == said
    assert (second["event"], second["action"]) == ("preference_set", f"{channel}_{kind}=yes")


def test_choices_at_once_do_not_touch_each_other(lite: ServingShop) -> None:
    every = dict.fromkeys(ALL - {"notification"}, "no")
    assert lite.choose("ann", **every) == 200
    assert len(lite.facts("ann")) == 4
    lite.later(minutes=1)
    assert lite.choose("ann", **every | {"email": "yes", "sms_orders": "yes"}) == 200
    left = [("email", "transactional", "unsubscribed"), ("sms", "commercial", "unsubscribed")]
    assert lite.facts("ann") == left
    before = lite.ledger_rows()
    assert not lite.shop.load().refused
    assert (lite.facts("ann"), lite.ledger_rows()) == (left, before)


def test_whoever_has_no_number_is_not_asked_about_texts(serving: ServingShop) -> None:
    assert offered(serving, "ann") == {"email", "email_orders"}
    serving.shop.drop("contacts_2026-01-05.csv", f"email,phone\nann@example.com,{PHONE}\nben@example.com,{PHONE}\n")
    serving.shop.drop("contacts_2026-01-06.csv", "email,phone\nben@example.com,\n")
    assert not serving.shop.load().refused
    assert offered(serving, "ann") == ALL
    assert offered(serving, "ben") == offered(serving, "cy") == {"email", "email_orders"}
    assert offered(serving, "cy", channel="sms") == ALL
    assert serving.choose("cy", sms="no") == 200
    assert offered(serving, "cy") == ALL


def test_what_a_number_stopped_by_itself_is_shown_and_undone_from_the_phone(lite: ServingShop) -> None:
    lite.shop.drop("contacts_2026-01-05.csv", f"email,phone\nann@example.com,{PHONE}\n")
    lite.shop.load()
    lite.sms("STOP", "1", sender=PHONE)
    assert offered(lite, "ann") == ALL - {"sms"}
    assert "answer START from there" in lite.client.get(lite.link("ann", "/preferences")).text
    lite.later(minutes=1)
    lite.sms("START", "2", sender=PHONE)
    assert offered(lite, "ann") == ALL


def test_a_build_that_holds_the_warehouse_holds_no_page_up(lite: ServingShop, monkeypatch: pytest.MonkeyPatch) -> None:
    lite.shop.drop("contacts_2026-01-05.csv", "email,phone\nann@example.com,\n")
    lite.shop.load()
    monkeypatch.setattr("pp_pipeline.serving.phones._LOCK_WAIT_SECONDS", 0.0)
    with Warehouse(lite.shop.settings).locked():
        assert offered(lite, "ann") == ALL
    assert offered(lite, "ann") == {"email", "email_orders"}


def test_to_look_changes_no_file(lite: ServingShop) -> None:
    lite.shop.drop("contacts_2026-01-05.csv", f"email,phone\nann@example.com,{PHONE}\n")
    lite.shop.load()
    before = state_of(lite.shop.settings.home)
    assert offered(lite, "ann") == ALL
    assert state_of(lite.shop.settings.home) == before
