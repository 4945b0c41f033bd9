"""Whom a command is about: an address and a merchant, as somebody wrote them."""

from collections.abc import Mapping

from pp_pipeline.landing.addresses import read_email, read_phone
from pp_pipeline.merchants import Merchant
from pp_pipeline.settings import SettingsError


def read_address(text: str, option: str = "") -> str:
    """An e-mail address in the form that contact keys are made of.

    Args:
        option: the option that it was given with, such as `--to`; '' for an argument.

    Raises:
        SettingsError: it is none; the text does not show it.
    """
    email, _ = read_email(text)
    if email is None:
        raise SettingsError(f"{option + ': ' if option else ''}that is not an e-mail address, such as ann@example.com")
    return email


def read_number(text: str, merchant: Merchant, option: str = "") -> str:
    """A phone number in E.164 form; without a country code it is one of the merchant's country.

    Args:
        option: as for `read_address`.

    Raises:
        SettingsError: it is none; the text does not show it.
    """
    phone, _ = read_phone(text, merchant.country)
    if phone is None:
        before = f"{option}: " if option else ""
        raise SettingsError(f"{before}that is not a phone number with its country code, such as +12125550100")
    return phone


def known_merchant(merchants: Mapping[str, Merchant], name: str) -> Merchant:
    """The merchant of that name.

    Raises:
        SettingsError: there is none; the text names those that there are.
    """
    if name not in merchants:
        raise SettingsError(f"there is no merchant {name}; there are {', '.join(merchants)}")
    return merchants[name]
