"""Merchant files are checked at the door, and contact keys hang on one secret."""

import os
import shutil
import stat
from pathlib import Path

import pytest
import yaml

from pp_pipeline.contact_keys import SecretError, contact_key, contact_secret, fingerprint
from pp_pipeline.merchants import MerchantError, load_merchants
from pp_pipeline.settings import Settings

GOOD = {
    "zone": "Europe/Vienna",
    "currency": "EUR",
    "sender_name": "Shop",
    "sender_email": "shop@example.com",
    "postal_address": "Shop, 1 Main Street, Springfield",
    "unsubscribe_url": "https://example.com/unsubscribe",
    "site_url": "https://example.com",
}


def settings_with(folder: Path, name: str, text: str) -> Settings:
    """Settings of a checkout that has one merchant file."""
    merchants = folder / "pp_pipeline" / "merchants"
    merchants.mkdir(parents=True, exist_ok=True)
    (merchants / name).write_text(text, encoding="utf-8")
    return Settings(home=folder / "home", checkout=folder)


def test_the_shipped_merchant_loads_and_its_relay_takes_the_samples_events(tmp_path: Path) -> None:
    main = load_merchants(Settings(home=tmp_path))["main"]
    assert (main.zone, main.currency) == ("America/New_York", "USD")
    assert main.relays[0].relay == "outbox_relay"
    assert "purchase" in main.relays[0].events
    assert "loyal" in main.relays[0].segments


def test_a_merchant_is_named_by_its_file(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, "vienna.yml", yaml.safe_dump(GOOD))
    merchant = load_merchants(settings)["vienna"]
    assert (merchant.merchant, merchant.ineligible_emails, merchant.relays) == ("vienna", (), ())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"zone": "Vienna"}, ["zone", "America/New_York"]),
        ({"zone": "Europe"}, ["zone", "America/New_York"]),
        ({"zone": "../../secret"}, ["zone", "America/New_York"]),
        ({"zone": None}, ["zone"]),
        ({"currency": "euro"}, ["currency", "three capital letters"]),
        ({"sender_email": "shop"}, ["sender_email", "shop@example.com"]),
        ({"sender_email": "the,shop@example.com"}, ["sender_email", "shop@example.com"]),
        ({"sender_email": "shop@example..com"}, ["sender_email", "shop@example.com"]),
        ({"reply_to": "<shop@example.com>"}, ["reply_to", "shop@example.com"]),
        ({"sms_sender": 12015550123}, ["sms_sender: write a text, in quotes"]),
        ({"dkim_selectors": "s1"}, ["dkim_selectors: write a list"]),
        ({"sending": {"sunset": 365}}, ["sending.sunset: write fields under it"]),
        ({"site_url": "example.com"}, ["site_url", "https://"]),
        ({"colour": "red"}, ["colour is not known", "zone, currency"]),
        ({"merchant": "other"}, ["write vienna or leave it out"]),
        ({"relays": [{"relay": "Outbox"}]}, ["relays.0.relay", "lower case"]),
        ({"relays": [{"relay": "outbox", "event": ["x"]}]}, ["relays.0.event", "relay, via, events, segments"]),
        ({"relays": [{"relay": "outbox"}, {"relay": "outbox"}]}, ["relays", "twice"]),
        ({"ineligible_emails": [" "]}, ["ineligible_emails", "blank"]),
        ({"postal_address": ""}, ["postal_address"]),
    ],
)
def test_a_fault_names_the_file_the_field_and_what_is_allowed(
    tmp_path: Path, change: dict[str, object], words: list[str]
) -> None:
    settings = settings_with(tmp_path, "vienna.yml", yaml.safe_dump(GOOD | change))
    with pytest.raises(MerchantError) as error:
        load_merchants(settings)
    for word in ["merchants/vienna.yml", *words]:
        assert word in str(error.value)


def test_a_missing_field_names_all_that_are_required(tmp_path: Path) -> None:
    values = {name: value for name, value in GOOD.items() if name != "currency"}
    settings = settings_with(tmp_path, "vienna.yml", yaml.safe_dump(values))
    with pytest.raises(MerchantError, match=r"currency is missing; required are zone, currency, sender_name"):
        load_merchants(settings)


def test_a_file_that_is_not_yaml_names_the_line(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, "vienna.yml", "zone: Europe/Vienna\ncurrency: [EUR\nsender_name: x: y\n")
    with pytest.raises(MerchantError, match=r"merchants/vienna.yml:3: is not valid YAML"):
        load_merchants(settings)


def test_no_merchant_at_all_says_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(MerchantError, match=r"write merchants/main\.yml"):
        load_merchants(Settings(home=tmp_path, checkout=tmp_path))


def test_the_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    secret = contact_secret(settings)
    assert contact_secret(settings) == secret
    assert len(secret) == 64
    assert stat.S_IMODE(os.stat(settings.secret_file).st_mode) == 0o600
    assert [path.name for path in settings.home.iterdir()] == ["secret.key"]


def test_a_contact_key_hangs_on_secret_merchant_and_address(tmp_path: Path) -> None:
    first, second = (
        contact_secret(Settings(home=tmp_path / "a")),
        contact_secret(Settings(home=tmp_path / "b")),
    )
    key = contact_key(first, "main", "ann@example.com")
    assert len(key) == 32
    assert key == contact_key(first, "main", "ann@example.com")
    others = {
        contact_key(second, "main", "ann@example.com"),
        contact_key(first, "vienna", "ann@example.com"),
        contact_key(first, "main", "bob@example.com"),
    }
    assert len(others | {key}) == 4
    assert fingerprint(first) != fingerprint(second)
    assert fingerprint(first) not in first.decode()


def test_the_environments_secret_wins_over_the_file(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, secret="0123456789abcdef0123456789abcdef")
    assert contact_secret(settings) == b"0123456789abcdef0123456789abcdef"
    assert not settings.secret_file.exists()


def test_a_secret_that_is_too_short_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="PP_SECRET"):
        contact_secret(Settings(home=tmp_path, secret="short"))
    (tmp_path / "secret.key").write_text("\n")
    with pytest.raises(SecretError, match=r"secret\.key"):
        contact_secret(Settings(home=tmp_path))


def test_a_folder_beside_the_module_does_not_hide_it(tmp_path: Path) -> None:
    """`merchants.py` and the folder `merchants/` share a name; an `__init__.py` in the folder would win."""
    checkout = Settings(home=tmp_path).checkout
    assert not (checkout / "pp_pipeline" / "merchants" / "__init__.py").exists()
    shutil.copytree(checkout / "pp_pipeline" / "merchants", tmp_path / "pp_pipeline" / "merchants")
    assert load_merchants(Settings(home=tmp_path, checkout=tmp_path)).keys() == {"main"}
