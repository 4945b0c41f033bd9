"""Inbound texts as Twilio posts them: signed forms, and answers that are texted to nobody."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from pp_pipeline.contact_keys import phone_key
from pp_pipeline.ledger.suppressions import suppressions_in_force
from pp_pipeline.merchants import MerchantError, load_merchants
from pp_pipeline.settings import Settings
from pp_pipeline_tests.serving_shop import HOOK_SECRET, ServingShop, open_shop
from pp_pipeline_tests.test_merchants import GOOD, settings_with

URL = "https://mail.example.com/webhooks/main/twilio"
PHONE = "+12125550100"
FORM = {
    "AccountSid": "AC0", "Body": "Stop & go?", "From": PHONE, "MessageSid": "SM1", "NumMedia": "0",
    "To": "+12125550199",
}  # fmt: skip
# Of FORM for URL under HOOK_SECRET, as the validator of Twilio's own library makes it.
SIGNATURE = "hQLAaSWu2OWd5tCEzHmYCwSb18k="

BASIC = "Basic " + base64.b64encode(f"pp:{HOOK_SECRET}".encode()).decode()


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[ServingShop]:
    webhooks = [
        {"source": "twilio", "secret": "HOOK", "format": "twilio", "url": URL},
        {"source": "by_password", "secret": "HOOK", "format": "twilio", "proof": "password"},
    ]
    with open_shop(Settings(home=tmp_path / "home"), webhooks=webhooks, country="US") as found:
        yield found


def signature(form: dict[str, str], url: str = URL) -> str:
    words = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.digest(HOOK_SECRET.encode(), words.encode(), hashlib.sha1)).decode()


def post(serving: ServingShop, signed: str | None = None, **fields: str) -> httpx.Response:
    """What Twilio does; signed rightly, unless it is said otherwise."""
    form = FORM | fields
    headers = {"X-Twilio-Signature": signature(form) if signed is None else signed}
    return serving.client.post("/webhooks/main/twilio", data=form, headers=headers)


def stopped(serving: ServingShop) -> list[tuple[str, str, str]]:
    return [(one.contact_key, one.channel, one.kind) for one in suppressions_in_force(serving.shop.ledger)]


def test_a_form_is_signed_as_twilio_signs_it(lite: ServingShop) -> None:
    assert signature(FORM) == SIGNATURE
    assert post(lite, SIGNATURE).status_code == 200


def test_stop_start_and_answers_count_and_nothing_is_texted_back(lite: ServingShop) -> None:
    answers = []
    for number, (body, asked) in enumerate(
        [("STOP", ""), ("Start", ""), ("Thank you, it fits", ""), ("enough of it", "STOP")]
    ):
        fields = {"OptOutType": asked} if asked else {}
        answers.append(post(lite, Body=body, MessageSid=f"SM{number}", **fields))
        lite.later(minutes=1)
    assert {(each.status_code, each.text) for each in answers} == {(200, "<Response/>")}
    assert all(each.headers["content-type"].startswith("text/xml") for each in answers)
    number = phone_key(lite.secret, "main", PHONE)
    assert stopped(lite) == [(number, "sms", "commercial")]
    assert [(row["event"], row["reply"]) for row in lite.file_rows()] == [
        ("unsubscribed", ""), ("preference_set", ""), ("sms_reply", "Thank you, it fits"), ("unsubscribed", ""),
    ]  # fmt: skip
    assert not lite.shop.load().refused


@pytest.mark.parametrize(
    ("fields", "signed"),
    [
        ({"Body": "STOP"}, SIGNATURE),  # of another body
        ({"Body": "STOP"}, ""),
        ({"Body": "STOP"}, signature(FORM | {"Body": "STOP"}, "https://other.example.com/webhooks/main/twilio")),
        ({"Body": "STOP"}, "\u00e9"),
    ],
)
def test_what_is_not_signed_changes_nothing(lite: ServingShop, fields: dict[str, str], signed: str) -> None:
    headers = {"X-Twilio-Signature": signed.encode("latin-1")}
    answer = lite.client.post("/webhooks/main/twilio", data=FORM | fields, headers=headers)
    assert answer.status_code == 401
    assert stopped(lite) == []


def test_who_can_give_a_password_needs_no_signature(lite: ServingShop) -> None:
    answer = lite.client.post(
        "/webhooks/main/by_password", data=FORM | {"Body": "STOP"}, headers={"Authorization": BASIC}
    )
    assert answer.status_code == 200 and len(stopped(lite)) == 1


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"&" * 500, b"MessageStatus=delivered&MessageSid=SM1"])
def test_what_is_no_message_is_kept_out(lite: ServingShop, body: bytes) -> None:
    answer = lite.client.post("/webhooks/main/by_password", content=body, headers={"Authorization": BASIC})
    assert answer.status_code == 200
    assert (stopped(lite), lite.file_rows()) == ([], [])


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        ({"format": "twilio"}, "url is missing"),
        ({"format": "twilio", "url": "http://mail.example.com/x"}, "url has to begin with https://"),
        ({"format": "twilio", "url": "mail.example.com"}, "not a link"),
        ({"format": "twilio", "url": URL, "proof": "password"}, "url is only of use"),
        ({"format": "sms", "url": URL}, "url is only of use"),
    ],
)
def test_the_address_that_is_signed_has_to_be_known(tmp_path: Path, hook: dict[str, Any], words: str) -> None:
    stated = GOOD | {"webhooks": [{"source": "my_phone", "secret": "HOOK"} | hook]}
    with pytest.raises(MerchantError, match=rf"webhooks\.0.*{words}"):
        load_merchants(settings_with(tmp_path, "vienna.yml", yaml.safe_dump(stated)))
